"""Referral codes at the checkout: they are for customers other than the referrer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.access.callers import ProjectView
from app.commerce.customers.identities import subjects_of
from app.engine.cart import Cart, Customer
from app.engine.redeemables import Redeemable, Referee, Unresolved
from app.incentives.configuration import CompiledCampaign
from app.kit.db import Connection

CONTACTS: Final = "SELECT id, email, phone FROM customers WHERE project_id = $1 AND id = ANY ($2)"


async def with_referrers(
    connection: Connection,
    project: ProjectView,
    cart: Cart,
    redeemables: list[Redeemable | Unresolved],
    vouchers: Sequence[Mapping[str, Any]],
    campaigns: Mapping[str, CompiledCampaign],
) -> list[Redeemable | Unresolved]:
    """The redeemables; of referral codes it is said whether the customer may be the referee.

    The referrer is known by the account, by the mail address, and by the phone where the project's identity scopes ask
    for it. Without referral codes nothing is read or made; with some it is one statement.
    """
    referrers = {
        voucher["id"]: voucher["holder_id"]
        for voucher in vouchers
        if voucher["campaign_id"] and campaigns[voucher["campaign_id"]].row.campaign_type == "REFERRAL_PROGRAM"
    }
    if not referrers:
        return redeemables
    customer = cart.customer
    same: set[str] = set()
    if customer is not None:
        rows = await connection.fetch(CONTACTS, project.id, sorted(filter(None, referrers.values())))
        subjects = {*subjects_of(project, customer), *(cart.identities.subjects if cart.identities else ())}
        contacts = {row["id"]: Customer(email=row["email"], phone=row["phone"]) for row in rows}
        same = {id_ for id_, contact in contacts.items() if not subjects.isdisjoint(subjects_of(project, contact))}
        same.add(customer.id or "")

    def referee(voucher_id: str) -> Referee:
        if customer is None:
            return "missing"
        return "referrer" if referrers[voucher_id] in same else "fit"

    return [
        replace(each, referee=referee(each.object_id))
        if isinstance(each, Redeemable) and each.object_id in referrers
        else each
        for each in redeemables
    ]
