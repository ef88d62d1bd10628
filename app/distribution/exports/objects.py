"""What can be exported: for each kind of object its rows, its fields and what it can be filtered by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import BigInteger, ColumnElement, Select, case, cast, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute

from app.decisions.redemptions.listing import RedemptionQuery
from app.distribution.publications.listing import PublicationQuery
from app.incentives.balances.rendering import balance_read, type_of
from app.incentives.vouchers.listing import VoucherQuery
from app.kit.conditions import METADATA, Filterable
from app.kit.filters import moment, number, text
from app.kit.tables import ProjectRow
from app.models import (
    Account,
    Campaign,
    Customer,
    Entry,
    Lot,
    Order,
    Product,
    Publication,
    Redemption,
    Sku,
    Voucher,
)

ExportedObject = Literal[
    "voucher",
    "redemption",
    "customer",
    "publication",
    "order",
    "points_expiration",
    "voucher_transactions",
    "product",
    "sku",
]
EXPORTED: tuple[ExportedObject, ...] = get_args(ExportedObject)
Column: TypeAlias = ColumnElement[Any] | InstrumentedAttribute[Any] | type[ProjectRow]


def _plain(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the file: what is read for it, and what is made of that."""

    columns: tuple[Column, ...]
    render: Callable[..., Any] = _plain


@dataclass(frozen=True, slots=True)
class Exportable:
    """`rows` is a SELECT of `model` without its project; `defaults` are the fields when none are named."""

    model: type[Any]
    fields: Mapping[str, Field]
    defaults: Sequence[str]
    filterable: Filterable
    metadata: InstrumentedAttribute[Any] | None = None
    conditions: tuple[ColumnElement[bool], ...] = ()
    campaign_id: Column | None = None

    def field(self, name: str) -> Field | None:
        """The field with this name; `metadata.<key>` is one of the metadata."""
        if self.metadata is not None and name.startswith(METADATA):
            return Field((self.metadata[name.removeprefix(METADATA)],))
        return self.fields.get(name)

    def rows(self, project_id: int) -> Select[Any]:
        return select(self.model).where(self.model.project_id == project_id, *self.conditions)


def _fields(**columns: Column) -> dict[str, Field]:
    return {name: Field((column,)) for name, column in columns.items()}


def _of_campaign(owner: type[Any], column: Any) -> ColumnElement[Any]:
    """The column of the campaign that a row names."""
    rows = select(column).where(Campaign.project_id == owner.project_id, Campaign.id == owner.campaign_id)
    return rows.correlate(owner).scalar_subquery()


def _balance(measure: str) -> ColumnElement[Any]:
    rows = select(Account.balance).where(
        Account.project_id == Voucher.project_id,
        Account.owner_id == Voucher.id,
        Account.measure == measure,
        Account.subject == "",
        Account.period == "",
    )
    return rows.correlate(Voucher).scalar_subquery()


def _points() -> ColumnElement[Any]:
    """What the card has that has not expired."""
    rows = select(cast(func.sum(Lot.left_points), BigInteger)).where(
        Lot.project_id == Voucher.project_id,
        Lot.owner_id == Voucher.id,
        Lot.measure == "points",
        func.coalesce(Lot.expires_at > func.now(), true()),
    )
    return rows.correlate(Voucher).scalar_subquery()


_discount = func.coalesce(Voucher.discount, _of_campaign(Voucher, Campaign.discount))
_gift = func.coalesce(Voucher.gift, _of_campaign(Voucher, Campaign.gift))
_NOTHING: ColumnElement[Any] = literal_column("'{}'::jsonb", JSONB)
_loyalty: ColumnElement[Any] = func.coalesce(_of_campaign(Voucher, Campaign.loyalty), _NOTHING).op(
    "||", return_type=JSONB()
)(func.coalesce(Voucher.loyalty, _NOTHING))


def _value(discount: Any, gift: Any, loyalty: Any) -> Any:
    """What a voucher is worth: minor units, percent, units or points, as its type says."""
    if gift is not None:
        return gift.get("amount")
    if discount is None:
        return loyalty.get("points")
    return next(
        (discount[name] for name in ("amount_off", "percent_off", "unit_off", "fixed_amount") if name in discount), None
    )


