"""The earning rules that wait for something, with the validation rules that must hold."""

from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView
from app.engine.bundles import bundle_in
from app.engine.earning import Earning, Loyalty, Occasion, Trigger
from app.engine.points_expiration import PointsExpirationRules
from app.engine.rules import Named
from app.engine.rules.subject import RuleSubject
from app.incentives.configuration import CompiledRule, compile_rule, compile_validity
from app.incentives.earning_rules.repository import EarningRuleRepository
from app.incentives.loyalties.points import PROGRAM_RULES, Expiry
from app.incentives.validation_rules.repository import AssignmentRepository, ValidationRuleRepository
from app.models import Campaign, EarningRule

_loyalty: TypeAdapter[Earning] = TypeAdapter(Loyalty)
ANY_TARGET = "__ANY__"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A rule that may earn now, its program, and the validation rules that bind it."""

    rule: EarningRule
    campaign: Campaign
    loyalty: Earning
    must_hold: tuple[CompiledRule, ...]

    @property
    def named(self) -> Named:
        """The segments and collections that are asked about."""
        sets = [each.rule_set.named for each in self.must_hold]
        bundled = [each.bundle.collection_ids for each in self.must_hold if each.bundle is not None]
        return Named(
            frozenset().union(*(named.segment_ids for named in sets)),
            any(named.asks_all_segments for named in sets),
            self.loyalty.collection_ids.union(*(named.collection_ids for named in sets), *bundled),
        )

    @property
    def expiry(self) -> Expiry:
        """When what it earns expires: by rules of its own, else by those of the program."""
        own = self.rule.expiration_rules
        return PointsExpirationRules.model_validate(own) if own else PROGRAM_RULES

    def is_open(self, occasion: Occasion) -> bool:
        """Whether it was the time of the rule and of its program."""
        at, zone = occasion.cart.now, occasion.cart.zone
        limits = [
            compile_validity(
                {"start_date": each.start_date, "expiration_date": each.expiration_date, "validity": each.validity}
            )
            for each in (self.rule, self.campaign)
        ]
        return all(limit.closed_because(at, zone) is None for limit in limits)

    def holds(self, occasion: Occasion, project: ProjectView) -> bool:
        """Whether all that must hold did."""
        cart = occasion.cart
        subject = RuleSubject(
            cart,
            initial_amount=cart.initial_amount,
            total_amount_after=cart.total_amount if cart.amount is not None else None,
            object_id=self.rule.id,
            campaign_id=self.campaign.id,
            redeemable_metadata=self.rule.rule_metadata,
            event_metadata=occasion.event_metadata,
        )
        foreign = cart.foreign_currency
        for each in self.must_hold:
            rule_set = each.rule_set if foreign is None else each.rule_set.in_currency(foreign)
            if not rule_set.evaluate(subject).holds:
                return False
            if each.bundle is not None and not bundle_in(each.bundle, cart).quantity:
                return False
        return True


async def waiting_for(
    session: AsyncSession, project_id: int, trigger: Trigger, event: str, target_id: str | None = None
) -> list[Waiting]:
    """The rules that such an event may earn by, oldest first. `target_id` is the segment or tier that it is about."""
    found = [
        (rule, campaign)
        for rule, campaign in await EarningRuleRepository(session, project_id).waiting_for(trigger, event)
        if target_id is None or rule.target_id in (target_id, ANY_TARGET)
    ]
    if not found:
        return []
    assigned = await AssignmentRepository(session, project_id).to_objects([rule.id for rule, _ in found])
    rows = await ValidationRuleRepository(session, project_id).by_id({each.rule_id for each in assigned})
    compiled = {rule_id: compile_rule(vars(row)) for rule_id, row in rows.items()}
    return [
        Waiting(
            rule,
            campaign,
            _loyalty.validate_python(rule.loyalty),
            tuple(compiled[each.rule_id] for each in assigned if each.related_object_id == rule.id),
        )
        for rule, campaign in found
    ]


def all_named(waiting: list[Waiting]) -> Named:
    """The segments and collections that any of them asks about."""
    each = [one.named for one in waiting]
    return Named(
        frozenset().union(*(named.segment_ids for named in each)),
        any(named.asks_all_segments for named in each),
        frozenset().union(*(named.collection_ids for named in each)),
    )
