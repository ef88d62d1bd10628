"""Everything that may matter for a decision, read in one statement, and turned into what the engine looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.access.callers import Caller, ProjectView
from app.commerce.customers.identities import buyer_of
from app.commerce.customers.profiles import given as customer_columns
from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.errors import OrderInAnotherCurrency
from app.commerce.orders.resolution import (
    Catalogue,
    catalogue_names,
    order_amount,
    resolve_items,
    stored_items,
)
from app.commerce.orders.schemas import OrderIn
from app.decisions.automatic import AUTOMATIC, decided_with, email_to_match
from app.decisions.coins import with_coins
from app.decisions.currency_accounts import accounts_of_money
from app.decisions.errors import DuplicatedRedeemables, StackNotAlone, TooManyRedeemables
from app.decisions.formula_facts import with_formula_facts
from app.decisions.given_units import with_units
from app.decisions.holders import with_holders
from app.decisions.holds import with_holds
from app.decisions.memberships import with_memberships
from app.decisions.promotions import ALL_PERIODS, named_promotions, tier_redeemable, unopened_of
from app.decisions.referrers import with_referrers
from app.decisions.schemas import CheckoutIn, OptionsIn, RedeemableIn
from app.decisions.unit_counts import with_unit_counts
from app.engine.applicability import narrowed
from app.engine.best_deal import best_deal
from app.engine.cart import Address, Cart, Customer
from app.engine.concealment import concealing_decision, without_closed
from app.engine.decision import Decision
from app.engine.effects import Effect, GiftCredits, PayWithPoints
from app.engine.evaluate import evaluate
from app.engine.identities import ACCOUNT_SUBJECT, Identities
from app.engine.postings import AccountKey, period_name
from app.engine.redeemables import DEFAULT_HIERARCHY, Redeemable, Unresolved, first_duplicate
from app.engine.stacking import StackingRules
from app.engine.validity import Validity, parse_validity
from app.incentives.codes.normal_form import normalise
from app.incentives.configuration import (
    CompiledCampaign,
    CompiledRule,
    CompiledTier,
    ConfigurationCache,
    compile_effect,
    compile_validity,
    counts_of,
)
from app.incentives.promotions.schemas import MOST_TIERS
from app.kit.db import Connection, Database
from app.kit.errors import InvalidPayload, NotFound
from app.ledger.accounts import open_accounts
from app.ledger.errors import Outdated
from app.ledger.movements import Holdings, Opening
from app.models import Category

# One round trip. Every branch is a look-up by key, so the cost depends on the cart and not on how much is stored.
# Arrays rather than joins: a plan made while a table was small would join by reading all accounts of the project.
SNAPSHOT = f"""
WITH customer AS MATERIALIZED (
    SELECT known, id, normal_email FROM customers AS known WHERE project_id = $1 AND (id = $4 OR source_id = $5)
), voucher AS MATERIALIZED (
    SELECT known, id, campaign_id, type FROM vouchers AS known
    WHERE project_id = $1 AND (normal_code = ANY ($2) OR id = ANY ($3)) AND deleted_at IS NULL
    UNION ALL
    SELECT * FROM ({AUTOMATIC}) AS automatic
)
SELECT
    (SELECT configuration_version FROM projects WHERE id = $1) AS version,
    (SELECT version FROM catalogues WHERE project_id = $1) AS catalogue_version,
    ARRAY(SELECT known FROM voucher) AS vouchers,
    (SELECT known FROM customer) AS customer,
    (SELECT known FROM orders AS known WHERE project_id = $1 AND (id = $6 OR source_id = $7)) AS kept_order,
    ARRAY(SELECT known FROM validation_rule_assignments AS known
        WHERE project_id = $1 AND related_object_id = ANY (ARRAY(SELECT id FROM voucher))) AS assignments,
    ARRAY(SELECT known FROM accounts AS known
        WHERE project_id = $1
            AND owner_id = ANY (ARRAY(SELECT unnest(ARRAY[id, campaign_id]) FROM voucher) || $10)
            AND measure = ANY ('{{uses,ordered,discounted}}')
            AND subject = ANY ($8 || ARRAY['customer:' || (SELECT id FROM customer)])
            AND period = ANY ($9)) AS accounts,
    ARRAY(SELECT known FROM accounts AS known
        WHERE project_id = $1 AND owner_id = ANY (ARRAY(SELECT id FROM voucher WHERE type <> 'DISCOUNT_VOUCHER'))
            AND measure = ANY ('{{balance,points}}') AND subject = '' AND period = '') AS holdings
