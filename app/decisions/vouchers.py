"""Vouchers as the engine sees them, made from their rows and their campaigns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.decisions.promotions import unopened_of
from app.decisions.reading import Row
from app.decisions.schemas import CheckoutIn, RedeemableIn
from app.engine.applicability import narrowed
from app.engine.cart import Cart
from app.engine.effects import Effect, GiftCredits, PayWithPoints
from app.engine.postings import AccountKey
from app.engine.redeemables import DEFAULT_HIERARCHY, Redeemable, Unresolved
from app.engine.validity import Validity, parse_validity
from app.incentives.codes.normal_form import normalise
from app.incentives.configuration import (
    CompiledCampaign,
    CompiledRule,
    Configuration,
    compile_effect,
    compile_validity,
    counts_of,
)
from app.ledger.movements import Holdings
from app.models import Category


@dataclass(slots=True)
class Vouchers:
    """The vouchers that were read for a request, with the rules assigned to them, what was counted, and what the
    cards among them hold."""

    rows: Sequence[Row]
    assignments: Sequence[Row]
    configuration: Configuration
    counts: Mapping[AccountKey, int]
    holdings: Mapping[str, Holdings]
    case_sensitive: bool
    _found: dict[str, Row] = field(init=False)

    def __post_init__(self) -> None:
        # A code that looks like another voucher's id wins.
        self._found = {row["id"]: row for row in self.rows} | {row["normal_code"]: row for row in self.rows}

    def redeemable(self, asked: RedeemableIn) -> Redeemable | Unresolved:
        """The voucher that is asked for, by code or id."""
        voucher = self._find(asked)
        if voucher is None:
            return Unresolved(asked.object, asked.id)
        campaign = self._campaign(voucher)
        own_rules = [
            self.configuration.rules[assignment["rule_id"]]
            for assignment in self.assignments
            if assignment["related_object_id"] == voucher["id"]
        ]
        category = _category_of(voucher, campaign, self.configuration.categories)
        holdings = self.holdings.get(voucher["id"])
        return _redeemable(asked, voucher, campaign, category, own_rules, self.counts, holdings)

    def unnamed(self, request: CheckoutIn) -> list[RedeemableIn]:
        """The automatic codes that were read although the request does not name them."""
        automatic = [row for row in self.rows if row["auto_apply"]]
        if not automatic:
            return []
        named = [self._find(asked) for asked in request.redeemables if asked.object == "voucher"]
        named_ids = {row["id"] for row in named if row is not None}
        return [RedeemableIn(id=row["code"]) for row in automatic if row["id"] not in named_ids]

    def unopened(self, asked: RedeemableIn, cart: Cart) -> set[AccountKey]:
        """Accounts of the voucher without a row whose count began when there was a history."""
        voucher = self._find(asked)
        if voucher is None:
            return set()
        campaign = self._campaign(voucher)
        _, history = counts_of(voucher["counted"])
        if campaign is not None:
            history |= campaign.history
        return unopened_of(history, voucher["id"], voucher["campaign_id"], cart, self.counts)

    def _find(self, asked: RedeemableIn) -> Row | None:
        return self._found.get(normalise(asked.id, self.case_sensitive)) or self._found.get(asked.id)

    def _campaign(self, voucher: Row) -> CompiledCampaign | None:
        return self.configuration.campaigns.get(voucher["campaign_id"])


def gift_definition(voucher: Row, campaign: CompiledCampaign | None) -> Mapping[str, Any]:
    """What a gift card was made with and what it pays: its own, else its campaign's."""
    definition: Mapping[str, Any] | None = voucher["gift"] or (campaign.row.gift if campaign else None)
    assert definition is not None  # every gift card that can be saved has one, or a campaign with one
    return definition


def _redeemable(
    asked: RedeemableIn,
    voucher: Row,
    campaign: CompiledCampaign | None,
    category: Category | None,
    own_rules: Sequence[CompiledRule],
    counts: Mapping[AccountKey, int],
    holdings: Holdings | None,
) -> Redeemable:
    """A voucher as the engine sees it: what it lacks it has from its campaign, and the rules of both must hold."""
    rules = (*campaign.rules, *own_rules) if campaign else tuple(own_rules)
    counted, _ = counts_of(voucher["counted"])
    return Redeemable(
        kind="voucher",
        id=asked.id,
        object_id=voucher["id"],
        effect=_effect(asked, voucher, campaign, holdings),
        campaign_id=voucher["campaign_id"],
        campaign_name=campaign.row.name if campaign else None,
        applicability=narrowed(rule.applicability for rule in rules),
        is_active=voucher["active"],
        campaign_is_active=campaign.is_active if campaign else True,
        validities=(_validity(voucher, campaign),),
        rules=tuple((rule.id, rule.rule_set) for rule in rules),
        uses_limit=voucher["redemption_quantity"],
        counts=counts,
        counted=counted | campaign.counted if campaign else counted,
        holder_id=voucher["holder_id"],
        metadata=voucher["metadata"] or {},
        category_id=category.id if category else None,
        hierarchy=category.hierarchy if category else DEFAULT_HIERARCHY,
        is_tender=voucher["type"] != "DISCOUNT_VOUCHER",
        bundles=tuple((rule.id, rule.bundle) for rule in rules if rule.bundle is not None),
    )


def _validity(voucher: Row, campaign: CompiledCampaign | None) -> Validity:
    """The voucher's own dates and hours where it has them, its campaign's elsewhere."""
    start_date, expiration_date, validity = voucher["start_date"], voucher["expiration_date"], voucher["validity"]
    if campaign is None:
        return compile_validity(voucher)
    if start_date is None and expiration_date is None and validity is None:
        return campaign.validity
    start_date = start_date or campaign.validity.start_date
    own = parse_validity({"start_date": start_date, **validity}) if validity else campaign.validity
    return replace(own, start_date=start_date, expiration_date=expiration_date or campaign.validity.expiration_date)


def _category_of(
    voucher: Row, campaign: CompiledCampaign | None, categories: Mapping[str, Category | None]
) -> Category | None:
    """The voucher's own category while there is such a category, else its campaign's."""
    own = categories.get(voucher["category_id"] or "")
    return own if own is not None or campaign is None else categories.get(campaign.row.category_id or "")


def _effect(asked: RedeemableIn, voucher: Row, campaign: CompiledCampaign | None, holdings: Holdings | None) -> Effect:
    """The voucher's own discount, else its campaign's; or what a card holds and how much of it is asked for."""
    if voucher["type"] == "GIFT_VOUCHER":
        definition = gift_definition(voucher, campaign)
        return GiftCredits(
            effect=definition["effect"],
            balance=definition["amount"] if holdings is None else holdings.balance,
            credits=asked.gift.credits if asked.gift else None,
            currency=definition.get("currency"),
        )
    if voucher["type"] == "LOYALTY_CARD":
        return PayWithPoints(
            balance=0 if holdings is None else holdings.balance,
            points=asked.reward.points if asked.reward else None,
            reward_id=asked.reward.id if asked.reward else None,
            holder_id=voucher["holder_id"],
        )
    effect = compile_effect(voucher["discount"]) or (campaign.effect if campaign else None)
    assert effect is not None  # every voucher that can be saved has a discount or a campaign with one
    return effect
