"""What the shop tells us: customers, catalogue, collections, orders."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id, Json, ProjectRow, Timestamps


class Customer(ProjectRow, Timestamps):
    """A buyer; the only table that holds personal data.

    What was merged into another customer is a row without a person: whoever still names it means `merged_into`.
    """

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("project_id", "source_id"),
        Index(None, "project_id", "normal_email"),
        Index(
            "customers_birthday_idx",
            "project_id",
            text("date_part('month', birthdate)"),
            text("date_part('day', birthdate)"),
            postgresql_where=text("birthdate IS NOT NULL"),
        ),
        Index("customers_merged_idx", "project_id", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
    )

    source_id: Mapped[Id | None]
    name: Mapped[str | None]
    description: Mapped[str | None]
    email: Mapped[str | None]
    normal_email: Mapped[Id | None]
    phone: Mapped[str | None]
    birthdate: Mapped[date | None]
    address: Mapped[Json | None]
    customer_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    merged_into: Mapped[Id | None]


class CustomerActivity(Base):
    """An event that is about a customer, by the name the customer had when it happened; the event has the rest."""

    __tablename__ = "customer_activities"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[Id] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    transaction_id: Mapped[int]
    type: Mapped[str]
    campaign_id: Mapped[Id | None]
    created_at: Mapped[datetime]


class CustomerBirthday(Base):
    """The year in which a customer's birthday was announced last."""

    __tablename__ = "customer_birthdays"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[Id] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(Integer)


class Product(ProjectRow, Timestamps):
    """Something the shop sells. `price` in minor units. A deleted product keeps its source id until it is erased."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("project_id", "source_id"),)

    source_id: Mapped[Id | None]
    name: Mapped[str | None]
    price: Mapped[int | None]
    attributes: Mapped[list[Any]] = mapped_column(default=list)
    image_url: Mapped[str | None]
    product_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    deleted_at: Mapped[datetime | None]


class Sku(ProjectRow, Timestamps):
    """A variant of a product, with a price of its own if it has one."""

    __tablename__ = "skus"
    __table_args__ = (
        UniqueConstraint("project_id", "source_id"),
        Index(None, "project_id", "product_id"),
    )

    product_id: Mapped[Id]
    source_id: Mapped[Id | None]
    sku: Mapped[str | None]
    price: Mapped[int | None]
    currency: Mapped[str | None]
    attributes: Mapped[Json] = mapped_column(default=dict)
    image_url: Mapped[str | None]
    sku_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    deleted_at: Mapped[datetime | None]


class CatalogueVersion(Base):
    """Moves with every transaction that changes products or SKUs (a trigger): what was read at a version stays true as
    long as it is the version."""

    __tablename__ = "catalogues"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version: Mapped[int]


class ProductCollection(ProjectRow, Timestamps):
    """A group of products and SKUs: those named (`STATIC`), or those a filter accepts when it is asked."""

    __tablename__ = "product_collections"

    name: Mapped[str]
    type: Mapped[str]
    filter: Mapped[Json | None]


class ProductCollectionMember(Base):
    """A product or SKU of a static collection, which shows them in the order of their `position`."""

    __tablename__ = "product_collection_members"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    collection_id: Mapped[Id] = mapped_column(primary_key=True)
    item_id: Mapped[Id] = mapped_column(primary_key=True)
    object: Mapped[str]
    product_id: Mapped[Id]
    position: Mapped[int]


class Order(ProjectRow, Timestamps):
    """A cart that was kept. Amounts in minor units of `currency`, the project's if empty; `discount_amount` is the
    order-level part, `items_discount_amount` the sum of what the lines carry.

    `items` are the calculated lines as they go over the wire; `redemptions` is the contract's map of what was redeemed.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("project_id", "source_id"),
        Index(None, "project_id", "customer_id"),
        Index(None, "project_id", "created_at", "id"),
    )

    source_id: Mapped[Id | None]
    status: Mapped[str]
    customer_id: Mapped[Id | None]
    referrer_id: Mapped[Id | None]
    amount: Mapped[int | None]
    initial_amount: Mapped[int | None]
    discount_amount: Mapped[int] = mapped_column(default=0)
    items_discount_amount: Mapped[int] = mapped_column(default=0)
    items: Mapped[list[Any]] = mapped_column(default=list)
    currency: Mapped[str | None]
    order_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    redemptions: Mapped[Json] = mapped_column(default=dict)
