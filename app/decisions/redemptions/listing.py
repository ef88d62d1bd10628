"""What the list of redemptions can be asked."""

from typing import Any, ClassVar

from sqlalchemy import Select, or_, select

from app.commerce.customers.repository import OWN_ID
from app.kit.conditions import Filterable
from app.kit.filters import text
from app.kit.lists import Between, ListQuery, Values
from app.models import Campaign, Customer, Redemption

_campaign_name: Any = (
    select(Campaign.name)
    .where(Campaign.project_id == Redemption.project_id, Campaign.id == Redemption.campaign_id)
    .correlate(Redemption)
    .scalar_subquery()
)


class RedemptionQuery(ListQuery):
    """Redemptions and rollbacks together; `filters[object]` tells them apart."""

    max_page: ClassVar[int] = 99
    orders: ClassVar = {
        "created_at": Redemption.created_at,
        "id": Redemption.id,
        "voucher_code": Redemption.voucher_code,
        "tracking_id": Redemption.tracking_id,
        "customer_id": Redemption.customer_id,
    }
    filterable: ClassVar = Filterable(
        {
            "voucher_code": text(Redemption.voucher_code),
            "related_object_id": text(Redemption.related_object_id),
            "related_object_parent_id": text(Redemption.campaign_id),
            "parent_redemption_id": text(Redemption.parent_id),
            "failure_code": text(Redemption.failure_code),
            "result": text(Redemption.result, ("SUCCESS", "FAILURE")),
            "object": text(Redemption.object, ("redemption", "redemption_rollback")),
            "customer_id": text(Redemption.customer_id),
            "campaign_name": text(_campaign_name),
            "user_login": text(Redemption.user_login),
        }
    )

    result: Values | None = None
    campaign: str | None = None
    customer: str | None = None
    created_at: Between | None = None


def redemptions_of(project_id: int, query: RedemptionQuery) -> Select[Redemption]:
    """The rows that the plain parameters leave: results, a campaign by name or id, a customer by id or source id."""
    rows = select(Redemption).where(Redemption.project_id == project_id)
    if query.result is not None:
        rows = rows.where(Redemption.result.in_(query.result))
    if query.campaign is not None:
        named = select(Campaign.id).where(
            Campaign.project_id == project_id, or_(Campaign.id == query.campaign, Campaign.name == query.campaign)
        )
        rows = rows.where(Redemption.campaign_id.in_(named))
    if query.customer is not None:
        known = select(OWN_ID).where(
            Customer.project_id == project_id, or_(Customer.id == query.customer, Customer.source_id == query.customer)
        )
        rows = rows.where(or_(Redemption.customer_id == query.customer, Redemption.customer_id.in_(known)))
    return rows
