"""Referral programs between the wire and the column that keeps them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.commerce.custom_events.repository import EventSchemaRepository
from app.commerce.segments.repository import SegmentRepository
from app.engine.referrals import Conversion, Level, OnCustomEvent, OnRedemption, OnSegment, Program, Reward
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.referrals.program_schemas import ReferralLevelIn, ReferralProgramIn, ReferralRewardIn
from app.incentives.schedule import require_duration
from app.kit.errors import InvalidPayload
from app.models import Campaign

PATH = "referral_program"
CAMPAIGN_TYPES = {
    "LOYALTY_CARD": "LOYALTY_PROGRAM",
    "GIFT_VOUCHER": "GIFT_VOUCHERS",
    "DISCOUNT_VOUCHER": "DISCOUNT_COUPONS",
}
"""What kind of campaign each reward comes from; cash comes from none."""
CONTRACT_REWARDS = ("LOYALTY_CARD", "GIFT_VOUCHER")


def program_of(campaign: Campaign) -> Program:
    """The program of a campaign of the type REFERRAL_PROGRAM."""
    return Program.model_validate(campaign.referral_program or {})


async def program_column(session: AsyncSession, project_id: int, given: ReferralProgramIn | None) -> dict[str, Any]:
    """The program to keep, every campaign, event and segment in it known to the project.

    Raises InvalidPayload.
    """
    given = given or ReferralProgramIn()
    for name in ("cooling_off", "converts_within"):
        require_duration(f"{PATH}.{name}", getattr(given, name))
    if given.referee_reward is not None and given.referee_rewards is not None:
        raise InvalidPayload(f"{PATH}.referee_rewards", "Give either referee_reward or referee_rewards.")
    campaigns = _Campaigns(session, project_id)
    if given.referee_reward is not None:
        referee_rewards: Sequence[Reward] = [await campaigns.reward(given.referee_reward, f"{PATH}.referee_reward")]
    else:
        referee_rewards = [
            await campaigns.reward(reward, f"{PATH}.referee_rewards[{index}]")
            for index, reward in enumerate(given.referee_rewards or ())
        ]
    program = Program(
        conversion=await _conversion(session, project_id, given),
        referee_rewards=tuple(referee_rewards),
        referrer_levels=tuple(
            [
                await campaigns.level(level, f"{PATH}.referrer_rewards[{index}]")
                for index, level in enumerate(given.referrer_rewards)
            ]
        ),
        limits=given.limits,
        cooling_off=given.cooling_off,
        converts_within=given.converts_within,
    )
    return program.model_dump(mode="json", exclude_none=True)


async def _conversion(session: AsyncSession, project_id: int, given: ReferralProgramIn) -> Conversion:
    conversion = given.conversion
    if conversion is not None and given.conversion_event_type is not None:
        raise InvalidPayload(f"{PATH}.conversion", "Give either conversion_event_type or conversion.")
    if isinstance(conversion, OnSegment):
        segment = await SegmentRepository(session, project_id).find(conversion.segment_id)
        if segment is None or segment.type != "auto-update":
            raise InvalidPayload(
                f"{PATH}.conversion.segment_id", "There is no auto-update segment with this id; others are not entered."
            )
    if conversion is not None:
        return conversion
    if given.conversion_event_type != "custom_event":
        return OnRedemption()
    named = given.custom_event
    if named is None or (named.id is None and named.name is None):
        raise InvalidPayload(f"{PATH}.custom_event", "Needed for the conversion by custom_event.")
    if named.name is not None:
        return OnCustomEvent(event=named.name)
    schema = await EventSchemaRepository(session, project_id).find(named.id or "")
    if schema is None:
        raise InvalidPayload(f"{PATH}.custom_event.id", "There is no schema of a custom event with this id.")
    return OnCustomEvent(event=schema.name)


class _Campaigns:
    """Looks up the campaigns that rewards come from."""

    def __init__(self, session: AsyncSession, project_id: int) -> None:
        self._campaigns = CampaignRepository(session, project_id)

    async def reward(self, given: ReferralRewardIn, path: str) -> Reward:
        """Raises InvalidPayload."""
        if given.type in ("LOYALTY_CARD", "CASH") and given.amount is None:
            raise InvalidPayload(f"{path}.amount", f"A reward of the type {given.type} needs an amount.")
        if given.currency is not None and given.type != "CASH":
            raise InvalidPayload(f"{path}.currency", "Only cash has a currency of its own.")
        parent = given.related_object_parent
        if given.type == "CASH":
            if parent is not None:
                raise InvalidPayload(f"{path}.related_object_parent", "Cash does not come from a campaign.")
            return Reward(type="CASH", amount=given.amount, currency=given.currency)
        if given.type == "DISCOUNT_VOUCHER" and given.amount is not None:
            raise InvalidPayload(f"{path}.amount", "A coupon is worth what its campaign says.")
        campaign = await self._campaigns.find_by_name(parent.id) if parent is not None else None
        wanted = CAMPAIGN_TYPES[given.type]
        if campaign is None or campaign.campaign_type != wanted:
            raise InvalidPayload(
                f"{path}.related_object_parent.id", f"Name a campaign of the type {wanted}, by its id or name."
            )
        return Reward(type=given.type, campaign_id=campaign.id, campaign_name=campaign.name, amount=given.amount)

    async def level(self, given: ReferralLevelIn, path: str) -> Level:
        """Raises InvalidPayload."""
        if given.to_referees is not None and given.to_referees < given.from_referees:
            raise InvalidPayload(f"{path}.to_referees", "Must not be less than from_referees.")
        return Level(
            reward=await self.reward(given, path),
            from_referees=given.from_referees,
            to_referees=given.to_referees,
            once=given.once,
        )


def program_read(stored: dict[str, Any]) -> dict[str, Any]:
    """The kept program as JSON values of the wire."""
    program = Program.model_validate(stored)
    conversion = program.conversion
    members: dict[str, Any] = {}
    if isinstance(conversion, OnRedemption):
        members["conversion_event_type"] = "redemption"
    elif isinstance(conversion, OnCustomEvent):
        members |= {"conversion_event_type": "custom_event", "custom_event": {"name": conversion.event}}
    else:
        members["conversion"] = conversion.model_dump(mode="json", exclude_none=True)
    rewards = program.referee_rewards
    if len(rewards) == 1 and rewards[0].type in CONTRACT_REWARDS:
        shown = _reward_read(rewards[0])
        members["referee_reward"] = shown | ({"amount": str(shown["amount"])} if "amount" in shown else {})
    elif rewards:
        members["referee_rewards"] = [_reward_read(reward) for reward in rewards]
    if program.referrer_levels:
        members["referrer_rewards"] = [_level_read(level) for level in program.referrer_levels]
    limits = program.limits.model_dump(exclude_none=True)
    others = {"limits": limits or None, "cooling_off": program.cooling_off, "converts_within": program.converts_within}
    return members | {name: value for name, value in others.items() if value is not None}


def _reward_read(reward: Reward) -> dict[str, Any]:
    members = reward.model_dump(include={"type", "amount", "currency"}, exclude_none=True)
    if reward.campaign_id is not None:
        parent = {"id": reward.campaign_id, "name": reward.campaign_name, "object": "CAMPAIGN"}
        members["related_object_parent"] = {name: value for name, value in parent.items() if value is not None}
    return members


def _level_read(level: Level) -> dict[str, Any]:
    return {**_reward_read(level.reward), **level.model_dump(exclude={"reward"}, exclude_none=True)}
