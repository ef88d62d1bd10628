"""Lists: how many, in which order, which page, filtered how; one mechanism for all.

A feature declares what its list can be asked. Plain parameters it adds as fields and applies itself:

    class VoucherQuery(ListQuery):
        orders: ClassVar = {"created_at": Voucher.created_at, "code": Voucher.code}
        filterable = Filterable({"code": text(Voucher.code), "active": flag(Voucher.active)}, Voucher.voucher_metadata)

        campaign_id: str | None = None
        ids: Values | None = None
        created_at: Between | None = None

    async def list_vouchers(db: Db, caller: Reader, query: Annotated[VoucherQuery, Depends(VoucherQuery.parse)])

and its service fetches `await fetch_page(session, statement, query, When(clock.now(), caller.project.zone))`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from fastapi import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError
from sqlalchemy import ColumnElement, Select, func
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit import brackets
from app.kit.brackets import Tree
from app.kit.conditions import UNSET, Conditions, Filterable
from app.kit.errors import InvalidQuery, PageOverLimit
from app.kit.filters import Column, When
from app.kit.wire import WireIn, WireOut, problems_of, within_calendar

MAX_LIMIT = 100

Row = TypeVar("Row")
Item = TypeVar("Item")

Values = Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
"""A parameter that may be given several times."""

QueryInstant = Annotated[datetime, AfterValidator(within_calendar)]
"""A day or a time; without offset it is meant in the project's zone."""


class Between(WireIn):
    """A span of time, `created_at[after]=...&created_at[before]=...`, without its ends."""

    after: QueryInstant | None = None
    before: QueryInstant | None = None

    def where(self, column: Column, when: When) -> list[ColumnElement[bool]]:
        after = [column > when.localise(self.after)] if self.after is not None else []
        return after + ([column < when.localise(self.before)] if self.before is not None else [])


class Listing(BaseModel):
    """What every list can be asked. Parameters it does not know are ignored."""

    model_config = ConfigDict(extra="ignore")

    orders: ClassVar[Mapping[str, Column]] = {}
    """What `order` may name, and its column. Fields that are a Between are applied to the column of the same name."""
    filterable: ClassVar[Filterable] = Filterable()

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="At most this many.")] = 10
    order: Annotated[str, Field(description="The attribute to sort by; with `-` in front from the largest or newest.")]

    _conditions: Conditions = PrivateAttr(default_factory=Conditions)

    @classmethod
    async def parse(cls, request: Request) -> Self:
        """Read the query string, in all shapes that kit.brackets knows.

        Raises InvalidQuery, QueryTooLarge, PageOverLimit.
        """
        tree = brackets.parse(request.scope["query_string"])
        filters = tree.pop("filters", {})
        values = {name: _plain(node) for name, node in tree.items()}
        try:
            query = cls.model_validate({name: value for name, value in values.items() if value not in ("", {})})
        except ValidationError as error:
            problems = problems_of(error.errors(include_url=False, include_context=False), values)
            raise InvalidQuery(*problems[0], *problems[1:]) from None
        query.check()
        query._conditions = cls.filterable.read(filters)
        return query

    def check(self) -> None:
        """What the types of the fields cannot say.

        Raises InvalidQuery.
        """
        if self.order not in self.order_names():
            raise InvalidQuery("order", f"This list is ordered by one of {', '.join(self.order_names())}.")

    @classmethod
    def order_names(cls) -> list[str]:
        return [sign + name for name in cls.orders for sign in ("", "-")]

    def where(self, when: When) -> list[ColumnElement[bool]]:
        """The conditions of the filters and of every Between.

        Raises InvalidQuery.
        """
        spans = ((self.orders[name], value) for name, value in self if isinstance(value, Between))
        return [self._conditions.where(when), *(part for column, span in spans for part in span.where(column, when))]

    def order_by(self, id_column: Column) -> list[ColumnElement[Any]]:
        """Ids sort by birth, so they stand for `created_at`, and they decide between rows that are otherwise equal."""
        name = self.order.removeprefix("-")
        is_descending = self.order.startswith("-")
        order_by = [id_column.desc() if is_descending else id_column.asc()]
        if name not in ("created_at", "id"):
            column = self.orders[name]
            direction = column.desc() if is_descending else column.asc()
            # Only where there can be nulls: an index in Postgres' own order is of no use to NULLS LAST.
            order_by.insert(0, direction.nulls_last() if getattr(column, "nullable", True) else direction)
        return order_by


