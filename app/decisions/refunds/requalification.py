"""What kept units would have cost by themselves: the discounts of an order, evaluated again without what came back."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.schemas import OrderIn, OrderItemIn
from app.decisions.redemptions.repository import RedemptionRepository
from app.decisions.refunds.books import Books
from app.decisions.refunds.choice import Chosen
from app.decisions.refunds.errors import RefundPolicyUnavailable
from app.decisions.schemas import CheckoutIn, RedeemableIn, RewardIn
from app.decisions.snapshot import load
from app.engine.decision import Decision
from app.engine.effects import GiftCredits, PayWithPoints
from app.engine.evaluate import evaluate
from app.engine.redeemables import Redeemable
from app.engine.returns import Stretch, kept_of
from app.engine.stacking import StackingRules
from app.incentives.configuration import ConfigurationCache
from app.kit.db import JoinedDatabase
from app.models import Redemption

LINE_MEMBERS = ("sku_id", "product_id", "related_object", "source_id", "price", "product", "sku", "metadata")
COMBINED_ONCE: Mapping[str, Any] = {
    "redeemables_application_mode": "PARTIAL",
    "redeemables_sorting_rule": "REQUESTED_ORDER",
    "grouped_redeemables_sorting_rule": "REDEEMABLES_SORTING_RULE",
    "tenders_sorting_rule": "AS_REDEEMABLES",
    "applicable_redeemables_limit": 30,
    "applicable_redeemables_per_category_limit": 30,
    "applicable_redeemables_category_limits": {},
    "exclusive_categories": (),
    "joint_categories": (),
}
"""What was combined at the checkout may stay combined, in the order in which it was; what no longer applies is left
out."""


async def kept_value(
    session: AsyncSession, cache: ConfigurationCache, caller: Caller, books: Books, chosen: Chosen
) -> int:
    """What the units that are kept after this return cost, by all means of payment.

    Prices are those that were paid. What discounts gave in units is not bought: it costs its price where the discounts
    do not give it again. Discounts, targets and rules are those of today, dates and hours are asked about
    the moment of the redemption; limits, budgets and whether anything is active are not asked again.

    Raises RefundPolicyUnavailable; Outdated when the configuration has changed since the caller's project was read.
    """
    _refuse_unfit(books)
    head = books.heads[-1]
    customer = (await RedemptionRepository(session, caller.project_id).customers([head.customer_id or ""])).values()
    checkout = CheckoutIn(
        redeemables=[_asked(row) for row in books.redeemed],
        order=OrderIn(
            items=list(_kept_lines(books, chosen)),
            currency=books.bought.get("currency"),
            metadata=books.bought.get("metadata"),
        ),
        customer=next((CustomerIn(id=each.id) for each in customer), None),
        metadata=head.redemption_metadata,
    )
    async with JoinedDatabase(session).connection() as connection:
        snapshot = await load(connection, cache, caller, checkout, head.created_at)
    redeemables = [
        _as_redeemed(redeemable, row)
        for redeemable, row in zip(snapshot.redeemables, books.redeemed, strict=True)
        if isinstance(redeemable, Redeemable)
    ]
    if len(redeemables) < len(books.redeemed):
        raise RefundPolicyUnavailable(f"A redeemable of {books.head.id} is gone.", resource_id=books.head.id)
    stacking: StackingRules = snapshot.stacking.model_copy(update=dict(COMBINED_ONCE))
    decision = evaluate(snapshot.cart, redeemables, stacking, rounding=caller.project.settings.rounding)
    return decision.cart.total_amount + decision.application.credits + _not_given_again(books, chosen, decision)


def _refuse_unfit(books: Books) -> None:
    """Raises RefundPolicyUnavailable where discounts alone do not tell what the units cost."""
    purchase, lines = books.purchase, books.bought.get("items", [])
    prices = sum(stretch.units * purchase.price_of(stretch) for line in purchase.lines for stretch in line)
    if len(books.heads) > 1:
        problem = "was redeemed on more than once"
    elif any(line.get("applied_quantity", 0) < 0 for line in lines):
        problem = "had units replaced by a discount"
    elif prices != books.bought["amount"]:
        problem = "carried discounts from elsewhere, or an amount that is not that of its lines"
    else:
        return
    raise RefundPolicyUnavailable(f"The order of {books.head.id} {problem}.", resource_id=books.head.id)


def _asked(row: Redemption) -> RedeemableIn:
    object_type: Any = row.related_object_type
    reward = None if row.reward is None else RewardIn(id=row.reward["id"])
    return RedeemableIn(object=object_type, id=row.related_object_id, reward=reward)


def _kept_lines(books: Books, chosen: Chosen) -> Iterator[OrderItemIn]:
    """The lines as far as they were bought and are kept."""
    for line, kept, _ in _kept(books, chosen):
        if kept:
            yield OrderItemIn.model_validate(
                {
                    **{name: line[name] for name in LINE_MEMBERS if name in line},
                    "quantity": sum(stretch.units for stretch in kept),
                    "amount": sum(stretch.units * books.purchase.price_of(stretch) for stretch in kept),
                }
            )


def _not_given_again(books: Books, chosen: Chosen, decision: Decision) -> int:
    """What kept units cost that were given before, as far as the decision does not give as many of the same again."""
    again: Counter[str | None] = Counter()
    for item, units in zip(decision.cart.items, decision.application.item_quantities, strict=False):
        again[item.sku_id or item.product_id or item.source_id] += units
    amount = 0
    for line, _, given in _kept(books, chosen):
        name = line.get("sku_id") or line.get("product_id") or line.get("source_id")
        for stretch in given:
            covered = min(stretch.units, again[name])
            again[name] -= covered
            amount += (stretch.units - covered) * books.purchase.price_of(stretch)
    return amount


def _kept(books: Books, chosen: Chosen) -> Iterator[tuple[Mapping[str, Any], list[Stretch], list[Stretch]]]:
    """Each line with the units of it that were bought and those that were given, which are the last, as far as both are
    kept."""
    for index, (line, stretches) in enumerate(zip(books.bought.get("items", []), books.purchase.lines, strict=False)):
        gone = [*books.returned.spans.get(index, ()), *((each.first, each.last) for each in chosen.get(index, ()))]
        bought_units = line["quantity"] - line.get("applied_quantity", 0)
        kept = kept_of(stretches, gone)
        yield (
            line,
            kept_of(kept, [(bought_units + 1, line["quantity"])]) if bought_units < line["quantity"] else kept,
            kept_of(kept, [(1, bought_units)]) if bought_units else kept,
        )


def _as_redeemed(redeemable: Redeemable, row: Redemption) -> Redeemable:
    """The redeemable as it was when it was used: it had that use left, and the card what it paid."""
    effect = redeemable.effect
    if isinstance(effect, GiftCredits):
        effect = effect.model_copy(update={"balance": row.amount or 0, "locked_credits": 0, "credits": None})
    elif isinstance(effect, PayWithPoints):
        effect = effect.model_copy(update={"balance": row.amount or 0, "locked_points": 0, "points": None})
    return replace(
        redeemable,
        effect=effect,
        is_active=True,
        campaign_is_active=True,
        belongs_to_another=False,
        uses_limit=None,
        counts={},
    )
