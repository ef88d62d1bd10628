"""The list mechanism over HTTP, on the table of customers."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from fastapi import Depends, FastAPI
from httpx import AsyncClient
from sqlalchemy import event, select
from sqlalchemy import text as sql

from app.kit.conditions import Filterable
from app.kit.db import Database
from app.kit.filters import When, array, day, flag, moment, number, text
from app.kit.http import Db, Router
from app.kit.ids import new_id
from app.kit.list_parameters import list_parameters
from app.kit.lists import Between, CursorQuery, ListBody, ListQuery, PageBody, Values, fetch_page, fetch_slice
from app.kit.wire import WireOut
from app.main import create_app
from app.models import Customer, Product, Voucher
from app.settings import Settings

NOW = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
"""In Berlin, the project's zone, it is half past midnight of the 11th."""
WHEN = When(NOW, ZoneInfo("Europe/Berlin"))
PROJECT = 7_000_001
router = Router(prefix="/v1/t")


class CustomerQuery(ListQuery):
    max_page = 99
    orders: ClassVar = {
        "created_at": Customer.created_at,
        "updated_at": Customer.updated_at,
        "name": Customer.name,
    }
    filterable = Filterable(
        {
            "name": text(Customer.name),
            "email": text(Customer.email, choices=("a@example.com", "b@example.com")),
            "created_at": moment(Customer.created_at),
            "updated_at": moment(Customer.updated_at),
            "birthdate": day(Customer.birthdate),
        },
        Customer.customer_metadata,
    )

    name: str | None = None
    ids: Values | None = None
    created_at: Between | None = None


class CustomerCursor(CursorQuery):
    filterable = Filterable({"id": text(Customer.id)})


class Named(WireOut):
    id: str
    name: str | None = None


class CustomerList(PageBody):
    data_ref: Literal["customers"] = "customers"
    customers: list[Named]
    has_more: bool


@router.get("/customers")
async def list_customers(
    db: Db, query: Annotated[CustomerQuery, Depends(CustomerQuery.parse)], project: int = PROJECT
) -> CustomerList:
    statement = select(Customer).where(Customer.project_id == project)
    if query.name is not None:
        statement = statement.where(Customer.name == query.name)
    if query.ids is not None:
        statement = statement.where(Customer.id.in_(query.ids))
    async with db.read() as session:
        page = await fetch_page(session, statement, query, WHEN)
    customers = [Named.model_validate(row) for row in page.rows]
    return CustomerList(customers=customers, total=page.total, has_more=page.has_more)


@router.get("/cursor")
async def list_customers_on(db: Db, query: Annotated[CustomerCursor, Depends(CustomerCursor.parse)]) -> ListBody[Named]:
    async with db.read() as session:
        statement = select(Customer).where(Customer.project_id == PROJECT)
        found = await fetch_slice(session, statement, query, WHEN)
    return ListBody[Named](
        data=[Named.model_validate(row) for row in found.rows],
        has_more=found.has_more,
        more_starting_after=found.more_starting_after,
    )


@pytest.fixture(scope="module")
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    app = create_app(Settings(database_url=database_url))
    app.router.routes[:0] = router.routes
    async with app.router.lifespan_context(app):
        yield app


def customer(name: str | None, **attributes: Any) -> Customer:
    defaults: dict[str, Any] = {"created_at": NOW - timedelta(days=100), "customer_metadata": {}}
    return Customer(project_id=PROJECT, id=new_id("cust"), name=name, **{**defaults, **attributes})


@pytest.fixture(scope="module", autouse=True)
async def customers(db: Database) -> None:
    """Ada to Eve, born in this order; the last has no name."""
    rows = [
        customer(
            "Ada",
            email="a@example.com",
            created_at=datetime(2026, 3, 9, 22, 59, tzinfo=UTC),  # the 9th in Berlin, 23:59
            updated_at=NOW - timedelta(days=2),
            birthdate=date(1990, 4, 1),
            customer_metadata={"tier": "gold", "visits": 12, "since": "2020-05-01", "vip": True},
        ),
        customer(
            "Bob",
            email="b@example.com",
            created_at=datetime(2026, 3, 9, 23, 0, tzinfo=UTC),  # midnight of the 10th in Berlin
            updated_at=NOW - timedelta(days=20),
            birthdate=date(1990, 3, 1),
            customer_metadata={"tier": "silver", "visits": 3, "since": "2021-05-01"},
        ),
        customer("Cy%", created_at=NOW + timedelta(days=5), updated_at=NOW, customer_metadata={"visits": "many"}),
        customer("Dora's [best], ok", birthdate=date(2026, 3, 8)),
        customer(None),
    ]
    for row in rows:  # one after the other, so that their ids ascend
        async with db.write() as session:
            row.id = new_id("cust")
            session.add(row)
            session.add(Customer(project_id=PROJECT + 1, id=new_id("cust"), name=row.name, created_at=NOW))