class ListQuery(Listing):
    """A list in numbered pages."""

    max_page: ClassVar[int] = 100

    page: Annotated[int, Field(ge=1, description="Which page, from 1.")] = 1
    order: str = "-created_at"

    def check(self) -> None:
        super().check()
        if self.page > self.max_page:
            raise PageOverLimit("page", f"This list has pages up to {self.max_page}; filter it to see more.")


class CursorQuery(Listing):
    """A list in pages that follow one another: `starting_after_id` is the `more_starting_after` of the page before."""

    order: str = "-id"
    starting_after_id: Annotated[str | None, Field(description="The last id of the page before.")] = None

    @classmethod
    def order_names(cls) -> list[str]:
        return ["id", "-id"]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page, how many there are on all, and whether more follow."""

    rows: list[Row]
    total: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """Rows of a cursor list; `more_starting_after` is the cursor of the next slice."""

    rows: list[Row]
    has_more: bool
    more_starting_after: str | None


async def fetch_page(session: AsyncSession, statement: Select[Row], query: ListQuery, when: When) -> Page[Row]:
    """The page of `statement`, a SELECT of one model in one project, that `query` asks for.

    One statement; a second one counts, unless the page shows that it is the last. The page is found by ids alone, so
    the rows before it are never read, at most `max_page` times `limit` entries of an index.

    Raises InvalidQuery.
    """
    model = statement.column_descriptions[0]["entity"]
    matching = statement.where(*query.where(when))
    order_by = query.order_by(model.id)
    offset = (query.page - 1) * query.limit
    ids = matching.with_only_columns(model.id).order_by(*order_by).limit(query.limit + 1).offset(offset)
    rows = list(await session.scalars(statement.where(model.id.in_(ids)).order_by(*order_by)))
    has_more = len(rows) > query.limit
    if rows and not has_more:
        return Page(rows, offset + len(rows), has_more)
    if not rows and query.page == 1:
        return Page([], 0, False)
    total = await session.scalar(matching.with_only_columns(func.count()))
    return Page(rows[: query.limit], total or 0, has_more)


async def fetch_slice(session: AsyncSession, statement: Select[Row], query: CursorQuery, when: When) -> Slice[Row]:
    """The rows of `statement`, a SELECT of one model in one project, that follow the cursor of `query`.

    Raises InvalidQuery.
    """
    model = statement.column_descriptions[0]["entity"]
    following = statement.where(*query.where(when))
    if query.starting_after_id is not None:
        cursor = query.starting_after_id
        following = following.where(model.id < cursor if query.order == "-id" else model.id > cursor)
    rows: list[Any] = list(await session.scalars(following.order_by(*query.order_by(model.id)).limit(query.limit + 1)))
    has_more = len(rows) > query.limit
    rows = rows[: query.limit]
    return Slice(rows, has_more, rows[-1].id if has_more else None)


class PageBody(WireOut):
    """A list of the older kind, whose rows have a name of their own:

    class VoucherList(PageBody):
        data_ref: Literal["vouchers"] = "vouchers"
        vouchers: list[VoucherRead]
    """

    object: Literal["list"] = "list"
    total: Annotated[int, Field(description="How many there are on all pages.")]


class ListBody(WireOut, Generic[Item]):
    """A list of the newer kind."""

    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[Item]
    total: int | None = None
    has_more: bool | None = None
    more_starting_after: str | None = None


def _plain(node: Tree) -> Any:
    """What Pydantic is to read: a single value is not a list, and one that is blank or unset is not there."""
    if isinstance(node, dict):
        members = {name: _plain(member) for name, member in node.items() if member != UNSET}
        return {name: member for name, member in members.items() if member != ""}
    return node[0] if len(node) == 1 else node
