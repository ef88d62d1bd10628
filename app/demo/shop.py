"""What the demo loads. Amounts are in cents."""

from typing import Any

Body = dict[str, Any]

PRODUCTS: tuple[Body, ...] = tuple(
    {
        "source_id": f"demo-{name}",
        "name": name.replace("-", " ").capitalize(),
        "price": price,
        "metadata": {"kind": kind},
    }
    for name, price, kind in (
        ("linen-shirt", 4990, "clothing"),
        ("wool-socks", 1290, "clothing"),
        ("rain-jacket", 11900, "clothing"),
        ("enamel-mug", 1490, "kitchen"),
        ("tea-tin", 890, "kitchen"),
        ("bread-knife", 3450, "kitchen"),
    )
)

CUSTOMERS: tuple[Body, ...] = tuple(
    {
        "source_id": f"demo-{name.lower()}",
        "name": name,
        "email": f"{name.lower()}@example.com",
        "address": {"city": city, "country": country},
        "metadata": {"demo": True},
    }
    for name, city, country in (("Ada", "London", "GB"), ("Grace", "New York", "US"), ("Emmy", "Erlangen", "DE"))
)

WELCOME_CODES = 1_000
WELCOME: Body = {
    "name": "Demo welcome codes",
    "campaign_type": "DISCOUNT_COUPONS",
    "type": "AUTO_UPDATE",
    "vouchers_count": WELCOME_CODES,
    "voucher": {
        "type": "DISCOUNT_VOUCHER",
        "discount": {"type": "PERCENT", "percent_off": 20, "effect": "APPLY_TO_ORDER"},
        "redemption": {"quantity": 1},
        "code_config": {"pattern": "HELLO-####-####", "charset": "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"},
    },
    "metadata": {"demo": True},
}

PUBLIC_CODE = "DEMO-SUMMER"
FROM_100: Body = {
    "name": "Demo: orders from 100",
    "rules": {
        "1": {"name": "order.amount", "conditions": {"$more_than_or_equal": [10_000]}, "rules": {}},
        "logic": "1",
    },
    "error": {"message": "This code is for orders from 100.00."},
}
SUMMER: Body = {
    "name": "Demo summer sale",
    "campaign_type": "DISCOUNT_COUPONS",
    "type": "STANDALONE",
    "voucher": {
        "type": "DISCOUNT_VOUCHER",
        "code": PUBLIC_CODE,
        "discount": {"type": "AMOUNT", "amount_off": 1500, "effect": "APPLY_TO_ORDER"},
    },
    "metadata": {"demo": True},
}

CUSTOMER: Body = {"source_id": "demo-ada"}
ORDER: Body = {
    "items": [
        {"source_id": "demo-linen-shirt", "related_object": "product", "quantity": 1},
        {"source_id": "demo-enamel-mug", "related_object": "product", "quantity": 2},
    ]
}
"""79.70; prices come from the catalogue."""


def checkout(code: str) -> Body:
    """A request to validate or redeem `code` on the demo's order."""
    return {"redeemables": [{"object": "voucher", "id": code}], "customer": CUSTOMER, "order": ORDER}
