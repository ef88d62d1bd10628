"""Giving a code to a customer and taking it back: steps that run inside one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.commerce.customers import profiles
from app.commerce.customers.schemas import CustomerIn
from app.commerce.product_collections.repository import CollectionRepository
from app.commerce.products.repository import ProductRepository
from app.distribution.goodwill import events
from app.distribution.goodwill.errors import BudgetMissing, ReasonInactive
from app.distribution.goodwill.schemas import GoodwillCreate
from app.distribution.goodwill.worth import CODE_CONFIG, columns_of, is_limited, targets_of
from app.distribution.goodwill_settings.budgets import Budget, budget_of_key, budget_of_reason, postings_of
from app.distribution.goodwill_settings.errors import ReasonNotFound
from app.distribution.goodwill_settings.repository import BudgetRepository, ReasonRepository
from app.engine.postings import Posting, merged_postings, reversed_postings
from app.incentives.codes.shapes import shape_of
from app.incentives.publications import events as publication_events
from app.incentives.publications.publishing import publication_of
from app.incentives.publications.schemas import PublicationCreate
from app.incentives.validation_rules.assignments import bind_new
from app.incentives.vouchers.creation import draw_voucher
from app.kit.errors import InvalidPayload
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.models import Customer, Goodwill, ValidationRule, Voucher

CHANNEL = "support"


class Terms(NamedTuple):
    """Why something is given, and from which budgets. Neither changes until the transaction ends."""

    reason_id: str
    reason: str
    valid_days: int
    message: str | None
    reason_budget: Budget | None
    key_budget: Budget | None


class Given(NamedTuple):
    """What was given to whom."""

    goodwill: Goodwill
    voucher: Voucher
    customer: Customer


async def terms_of(session: AsyncSession, caller: Caller, reason_key: str) -> Terms:
    """Raises ReasonNotFound, ReasonInactive; BudgetMissing for a support key that was given none."""
    reason = await ReasonRepository(session, caller.project_id).find_by_key(reason_key, held=True)
    if reason is None:
        raise ReasonNotFound(reason_key)
    if not reason.active:
        raise ReasonInactive(reason_key)
    key_budget = budget_of_key(await BudgetRepository(session, caller.project_id).find_held(caller.api_key_id))
    if key_budget is None and caller.role == "support":
        raise BudgetMissing(caller.api_key_id)
    return Terms(reason.id, reason.key, reason.valid_days, reason.message, budget_of_reason(reason), key_budget)


async def give(session: AsyncSession, caller: Caller, body: GoodwillCreate, terms: Terms, now: datetime) -> Given:
    """Make the code, let nobody but the customer use it, and take its worth from the budgets.

    Locks the customer, if it changes, and last the accounts of reason and key, until the transaction ends.

    Raises NotFound (customer, product, collection), InvalidPayload, MetadataValidationFailed; RanOut when a budget has
    not so much left.
    """
    if body.expiration_date is not None and body.expiration_date <= now:
        raise InvalidPayload("expiration_date", "Must be in the future.")
    await _require_units(session, caller, body)
    customer = await profiles.find_or_make(session, caller, body.customer, now)
    shape = shape_of(CODE_CONFIG, caller.project.case_sensitive_codes)
    own = {**columns_of(body, terms.valid_days, now), "holder_id": customer.id}
    voucher = await draw_voucher(session, caller, None, shape, own)
    if is_limited(body):
        await bind_new(session, caller, _rule_for(caller, body, voucher, now), "voucher", voucher.id)
    _publish(session, caller, voucher, customer, terms.reason, now)
    goodwill = Goodwill(
        project_id=caller.project_id,
        id=new_id("gw"),
        voucher_id=voucher.id,
        code=voucher.code,
        customer_id=customer.id,
        reason_id=terms.reason_id,
        reason=terms.reason,
        agent=body.agent,
        amount=body.amount,
        api_key_id=caller.api_key_id,
        created_at=now,
        cancelled_at=None,
    )
    session.add(goodwill)
    events.changed(session, caller, "created", goodwill)
    await session.flush()
    postings = postings_for(caller, goodwill, terms.reason_budget, terms.key_budget)
    await apply(session, caller.project_id, postings)
    return Given(goodwill, voucher, customer)


async def take_back(session: AsyncSession, caller: Caller, goodwill: Goodwill, now: datetime) -> None:
    """Give the budgets back what was taken from them. Only for what is locked and was not cancelled yet."""
    goodwill.cancelled_at = now
    events.changed(session, caller, "cancelled", goodwill)
    await session.flush()
    await apply(session, caller.project_id, reversed_postings(postings_for(caller, goodwill, None, None)))


def postings_for(
    caller: Caller, goodwill: Goodwill, of_reason: Budget | None, of_key: Budget | None
) -> Sequence[Posting]:
    """What giving it takes from the accounts of its reason and of its key, within these budgets."""
    amount, given_at, zone = goodwill.amount, goodwill.created_at, caller.project.zone
    return merged_postings(
        [
            *postings_of(goodwill.reason_id, amount, of_reason, given_at, zone),
            *postings_of(goodwill.api_key_id, amount, of_key, given_at, zone),
        ]
    )


async def _require_units(session: AsyncSession, caller: Caller, body: GoodwillCreate) -> None:
    """A misspelled product would make a code that is good for nothing. Raises NotFound, InvalidPayload."""
    products = ProductRepository(session, caller.project_id)
    for index, name in enumerate(body.products):
        if await products.find_by_reference(name) is None:
            raise InvalidPayload(f"products[{index}]", f"There is no product {name} in this project.")
    collections = CollectionRepository(session, caller.project_id)
    for index, name in enumerate(body.product_collections):
        if await collections.find(name) is None:
            raise InvalidPayload(
                f"product_collections[{index}]", f"There is no product collection {name} in this project."
            )


def _rule_for(caller: Caller, body: GoodwillCreate, voucher: Voucher, now: datetime) -> ValidationRule:
    return ValidationRule(
        project_id=caller.project_id,
        id=new_id("val"),
        name=f"Goodwill {voucher.code}",
        rules={"logic": ""},
        bundle_rules=None,
        error=None,
        applicable_to=targets_of(body),
        type="expression",
        context_type="global",
        created_at=now,
        updated_at=None,
    )


def _publish(
    session: AsyncSession, caller: Caller, voucher: Voucher, customer: Customer, reason: str, now: datetime
) -> None:
    """The code is published like any other, so that lists, webhooks and wallets know it."""
    request = PublicationCreate(
        voucher=voucher.code, customer=CustomerIn(id=customer.id), channel=CHANNEL, metadata={"reason": reason}
    )
    publication = publication_of(caller, request, customer, None, [voucher], now)
    session.add(publication)
    publication_events.published(session, caller, publication, None, [voucher])
