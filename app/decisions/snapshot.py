"""Everything that may matter for a decision, read in one statement, and turned into what the engine looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.access.callers import Caller
from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.resolution import catalogue_names
from app.commerce.orders.schemas import OrderIn
from app.decisions.automatic import email_to_match
from app.decisions.carts import cart_of, given_identities, made_by, may_go_on_with, unread_identities
from app.decisions.coins import with_coins
from app.decisions.currency_accounts import accounts_of_money
from app.decisions.errors import StackNotAlone
from app.decisions.formula_facts import with_formula_facts
from app.decisions.given_units import with_units
from app.decisions.holders import with_holders
from app.decisions.holds import with_holds
from app.decisions.memberships import with_memberships
from app.decisions.promotions import (
    ALL_PERIODS,
    NO_PROMOTIONS,
    Promotions,
    named_promotions,
    names_promotions,
    tier_redeemable,
    unopened_of,
)
from app.decisions.reading import Asked, Row, read_rows
from app.decisions.referrers import with_referrers
from app.decisions.schemas import CheckoutIn
from app.decisions.unit_counts import with_unit_counts
from app.decisions.vouchers import Vouchers, gift_definition
from app.engine.cart import Cart
from app.engine.postings import AccountKey, period_name
from app.engine.redeemables import Redeemable, Unresolved
from app.engine.stacking import StackingRules
from app.incentives.codes.normal_form import normalise
from app.incentives.configuration import CompiledCampaign, CompiledTier, ConfigurationCache
from app.kit.db import Connection, Database
from app.kit.errors import NotFound
from app.ledger.accounts import open_accounts
from app.ledger.errors import Outdated
from app.ledger.movements import Holdings, Opening
from app.models import Category

# Counts of identities that the request does not say itself, because they are kept with the customer.
IDENTITY_ACCOUNTS = """
SELECT owner_id, measure, subject, period, balance, held FROM accounts
WHERE project_id = $1 AND owner_id = ANY ($2) AND measure = ANY ('{uses,ordered,discounted}') AND subject = ANY ($3)
    AND period = ANY ($4)
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read at `version`, as rows for the answer and as values for the engine.

    `automatic` are codes that the customer uses without naming them. `tiers` are the promotion tiers by id; `stack_id`
    is the promotion stack that is asked for. `stacking` are the project's rules, `counts` what accounts have counted so
    far, in positive numbers. `holdings` are what gift and loyalty cards hold, by voucher; those without an account yet
    are not in it and hold what they were made with. `coins` are the rewards that loyalty cards are to pay with, by
    voucher, as `coins.COINS` reads them. `unopened` are accounts that began to count after there were redemptions and
    have no row yet: they must be opened (`ledger.accounts.open_accounts`) before anything is posted to them, and read
    again.
    """

    version: int
    cart: Cart
    redeemables: tuple[Redeemable | Unresolved, ...]
    automatic: tuple[Redeemable, ...]
    vouchers: Mapping[str, Row]
    campaigns: Mapping[str, CompiledCampaign]
    tiers: Mapping[str, CompiledTier]
    stack_id: str | None
    counts: Mapping[AccountKey, int]
    categories: Mapping[str, Category | None]
    stacking: StackingRules
    assignments: Sequence[Row]
    customer: Row | None
    kept_order: Row | None
    holdings: Mapping[str, Holdings]
    coins: Mapping[str, Row]
    unopened: frozenset[AccountKey]


async def read(
    db: Database,
    cache: ConfigurationCache,
    caller: Caller,
    request: CheckoutIn,
    now: datetime,
    *,
    with_automatic: bool = False,
) -> Snapshot:
    """The snapshot of `request`, with every account that it may post to opened; `with_automatic` with the codes that
    its customer uses without naming them. It is read together with those of other requests.

    Raises what `load` raises.
    """
    snapshot = await _read(db, cache, caller, request, now, with_automatic)
    if not snapshot.unopened:
        return snapshot
    async with db.write() as session:
        await open_accounts(session, caller.project_id, sorted(snapshot.unopened), caller.project.zone)
    return await _read(db, cache, caller, request, now, with_automatic)


async def load(
    connection: Connection, cache: ConfigurationCache, caller: Caller, request: CheckoutIn, now: datetime
) -> Snapshot:
    """Read what `request` may depend on, without automatic codes: one statement, and a second when this process lacks
    some of the configuration, a third when it lacks some of the catalogue; one more where limits per customer count
    what only the customer's row has, or for a customer who was merged into another; what rules ask of segments and
    collections takes up to three more (`memberships`), what discounts give one more (`given_units`), what sessions hold
    one more or two (`holds`), loyalty cards one or two (`coins`), promotions that this process lacks up to two
    (`named_promotions`), and an order in another currency than the project's one (`currency_accounts`).

    Raises StackNotAlone; OrderInAnotherCurrency; NotFound for a customer's or order's id that the project does not
    have, and Outdated when the configuration has changed since the caller's project was read.
    """
    promotions = await named_promotions(connection, cache, caller.project, request.redeemables)
    question = _Question(caller, request, now, promotions)
    return await _answered(connection, cache, question)


@dataclass(frozen=True, slots=True)
class _Question:
    """A request, and the promotions that it names."""

    caller: Caller
    request: CheckoutIn
    now: datetime
    promotions: Promotions
    with_automatic: bool = False

    @property
    def stack_id(self) -> str | None:
        """The promotion stack that is asked for. Raises StackNotAlone."""
        for asked in self.request.redeemables:
            if asked.object == "promotion_stack":
                if len(self.request.redeemables) > 1:
                    raise StackNotAlone(asked.id)
                return asked.id
        return None

    @property
    def subjects(self) -> list[str]:
        """For whom is counted, as far as the request says."""
        senders = (f"api_key:{self.caller.api_key_id}", f"user:{self.caller.user_login}")
        return ["", *senders, *given_identities(self.caller.project, self.request)]

    @property
    def periods(self) -> list[str]:
        return [period_name(period, self.now, self.caller.project.zone) for period in ALL_PERIODS]

    @property
    def asked(self) -> Asked:
        project, request = self.caller.project, self.request
        order, customer = request.order or OrderIn(), request.customer or CustomerIn()
        names = [redeemable.id for redeemable in request.redeemables if redeemable.object == "voucher"]
        finds_automatic = self.with_automatic and self.stack_id is None
        return {
            "codes": [normalise(name, project.case_sensitive_codes) for name in names],
            "voucher_ids": [name for name in names if name.startswith("v_")],
            "customer_id": customer.id,
            "customer_source_id": None if customer.id else customer.source_id,
            "order_id": order.id,
            "order_source_id": None if order.id else order.source_id,
            "subjects": self.subjects,
            "periods": self.periods,
            "owner_ids": self.promotions.owner_ids,
            "email": email_to_match(self.caller, request.customer) if finds_automatic else None,
        }


async def _read(
    db: Database,
    cache: ConfigurationCache,
    caller: Caller,
    request: CheckoutIn,
    now: datetime,
    with_automatic: bool,
) -> Snapshot:
    promotions = NO_PROMOTIONS
    if names_promotions(request.redeemables):
        async with db.connection() as connection:
            promotions = await named_promotions(connection, cache, caller.project, request.redeemables)
    question = _Question(caller, request, now, promotions, with_automatic)

    async def fetch(connection: Connection, asked: Sequence[Asked]) -> Sequence[Row]:
        return await read_rows(connection, caller.project_id, asked)

    row = await db.fetched_together(("snapshot", caller.project_id), question.asked, fetch)
    async with db.connection() as connection:
        return await _snapshot(connection, cache, question, row)


async def _answered(connection: Connection, cache: ConfigurationCache, question: _Question) -> Snapshot:
    (row,) = await read_rows(connection, question.caller.project_id, [question.asked])
    return await _snapshot(connection, cache, question, row)


async def _snapshot(connection: Connection, cache: ConfigurationCache, question: _Question, row: Row) -> Snapshot:
    """What `row` says to the question, with whatever else must be read for that."""
    caller, request, promotions = question.caller, question.request, question.promotions
    project = caller.project
    if row["version"] != project.version:
        raise Outdated
    _require_known(caller, request, row)
    if row["customer"] is not None and row["customer"]["merged_into"] is not None:
        request = made_by(request, row["customer"]["merged_into"])
        return await _answered(connection, cache, replace(question, request=request))
    configuration = await cache.load(
        connection,
        project.id,
        project.version,
        {voucher["campaign_id"] for voucher in row["vouchers"] if voucher["campaign_id"]},
        {assignment["rule_id"] for assignment in row["assignments"]},
        {voucher["category_id"] for voucher in row["vouchers"] if voucher["category_id"]},
    )
    cart = await _cart(connection, cache, question, row)
    counting = [*row["accounts"], *await _more_accounts(connection, question, row, cart)]
    counts = {
        AccountKey(account["owner_id"], account["measure"], account["subject"], account["period"]): -account["balance"]
        for account in counting
    }
    holdings = {account["owner_id"]: Holdings(account["balance"], account["totals"]) for account in row["holdings"]}
    vouchers = Vouchers(
        row["vouchers"], row["assignments"], configuration, counts, holdings, project.case_sensitive_codes
    )
    redeemables: list[Redeemable | Unresolved] = []
    unopened: set[AccountKey] = set()
    unnamed = vouchers.unnamed(request)
    for asked in [*request.redeemables, *unnamed]:
        if asked.object == "voucher":
            redeemables.append(vouchers.redeemable(asked))
            unopened |= vouchers.unopened(asked, cart)
            continue
        for tier in promotions.meant_by(asked):
            if isinstance(tier, CompiledTier):
                redeemables.append(tier_redeemable(tier, counts, in_stack=question.stack_id is not None))
                unopened |= unopened_of(tier.history, tier.id, tier.campaign.row.id, cart, counts)
            else:
                redeemables.append(tier)
    redeemables, coins = await with_coins(connection, cache, project, redeemables, question.now, request.session_key)
    redeemables = await with_holders(connection, project.id, cart, redeemables, row["vouchers"])
    redeemables = await with_referrers(connection, project, cart, redeemables, row["vouchers"], configuration.campaigns)
    accounts = [*counting, *row["holdings"]]
    redeemables = await with_holds(connection, project.id, redeemables, accounts, request.session_key)
    redeemables = await with_units(connection, project.id, cart, redeemables)
    redeemables = await with_formula_facts(connection, project.id, redeemables, row["vouchers"])
    cart = await with_memberships(connection, cache, project, cart, redeemables)
    redeemables = await with_unit_counts(connection, project.id, cart, redeemables, request.session_key)
    named_count = len(redeemables) - len(unnamed)
    return Snapshot(
        version=row["version"],
        cart=cart,
        redeemables=tuple(redeemables[:named_count]),
        automatic=tuple(each for each in redeemables[named_count:] if isinstance(each, Redeemable)),
        vouchers={voucher["id"]: voucher for voucher in row["vouchers"]},
        campaigns=configuration.campaigns,
        tiers=promotions.tiers,
        stack_id=question.stack_id,
        counts=counts,
        categories=configuration.categories,
        stacking=project.stacking,
        assignments=row["assignments"],
        customer=row["customer"],
        kept_order=row["kept_order"],
        holdings=holdings,
        coins=coins,
        unopened=frozenset(unopened),
    )


def _require_known(caller: Caller, request: CheckoutIn, row: Row) -> None:
    """Ids of ours must name something. Raises NotFound."""
    order, customer = request.order or OrderIn(), request.customer or CustomerIn()
    if customer.id and row["customer"] is None:
        raise NotFound("customer", customer.id)
    if order.id and row["kept_order"] is None:
        raise NotFound("order", order.id)
    if caller.kind == "client" and not may_go_on_with(order, row):
        raise NotFound("order", order.source_id or "")


async def _cart(connection: Connection, cache: ConfigurationCache, question: _Question, row: Row) -> Cart:
    order = question.request.order or OrderIn()
    names = () if row["kept_order"] is not None else catalogue_names(order.items or ())
    catalogue = await cache.catalogues.find(connection, question.caller.project_id, row["catalogue_version"], names)
    return cart_of(question.caller, question.request, row, catalogue, question.now)


async def _more_accounts(connection: Connection, question: _Question, row: Row, cart: Cart) -> list[Row]:
    """Accounts that only the cart shows to be needed: of money in another currency, and of identities that are not in
    the request but kept with its customer."""
    project_id, currency = question.caller.project_id, cart.foreign_currency
    unread = () if cart.identities is None else unread_identities(cart.identities, question.subjects, row["customer"])
    if currency is None and not unread:
        return []
    owner_ids = {owner for each in row["vouchers"] for owner in (each["id"], each["campaign_id"]) if owner}
    owner_ids |= set(question.promotions.owner_ids)
    accounts: list[Row] = []
    if currency is not None:
        accounts += await accounts_of_money(connection, project_id, owner_ids, currency)
    if unread:
        accounts += await connection.fetch(IDENTITY_ACCOUNTS, project_id, sorted(owner_ids), unread, question.periods)
    return accounts


def opening_of(snapshot: Snapshot, voucher_id: str) -> Opening | None:
    """What a gift card that has no account yet was made with; None for one that has."""
    if voucher_id in snapshot.holdings:
        return None
    voucher = snapshot.vouchers[voucher_id]
    definition = gift_definition(voucher, snapshot.campaigns.get(voucher["campaign_id"] or ""))
    return Opening(definition["amount"], voucher["created_at"])
