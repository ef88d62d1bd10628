"""Who is one customer: limits per customer hold under every identity that the project counts."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text
from voucherify import ApiClient, CustomersApi, RedemptionsApi
from voucherify.exceptions import BadRequestException

from app.kit.db import Database
from app.models import Account, Redemption
from tests.factories.access import ProjectKeys, give_management_key, management_headers
from tests.factories.carts import cart, redeem, roll_back, try_to_redeem, validate
from tests.factories.identities import differences, give_limited_code, give_scopes, limit
from tests.factories.incentives import ask
from tests.factories.pools import give_pool, give_voucher
from tests.factories.rules import ONCE_PER_CUSTOMER, rule_of

ANN = {"source_id": "ann", "email": "Ann.Lee+shop@gmail.com"}
ANN_AGAIN = {"source_id": "ann-2", "email": "annlee@googlemail.com"}


async def refusal(client: AsyncClient, project: ProjectKeys, body: dict[str, Any]) -> str:
    response = await try_to_redeem(client, project, body)
    assert response.status_code == 400, response.text
    return str(response.json()["key"])


async def accounts_of(db: Database, project: ProjectKeys) -> dict[str, int]:
    """How often each identity was counted, by the kind of its subject."""
    async with db.read() as session:
        rows = await session.scalars(select(Account).where(Account.project_id == project.id, Account.subject != ""))
        counts: dict[str, int] = {}
        for row in rows:
            kind = row.subject.partition(":")[0]
            counts[kind] = counts.get(kind, 0) - row.balance
    return counts


async def test_one_person_under_two_accounts_with_one_mailbox_is_one_customer(
    client: AsyncClient, db: Database
) -> None:
    project = await give_scopes(db, email="require")
    code = await give_limited_code(client, db, project)

    await redeem(client, project, cart(code, customer=ANN))

    assert await refusal(client, project, cart(code, customer=ANN_AGAIN)) == "redemption_rules_violated"
    answer = await validate(client, project, cart(code, customer=ANN_AGAIN))
    assert answer["valid"] is False
    await redeem(client, project, cart(code, customer={"source_id": "bob", "email": "bob@example.com"}))
    assert await accounts_of(db, project) == {"customer": 2, "email": 2}
    assert await differences(db, project) == []


async def test_by_default_accounts_are_counted_and_nothing_else_is_kept(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = await give_limited_code(client, db, project)

    await redeem(client, project, cart(code, customer=ANN, identity={"device": "d-1"}))
    await redeem(client, project, cart(code, customer=ANN_AGAIN, identity={"device": "d-1"}))

    assert await accounts_of(db, project) == {"customer": 2}
    async with db.read() as session:
        assert set(await session.scalars(select(Redemption.subjects).where(Redemption.project_id == project.id))) == {
            None
        }


@pytest.mark.parametrize(
    ("scope", "first", "again"),
    [
        ("phone", {"customer": {"phone": "0170 1234567"}}, {"identity": {"phone": "+49 170 123 45 67"}}),
        ("device", {"identity": {"device": "d-1"}}, {"customer": {"source_id": "x"}, "identity": {"device": "d-1"}}),
        ("payment", {"identity": {"payment": "card-1"}}, {"identity": {"payment": " card-1 "}}),
        ("email", {"identity": {"email": "ann@example.com"}}, {"customer": {"email": "Ann+2@example.com"}}),
    ],
)
async def test_guests_are_counted_by_what_they_give(
    client: AsyncClient, db: Database, scope: str, first: dict[str, Any], again: dict[str, Any]
) -> None:
    project = await give_scopes(db, account="allow", **{scope: "require"})
    code = await give_limited_code(client, db, project)

    await redeem(client, project, cart(code, **first))

    assert await refusal(client, project, cart(code, **again)) == "redemption_rules_violated"
    assert (await accounts_of(db, project))[scope] == 1
    assert await differences(db, project) == []


@pytest.mark.parametrize(
    ("scope", "key"),
    [
        ("email", "missing_customer_email"),
        ("phone", "missing_customer_phone"),
        ("device", "missing_device"),
        ("payment", "missing_payment"),
    ],
)
async def test_an_identity_that_is_required_and_not_given_is_asked_for(
    client: AsyncClient, db: Database, scope: str, key: str
) -> None:
    project = await give_scopes(db, **{scope: "require"})
    code = await give_limited_code(client, db, project)
    free = await give_voucher(db, project)

    assert await refusal(client, project, cart(code, customer={"source_id": "ann"})) == key
    assert await refusal(client, project, cart(code)) == "missing_customer"
    await redeem(client, project, cart(free.code))  # nothing limits it per customer


async def test_an_unknown_identity_that_is_allowed_is_not_counted(client: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, account="allow", email="allow")
    code = await give_limited_code(client, db, project)

    for _ in range(3):
        await redeem(client, project, cart(code))

    assert await accounts_of(db, project) == {}


async def test_all_of_unknown_identity_share_one_pool(client: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, account="shared", email="shared")
    code = await give_limited_code(client, db, project)

    first = await redeem(client, project, cart(code))

    assert await refusal(client, project, cart(code)) == "redemption_rules_violated"
    assert await refusal(client, project, cart(code, customer={"source_id": "ann"})) == "redemption_rules_violated"
    await redeem(client, project, cart(code, customer=ANN))
    assert await differences(db, project) == []
    await roll_back(client, project, first["redemptions"][0]["id"])
    await redeem(client, project, cart(code, customer={"source_id": "bob"}))
    assert await differences(db, project) == []


async def test_a_scope_that_is_off_does_not_count_even_accounts(client: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, account="off", email="require")
    code = await give_limited_code(client, db, project)

    for name in ("a", "b"):
        await redeem(
            client, project, cart(code, customer={"source_id": "office"}, identity={"email": f"{name}@example.com"})
        )

    assert await accounts_of(db, project) == {"email": 2}
    assert await differences(db, project) == []


async def test_an_address_that_is_only_in_the_customers_row_counts(client: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, email="require")
    code = await give_limited_code(client, db, project)
    for customer in (ANN, ANN_AGAIN):
        await ask(client, project, "POST", "/v1/customers", customer)

    await redeem(client, project, cart(code, customer={"source_id": "ann"}))

    assert await refusal(client, project, cart(code, customer={"source_id": "ann-2"})) == "redemption_rules_violated"


async def test_a_rollback_gives_every_identity_its_use_back(client: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, email="require", device="require")
    code = await give_limited_code(client, db, project)
    answer = await redeem(client, project, cart(code, customer=ANN, identity={"device": "d-1"}))
    assert await accounts_of(db, project) == {"customer": 1, "email": 1, "device": 1}

    await roll_back(client, project, answer["redemptions"][0]["id"])

    assert await accounts_of(db, project) == {"customer": 0, "email": 0, "device": 0}
    assert await differences(db, project) == []
    await redeem(client, project, cart(code, customer=ANN_AGAIN, identity={"device": "d-1"}))


async def test_a_limit_that_is_named_later_knows_what_each_identity_redeemed_before(
    client: AsyncClient, db: Database
) -> None:
    project = await give_scopes(db, account="allow", email="allow", device="shared")
    campaign = await give_pool(db, project, vouchers_count=1)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    first = await redeem(client, project, cart(voucher.code, customer=ANN))
    await redeem(client, project, cart(voucher.code, identity={"email": "bob@example.com", "device": "d-1"}))
    for name in ("redemption.count.per_customer", "campaign.redemptions.customers_count.daily"):
        await limit(client, project, campaign.id, rule_of(name, "$less_than_or_equal", 1))

    same_mail, same_device, same_pool = (
        cart(voucher.code, customer=ANN_AGAIN, identity={"device": "new"}),
        cart(voucher.code, identity={"email": "carl@example.com", "device": "d-1"}),
        cart(voucher.code, identity={"email": "dora@example.com"}),
    )
    for body in (same_mail, same_device, same_pool):
        assert await refusal(client, project, body) == "redemption_rules_violated"
    assert await differences(db, project) == []
    await roll_back(client, project, first["redemptions"][0]["id"])
    await redeem(client, project, same_mail)
    assert await differences(db, project) == []


async def test_a_limit_of_two_lets_one_person_through_twice_under_any_accounts(
    client: AsyncClient, db: Database
) -> None:
    project = await give_scopes(db, email="require")
    code = await give_limited_code(
        client, db, project, rule_of("campaign.redemptions.customers_count.monthly", "$less_than_or_equal", 2)
    )

    await redeem(client, project, cart(code, customer=ANN))
    await redeem(client, project, cart(code, customer=ANN_AGAIN))

    third = cart(code, customer={"source_id": "ann-3", "email": ANN["email"]})
    assert await refusal(client, project, third) == "redemption_rules_violated"


async def test_nothing_but_hashes_is_kept_of_an_identity(client: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, account="allow", email="require", device="allow")
    code = await give_limited_code(client, db, project)
    await redeem(client, project, cart(code, identity={"email": "ann@example.com", "device": "device-of-ann"}))

    async with db.read() as session:
        for table in ("redemptions", "accounts", "outbox_events", "customers"):
            rows = await session.scalars(
                text(f"SELECT row_to_json(t)::text FROM {table} AS t WHERE project_id = :id").bindparams(id=project.id)
            )
            kept = " ".join(rows)
            assert "ann@example.com" not in kept
            assert "device-of-ann" not in kept


async def test_the_scopes_of_a_project_are_shown_and_changed_and_its_secret_never_is(
    client: AsyncClient, db: Database
) -> None:
    project = await give_scopes(db, email="shared")
    headers = management_headers(await give_management_key(db))
    path = f"/management/v1/projects/{project.public_id}"
    code = await give_limited_code(client, db, project)
    await redeem(client, project, cart(code, customer={"source_id": "ann"}))

    shown = (await client.get(path, headers=headers)).json()
    changed = (await client.put(path, headers=headers, json={"identity_scopes": {"phone": "allow"}})).json()
    back = (await client.put(path, headers=headers, json={"identity_scopes": None})).json()

    default = {"account": "require", "email": "off", "phone": "off", "device": "off", "payment": "off"}
    assert shown["identity_scopes"] == {**default, "email": "shared"}
    assert changed["identity_scopes"] == {**default, "phone": "allow"}
    assert back["identity_scopes"] == default
    assert "identity_key" not in shown
    await redeem(client, project, cart(code, customer={"source_id": "bob"}))  # no pool any more


async def test_scopes_that_count_nobody_are_refused(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    headers = management_headers(await give_management_key(db))
    path = f"/management/v1/projects/{project.public_id}"

    for scopes, where in (({"account": "off"}, "identity_scopes"), ({"email": "maybe"}, "identity_scopes.email")):
        response = await client.put(path, headers=headers, json={"identity_scopes": scopes})

        assert response.status_code == 400
        assert where in response.text


async def test_bad_identities_are_refused_with_their_path(client: AsyncClient, project: ProjectKeys) -> None:
    for identity, path in (
        ({"device": 7}, "identity.device"),
        ({"email": "no address"}, "identity.email"),
        ({"payment": "x" * 501}, "identity.payment"),
        ("me", "identity"),
    ):
        response = await try_to_redeem(client, project, cart("CODE", identity=identity))

        assert response.status_code == 400
        assert path in response.text


async def test_a_qualification_counts_the_same_buyer(client: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, account="allow", device="require")
    code = await give_limited_code(
        client, db, project, rule_of("redemption.count.per_customer.daily", "$less_than_or_equal", 1)
    )
    body = {"order": {"amount": 1000}, "scenario": "ALL", "customer": {"source_id": "ann"}}
    holder = await ask(client, project, "POST", "/v1/customers", {"source_id": "ann"})
    await publish(db, project, code, holder["id"])

    before = await ask(client, project, "POST", "/v1/qualifications", {**body, "identity": {"device": "d-1"}})
    await redeem(client, project, cart(code, identity={"device": "d-1"}))
    after = await ask(client, project, "POST", "/v1/qualifications", {**body, "identity": {"device": "d-1"}})
    other = await ask(client, project, "POST", "/v1/qualifications", {**body, "identity": {"device": "d-2"}})

    assert [len(answer["redeemables"]["data"]) for answer in (before, after, other)] == [1, 0, 1]


async def publish(db: Database, project: ProjectKeys, code: str, holder_id: str) -> None:
    async with db.write() as session:
        await session.execute(
            text("UPDATE vouchers SET holder_id = :holder WHERE project_id = :id AND code = :code").bindparams(
                holder=holder_id, id=project.id, code=code
            )
        )


async def test_a_shop_with_the_official_client_has_one_customer_for_one_mailbox(
    client: AsyncClient, db: Database, live_server: str, project: ProjectKeys, voucherify_client: ApiClient
) -> None:
    headers = management_headers(await give_management_key(db))
    path = f"/management/v1/projects/{project.public_id}"
    await client.put(path, headers=headers, json={"identity_scopes": {"email": "require"}})
    code = await give_limited_code(client, db, project, ONCE_PER_CUSTOMER)
    for customer in (ANN, ANN_AGAIN):
        CustomersApi(voucherify_client).create_customer(customers_create_request_body=customer)  # type: ignore[arg-type]

    def redeem_as(source_id: str) -> Any:
        return RedemptionsApi(voucherify_client).redeem_stacked_discounts(
            redemptions_redeem_request_body={  # type: ignore[arg-type]
                "redeemables": [{"object": "voucher", "id": code}],
                "order": {"amount": 1000},
                "customer": {"source_id": source_id},
            }
        )

    assert redeem_as("ann").redemptions[0].result == "SUCCESS"
    with pytest.raises(BadRequestException) as refused:
        redeem_as("ann-2")
    assert "redemption_rules_violated" in str(refused.value.body)


async def test_a_session_holds_for_every_identity(client: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, email="require")
    code = await give_limited_code(client, db, project)
    session = {"session": {"type": "LOCK", "key": "cart-1"}}
    for customer in (ANN, ANN_AGAIN):
        await ask(client, project, "POST", "/v1/customers", customer)

    await validate(client, project, cart(code, customer={"source_id": "ann"}, **session))

    assert await refusal(client, project, cart(code, customer={"source_id": "ann-2"})) == "redemption_rules_violated"
    await redeem(client, project, cart(code, customer={"source_id": "ann-2"}, **session))
    assert await differences(db, project) == []
