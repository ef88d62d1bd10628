"""Referral programs on the wire: the contract's members, and what it has no public way to say."""

from typing import Annotated, Literal

from pydantic import Field

from app.engine.money import Currency
from app.engine.referrals import Conversion, Count, Limits, RewardType
from app.kit.wire import WireIn, WireOut

MOST_REWARDS = 10
Span = Annotated[str, Field(max_length=64, description="ISO 8601.", examples=["P14D"])]
Reference = Annotated[str, Field(min_length=1, max_length=500)]
PositiveAmount = Annotated[
    int, Field(ge=1, le=2**63 - 1, description="Points, or minor units of money that are put onto the gift card.")
]


class ConversionEventIn(WireIn):
    """A custom event, by its name or the id of its schema."""

    id: Reference | None = None
    name: Annotated[str | None, Field(min_length=1, max_length=300)] = None


class RewardCampaignIn(WireIn):
    id: Annotated[Reference, Field(description="Id or name of the campaign.")]


class ReferralRewardIn(WireIn):
    """What somebody gets. Points and cash need an `amount`; all but cash need a campaign to come from."""

    type: Annotated[
        RewardType,
        Field(
            description="Points on a card of a loyalty program, a gift card, a coupon, or cash that you owe: see "
            "`/x/v1/referrals/payables`."
        ),
    ]
    related_object_parent: RewardCampaignIn | None = None
    amount: PositiveAmount | None = None
    currency: Annotated[Currency | None, Field(description="Of cash; the project's when left out.")] = None


class RefereeRewardIn(ReferralRewardIn):
    """The reward of a referee as the contract knows it."""

    type: Literal["LOYALTY_CARD", "GIFT_VOUCHER"]


class ReferralLevelIn(ReferralRewardIn):
    """A reward for referrers, given for each of their referees from one number to another, counted as rewarded."""

    from_referees: Count = 1
    to_referees: Count | None = None
    once: Annotated[bool, Field(description="Given for the referee number `from_referees` only.")] = False


class ReferralProgramIn(WireIn):
    """When a referee counts, who gets what, and within which limits. It is always sent as a whole."""

    conversion_event_type: Annotated[
        Literal["redemption", "custom_event"] | None,
        Field(description="`redemption` when neither this nor `conversion` is given."),
    ] = None
    custom_event: ConversionEventIn | None = None
    conversion: Annotated[
        Conversion | None, Field(description="Instead of `conversion_event_type`, with more to choose from.")
    ] = None
    referee_reward: RefereeRewardIn | None = None
    referee_rewards: Annotated[
        list[ReferralRewardIn] | None, Field(max_length=MOST_REWARDS, description="Instead of `referee_reward`.")
    ] = None
    referrer_rewards: Annotated[list[ReferralLevelIn], Field(max_length=MOST_REWARDS)] = Field(default_factory=list)
    limits: Annotated[Limits, Field(description="How many referees may count at most.")] = Limits()
    cooling_off: Annotated[
        Span | None,
        Field(description="Rewards wait so long, and are not given if the order is canceled or returned until then."),
    ] = None
    converts_within: Annotated[
        Span | None, Field(description="How long after using the code a referee can still convert.")
    ] = None


class ConversionEventRead(WireOut):
    id: str | None = None
    name: str


class RewardCampaignRead(WireOut):
    id: str
    name: str | None = None
    object: Literal["CAMPAIGN"] = "CAMPAIGN"


class ReferralRewardRead(WireOut):
    type: RewardType
    related_object_parent: RewardCampaignRead | None = None
    amount: int | None = None
    currency: str | None = None


class RefereeRewardRead(WireOut):
    """The reward of a referee as clients of the contract read it."""

    type: Literal["LOYALTY_CARD", "GIFT_VOUCHER"]
    related_object_parent: RewardCampaignRead
    amount: Annotated[
        str | None, Field(description="A number, written as text: the official clients insist on it.")
    ] = None


class ReferralLevelRead(ReferralRewardRead):
    from_referees: int
    to_referees: int | None = None
    once: bool


class ReferralProgramRead(WireOut):
    """The program as it was given: in the contract's members where they can say it."""

    conversion_event_type: Literal["redemption", "custom_event"] | None = None
    custom_event: ConversionEventRead | None = None
    conversion: Conversion | None = None
    referee_reward: RefereeRewardRead | None = None
    referee_rewards: list[ReferralRewardRead] | None = None
    referrer_rewards: list[ReferralLevelRead] | None = None
    limits: Limits | None = None
    cooling_off: str | None = None
    converts_within: str | None = None
