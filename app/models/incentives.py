"""What a marketer sets up: campaigns, vouchers, rules, and who was given what."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Id, Json, ProjectRow, Timestamps


class Category(ProjectRow, Timestamps):
    """A kind of campaigns, vouchers and promotions, by which stacking rules sort, exclude and limit them.

    A lower `hierarchy` is applied earlier. A voucher may outlive the category it names: then it has none of its own.
    """

    __tablename__ = "categories"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    name: Mapped[Id]
    hierarchy: Mapped[int]


class Campaign(ProjectRow, Timestamps):
    """A group of vouchers with a purpose. A deleted campaign keeps its name.

    `counted` names the limits its rules ever had (`engine.postings.Counted.name`): once counted, always counted, so
    that the account of a limit is never out of date. Its value is true when there were redemptions before counting
    began, so that the first posting must recount them. `validity` holds timeframe, days of the week and hours as on
    the wire. `loyalty` says of a program how many points a card begins with and when points expire,
    `loyalty_tiers_expiration` how members qualify for its tiers (`engine.loyalty_tiers`).
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        UniqueConstraint("project_id", "name"),
        Index(
            "campaigns_referral_idx",
            "project_id",
            postgresql_where=text("campaign_type = 'REFERRAL_PROGRAM' AND deleted_at IS NULL"),
        ),
    )

    name: Mapped[Id]
    description: Mapped[str | None]
    campaign_type: Mapped[str]
    type: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    join_once: Mapped[bool] = mapped_column(default=False)
    auto_join: Mapped[bool] = mapped_column(default=False)
    use_voucher_metadata_schema: Mapped[bool] = mapped_column(default=False)
    start_date: Mapped[datetime | None]
    expiration_date: Mapped[datetime | None]
    validity: Mapped[Json] = mapped_column(default=dict)
    activity_duration_after_publishing: Mapped[str | None]
    discount: Mapped[Json | None]
    gift: Mapped[Json | None]
    loyalty: Mapped[Json | None]
    referral_program: Mapped[Json | None]
    loyalty_tiers_expiration: Mapped[Json | None]
    redemption_quantity: Mapped[int | None]
    code_config: Mapped[Json] = mapped_column(default=dict)
    vouchers_count: Mapped[int] = mapped_column(default=0)
    generation_status: Mapped[str] = mapped_column(default="DONE")
    category_id: Mapped[Id | None]
    counted: Mapped[Json] = mapped_column(default=dict)
    campaign_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    deleted_at: Mapped[datetime | None]


class Voucher(ProjectRow, Timestamps):
    """A code and what it is worth. A deleted voucher keeps its code.

    `normal_code` is the code as it is matched. An empty `discount`, `gift`, `category_id`, `start_date`,
    `expiration_date` or `validity` means the campaign's. `gift` says what a gift card was made with; what it holds now
    is in its account (measure `balance`), which is there from the first movement on. `loyalty` says how many points a
    loyalty card gets when it is published; what it has is in its account too (measure `points`). `redemption_quantity`
    is how often the voucher may be redeemed, empty without limit. With `holder_only` nobody but its holder can use it;
    with `auto_apply` it is used on the holder's next order without being named.
    """

    __tablename__ = "vouchers"
    __table_args__ = (
        UniqueConstraint("project_id", "normal_code"),
        Index(None, "project_id", "campaign_id", "id"),
        Index(
            "vouchers_pool_idx",
            "project_id",
            "campaign_id",
            "publish_count",
            "id",
            postgresql_where=text("publish_count < 1 AND active AND deleted_at IS NULL"),
        ),
        Index(
            "vouchers_public_idx",
            "project_id",
            "created_at",
            postgresql_where=text("campaign_id IS NULL AND holder_id IS NULL AND active AND deleted_at IS NULL"),
        ),
        Index("vouchers_wallet_idx", "project_id", "holder_id", postgresql_where=text("holder_id IS NOT NULL")),
        Index(
            "vouchers_automatic_idx",
            "project_id",
            "holder_id",
            "id",
            postgresql_where=text("auto_apply AND active AND deleted_at IS NULL"),
        ),
    )

    campaign_id: Mapped[Id | None]
    code: Mapped[str]
    normal_code: Mapped[Id]
    type: Mapped[str]
    discount: Mapped[Json | None]
    gift: Mapped[Json | None]
    loyalty: Mapped[Json | None]
    redemption_quantity: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    start_date: Mapped[datetime | None]
    expiration_date: Mapped[datetime | None]
    validity: Mapped[Json | None]
    holder_id: Mapped[Id | None]
    holder_only: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    auto_apply: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    publish_count: Mapped[int] = mapped_column(default=0, server_default="0")
    published_at: Mapped[datetime | None]
    additional_info: Mapped[str | None]
    category_id: Mapped[Id | None]
    counted: Mapped[Json | None]
    voucher_metadata: Mapped[Json | None] = mapped_column("metadata")
    deleted_at: Mapped[datetime | None]


class ValidationRule(ProjectRow, Timestamps):
    """A set of conditions, kept as saved; it is compiled when it is loaded."""

    __tablename__ = "validation_rules"

    name: Mapped[str | None]
    rules: Mapped[Json] = mapped_column(default=dict)
    bundle_rules: Mapped[Json | None]
    error: Mapped[Json | None]
    applicable_to: Mapped[Json | None]
    type: Mapped[str]
    context_type: Mapped[str]


class ValidationRuleAssignment(ProjectRow, Timestamps):
    """Says that a rule binds a campaign or a voucher."""

    __tablename__ = "validation_rule_assignments"
    __table_args__ = (
        ForeignKeyConstraint(["project_id", "rule_id"], ["validation_rules.project_id", "validation_rules.id"]),
        UniqueConstraint("project_id", "related_object_id", "rule_id"),
        Index(None, "project_id", "rule_id"),
    )

    rule_id: Mapped[Id]
    related_object_type: Mapped[str]
    related_object_id: Mapped[Id]


class Publication(ProjectRow):
    """One act of giving codes to a customer, or an attempt that failed. With a `source_id` it succeeds once.

    `voucher_codes` are the codes of `voucher_ids` as they were given; a code never changes.
    """

    __tablename__ = "publications"
    __table_args__ = (
        Index(
            "publications_source_idx",
            "project_id",
            "source_id",
            unique=True,
            postgresql_where=text("result = 'SUCCESS'"),
        ),
        Index(None, "project_id", "customer_id"),
        Index(None, "project_id", "campaign_id"),
    )

    customer_id: Mapped[Id]
    campaign_id: Mapped[Id | None]
    source_id: Mapped[Id | None]
    tracking_id: Mapped[str | None]
    channel: Mapped[str]
    voucher_ids: Mapped[list[Any]] = mapped_column(default=list)
    voucher_codes: Mapped[list[Any]] = mapped_column(default=list)
    publication_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    result: Mapped[str]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    created_at: Mapped[datetime]