"""

# Counts of identities that the request does not say itself, because they are kept with the customer.
IDENTITY_ACCOUNTS = """
SELECT owner_id, measure, subject, period, balance, held FROM accounts
WHERE project_id = $1 AND owner_id = ANY ($2) AND measure = ANY ('{uses,ordered,discounted}') AND subject = ANY ($3)
    AND period = ANY ($4)
"""

Row = Mapping[str, Any]


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
    its customer uses without naming them.

    Raises what `load` raises.
    """
    async with db.connection() as connection:
        snapshot = await load(connection, cache, caller, request, now, with_automatic=with_automatic)
    if not snapshot.unopened:
        return snapshot
    async with db.write() as session:
        await open_accounts(session, caller.project_id, sorted(snapshot.unopened), caller.project.zone)
    async with db.connection() as connection:
        return await load(connection, cache, caller, request, now, with_automatic=with_automatic)


def require_something(request: CheckoutIn) -> None:
    """Without redeemables a request must say whose automatic codes it means. Raises InvalidPayload."""
    if not request.redeemables and request.customer is None:
        raise InvalidPayload(
            "redeemables", "Name at least one, or the customer who may have codes to be used by itself."
        )


def decision_on(snapshot: Snapshot, caller: Caller, options: OptionsIn, *, explain: bool) -> Decision:
    """What the engine says to the redeemables of the snapshot, all together; or to the best of them, if that is asked.

    A promotion stack counts as one redeemable, so that limits of how many do not cut it. The client-side API is told
    nothing of vouchers that do not apply (`engine.concealment`).

    Raises DuplicatedRedeemables, TooManyRedeemables.
    """
    if caller.kind != "client":
        return frank_decision(snapshot, caller, options, snapshot.redeemables, explain=explain)
    return concealing_decision(
        lambda redeemables: frank_decision(snapshot, caller, options, redeemables, explain=False),
        without_closed(snapshot.cart, snapshot.redeemables),
    )


def frank_decision(
    snapshot: Snapshot,
    caller: Caller,
    options: OptionsIn,
    redeemables: Sequence[Redeemable | Unresolved],
    *,
    explain: bool,
) -> Decision:
    """The same on these redeemables, with the reasons as they are.

    Raises DuplicatedRedeemables, TooManyRedeemables.
    """
    stacking, limit = snapshot.stacking, snapshot.stacking.redeemables_limit
    if snapshot.stack_id is not None:
        stacking = stacking.model_copy(update={"applicable_redeemables_limit": MOST_TIERS})
    elif len(redeemables) > limit:
        raise TooManyRedeemables(len(redeemables), limit)
    duplicate = first_duplicate(redeemables)
    if duplicate is not None:
        raise DuplicatedRedeemables(duplicate.id)
    choose = best_deal if options.best_deal else evaluate

    def decide(candidates: Sequence[Redeemable | Unresolved]) -> Decision:
        return choose(snapshot.cart, candidates, stacking, rounding=caller.project.settings.rounding, explain=explain)

    return decided_with(redeemables, snapshot.automatic, decide, may_displace=options.best_deal)


