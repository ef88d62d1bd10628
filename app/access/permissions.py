"""Which role may do what: one table."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["admin", "checkout", "support", "viewer", "client"]

RESOURCES = (
    "assets",
    "async_actions",
    "audit_log",
    "campaigns",
    "categories",
    "customers",
    "dead_letters",
    "events",
    "experiments",
    "exports",
    "insights",
    "invariants",
    "keys",
    "ledger",
    "locations",
    "loyalties",
    "metadata_schemas",
    "orders",
    "payouts",
    "product_collections",
    "products",
    "projects",
    "promotions",
    "publications",
    "qualifications",
    "redemptions",
    "referrals",
    "refunds",
    "rewards",
    "rollbacks",
    "segments",
    "simulations",
    "skus",
    "stacking_rules",
    "support_coupons",
    "templates",
    "trash_bin",
    "validation_rules",
    "validation_rules_assignments",
    "validations",
    "vouchers",
    "webhooks",
)
"""What permissions are about. Each has `<resource>:read` and `<resource>:write`; asking a question (`qualifications`,
`validations`) is a write, because its answer may be recorded and may hold something back for the asker."""

PERMISSIONS = frozenset(f"{resource}:{verb}" for resource in RESOURCES for verb in ("read", "write"))

_READ = frozenset(f"{resource}:read" for resource in RESOURCES)
_SECURITY = frozenset({"audit_log:read", "invariants:read", "keys:read", "webhooks:read"})
"""What only administrators may read. The invariants are among them because they read everything there is."""

ROLES: dict[Role, frozenset[str]] = {
    "admin": PERMISSIONS,
    "checkout": (_READ - _SECURITY - {"dead_letters:read", "experiments:read", "exports:read", "insights:read"})
    | {
        "customers:write",
        "events:write",
        "orders:write",
        "publications:write",
        "qualifications:write",
        "redemptions:write",
        "refunds:write",
        "rollbacks:write",
        "validations:write",
    },
    "support": (_READ - _SECURITY - {"exports:read"})
    | {
        "customers:write",
        "publications:write",
        "qualifications:write",
        "referrals:write",
        "refunds:write",
        "rollbacks:write",
        "support_coupons:write",
        "validations:write",
    },
    "viewer": _READ - _SECURITY,
    "client": frozenset(
        {
            "customers:write",
            "events:write",
            "promotions:read",
            "publications:write",
            "qualifications:write",
            "redemptions:write",
            "validations:write",
            "vouchers:read",
        }
    ),
}

CLIENT_SWITCHES = {
    "customers:write": "client_create_customer_enabled",
    "publications:write": "client_publish_enabled",
    "redemptions:write": "client_redeem_enabled",
    "vouchers:read": "client_list_vouchers_enabled",
}
"""What a client key may do only when the project's setting of that name says so."""

SCOPES: dict[str, frozenset[str]] = {
    "api": PERMISSIONS,
    "client_api": ROLES["client"],
    "client_consents": frozenset(),
    "client_customers": frozenset({"customers:write"}),
    "client_events": frozenset({"events:write"}),
    "client_promotions": frozenset({"promotions:read"}),
    "client_publish": frozenset({"publications:write"}),
    "client_qualifications": frozenset({"qualifications:write"}),
    "client_redeem": frozenset({"redemptions:write"}),
    "client_redemptions": frozenset({"redemptions:write"}),
    "client_validate": frozenset({"validations:write"}),
    "client_validations": frozenset({"validations:write"}),
    "client_vouchers": frozenset({"vouchers:read"}),
    "consents": frozenset(),
    "redemptions": frozenset(
        f"{resource}:{verb}" for resource in ("redemptions", "refunds", "rollbacks") for verb in ("read", "write")
    ),
    "task-results": frozenset({"async_actions:read"}),
    **{
        scope: frozenset({f"{scope.replace('-', '_')}:read", f"{scope.replace('-', '_')}:write"})
        for scope in (
            "assets",
            "async-actions",
            "campaigns",
            "categories",
            "customers",
            "events",
            "exports",
            "locations",
            "loyalties",
            "metadata-schemas",
            "orders",
            "product-collections",
            "products",
            "promotions",
            "publications",
            "qualifications",
            "referrals",
            "rewards",
            "segments",
            "skus",
            "templates",
            "trash-bin",
            "validation-rules",
            "validation-rules-assignments",
            "validations",
            "vouchers",
        )
    },
}
"""What an OAuth scope stands for. `client_*` counts on /client/v1 only, the others elsewhere only."""


def permissions_of(scopes: Iterable[str], *, on_client: bool) -> frozenset[str]:
    """Everything the scopes of a token allow on the client surface, or off it."""
    return frozenset().union(*(SCOPES[scope] for scope in scopes if scope.startswith("client_") == on_client))