_VOUCHERS = Exportable(
    Voucher,
    {
        **_fields(
            code=Voucher.code,
            voucher_type=Voucher.type,
            id=Voucher.id,
            campaign=_of_campaign(Voucher, Campaign.name),
            campaign_id=Voucher.campaign_id,
            category_id=Voucher.category_id,
            start_date=Voucher.start_date,
            expiration_date=Voucher.expiration_date,
            loyalty_balance=_points(),
            redemption_quantity=Voucher.redemption_quantity,
            redemption_count=func.coalesce(-_balance("uses"), 0),
            active=Voucher.active,
            customer_id=Voucher.holder_id,
            additional_info=Voucher.additional_info,
            created_at=Voucher.created_at,
            updated_at=Voucher.updated_at,
            metadata=Voucher.voucher_metadata,
        ),
        "value": Field((_discount, _gift, _loyalty), _value),
        "discount_type": Field((_discount,), lambda discount: discount and discount.get("type")),
        "gift_balance": Field(
            (_balance("balance"), _gift), lambda left, gift: left if left is not None else gift and gift.get("amount")
        ),
    },
    ("code", "voucher_type", "value", "discount_type"),
    VoucherQuery.filterable,
    Voucher.voucher_metadata,
    (Voucher.deleted_at.is_(None),),
    Voucher.campaign_id,
)

_REDEMPTIONS = Exportable(
    Redemption,
    {
        **_fields(
            id=Redemption.id,
            object=Redemption.object,
            voucher_code=Redemption.voucher_code,
            customer_id=Redemption.customer_id,
            date=Redemption.created_at,
            result=Redemption.result,
            campaign=_of_campaign(Redemption, Campaign.name),
            tracking_id=Redemption.tracking_id,
            order_id=Redemption.order_id,
            order_amount=Redemption.ordered_amount,
            discount_amount=Redemption.discounted_amount,
            gift_amount=case((Redemption.reward.is_(None), Redemption.amount)),
            loyalty_points=case((Redemption.reward.is_not(None), Redemption.amount)),
            failure_code=Redemption.failure_code,
            failure_message=Redemption.failure_message,
            reason=Redemption.reason,
            metadata=Redemption.redemption_metadata,
        ),
        "promotion_tier_id": Field(
            (Redemption.related_object_type, Redemption.related_object_id),
            lambda kind, object_id: object_id if kind == "promotion_tier" else None,
        ),
    },
    ("id", "object", "voucher_code", "customer_id", "date", "result"),
    RedemptionQuery.filterable,
    Redemption.redemption_metadata,
    campaign_id=Redemption.campaign_id,
)


def _address(name: str) -> ColumnElement[Any]:
    part: ColumnElement[Any] = Customer.address[name].astext
    return part


_CUSTOMERS = Exportable(
    Customer,
    _fields(
        name=Customer.name,
        source_id=Customer.source_id,
        id=Customer.id,
        email=Customer.email,
        phone=Customer.phone,
        description=Customer.description,
        birthdate=Customer.birthdate,
        address_city=_address("city"),
        address_state=_address("state"),
        address_line_1=_address("line_1"),
        address_line_2=_address("line_2"),
        address_country=_address("country"),
        address_postal_code=_address("postal_code"),
        created_at=Customer.created_at,
        updated_at=Customer.updated_at,
        metadata=Customer.customer_metadata,
    ),
    ("name", "source_id"),
    Filterable(
        {
            "id": text(Customer.id),
            "source_id": text(Customer.source_id),
            "name": text(Customer.name),
            "email": text(Customer.email),
            "address_city": text(_address("city")),
            "created_at": moment(Customer.created_at),
            "updated_at": moment(Customer.updated_at),
        },
        Customer.customer_metadata,
    ),
    Customer.customer_metadata,
    (Customer.merged_into.is_(None),),
)

_PUBLICATIONS = Exportable(
    Publication,
    _fields(
        code=Publication.voucher_codes[0].astext,
        customer_id=Publication.customer_id,
        date=Publication.created_at,
        channel=Publication.channel,
        id=Publication.id,
        campaign_id=Publication.campaign_id,
        source_id=Publication.source_id,
        tracking_id=Publication.tracking_id,
        result=Publication.result,
        failure_code=Publication.failure_code,
        metadata=Publication.publication_metadata,
    ),
    ("code", "customer_id", "date", "channel"),
    PublicationQuery.filterable,
    Publication.publication_metadata,
    campaign_id=Publication.campaign_id,
)

_total_discount = Order.discount_amount + Order.items_discount_amount
_ORDERS = Exportable(
    Order,
    _fields(
        id=Order.id,
        source_id=Order.source_id,
        status=Order.status,
        created_at=Order.created_at,
        updated_at=Order.updated_at,
        amount=Order.amount,
        discount_amount=Order.discount_amount,
        items_discount_amount=Order.items_discount_amount,
        total_discount_amount=_total_discount,
        total_amount=Order.amount - _total_discount,
        customer_id=Order.customer_id,
        referrer_id=Order.referrer_id,
        metadata=Order.order_metadata,
    ),
    ("id", "source_id", "status"),
    Filterable(
        {
            "id": text(Order.id),
            "source_id": text(Order.source_id),
            "status": text(Order.status, ("CREATED", "PAID", "CANCELED", "FULFILLED")),
            "amount": number(Order.amount),
            "customer_id": text(Order.customer_id),
            "referrer_id": text(Order.referrer_id),
            "created_at": moment(Order.created_at),
            "updated_at": moment(Order.updated_at),
        },
        Order.order_metadata,
    ),
    Order.order_metadata,
)

