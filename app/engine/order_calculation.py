"""The calculated order of the wire: an order with what was taken off it, and what is left to pay.

Contract: surface.md section 6. Cumulative fields hold everything the order carries, `applied_` fields what one
redeemable (or one request) took off. A field with nothing to report is left out; amounts are integers.
"""

from typing import Any

from app.engine.application import NOTHING, Application, Replacement
from app.engine.cart import Cart, Item, Product, Sku


def order_calculated(cart: Cart, application: Application = NOTHING, *, with_items: bool = True) -> dict[str, Any]:
    """The figures and lines of `cart`, of whose discounts `application` is the newest part."""
    order: dict[str, Any] = {"object": "order"}
    if cart.currency is not None:
        order["currency"] = cart.currency
    if cart.amount is not None:
        items_discount_amount = 0
        for item in cart.items:
            items_discount_amount += item.discount_amount
        total_discount_amount = cart.discount_amount + items_discount_amount
        order["amount"] = cart.amount
        order["initial_amount"] = cart.amount if cart.initial_amount is None else cart.initial_amount
        if cart.discount_amount:
            order["discount_amount"] = cart.discount_amount
        if items_discount_amount:
            order["items_discount_amount"] = items_discount_amount
        if total_discount_amount:
            order["total_discount_amount"] = total_discount_amount
        order["total_amount"] = max(0, cart.amount - total_discount_amount)
    order_applied, items_applied = application.order_discount_amount, application.items_discount_amount
    if order_applied:
        order["applied_discount_amount"] = order_applied
    if items_applied:
        order["items_applied_discount_amount"] = items_applied
    if order_applied or items_applied:
        order["total_applied_discount_amount"] = order_applied + items_applied
    if cart.items and with_items:
        order["items"] = order_items_calculated(cart.items, application)
    if cart.metadata:
        order["metadata"] = dict(cart.metadata)
    return order


def order_items_calculated(items: tuple[Item, ...], application: Application = NOTHING) -> list[dict[str, Any]]:
    """The lines, each with what it carries and what `application` added to that."""
    lines = [_line(item) for item in items]
    for line, amount in zip(lines, application.item_discount_amounts, strict=False):
        if amount:
            line["applied_discount_amount"] = amount
    for line, quantity in zip(lines, application.item_discount_quantities, strict=False):
        if quantity:
            line["applied_discount_quantity"] = quantity
    for line, quantity, amount in zip(lines, application.item_quantities, application.item_amounts, strict=False):
        if quantity:
            line["applied_quantity"] = quantity
            line["applied_quantity_amount"] = amount
    for replacement in application.replacements:
        details = _replacement(replacement)
        for index in (replacement.source_index, replacement.target_index):
            lines[index].setdefault("application_details", []).append(details)
    return lines


def _replacement(replacement: Replacement) -> dict[str, int]:
    return {
        "source_index": replacement.source_index,
        "source_applied_quantity": -replacement.source_quantity,
        "source_applied_quantity_amount": -replacement.source_amount,
        "target_index": replacement.target_index,
        "target_applied_quantity": replacement.target_quantity,
        "target_applied_quantity_amount": replacement.target_amount,
        "target_applied_discount_amount": replacement.target_discount_amount,
    }


def _line(item: Item) -> dict[str, Any]:
    line: dict[str, Any] = {"object": "order_item"}
    if item.id is not None:
        line["id"] = item.id
    if item.product_id is not None:
        line["product_id"] = item.product_id
    if item.sku_id is not None:
        line["sku_id"] = item.sku_id
    if item.source_id is not None:
        line["source_id"] = item.source_id
    if item.related_object is not None:
        line["related_object"] = item.related_object
    line["quantity"] = item.quantity
    if item.initial_quantity is not None:
        line["initial_quantity"] = item.initial_quantity
    if item.discount_quantity:
        line["discount_quantity"] = item.discount_quantity
    line["amount"] = item.amount
    if item.initial_amount is not None:
        line["initial_amount"] = item.initial_amount
    if item.price or not item.amount:
        line["price"] = item.price
    if item.discount_amount:
        line["discount_amount"] = item.discount_amount
    line["subtotal_amount"] = max(0, item.amount - item.discount_amount)
    if item.product is not None and (product := _product(item.product)):
        line["product"] = product
    if item.sku is not None and (sku := _sku(item.sku)):
        line["sku"] = sku
    if item.metadata:
        line["metadata"] = dict(item.metadata)
    return line


def _product(product: Product) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if product.id is not None:
        shown["id"] = product.id
    if product.source_id is not None:
        shown["source_id"] = product.source_id
    if product.name is not None:
        shown["name"] = product.name
    if product.price is not None:
        shown["price"] = product.price
    if product.metadata:
        shown["metadata"] = dict(product.metadata)
    return shown


def _sku(sku: Sku) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if sku.id is not None:
        shown["id"] = sku.id
    if sku.source_id is not None:
        shown["source_id"] = sku.source_id
    if sku.sku is not None:
        shown["sku"] = sku.sku
    if sku.price is not None:
        shown["price"] = sku.price
    if sku.metadata:
        shown["metadata"] = dict(sku.metadata)
    return shown
