"""Campaigns and their codes for tests, as rows."""

from typing import Any

from app.incentives.codes.normal_form import normalise
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.models import Campaign, Redemption, Voucher
from tests.factories.access import ProjectKeys

TEN_PERCENT = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}


async def give_pool(
    db: Database, project: ProjectKeys, codes: int = 0, *, voucher: dict[str, Any] | None = None, **columns: Any
) -> Campaign:
    """A campaign with so many unpublished codes; `voucher` and the rest are columns that differ from the usual."""
    campaign = Campaign(
        **{
            "project_id": project.id,
            "id": new_id("camp"),
            "name": f"Autumn {new_id('n')}",
            "campaign_type": "DISCOUNT_COUPONS",
            "type": "STATIC",
            "active": True,
            "join_once": False,
            "discount": TEN_PERCENT,
            "validity": {},
            "code_config": {"length": 8, "charset": "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"},
            "vouchers_count": codes,
            "counted": {},
            "created_at": clock.now(),
            **columns,
        }
    )
    async with db.write() as session:
        session.add(campaign)
        session.add_all(_voucher(project, campaign_id=campaign.id, **(voucher or {})) for _ in range(codes))
    return campaign


async def give_voucher(db: Database, project: ProjectKeys, **columns: Any) -> Voucher:
    """A voucher with a discount, in no campaign unless `campaign_id` says so."""
    voucher = _voucher(project, **columns)
    async with db.write() as session:
        session.add(voucher)
    return voucher


def _voucher(project: ProjectKeys, **columns: Any) -> Voucher:
    code = columns.pop("code", None) or new_id("CODE").upper()
    return Voucher(
        **{
            "project_id": project.id,
            "id": new_id("v"),
            "code": code,
            "normal_code": normalise(code, project.view.case_sensitive_codes),
            "type": "DISCOUNT_VOUCHER",
            "discount": None if columns.get("campaign_id") else TEN_PERCENT,
            "active": True,
            "publish_count": 0,
            "created_at": clock.now(),
            **columns,
        }
    )


async def give_redemption(db: Database, project: ProjectKeys, voucher_id: str, campaign_id: str | None) -> None:
    """A redemption that succeeded, as the checkout records it."""
    redemption = Redemption(
        project_id=project.id,
        id=new_id("r"),
        object="redemption",
        result="SUCCESS",
        status="SUCCEEDED",
        related_object_type="voucher",
        related_object_id=voucher_id,
        campaign_id=campaign_id,
        channel_type="API",
        created_at=clock.now(),
    )
    async with db.write() as session:
        session.add(redemption)
