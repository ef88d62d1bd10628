"""From what support gives to an ordinary voucher and its text; pure."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.distribution.goodwill.schemas import GoodwillAmount, GoodwillCreate
from app.distribution.goodwill_settings.messages import AUTOMATIC_MESSAGE, DEFAULT_MESSAGE, fill
from app.engine.effects import AmountOff, PercentOff
from app.engine.validity import MONTHS

CODE_CONFIG = {"prefix": "SORRY-", "pattern": "####-####", "charset": "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"}
"""Nothing in it that is mistaken on the telephone, and a trillion possibilities."""

DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""ISO 4217 where the minor unit is not a hundredth."""


def columns_of(body: GoodwillCreate, valid_days: int, now: datetime) -> dict[str, Any]:
    """What the voucher is worth, how often it can be used and until when."""
    ends_at = body.expiration_date or now + timedelta(days=valid_days)
    common = {"expiration_date": ends_at, "holder_only": True, "publish_count": 1, "published_at": now}
    if body.gift is not None:
        effect = "APPLY_TO_ITEMS" if is_limited(body) else "APPLY_TO_ORDER"
        return {**common, "type": "GIFT_VOUCHER", "gift": {"amount": body.gift.amount, "effect": effect}}
    return {**common, "discount": _discount(body), "redemption_quantity": 1, "auto_apply": body.auto_apply}


def is_limited(body: GoodwillCreate) -> bool:
    """Whether it is for certain products only."""
    return bool(body.products or body.product_collections)


def targets_of(body: GoodwillCreate) -> dict[str, Any]:
    """The `applicable_to` of a validation rule for these products and collections."""
    included = [{"object": "product", "id": name} for name in dict.fromkeys(body.products)]
    included += [{"object": "products_collection", "id": name} for name in dict.fromkeys(body.product_collections)]
    return {"included": included}


def _discount(body: GoodwillCreate) -> dict[str, Any]:
    """The discount, which never takes off more than `body.amount`, however many lines it touches."""
    given = body.discount
    assert given is not None  # it is no gift card
    discount: AmountOff | PercentOff
    if isinstance(given, GoodwillAmount):
        effect = "APPLY_TO_ITEMS_PROPORTIONALLY" if is_limited(body) else "APPLY_TO_ORDER"
        discount = AmountOff.model_validate({"amount_off": given.amount_off, "effect": effect})
    else:
        effect, limit = (
            ("APPLY_TO_ITEMS", "aggregated_amount_limit") if is_limited(body) else ("APPLY_TO_ORDER", "amount_limit")
        )
        discount = PercentOff.model_validate(
            {"percent_off": given.percent_off, limit: given.amount_limit, "effect": effect}
        )
    columns: dict[str, Any] = discount.model_dump(mode="json", exclude_none=True)
    return columns


def text_for(
    body: GoodwillCreate,
    message: str | None,
    *,
    code: str,
    ends_at: datetime,
    customer_name: str | None,
    zone: ZoneInfo,
    currency: str | None,
) -> str:
    """The message of the reason, or the usual one, with everything filled in."""
    values = {
        "code": code,
        "worth": spoken_worth(body, currency),
        "expires_on": spoken_day(ends_at, zone),
        "agent": body.agent,
        "customer_name": customer_name or "",
    }
    return fill(message or (AUTOMATIC_MESSAGE if body.auto_apply else DEFAULT_MESSAGE), values)


def spoken_worth(body: GoodwillCreate, currency: str | None) -> str:
    """`5.00 EUR`, or `10 % (at most 20.00 EUR)`."""
    amount = spoken_amount(body.amount, currency)
    if body.discount is None or isinstance(body.discount, GoodwillAmount):
        return amount
    return f"{body.discount.percent_off.normalize():f} % (at most {amount})"


def spoken_amount(amount: int, currency: str | None) -> str:
    """Minor units as people write them: `5.00 EUR`, `500 JPY`; without a currency in hundredths."""
    decimals = DECIMALS.get(currency or "", 2)
    whole, part = divmod(amount, 10**decimals)
    number = f"{whole}.{part:0{decimals}d}" if decimals else str(whole)
    return f"{number} {currency}" if currency else number


def spoken_day(ends_at: datetime, zone: ZoneInfo) -> str:
    """The last day on which it can be used, `5 December 2026`: what ends at midnight ends the day before."""
    day = ends_at.astimezone(zone) - timedelta(microseconds=1)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
