"""Codes that nobody but their holder may use: whose are they?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.commerce.customers.email import normal_email
from app.engine.cart import Cart
from app.engine.redeemables import Redeemable, Unresolved
from app.kit.db import Connection

EMAILS: Final = "SELECT id, normal_email FROM customers WHERE project_id = $1 AND id = ANY ($2)"


async def with_holders(
    connection: Connection,
    project_id: int,
    cart: Cart,
    redeemables: Sequence[Redeemable | Unresolved],
    vouchers: Sequence[Mapping[str, Any]],
) -> list[Redeemable | Unresolved]:
    """The redeemables, those marked that are for another customer alone.

    A holder is known by id, or by the same mail address, so that who was given a code as a guest can use it with an
    account. Nothing is read unless such a code is named by somebody else than its holder; then it is one statement.
    """
    holders = {voucher["id"]: voucher["holder_id"] for voucher in vouchers if voucher["holder_only"]}
    customer = cart.customer
    if customer is not None and customer.id is not None:
        holders = {voucher_id: holder for voucher_id, holder in holders.items() if holder != customer.id}
    if not holders:
        return list(redeemables)
    email = normal_email(customer.email) if customer is not None and customer.email else None
    if email is not None:
        rows = await connection.fetch(EMAILS, project_id, sorted(filter(None, holders.values())))
        same = {row["id"] for row in rows if row["normal_email"] == email}
        holders = {voucher_id: holder for voucher_id, holder in holders.items() if holder not in same}
    return [
        replace(each, belongs_to_another=True) if isinstance(each, Redeemable) and each.object_id in holders else each
        for each in redeemables
    ]
