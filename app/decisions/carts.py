"""The cart to decide on, made from the request and what is known of its order, customer and things."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.access.callers import Caller, ProjectView
from app.commerce.customers.identities import buyer_of
from app.commerce.customers.profiles import given as customer_columns
from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.errors import OrderInAnotherCurrency
from app.commerce.orders.resolution import Catalogue, order_amount, resolve_items, stored_items
from app.commerce.orders.schemas import OrderIn
from app.decisions.reading import Row
from app.decisions.schemas import CheckoutIn
from app.engine.cart import Address, Cart, Customer
from app.engine.identities import ACCOUNT_SUBJECT, Identities


def cart_of(caller: Caller, request: CheckoutIn, row: Row, catalogue: Catalogue, now: datetime) -> Cart:
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


def may_go_on_with(order: OrderIn, row: Row) -> bool:
    """Whether a page may see and redeem on the kept order. It cannot guess our id of an order, but it can guess the
    shop's: that one only leads to orders of the customer whom the page names."""
    kept, customer = row["kept_order"], row["customer"]
    if kept is None or order.id:
        return True
    return customer is not None and kept["customer_id"] == customer["id"]


def given_identities(project: ProjectView, request: CheckoutIn) -> Sequence[str]:
    """The subjects of identities that the request names by itself, without what is kept with the customer."""
    given = request.customer
    customer = None if given is None else Customer(email=given.email, phone=given.phone)
    named = buyer_of(project, request.identity, customer)
    return () if named is None else named.subjects


def unread_identities(identities: Identities, read: Sequence[str], customer: Row | None) -> Sequence[str]:
    """The subjects whose counts were not read: those that the request does not give and the customer's row has."""
    account = None if customer is None else f"{ACCOUNT_SUBJECT}:{customer['id']}"
    return [subject for subject in identities.subjects if subject != account and subject not in read]


def made_by(request: CheckoutIn, customer_id: str) -> CheckoutIn:
    """The request, in the name of the customer into whom the one it names was merged."""
    customer = request.customer or CustomerIn()
    return request.model_copy(update={"customer": customer.model_copy(update={"id": customer_id, "source_id": None})})