async def load(
    connection: Connection,
    cache: ConfigurationCache,
    caller: Caller,
    request: CheckoutIn,
    now: datetime,
    *,
    with_automatic: bool = False,
) -> Snapshot:
    """Read what `request` may depend on: one statement, and a second when this process lacks some of the configuration,
    a third when it lacks some of the catalogue;
    one more where limits per customer count what only the customer's row has, or for a customer who was merged into
    another; what rules ask of segments and collections takes up to three more (`memberships`), what discounts give one
    more (`given_units`), what sessions hold one more or two (`holds`), loyalty cards one or two (`coins`), promotions
    that this process lacks up to two (`named_promotions`), and an order in another currency than the project's one
    (`currency_accounts`).

    Raises StackNotAlone; OrderInAnotherCurrency; NotFound for a customer's or order's id that the project does not
    have, and Outdated when the configuration has changed since the caller's project was read.
    """
    project = caller.project
    stack_id = _stack_id(request)
    promotions = await named_promotions(connection, cache, project, request.redeemables)
    order, customer = request.order or OrderIn(), request.customer or CustomerIn()
    names = [redeemable.id for redeemable in request.redeemables if redeemable.object == "voucher"]
    subjects = ["", f"api_key:{caller.api_key_id}", f"user:{caller.user_login}", *_given_identities(project, request)]
    periods = [period_name(period, now, project.zone) for period in ALL_PERIODS]
    row = await connection.fetchrow(
        SNAPSHOT,
        project.id,
        [normalise(name, project.case_sensitive_codes) for name in names],
        [name for name in names if name.startswith("v_")],
        customer.id,
        None if customer.id else customer.source_id,
        order.id,
        None if order.id else order.source_id,
        subjects,
        periods,
        promotions.owner_ids,
        email_to_match(caller, request.customer) if with_automatic and stack_id is None else None,
    )
    if row["version"] != project.version:
        raise Outdated
    if customer.id and row["customer"] is None:
        raise NotFound("customer", customer.id)
    if order.id and row["kept_order"] is None:
        raise NotFound("order", order.id)
    if row["customer"] is not None and row["customer"]["merged_into"] is not None:
        request = _made_by(request, row["customer"]["merged_into"])
        return await load(connection, cache, caller, request, now, with_automatic=with_automatic)
    if caller.kind == "client" and not _may_go_on_with(order, row):
        raise NotFound("order", order.source_id or "")
    configuration = await cache.load(
        connection,
        project.id,
        project.version,
        {voucher["campaign_id"] for voucher in row["vouchers"] if voucher["campaign_id"]},
        {assignment["rule_id"] for assignment in row["assignments"]},
        {voucher["category_id"] for voucher in row["vouchers"] if voucher["category_id"]},
    )
    sold_as = () if row["kept_order"] is not None else catalogue_names(order.items or ())
    catalogue = await cache.catalogues.find(connection, project.id, row["catalogue_version"], sold_as)
    cart = _cart(caller, request, row, catalogue, now)
    counting = row["accounts"]
    unread = () if cart.identities is None else _unread(cart.identities, subjects, row["customer"])
    if cart.foreign_currency is not None or unread:
        owner_ids = {owner for each in row["vouchers"] for owner in (each["id"], each["campaign_id"]) if owner}
        owner_ids |= set(promotions.owner_ids)
        if cart.foreign_currency is not None:
            counting = [*counting, *await accounts_of_money(connection, project.id, owner_ids, cart.foreign_currency)]
        if unread:
            counting = [
                *counting,
                *await connection.fetch(IDENTITY_ACCOUNTS, project.id, sorted(owner_ids), unread, periods),
            ]
    counts = {
        AccountKey(account["owner_id"], account["measure"], account["subject"], account["period"]): -account["balance"]
        for account in counting
    }
    holdings = {account["owner_id"]: Holdings(account["balance"], account["totals"]) for account in row["holdings"]}
    found = _by_name(row["vouchers"])
    redeemables: list[Redeemable | Unresolved] = []
    unopened: set[AccountKey] = set()
    unnamed = _unnamed(request, row["vouchers"], found, project.case_sensitive_codes)
    for asked in [*request.redeemables, *unnamed]:
        if asked.object != "voucher":
            for tier in promotions.meant_by(asked):
                if isinstance(tier, CompiledTier):
                    redeemables.append(tier_redeemable(tier, counts, in_stack=stack_id is not None))
                    unopened |= unopened_of(tier.history, tier.id, tier.campaign.row.id, cart, counts)
                else:
                    redeemables.append(tier)
            continue
        voucher = _find(found, asked, project.case_sensitive_codes)
        if voucher is None:
            redeemables.append(Unresolved(asked.object, asked.id))
            continue
        campaign = configuration.campaigns.get(voucher["campaign_id"])
        own_rules = [
            configuration.rules[assignment["rule_id"]]
            for assignment in row["assignments"]
            if assignment["related_object_id"] == voucher["id"]
        ]
        category = _category_of(voucher, campaign, configuration.categories)
        redeemables.append(
            redeemable_of(asked, voucher, campaign, category, own_rules, counts, holdings.get(voucher["id"]))
        )
        unopened |= _unopened(voucher, campaign, cart, counts)
    redeemables, coins = await with_coins(connection, cache, project, redeemables, now, request.session_key)
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
        stack_id=stack_id,
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