async def names(client: AsyncClient, query: str, path: str = "customers") -> list[str | None]:
    response = await client.get(f"/v1/t/{path}?{query}")
    assert response.status_code == 200, response.text
    body = response.json()
    return [row.get("name") for row in body[body["data_ref"]]]


DORA = "Dora's [best], ok"


async def test_a_list_is_newest_first_in_the_old_envelope(client: AsyncClient) -> None:
    response = await client.get("/v1/t/customers?limit=2")

    body = response.json()
    assert [row.get("name") for row in body["customers"]] == [None, DORA]
    assert (body["object"], body["data_ref"], body["total"], body["has_more"]) == ("list", "customers", 5, True)


async def test_pages_join_without_gap_or_overlap(client: AsyncClient) -> None:
    pages = [await names(client, f"limit=2&page={page}&order=created_at") for page in (1, 2, 3, 4)]

    assert pages == [["Ada", "Bob"], ["Cy%", DORA], [None], []]


@pytest.mark.parametrize("page", [1, 2, 3, 4, 99])
async def test_the_total_is_the_same_on_every_page(client: AsyncClient, page: int) -> None:
    response = await client.get(f"/v1/t/customers?limit=2&page={page}")

    assert response.json()["total"] == 5


async def test_a_page_costs_two_statements_and_the_last_one_only_one(client: AsyncClient, app: FastAPI) -> None:
    statements: list[str] = []

    def count(*arguments: Any) -> None:
        statements.append(arguments[2])

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        await client.get("/v1/t/customers?limit=2")
        several = [statement for statement in statements if statement.startswith("SELECT")]
        statements.clear()
        await client.get("/v1/t/customers?limit=2&page=3")
        last = [statement for statement in statements if statement.startswith("SELECT")]
    finally:
        event.remove(engine, "before_cursor_execute", count)

    assert (len(several), len(last)) == (2, 1)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("name", ["Ada", "Bob", "Cy%", DORA, None]),
        ("-name", [DORA, "Cy%", "Bob", "Ada", None]),
        ("updated_at", ["Bob", "Ada", "Cy%", DORA, None]),
        ("-updated_at", ["Cy%", "Ada", "Bob", None, DORA]),
    ],
)
async def test_rows_without_a_value_come_last_in_both_directions(
    client: AsyncClient, order: str, expected: list[str | None]
) -> None:
    assert await names(client, f"order={order}") == expected


async def test_a_page_is_found_in_the_index(db: Database) -> None:
    """The order of the list must be that of the primary key, or every page would sort the whole table."""
    query = CustomerQuery(page=50, limit=10)
    ids = select(Customer.id).where(Customer.project_id == PROJECT).order_by(*query.order_by(Customer.id)).limit(10)
    async with db.write() as session:
        await session.execute(sql("SET LOCAL enable_seqscan = off"))
        await session.execute(sql("SET LOCAL enable_bitmapscan = off"))
        explained = await session.scalars(sql(f"EXPLAIN {ids.compile(compile_kwargs={'literal_binds': True})}"))
        plan = "\n".join(explained)

    assert "Index Only Scan Backward using customers_pkey" in plan
    assert "Sort" not in plan


async def test_a_cursor_walks_through_all_rows(client: AsyncClient) -> None:
    seen: list[str | None] = []
    cursor = ""
    for _ in range(3):
        body = (await client.get(f"/v1/t/cursor?limit=2&starting_after_id={cursor}")).json()
        seen += [row.get("name") for row in body["data"]]
        cursor = body.get("more_starting_after", "")

    assert seen == [None, DORA, "Cy%", "Bob", "Ada"]
    assert body["has_more"] is False
    assert "more_starting_after" not in body


