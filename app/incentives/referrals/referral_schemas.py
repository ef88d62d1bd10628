"""Referrals on the wire; all of it ours."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.commerce.customers.schemas import CustomerIn
from app.engine.referrals import Status
from app.kit.wire import Instant, Metadata, WireIn, WireOut


class ClaimIn(WireIn):
    """A customer who came by a referral code."""

    code: Annotated[str, Field(min_length=1, max_length=500, description="The referral code, or its id.")]
    customer: CustomerIn


class ReferralRead(WireOut):
    """Who was referred by whom, and what came of it."""

    id: Annotated[str, Field(examples=["rf_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    campaign_id: str
    voucher_id: str
    referrer_id: str
    referee_id: str
    status: Status
    source: Annotated[
        Literal["holders", "redemption", "custom_event", "claim"],
        Field(description="How the referee came: named beforehand, or by a use of the code."),
    ]
    rejection: Annotated[str | None, Field(description="Why it was rejected.")] = None
    redemption_id: str | None = None
    order_id: Annotated[str | None, Field(description="The order that made the referee count.")] = None
    event_id: str | None = None
    attributed_at: Instant | None = None
    qualified_at: Instant | None = None
    due_at: Annotated[Instant | None, Field(description="When the rewards are given, or tried again.")] = None
    settled_at: Instant | None = None
    position: Annotated[int | None, Field(description="The how manieth rewarded referee of the referrer.")] = None
    rewards: Annotated[list[dict[str, Any]], Field(description="What was given, and to whom.")]
    problem: Annotated[str | None, Field(description="Why the rewards could not be given so far.")] = None
    metadata: Annotated[Metadata, Field(validation_alias="referral_metadata")]
    created_at: Instant
    object: Literal["referral"] = "referral"
