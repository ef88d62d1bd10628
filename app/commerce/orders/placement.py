"""The columns a request sets on an order. Pure: lines come resolved, the stored order comes as a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.commerce.orders.errors import OrderInAnotherCurrency
from app.commerce.orders.resolution import order_amount, stored_items
from app.commerce.orders.schemas import OrderCreate, OrderUpdate
from app.commerce.sourced import Given
from app.engine.cart import Item
from app.engine.order_calculation import order_items_calculated
from app.kit.errors import InvalidPayload
from app.kit.ids import new_id
from app.models import Order

_FIGURES = {"items", "amount", "initial_amount", "discount_amount"}


@dataclass(frozen=True, slots=True)
class Placement:
    """A request on an order, its lines resolved (None: left as they are), its customers known by id in `links`.

    `currency` is that of the amounts in the request, `home_currency` the project's, in which orders without one are.
    """

    body: OrderCreate | OrderUpdate
    items: tuple[Item, ...] | None
    links: Mapping[str, str | None] = field(default_factory=dict)
    currency: str | None = None
    home_currency: str | None = None

    def __call__(self, row: Order | None) -> Given:
        """What the request wants of the stored order, or of a new one.

        Raises InvalidPayload for a discount above what there is to pay, and OrderInAnotherCurrency.
        """
        body, sent = self.body, self.body.model_fields_set
        values: dict[str, Any] = dict(self.links)
        if self.currency is not None and (row is None or self._has_new_currency(row)):
            values["currency"] = self.currency
        if row is None or "status" in sent:
            values["status"] = body.status or "CREATED"
        if body.created_at is not None:
            values["created_at"] = body.created_at
        if isinstance(body, OrderUpdate):
            if "source_id" in sent:
                values["source_id"] = body.source_id
            if "metadata" in sent and body.metadata is None:
                values["order_metadata"] = {}
        if row is None or sent & _FIGURES:
            values |= self._figures(row)
        return Given(values, body.metadata)

    def _has_new_currency(self, row: Order) -> bool:
        """Whether the order changes its currency, which it only can together with its amounts and before anything was
        redeemed on it. Raises OrderInAnotherCurrency."""
        kept_in = row.currency or self.home_currency
        if self.currency is None or kept_in == self.currency:
            return False
        has_new_amounts = bool(self.body.model_fields_set & {"items", "amount"})
        if self.home_currency is not None and kept_in is not None and (row.redemptions or not has_new_amounts):
            raise OrderInAnotherCurrency(row.id, kept_in, self.currency)
        return True

    def _figures(self, row: Order | None) -> dict[str, Any]:
        body, sent = self.body, self.body.model_fields_set
        values: dict[str, Any] = {}
        items = self.items
        if items is None:
            items = stored_items(row.items) if row is not None else ()
        else:
            values["items"] = _numbered(items, row.items if row is not None else ())
        stored_amount = row.amount if row is not None else None
        amount = order_amount(body.amount if "amount" in sent else stored_amount, items)
        items_discount_amount = sum(item.discount_amount for item in items)
        values["amount"] = amount
        values["items_discount_amount"] = items_discount_amount
        if "initial_amount" in sent and body.initial_amount is not None:
            values["initial_amount"] = body.initial_amount
        elif row is None or sent & {"items", "amount", "initial_amount"}:
            values["initial_amount"] = amount
        if "discount_amount" in sent:
            values["discount_amount"] = body.discount_amount or 0
            if values["discount_amount"] > (amount or 0) - items_discount_amount:
                raise InvalidPayload("discount_amount", "An order cannot carry a discount above what there is to pay.")
        return values


def _numbered(items: tuple[Item, ...], stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The calculated lines; a line keeps the id of the stored line in its place."""
    ids = [line.get("id") for line in stored[: len(items)]]
    ids += [None] * (len(items) - len(ids))
    return [
        {"id": line_id or new_id("ordli"), **line}
        for line_id, line in zip(ids, order_items_calculated(items), strict=True)
    ]