async def test_a_cursor_can_walk_from_the_oldest(client: AsyncClient) -> None:
    first = (await client.get("/v1/t/cursor?limit=3&order=id")).json()
    cursor = first["more_starting_after"]

    assert await names(client, f"order=id&starting_after_id={cursor}", "cursor") == [DORA, None]


IN_ALL_SHAPES = [
    "filters[name][conditions][$in]=Ada&filters[name][conditions][$in]=Bob",
    "filters[name][conditions][$in][0]=Ada&filters[name][conditions][$in][1]=Bob",
    "filters[name][conditions][$in][1]=Bob&filters[name][conditions][$in][0]=Ada",
    "filters[name][conditions][$in][]=Ada&filters[name][conditions][$in][]=Bob",
    "filters[name][conditions][$in]=['Ada', 'Bob']",
    'filters[name][conditions][$in]=["Ada","Bob"]',
    "filters[name][conditions][$in]=" + quote("['Ada', 'Bob']"),
    "filters%5Bname%5D%5Bconditions%5D%5B%24in%5D%5B0%5D=Ada&filters%5Bname%5D%5Bconditions%5D%5B%24in%5D%5B1%5D=Bob",
    "[filters][name][conditions][$in]=Ada&[filters][name][conditions][$in]=Bob",
    "filters[name][$in]=Ada&filters[name][$in]=Bob",
    "filters[junction]=AND&filters[name][conditions][$in]=['Ada', 'Bob']",
]


@pytest.mark.parametrize("query", IN_ALL_SHAPES)
async def test_a_list_of_values_is_understood_in_every_shape(client: AsyncClient, query: str) -> None:
    assert await names(client, query) == ["Bob", "Ada"]


@pytest.mark.parametrize(
    "query",
    [
        "filters[name][conditions][$in]=['Ada', 'Bob']&filters[name][conditions][$is]=None",
        "filters[name][conditions][$in]=['Ada', 'Bob']&filters[email]=None&filters[junction]=None",
        "filters[name][conditions][$in]=['Ada', 'Bob']&filters[email][conditions]=None",
        "filters[name][conditions][$in]=['Ada', 'Bob']&created_at[before]=None",
        "filters[junction]=OR&filters[name][conditions][$in]=['Ada', 'Bob']"
        "&filters[email][conditions][$is]=None&filters[email][conditions][$in]=None",
    ],
)
async def test_what_pythons_sdk_leaves_unset_is_not_asked(client: AsyncClient, query: str) -> None:
    assert await names(client, query) == ["Bob", "Ada"]


