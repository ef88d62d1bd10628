"""Giving codes to customers over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select
from voucherify.models.publications_create_response_body import PublicationsCreateResponseBody

from app.kit.db import Database
from app.models import Campaign, Customer, OutboxEvent, Publication, Voucher
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.pools import give_pool, give_voucher

ADA = {"source_id": "ada", "name": "Ada"}
BEN = {"source_id": "ben"}


async def post(client: AsyncClient, project: ProjectKeys, body: dict[str, Any], query: str = "") -> Response:
    return await client.post(f"/v1/publications{query}", json={"customer": ADA, **body}, headers=project.server)


async def publish(client: AsyncClient, project: ProjectKeys, body: dict[str, Any], query: str = "") -> dict[str, Any]:
    """The answer, which the official model accepts too."""
    response = await post(client, project, body, query)
    assert response.status_code == 200, response.text
    published: dict[str, Any] = response.json()
    assert PublicationsCreateResponseBody.from_dict(published) is not None
    return published


def source_of(campaign: Campaign, count: int = 1) -> dict[str, Any]:
    return {"campaign": {"name": campaign.name, "count": count}}


async def vouchers_of(db: Database, project: ProjectKeys) -> list[Voucher]:
    async with db.read() as session:
        rows = select(Voucher).where(Voucher.project_id == project.id).order_by(Voucher.id)
        return list(await session.scalars(rows))


async def test_a_code_of_the_pool_gets_its_holder(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project, codes=2)

    published = await publish(
        client, project, {**source_of(campaign), "metadata": {"reason": "sorry"}, "channel": "mail"}
    )

    first, second = await vouchers_of(db, project)
    assert first.holder_id == published["customer_id"] == published["customer"]["id"]
    assert (first.publish_count, second.publish_count) == (1, 0)
    assert first.published_at is not None
    assert second.holder_id is None
    assert published["vouchers_id"] == [first.id]
    assert published["voucher"]["code"] == first.code
    assert published["voucher"]["holder_id"] == first.holder_id
    assert published["voucher"]["publish"]["count"] == 1
    assert published["metadata"] == {"reason": "sorry"}
    assert published["channel"] == "API"
    assert published["source_id"] is None
    assert published["result"] == "SUCCESS"
    assert published["tracking_id"].startswith("track_")
    assert published["customer"]["name"] == "Ada"
    assert "vouchers" not in published


async def test_a_campaign_is_found_by_its_id_too(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project, codes=2)

    await publish(client, project, {"campaign": {"name": campaign.id}})
    await publish(client, project, {"campaign": campaign.name})

    assert all(voucher.holder_id for voucher in await vouchers_of(db, project))


async def test_several_codes_are_answered_as_lists(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project, codes=3)

    published = await publish(client, project, source_of(campaign, 3))

    vouchers = await vouchers_of(db, project)
    assert published["vouchers"] == [voucher.code for voucher in vouchers]
    assert published["vouchers_id"] == [voucher.id for voucher in vouchers]
    assert "voucher" not in published
    assert {voucher.holder_id for voucher in vouchers} == {published["customer_id"]}


async def test_all_that_is_asked_for_is_given_or_nothing(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=2)

    refused = await post(client, project, source_of(campaign, 3))

    assert (refused.status_code, refused.json()["key"]) == (400, "no_voucher_suitable_for_publication")
    assert "2 of 3" in refused.json()["details"]
    assert [voucher.publish_count for voucher in await vouchers_of(db, project)] == [0, 0]


@pytest.mark.parametrize(
    "unsuitable",
    [
        {"active": False},
        {"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"expiration_date": datetime(2026, 1, 1, tzinfo=UTC)},
        {"publish_count": 1, "holder_id": "cust_1"},
    ],
)
async def test_codes_that_are_good_for_nothing_are_not_given(
    client: AsyncClient, db: Database, project: ProjectKeys, unsuitable: dict[str, Any]
) -> None:
    campaign = await give_pool(db, project, codes=1, voucher=unsuitable)

    refused = await post(client, project, source_of(campaign))

    assert (refused.status_code, refused.json()["key"]) == (400, "no_voucher_suitable_for_publication")


async def test_a_code_that_was_used_up_before_it_was_given_stays_in_the_pool(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    from app.models import Account

    campaign = await give_pool(db, project)
    used = await give_voucher(db, project, campaign_id=campaign.id, redemption_quantity=1)
    fresh = await give_voucher(db, project, campaign_id=campaign.id, redemption_quantity=1)
    async with db.write() as session:
        account = {"measure": "uses", "subject": "", "period": "", "holds_value": False}
        session.add(Account(project_id=project.id, owner_id=used.id, balance=-1, floor=-1, **account))

    published = await publish(client, project, source_of(campaign))

    assert published["vouchers_id"] == [fresh.id]


async def test_an_auto_update_campaign_makes_the_codes_it_lacks(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=1, type="AUTO_UPDATE", redemption_quantity=1)

    published = await publish(client, project, source_of(campaign, 3))

    vouchers = await vouchers_of(db, project)
    assert len(vouchers) == 3
    assert {voucher.holder_id for voucher in vouchers} == {published["customer_id"]}
    assert [voucher.redemption_quantity for voucher in vouchers[1:]] == [1, 1]
    async with db.read() as session:
        counted = await session.get(Campaign, (project.id, campaign.id))
    assert counted is not None
    assert counted.vouchers_count == 3


async def test_a_shape_without_free_codes_is_an_empty_pool(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, type="AUTO_UPDATE", code_config={"pattern": "ONLY-#", "charset": "AB"})

    await publish(client, project, source_of(campaign, 2))
    refused = await post(client, project, source_of(campaign))

    assert (refused.status_code, refused.json()["key"]) == (400, "no_voucher_suitable_for_publication")


async def test_a_named_voucher_has_one_holder(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    voucher = await give_voucher(db, project, code="SORRY-1")

    published = await publish(client, project, {"voucher": "SORRY-1"})
    again = [
        await post(client, project, {"voucher": "SORRY-1"}),
        await post(client, project, {"voucher": voucher.id, "customer": BEN}),
    ]

    assert published["vouchers_id"] == [voucher.id]
    assert [(refused.status_code, refused.json()["key"]) for refused in again] == [
        (400, "voucher_already_published"),
        (400, "voucher_already_published"),
    ]


async def test_a_disabled_or_expired_voucher_is_not_given(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_voucher(db, project, code="OFF", active=False)
    await give_voucher(db, project, code="OVER", expiration_date=datetime(2026, 1, 1, tzinfo=UTC))

    off = await post(client, project, {"voucher": "OFF"})
    over = await post(client, project, {"voucher": "OVER"})

    assert (off.status_code, off.json()["key"]) == (400, "voucher_disabled")
    assert (over.status_code, over.json()["key"]) == (400, "voucher_expired")


async def test_a_disabled_or_ended_campaign_gives_nothing(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    disabled = await give_pool(db, project, codes=1, active=False)
    ended = await give_pool(db, project, codes=1, expiration_date=datetime(2026, 1, 1, tzinfo=UTC))

    refusals = [await post(client, project, source_of(disabled)), await post(client, project, source_of(ended))]

    assert [refused.json()["key"] for refused in refusals] == [
        "campaign_not_active",
        "no_voucher_suitable_for_publication",
    ]


async def test_a_public_code_is_given_to_many_and_held_by_nobody(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(
        db,
        project,
        codes=1,
        type="STANDALONE",
        activity_duration_after_publishing="P7D",
        voucher={"code": "WELCOME"},
    )

    first = await publish(client, project, source_of(campaign))
    second = await publish(client, project, {"voucher": "WELCOME", "customer": BEN}, "?join_once=true")
    too_many = await post(client, project, source_of(campaign, 2))

    (voucher,) = await vouchers_of(db, project)
    assert first["vouchers_id"] == second["vouchers_id"] == [voucher.id]
    assert first["id"] != second["id"]
    assert voucher.holder_id is None
    assert voucher.publish_count == 2
    assert voucher.expiration_date is None
    assert (too_many.status_code, too_many.json()["key"]) == (400, "too_many_vouchers_requested")


async def test_the_same_source_id_gives_the_same_publication(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=2)
    body = {**source_of(campaign), "source_id": "order-17"}

    first = await publish(client, project, body)
    again = await publish(client, project, body)
    by_mail = await publish(client, project, {**body, "customer": {"email": "ada@example.com"}})

    assert again == first
    assert by_mail == first
    assert [voucher.publish_count for voucher in await vouchers_of(db, project)] == [1, 0]


async def test_a_source_id_that_meant_something_else_is_refused(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign, other_campaign = await give_pool(db, project, codes=2), await give_pool(db, project, codes=2)
    await publish(client, project, {**source_of(campaign), "source_id": "order-17"})

    refusals = [
        await post(client, project, {**source_of(campaign), "source_id": "order-17", "customer": BEN}),
        await post(client, project, {**source_of(other_campaign), "source_id": "order-17"}),
        await post(client, project, {"voucher": (await vouchers_of(db, project))[1].code, "source_id": "order-17"}),
    ]

    assert {(refused.status_code, refused.json()["key"]) for refused in refusals} == {(400, "duplicate_source_id")}
    async with db.read() as session:
        ben = await session.scalar(
            select(Customer).where(Customer.project_id == project.id, Customer.source_id == "ben")
        )
    assert ben is None


async def test_a_failed_publication_may_be_tried_again_under_its_source_id(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    body = {**source_of(campaign), "source_id": "order-17"}

    refused = await post(client, project, body)
    await give_voucher(db, project, campaign_id=campaign.id)
    published = await publish(client, project, body)

    assert refused.status_code == 400
    assert published["source_id"] == "order-17"


async def test_a_campaign_that_is_joined_once_gives_one_code(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=3, join_once=True)

    first = await publish(client, project, source_of(campaign))
    refused = await post(client, project, source_of(campaign))
    asked = await publish(client, project, source_of(campaign), "?join_once=true")
    other = await publish(client, project, {**source_of(campaign), "customer": BEN})
    two = await post(client, project, {**source_of(campaign, 2), "customer": {"source_id": "cleo"}})

    assert (refused.status_code, refused.json()["key"]) == (400, "voucher_cannot_be_published")
    assert refused.json()["details"].startswith("Customer already joined program.")
    assert asked == first
    assert other["vouchers_id"] != first["vouchers_id"]
    assert (two.status_code, two.json()["key"]) == (400, "too_many_vouchers_requested")


async def test_join_once_in_the_query_gives_the_same_code_again(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=3)
    voucher = await give_voucher(db, project)

    first = await publish(client, project, source_of(campaign), "?join_once=true")
    again = await publish(client, project, source_of(campaign), "?join_once=true")
    another = await publish(client, project, source_of(campaign), "?join_once=false")
    named = await publish(client, project, {"voucher": voucher.code}, "?join_once=true")
    named_again = await publish(client, project, {"voucher": voucher.code}, "?join_once=true")
    stolen = await post(client, project, {"voucher": voucher.code, "customer": BEN}, "?join_once=true")

    assert again == first
    assert another["vouchers_id"] != first["vouchers_id"]
    assert named_again == named
    assert (stolen.status_code, stolen.json()["key"]) == (400, "voucher_already_published")


async def test_a_code_ends_so_long_after_it_was_given_on_the_projects_calendar(
    client: AsyncClient, db: Database
) -> None:
    from zoneinfo import ZoneInfo

    project = await give_project(db, timezone="Europe/Berlin")
    ends = datetime.now(UTC) + timedelta(days=1)
    campaign = await give_pool(
        db, project, codes=1, type="AUTO_UPDATE", activity_duration_after_publishing="P1M", expiration_date=ends
    )

    await publish(client, project, source_of(campaign, 2))

    for voucher in await vouchers_of(db, project):
        assert voucher.expiration_date is not None
        assert voucher.published_at is not None
        zone = ZoneInfo("Europe/Berlin")
        given, ended = voucher.published_at.astimezone(zone), voucher.expiration_date.astimezone(zone)
        assert ended.time() == given.time()
        assert (ended.month - given.month) % 12 == 1


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({}, "missing_vouchers"),
        ({"voucher": "A", "campaign": {"name": "B"}}, "invalid_publish_params"),
        ({"campaign": {"name": "B", "count": 51}}, "too_many_vouchers_requested"),
        ({"campaign": {"name": "B", "count": 2}, "source_id": "x"}, "too_many_vouchers_requested"),
        ({"campaign": {"name": "B", "count": 0}}, "invalid_payload"),
        ({"campaign": {"count": 1}}, "invalid_payload"),
        ({"voucher": "A", "customer": None}, "invalid_payload"),
        ({"voucher": "A", "metadata": []}, "invalid_payload"),
        ({"voucher": 7}, "invalid_payload"),
    ],
)
async def test_requests_that_make_no_sense_are_refused(
    client: AsyncClient, db: Database, project: ProjectKeys, body: dict[str, Any], key: str
) -> None:
    refused = await post(client, project, body)

    assert (refused.status_code, refused.json()["key"]) == (400, key)
    async with db.read() as session:
        assert (await session.scalars(select(Publication).where(Publication.project_id == project.id))).all() == []


async def test_what_belongs_to_another_project_is_not_found(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    other_project = await give_project(db)
    campaign = await give_pool(db, other_project, codes=1)
    (voucher,) = await vouchers_of(db, other_project)
    stranger = (await publish(client, other_project, source_of(campaign)))["customer_id"]
    mine = await give_pool(db, project, codes=1)

    answers = [
        await post(client, project, source_of(campaign)),
        await post(client, project, {"voucher": voucher.code}),
        await post(client, project, {"voucher": voucher.id}),
        await post(client, project, {**source_of(mine), "customer": {"id": stranger}}),
    ]

    assert {(answer.status_code, answer.json()["key"]) for answer in answers} == {(404, "not_found")}


async def test_viewers_may_not_publish(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    viewer = server_headers(await give_key(db, project, "viewer"))

    refused = await client.post("/v1/publications", json={"customer": ADA, "voucher": "A"}, headers=viewer)

    assert refused.status_code == 403


async def test_a_publication_is_announced_without_personal_data(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=2)

    published = await publish(client, project, source_of(campaign, 2))
    await post(client, project, source_of(campaign))

    async with db.read() as session:
        rows = select(OutboxEvent).where(OutboxEvent.project_id == project.id).order_by(OutboxEvent.id)
        events = [event for event in await session.scalars(rows) if "publi" in event.type]
    assert [event.type for event in events] == ["publication.succeeded", "voucher.published", "voucher.published"]
    assert events[0].data["publication"]["id"] == published["id"]
    assert [event.data["voucher"]["code"] for event in events[1:]] == published["vouchers"]
    assert all("Ada" not in str(event.data) for event in events)


async def test_the_same_idempotency_key_gives_the_same_code(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=2)
    headers = {**project.server, "Idempotency-Key": "once"}
    body = {"customer": ADA, **source_of(campaign)}

    first = await client.post("/v1/publications", json=body, headers=headers)
    again = await client.post("/v1/publications", json=body, headers=headers)

    assert first.status_code == 200, first.text
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [voucher.publish_count for voucher in await vouchers_of(db, project)] == [1, 0]


async def test_a_refused_publication_with_an_idempotency_key_is_kept_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    headers = {**project.server, "Idempotency-Key": "once"}
    body = {"customer": ADA, **source_of(campaign)}

    answers = [await client.post("/v1/publications", json=body, headers=headers) for _ in range(2)]

    assert [answer.json()["key"] for answer in answers] == ["no_voucher_suitable_for_publication"] * 2
    async with db.read() as session:
        kept = (await session.scalars(select(Publication).where(Publication.project_id == project.id))).all()
    assert [publication.result for publication in kept] == ["FAILURE"]


async def test_codes_are_given_whatever_their_case_if_the_project_ignores_it(client: AsyncClient, db: Database) -> None:
    project = await give_project(db, case_sensitive_codes=False)
    voucher = await give_voucher(db, project, code="Sorry-1")

    published = await publish(client, project, {"voucher": "SORRY-1", "source_id": "s-1"})
    again = await publish(client, project, {"voucher": "sorry-1", "source_id": "s-1"})

    assert published["vouchers_id"] == [voucher.id]
    assert again == published