def _given_identities(project: ProjectView, request: CheckoutIn) -> Sequence[str]:
    """The subjects of identities that the request names by itself, without what is kept with the customer."""
    given = request.customer
    customer = None if given is None else Customer(email=given.email, phone=given.phone)
    named = buyer_of(project, request.identity, customer)
    return () if named is None else named.subjects


def _made_by(request: CheckoutIn, customer_id: str) -> CheckoutIn:
    """The request, in the name of the customer into whom the one it names was merged."""
    customer = request.customer or CustomerIn()
    return request.model_copy(update={"customer": customer.model_copy(update={"id": customer_id, "source_id": None})})


def _unread(identities: Identities, read: Sequence[str], customer: Row | None) -> Sequence[str]:
    """The subjects whose counts were not read: those that the request does not give and the customer's row has."""
    account = None if customer is None else f"{ACCOUNT_SUBJECT}:{customer['id']}"
    return [subject for subject in identities.subjects if subject != account and subject not in read]


def redeemable_of(
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


def _category_of(
    voucher: Row, campaign: CompiledCampaign | None, categories: Mapping[str, Category | None]
) -> Category | None:
    """The voucher's own category while there is such a category, else its campaign's."""
    own = categories.get(voucher["category_id"] or "")
    return own if own is not None or campaign is None else categories.get(campaign.row.category_id or "")


def gift_definition(voucher: Row, campaign: CompiledCampaign | None) -> Mapping[str, Any]:
    """What a gift card was made with and what it pays: its own, else its campaign's."""
    definition: Mapping[str, Any] | None = voucher["gift"] or (campaign.row.gift if campaign else None)
    assert definition is not None  # every gift card that can be saved has one, or a campaign with one
    return definition


def opening_of(snapshot: Snapshot, voucher_id: str) -> Opening | None:
    """What a gift card that has no account yet was made with; None for one that has."""
    if voucher_id in snapshot.holdings:
        return None
    voucher = snapshot.vouchers[voucher_id]
    definition = gift_definition(voucher, snapshot.campaigns.get(voucher["campaign_id"] or ""))
    return Opening(definition["amount"], voucher["created_at"])


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


def _unopened(
    voucher: Row, campaign: CompiledCampaign | None, cart: Cart, counts: Mapping[AccountKey, int]
) -> set[AccountKey]:
    """Accounts without a row whose count began when there was a history."""
    _, history = counts_of(voucher["counted"])
    if campaign is not None:
        history |= campaign.history
    return unopened_of(history, voucher["id"], voucher["campaign_id"], cart, counts)


def _stack_id(request: CheckoutIn) -> str | None:
    """The promotion stack that is asked for. Raises StackNotAlone."""
    for asked in request.redeemables:
        if asked.object == "promotion_stack":
            if len(request.redeemables) > 1:
                raise StackNotAlone(asked.id)
            return asked.id
    return None


def _unnamed(
    request: CheckoutIn, vouchers: Sequence[Row], found: Mapping[str, Row], case_sensitive: bool
) -> list[RedeemableIn]:
    """The automatic codes that were read although the request does not name them."""
    automatic = [voucher for voucher in vouchers if voucher["auto_apply"]]
    if not automatic:
        return []
    named = [_find(found, asked, case_sensitive) for asked in request.redeemables if asked.object == "voucher"]
    named_ids = {voucher["id"] for voucher in named if voucher is not None}
    return [RedeemableIn(id=voucher["code"]) for voucher in automatic if voucher["id"] not in named_ids]


def _by_name(vouchers: Sequence[Row]) -> dict[str, Row]:
    """Vouchers by id and by normal code; a code that looks like another voucher's id wins."""
    by_id = {voucher["id"]: voucher for voucher in vouchers}
    return by_id | {voucher["normal_code"]: voucher for voucher in vouchers}


def _find(found: Mapping[str, Row], asked: RedeemableIn, case_sensitive: bool) -> Row | None:
    return found.get(normalise(asked.id, case_sensitive)) or found.get(asked.id)


def _may_go_on_with(order: OrderIn, row: Row) -> bool:
    """Whether a page may see and redeem on the kept order. It cannot guess our id of an order, but it can guess the
    shop's: that one only leads to orders of the customer whom the page names."""
    kept, customer = row["kept_order"], row["customer"]
    if kept is None or order.id:
        return True
    return customer is not None and kept["customer_id"] == customer["id"]


def _cart(caller: Caller, request: CheckoutIn, row: Row, catalogue: Catalogue, now: datetime) -> Cart:
    """The order to decide on: the kept one where the request names one, else what the request says."""
    given, kept = request.order or OrderIn(), row["kept_order"]
    currency = _currency(caller, given, kept)
    if kept is not None:
        items = stored_items(kept["items"])
        amount, initial_amount, discount_amount = kept["amount"], kept["initial_amount"], kept["discount_amount"]
        metadata = {**kept["metadata"], **(given.metadata or {})}
    else:
        priced = catalogue.for_orders_in(currency, caller.project.currency)
        items = resolve_items(given.items or (), priced, path="order.items")
        amount, initial_amount, discount_amount = order_amount(given.amount, items), given.initial_amount, 0
        metadata = given.metadata or {}
    customer = _customer(request.customer, row["customer"])
    return Cart(
        now=now,
        zone=caller.project.zone,
        items=items,
        amount=amount,
        initial_amount=initial_amount,
        discount_amount=discount_amount,
        metadata=metadata,
        customer=customer,
        redemption_metadata=request.metadata or {},
        api_key_id=caller.api_key_id,
        user_login=caller.user_login,
        currency=currency,
        home_currency=caller.project.currency,
        identities=buyer_of(caller.project, request.identity, customer),
    )


def _currency(caller: Caller, given: OrderIn, kept: Row | None) -> str | None:
    """What the amounts of the order are in. A kept order stays in its currency. Raises OrderInAnotherCurrency."""
    home_currency = caller.project.currency
    if kept is None:
        return given.currency or home_currency
    kept_in: str | None = kept["currency"] or home_currency
    if given.currency is not None and home_currency is not None and kept_in is not None and given.currency != kept_in:
        raise OrderInAnotherCurrency(kept["id"], kept_in, given.currency)
    return kept_in


def _customer(given: CustomerIn | None, known: Row | None) -> Customer | None:
    """The customer as they will be once the request is kept: what is known, overlaid with what is given."""
    if given is None:
        return None
    values = customer_columns(given)
    metadata = {**(known["metadata"] if known else {}), **(given.metadata or {})}

    def value(name: str) -> Any:
        return values.values[name] if name in values.values else known[name] if known else None

    address = value("address")
    return Customer(
        id=known["id"] if known else None,
        source_id=known["source_id"] if known else given.source_id,
        name=value("name"),
        description=value("description"),
        email=value("email"),
        phone=value("phone"),
        birthdate=value("birthdate"),
        address=Address(**address) if address else None,
        metadata=metadata,
        created_at=known["created_at"] if known else None,
    )


def customer_differs(given: CustomerIn, known: Row | None) -> bool:
    """Whether keeping what the request says about the customer would change anything."""
    if known is None:
        return True
    columns = customer_columns(given)
    for name, value in columns.values.items():
        if value != known["metadata" if name == "customer_metadata" else name]:
            return True
    return any(known["metadata"].get(name) != value for name, value in (columns.metadata or {}).items())