async def test_none_alone_is_a_value_like_any_other(client: AsyncClient) -> None:
    assert await names(client, "filters[name][conditions][$is]=None") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filters[name][conditions][$in]=Ada", ["Ada"]),
        ("filters[name][conditions][$is]=Ada", ["Ada"]),
        ("filters[name][conditions][$is][0]=Ada", ["Ada"]),
        ("filters[name][conditions][$is]=" + quote(DORA), [DORA]),
        ("filters[name][conditions][$is]=" + quote(repr([DORA])), [DORA]),
        ("filters[name][conditions][$is_not]=Ada", [None, DORA, "Cy%", "Bob"]),
        ("filters[name][conditions][$not_in]=['Ada', 'Bob']", [None, DORA, "Cy%"]),
        ("filters[name][conditions][$has_value]=", [DORA, "Cy%", "Bob", "Ada"]),
        ("filters[name][conditions][$has_value]", [DORA, "Cy%", "Bob", "Ada"]),
        ("filters[name][conditions][$is_unknown]=", [None]),
        ("filters[name][conditions][$starts_with]=A", ["Ada"]),
        ("filters[name][conditions][$ends_with]=%25", ["Cy%"]),
        ("filters[name][conditions][$contains]=o", [DORA, "Bob"]),
        ("filters[name][conditions][$contains]=_", []),
        ("filters[name][conditions][$not_contain]=o", [None, "Cy%", "Ada"]),
        ("filters[email][conditions][$is]=a@example.com", ["Ada"]),
        ("filters[created_at][conditions][$after]=2026-03-10", ["Cy%"]),
        ("filters[created_at][conditions][$after]=2026-03-09T22:59:30Z", ["Cy%", "Bob"]),
        ("filters[created_at][conditions][$before]=2026-03-10", [None, DORA, "Ada"]),
        ("filters[created_at][conditions][$is_days_ago]=1", ["Bob"]),
        ("filters[created_at][conditions][$is_days_ago]=2", ["Ada"]),
        ("filters[created_at][conditions][$is_days_in_future]=5", ["Cy%"]),
        ("filters[created_at][conditions][$more_than_ago]=3", [None, DORA]),
        ("filters[created_at][conditions][$less_than_ago]=3", ["Bob", "Ada"]),
        ("filters[created_at][conditions][$more_than_future]=4", ["Cy%"]),
        ("filters[created_at][conditions][$less_than_future]=4", []),
        ("filters[updated_at][conditions][$more_than]=10", ["Bob"]),
        ("filters[updated_at][conditions][$less_than]=10", ["Cy%", "Ada"]),
        ("filters[updated_at][conditions][$is_unknown]=", [None, DORA]),
        ("filters[birthdate][conditions][$next_month]=", ["Ada"]),
        ("filters[birthdate][conditions][$before]=1990-03-15", ["Bob"]),
        ("filters[birthdate][conditions][$after]=1990-03-01", [DORA, "Ada"]),
        ("filters[birthdate][conditions][$is_days_ago]=3", [DORA]),
        ("filters[birthdate][conditions][$less_than_ago]=3", [DORA]),
        ("filters[birthdate][conditions][$more_than_ago]=3", ["Bob", "Ada"]),
        ("filters[metadata.tier][conditions][$is]=gold", ["Ada"]),
        ("filters[metadata.tier][conditions][$in]=['gold', 'silver']", ["Bob", "Ada"]),
        ("filters[metadata.tier][conditions][$is_unknown]=", [None, DORA, "Cy%"]),
        ("filters[metadata.vip][conditions][$is]=true", ["Ada"]),
        ("filters[metadata.visits][conditions][$is]=12", ["Ada"]),
        ("filters[metadata.visits][conditions][$more_than]=2.5", ["Bob", "Ada"]),
        ("filters[metadata.visits][conditions][$less_than_equal]=3", ["Bob"]),
        ("filters[metadata.since][conditions][$after]=2021-01-01", ["Bob"]),
        ("filters[metadata.no such key][conditions][$has_value]=", []),
        ("filters[name][conditions][$is]=Ada&filters[email][conditions][$is]=b@example.com", []),
        (
            "filters[junction]=OR&filters[name][conditions][$is]=Ada&filters[email][conditions][$is]=b@example.com",
            ["Bob", "Ada"],
        ),
        ("filters[junction]=or&filters[name][conditions][$is]=Ada&filters[name][conditions][$starts_with]=B", []),
        ("created_at[before]=2026-03-09T22:59:30Z", [None, DORA, "Ada"]),
        ("[created_at][before]=2026-03-09T22:59:30Z", [None, DORA, "Ada"]),
        ("created_at%5Bbefore%5D=2026-03-09T22%3A59%3A30.000Z", [None, DORA, "Ada"]),
        ("created_at[after]=2026-03-09&created_at[before]=2026-03-10", ["Ada"]),
        ("created_at[before]=&name=Ada", ["Ada"]),
        ("created_at[before]&name=Ada", ["Ada"]),
        ("filters=", [None, DORA, "Cy%", "Bob", "Ada"]),
        ("unknown=1&page=&limit=", [None, DORA, "Cy%", "Bob", "Ada"]),
        ("ids=cust_1", []),
        ("ids[]=cust_1&ids[]=cust_2", []),
    ],
)
async def test_a_filter_finds_exactly_what_it_says(client: AsyncClient, query: str, expected: list[str | None]) -> None:
    assert await names(client, query) == expected