_program_of_lot = (
    select(Voucher.campaign_id)
    .where(Voucher.project_id == Lot.project_id, Voucher.id == Lot.owner_id)
    .correlate(Lot)
    .scalar_subquery()
)
_POINTS_EXPIRATIONS = Exportable(
    Lot,
    _fields(
        id=Lot.id,
        campaign_id=_program_of_lot,
        voucher_id=Lot.owner_id,
        status=case((Lot.expires_at <= func.now(), "EXPIRED"), else_="ACTIVE"),
        expires_at=Lot.expires_at,
        points=Lot.left_points,
    ),
    ("id", "campaign_id", "voucher_id", "status", "expires_at", "points"),
    Filterable({"id": text(Lot.id), "campaign_id": text(_program_of_lot), "voucher_id": text(Lot.owner_id)}),
    conditions=(Lot.measure == "points",),
    campaign_id=_program_of_lot,
)

_TRANSACTIONS = Exportable(
    Entry,
    {
        **_fields(
            id=Entry.id,
            campaign_id=Entry.campaign_id,
            voucher_id=Entry.owner_id,
            source_id=Entry.source_id,
            reason=Entry.reason,
            balance=Entry.balance,
            amount=Entry.amount,
            related_transaction_id=Entry.details["related_transaction_id"].astext,
            created_at=Entry.recorded_at,
        ),
        "type": Field((Entry,), type_of),
        "source": Field(
            (Entry.cause_type,), lambda cause_type: "API" if cause_type in ("adjustment", "transfer") else None
        ),
        "details": Field(
            (Entry,), lambda entry: {**(entry.details or {}), "balance": balance_read(entry).model_dump(mode="json")}
        ),
    },
    ("id", "type", "source_id", "reason", "balance", "amount", "created_at"),
    Filterable(
        {
            "id": text(Entry.id),
            "voucher_id": text(Entry.owner_id),
            "campaign_id": text(Entry.campaign_id),
            "created_at": moment(Entry.recorded_at),
        }
    ),
    conditions=(Entry.measure.in_(("balance", "points")),),
    campaign_id=Entry.campaign_id,
)

_PRODUCTS = Exportable(
    Product,
    _fields(
        id=Product.id,
        name=Product.name,
        source_id=Product.source_id,
        price=Product.price,
        image_url=Product.image_url,
        attributes=Product.attributes,
        created_at=Product.created_at,
        updated_at=Product.updated_at,
        metadata=Product.product_metadata,
    ),
    ("id", "name", "source_id", "price"),
    Filterable(
        {
            "id": text(Product.id),
            "name": text(Product.name),
            "source_id": text(Product.source_id),
            "price": number(Product.price),
            "created_at": moment(Product.created_at),
        },
        Product.product_metadata,
    ),
    Product.product_metadata,
    (Product.deleted_at.is_(None),),
)

_SKUS = Exportable(
    Sku,
    _fields(
        id=Sku.id,
        sku=Sku.sku,
        product_id=Sku.product_id,
        source_id=Sku.source_id,
        price=Sku.price,
        currency=Sku.currency,
        image_url=Sku.image_url,
        attributes=Sku.attributes,
        created_at=Sku.created_at,
        updated_at=Sku.updated_at,
        metadata=Sku.sku_metadata,
    ),
    ("id", "sku", "product_id", "source_id", "price"),
    Filterable(
        {
            "id": text(Sku.id),
            "sku": text(Sku.sku),
            "product_id": text(Sku.product_id),
            "source_id": text(Sku.source_id),
            "price": number(Sku.price),
            "created_at": moment(Sku.created_at),
        },
        Sku.sku_metadata,
    ),
    Sku.sku_metadata,
    (Sku.deleted_at.is_(None),),
)

EXPORTABLES: Mapping[str, Exportable] = {
    "voucher": _VOUCHERS,
    "redemption": _REDEMPTIONS,
    "customer": _CUSTOMERS,
    "publication": _PUBLICATIONS,
    "order": _ORDERS,
    "points_expiration": _POINTS_EXPIRATIONS,
    "voucher_transactions": _TRANSACTIONS,
    "product": _PRODUCTS,
    "sku": _SKUS,
}
"""By the name on the wire."""