@pytest.mark.parametrize(
    ("query", "path", "words"),
    [
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=101", "limit", "less than or equal to 100"),
        ("limit=ten", "limit", "integer"),
        ("limit=1&limit=2", "limit", "integer"),
        ("limit[0]=1&limit[1]=2", "limit", "integer"),
        ("page=0", "page", "greater than or equal to 1"),
        (f"page={2**70}", "page", "pages up to 99"),
        ("order=email", "order", "created_at, -created_at, updated_at, -updated_at, name, -name"),
        ("created_at=2026-01-01", "created_at", "object"),
        ("created_at[before]=yesterday", "created_at.before", "datetime"),
        ("created_at[before]=0001-01-01T00:00:00Z", "created_at.before", "Years must lie"),
        ("filters=x", "filters", "filters[attribute][conditions][operator]"),
        ("filters[name]=Ada", "filters[name]", "$is, $in"),
        ("filters[colour][conditions][$is]=red", "filters[colour]", "name, email, created_at"),
        ("filters[colour][conditions][$is]=red", "filters[colour]", "metadata.<key>"),
        ("filters[name][conditions][$matches]=.*", "filters[name][conditions][$matches]", "$starts_with"),
        ("filters[name][conditions][$is][a]=x", "filters[name][conditions][$is]", "list of values"),
        ("filters[email][conditions][$is]=c", "filters[email][conditions][$is]", "a@example.com, b@example.com"),
        ("filters[junction]=xor", "filters[junction]", "AND or OR"),
        ("filters[junction][a]=or", "filters[junction]", "AND or OR"),
        ("filters[created_at][conditions][$after]=soon", "filters[created_at][conditions][$after]", "ISO 8601"),
        ("filters[created_at][conditions][$after]=9999-12-31", "filters[created_at][conditions][$after]", "Years"),
        ("filters[created_at][conditions][$more_than]=-1", "filters[created_at][conditions][$more_than]", "days"),
        ("filters[created_at][conditions][$more_than]=99999", "filters[created_at][conditions][$more_than]", "days"),
        ("filters[metadata.v][conditions][$more_than]=x", "filters[metadata.v][conditions][$more_than]", "number"),
        ("filters[metadata.v][conditions][$more_than]=1e99", "filters[metadata.v][conditions][$more_than]", "digits"),
        ("filters[metadata.v][conditions][$more_than]=nan", "filters[metadata.v][conditions][$more_than]", "number"),
        (
            "filters[metadata.v][conditions][$more_than]=[1, 2]",
            "filters[metadata.v][conditions][$more_than]",
            "one value",
        ),
        ("filters[name=x", "filters[name", "pair up"),
        ("filters[name]]=x", "filters[name]]", "pair up"),
        ("filters[]=x&filters[name][conditions][$is]=y", "filters[name][conditions][$is]", "a value and members"),
        ("a[b][c][d][e][f][g]=x", "a[b][c][d][e][f][g]", "5 deep"),
        ("a[][b]=x", "a[][b]", "may be empty"),
        ("filters[name]=x&filters[name][conditions][$is]=y", "filters[name][conditions][$is]", "a value and members"),
        ("filters[name][conditions][$is]=y&filters[name]=x", "filters[name]", "a value and members"),
        ("created_at[0][a]=x", "created_at", "Lists of objects"),
    ],
)
async def test_a_query_that_means_nothing_is_refused_with_a_sentence(
    client: AsyncClient, query: str, path: str, words: str
) -> None:
    response = await client.get(f"/v1/t/customers?{query}")

    assert response.status_code == 400
    assert response.json()["key"] in ("invalid_query_params", "page_over_limit")
    assert response.json()["errors"][0]["path"] == path
    assert words in response.json()["errors"][0]["message"]


async def test_pages_past_the_last_one_that_is_served_have_a_key_of_their_own(client: AsyncClient) -> None:
    assert (await client.get("/v1/t/customers?page=99")).status_code == 200
    response = await client.get("/v1/t/customers?page=100")

    assert response.status_code == 400
    assert response.json()["key"] == "page_over_limit"


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"filters[metadata.k{n}][conditions][$is]=x" for n in range(21)),
        "&".join(["filters[name][conditions][$in]=x"] * 101),
        "filters[name][conditions][$is]=" + "x" * 1025,
        "filters[name][conditions][$is]=" + "x" * 17_000,
        "&".join(["a=1"] * 501),
    ],
)
async def test_a_query_out_of_all_proportion_is_refused(client: AsyncClient, query: str) -> None:
    response = await client.get(f"/v1/t/customers?{query}")

    assert response.status_code == 400
    assert response.json()["key"] == "query_too_large"


@pytest.mark.parametrize(
    "value",
    [
        "['a",
        "['a',]",
        r"['\d']",
        r"['\x4']",
        "[[['a']]]",
        "[__import__('os')]",
        "['a' 'b']",
        "[" * 900,
        "[1,",
        "['a'+'b']",
    ],
)
async def test_what_is_not_a_list_in_pythons_notation_is_a_text(client: AsyncClient, value: str) -> None:
    assert await names(client, "filters[name][conditions][$is]=" + quote(value)) == []


async def test_another_projects_rows_are_in_no_list(client: AsyncClient) -> None:
    assert len(await names(client, "project=7000002&filters[junction]=or&filters[name][conditions][$is_not]=x")) == 5
    assert await names(client, "project=7000003&filters[junction]=or&filters[name][conditions][$is_not]=x") == []


async def give_products(db: Database) -> None:
    prices = [100, 200, None]
    lists = [["a", "b"], ["b", "c", "d"], []]
    for price, attributes in zip(prices, lists, strict=True):
        async with db.write() as session:
            session.add(
                Product(
                    project_id=PROJECT,
                    id=new_id("prod"),
                    price=price,
                    attributes=attributes,
                    created_at=NOW,
                    name=str(price),
                )
            )


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("$is", ["100"], ["100"]),
        ("$is", ["1e2"], ["100"]),
        ("$in", ["100", "200.0"], ["100", "200"]),
        ("$is_not", ["100"], ["200", "None"]),
        ("$more_than", ["100"], ["200"]),
        ("$more_than", ["99.99"], ["100", "200"]),
        ("$more_than_equal", ["100"], ["100", "200"]),
        ("$less_than", ["9999999999999999999999"], ["100", "200"]),
        ("$less_than_equal", ["100"], ["100"]),
        ("$has_value", [""], ["100", "200"]),
        ("$is_unknown", [""], ["None"]),
    ],
)
async def test_numbers_compare_as_numbers(db: Database, operator: str, values: list[str], expected: list[str]) -> None:
    await replace_products(db)

    assert await products(db, number(Product.price)[operator](values, WHEN)) == expected


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("$is", ["a"], ["100"]),
        ("$in", ["a", "c"], ["100", "200"]),
        ("$contains", ["b"], ["100", "200"]),
        ("$not_in", ["a"], ["200", "None"]),
        ("$not_contain", ["b"], ["None"]),
        ("$is_not", ["c"], ["100", "None"]),
        ("$count", ["2"], ["100"]),
        ("$count_more", ["1"], ["100", "200"]),
        ("$count_less", ["3"], ["100", "None"]),
        ("$has_value", [""], ["100", "200"]),
        ("$is_unknown", [""], ["None"]),
    ],
)
async def test_arrays_are_asked_what_they_hold_and_how_much(
    db: Database, operator: str, values: list[str], expected: list[str]
) -> None:
    await replace_products(db)

    assert await products(db, array(Product.attributes)[operator](values, WHEN)) == expected


async def replace_products(db: Database) -> None:
    async with db.write() as session:
        for product in await session.scalars(select(Product).where(Product.project_id == PROJECT)):
            await session.delete(product)
    await give_products(db)


async def products(db: Database, condition: Any) -> list[str | None]:
    async with db.read() as session:
        statement = select(Product.name).where(Product.project_id == PROJECT, condition).order_by(Product.id)
        return list(await session.scalars(statement))


@pytest.mark.parametrize(("value", "word"), [("TRUE", "true"), ("true", "true"), ("False", "false")])
def test_flags_are_written_in_any_case(value: str, word: str) -> None:
    assert str(flag(Voucher.active)["$is"]([value], WHEN)) == f"vouchers.active IS {word}"
    assert str(flag(Voucher.active)["$is_not"]([value], WHEN)) == f"vouchers.active IS NOT {word}"


def test_a_flag_is_true_or_false() -> None:
    with pytest.raises(ValueError, match="neither TRUE nor FALSE"):
        flag(Voucher.active)["$is"](["yes"], WHEN)


def test_the_parameters_of_a_list_are_documented() -> None:
    parameters = {parameter["name"]: parameter for parameter in list_parameters(CustomerQuery)}

    assert parameters["limit"]["schema"] == {"default": 10, "maximum": 100, "minimum": 1, "type": "integer"}
    assert parameters["page"]["schema"]["maximum"] == 99
    assert parameters["order"]["schema"]["enum"][:2] == ["created_at", "-created_at"]
    assert parameters["created_at[before]"]["schema"] == {"type": "string", "format": "date-time"}
    assert parameters["created_at[after]"]["description"] == "Only rows whose `created_at` is after this."
    assert parameters["name"]["schema"] == {"type": "string"}
    assert parameters["ids"]["schema"] == {"items": {"type": "string"}, "type": "array"}
    assert "`metadata.<key>`: $is, $in" in parameters["filters"]["description"]
