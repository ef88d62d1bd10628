import asyncio

from httpx import AsyncClient
from sqlalchemy import func, select
from voucherify.models import AsyncActionGetResponseBody, AsyncActionsListResponseBody

from app.kit.db import Database
from app.models import AsyncAction, OutboxEvent, Voucher
from tests.factories.access import ProjectKeys, give_project
from tests.factories.incentives import PERCENT, ask, finished, generated, give_campaign, give_coupon


async def test_a_thousand_codes_are_made_in_the_background_exactly(
    client: AsyncClient, project: ProjectKeys, db: Database, worker: None
) -> None:
    campaign = await give_campaign(
        client, project, vouchers_count=1000, voucher={"code_config": {"prefix": "K-"}, "redemption": {"quantity": 1}}
    )

    done = await generated(client, project, campaign["id"])

    assert (campaign["vouchers_generation_status"], campaign["vouchers_count"]) == ("IN_PROGRESS", 0)
    assert (done["vouchers_generation_status"], done["vouchers_count"]) == ("DONE", 1000)
    async with db.read() as session:
        codes = list(await session.scalars(select(Voucher.code).where(Voucher.campaign_id == campaign["id"])))
    assert len(set(codes)) == len(codes) == 1000
    assert all(code.startswith("K-") and len(code) == 10 for code in codes)
    one = await ask(client, project, "GET", f"/v1/vouchers/{codes[0]}")
    assert one["redemption"]["quantity"] == 1
    assert one["discount"] == PERCENT


async def test_the_async_action_tells_what_was_done(
    client: AsyncClient, project: ProjectKeys, db: Database, worker: None
) -> None:
    campaign = await give_campaign(client, project)

    started = await client.post(
        f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=25",
        json={"metadata": {"lot": 7}, "expiration_date": "2030-01-01T00:00:00Z", "additional_info": "x"},
        headers=project.server,
    )
    action = await finished(client, project, started.json()["async_action_id"])

    assert started.status_code == 202
    assert action == {
        "id": started.json()["async_action_id"],
        "type": "CAMPAIGN.VOUCHERS_GENERATE",
        "status": "DONE",
        "operation_status": "SUCCESS",
        "request_id": action["request_id"],
        "processing_time": action["processing_time"],
        "progress": 100,
        "result": {"done_count": 25, "failed_count": 0},
        "created_at": action["created_at"],
        "updated_at": action["updated_at"],
        "object": "async_action",
    }
    assert action["request_id"] == started.headers["X-Request-Id"]
    assert AsyncActionGetResponseBody.from_dict(action) is not None
    listed = await ask(client, project, "GET", "/v1/vouchers?filters[metadata.lot][conditions][$is]=7&limit=1")
    assert listed["total"] == 25
    assert listed["vouchers"][0]["expiration_date"] == "2030-01-01T00:00:00.000Z"
    assert listed["vouchers"][0]["additional_info"] == "x"
    async with db.read() as session:
        events = await session.scalars(
            select(OutboxEvent.type).where(OutboxEvent.project_id == project.id).order_by(OutboxEvent.id)
        )
        assert list(events) == [
            "campaign.created",
            "campaign.vouchers.generation.started",
            "campaign.vouchers.generation.completed",
        ]


async def test_the_list_of_async_actions_pages_back_in_time_within_the_project(
    client: AsyncClient, project: ProjectKeys, db: Database, worker: None
) -> None:
    other = await give_project(db)
    campaign = await give_campaign(client, project)
    path = f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=2"
    ids = [(await ask(client, project, "POST", path))["async_action_id"] for _ in range(3)]
    for action_id in ids:
        await finished(client, project, action_id)

    newest = await ask(client, project, "GET", "/v1/async-actions?limit=2")
    end_date = newest["async_actions"][-1]["created_at"]
    older = await ask(client, project, "GET", f"/v1/async-actions?limit=2&end_date={end_date}")

    assert [action["id"] for action in newest["async_actions"]] == [ids[2], ids[1]]
    assert [newest["has_more"], older["has_more"]] == [True, False]
    assert ids[0] in [action["id"] for action in older["async_actions"]]
    assert AsyncActionsListResponseBody.from_dict(newest) is not None
    assert (await ask(client, other, "GET", "/v1/async-actions"))["async_actions"] == []
    assert (await client.get(f"/v1/async-actions/{ids[0]}", headers=other.server)).status_code == 404


async def test_ten_codes_of_a_pattern_with_three_are_refused_before_anything_starts(
    client: AsyncClient, project: ProjectKeys
) -> None:
    config = {"pattern": "X#", "charset": "123"}
    body = {"name": "Tight", "vouchers_count": 10, "voucher": {"discount": PERCENT, "code_config": config}}

    response = await client.post("/v1/campaigns", json=body, headers=project.server)

    assert response.status_code == 400
    assert response.json()["key"] == "invalid_code_config"
    assert "10 codes were asked for" in response.json()["details"]
    assert "3 possible" in response.json()["details"]
    assert (await ask(client, project, "GET", "/v1/async-actions"))["async_actions"] == []
    assert (await client.get("/v1/campaigns/Tight", headers=project.server)).status_code == 404


async def test_codes_that_others_have_are_counted_when_it_gets_tight(
    client: AsyncClient, project: ProjectKeys, worker: None
) -> None:
    await give_coupon(client, project, "X-17")
    config = {"pattern": "X-##", "charset": "0123456789"}

    too_many = await client.post(
        "/v1/campaigns",
        json={"name": "A", "vouchers_count": 100, "voucher": {"discount": PERCENT, "code_config": config}},
        headers=project.server,
    )
    campaign = await give_campaign(client, project, vouchers_count=99, voucher={"code_config": config})
    done = await generated(client, project, campaign["id"])
    one_more = await client.post(f"/v1/campaigns/{campaign['id']}/vouchers", headers=project.server)

    assert too_many.json()["key"] == "invalid_code_config"
    assert "only 99 are free" in too_many.json()["details"]
    assert "easy to guess" in campaign["warnings"][0]
    assert done["vouchers_count"] == 99
    assert "only 0 are free" in one_more.json()["details"]


async def test_a_hundred_thousand_codes_fill_a_shape_to_its_last_code_where_case_is_ignored(
    client: AsyncClient, db: Database, worker: None
) -> None:
    project = await give_project(db, case_sensitive_codes=False)
    config = {"pattern": "#####", "charset": "abcdefghijABCDEFGHIJ"}

    campaign = await give_campaign(client, project, vouchers_count=100_000, voucher={"code_config": config})
    done = await generated(client, project, campaign["id"], seconds=60)

    assert done["vouchers_generation_status"] == "DONE"
    async with db.read() as session:
        of_campaign = Voucher.campaign_id == campaign["id"]
        distinct = func.count(func.distinct(Voucher.normal_code))
        assert await session.scalar(select(distinct).where(of_campaign)) == 100_000


async def test_codes_taken_after_the_check_make_the_action_fail_with_the_figures(
    client: AsyncClient, project: ProjectKeys, db: Database, worker: None
) -> None:
    config = {"pattern": "Y#", "charset": "0123456789"}
    first = await give_campaign(client, project, voucher={"code_config": config})
    # Two campaigns that draw from one shape do not know of each other until the codes are there.
    body = {"code_config": config}
    answers = await asyncio.gather(
        *(
            ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=8", body)
            for campaign in (first, await give_campaign(client, project))
        )
    )

    actions = [await finished(client, project, answer["async_action_id"]) for answer in answers]

    # There are ten such codes. Who draws faster has eight; or both share them, and neither has enough.
    failed = [action for action in actions if action["status"] == "FAILED"]
    made_counts = [action["result"]["done_count"] for action in failed]
    assert sum(made_counts) + 8 * (len(actions) - len(failed)) == 10
    for action, made_count in zip(failed, made_counts, strict=True):
        assert action["operation_status"] == "FAILED"
        assert action["result"]["message"].startswith(f"Only {made_count} code")
        assert action["result"]["message"].endswith("of the form Y# were made; no free one is left.")
        assert action["result"]["failed_count"] == 8 - made_count
    listed = await ask(client, project, "GET", "/v1/campaigns?campaign_status=FAILED")
    assert sorted(campaign["vouchers_count"] for campaign in listed["campaigns"]) == sorted(made_counts)


async def test_two_generations_at_once_make_the_codes_of_both(
    client: AsyncClient, project: ProjectKeys, worker: None
) -> None:
    campaign = await give_campaign(client, project, vouchers_count=30_000)
    path = f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=30000"

    added = await ask(client, project, "POST", path)
    await finished(client, project, added["async_action_id"])
    done = await generated(client, project, campaign["id"])

    assert done["vouchers_count"] == 60_000
    assert done["vouchers_generation_status"] == "DONE"


async def test_what_was_asked_for_counts_against_the_limit_before_it_is_made(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_campaign(client, project)
    async with db.write() as session:
        session.add(
            AsyncAction(
                project_id=project.id,
                id=f"aa_pending_{project.id}",
                type="CAMPAIGN.VOUCHERS_GENERATE",
                status="ENQUEUED",
                operation_status="UNKNOWN",
                parameters={"campaign_id": campaign["id"], "count": 9_999_999},
                progress=0,
                created_at=(await session.scalar(select(func.now()))),
            )
        )

    one = await client.post(f"/v1/campaigns/{campaign['id']}/vouchers", headers=project.server)
    two = await client.post(f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=2", headers=project.server)

    assert one.status_code == 200
    assert two.json()["key"] == "too_many_vouchers_requested"
    assert "may have 10,000,000" in two.json()["details"]


async def test_a_campaign_deleted_while_its_codes_are_made_ends_without_any(
    client: AsyncClient, project: ProjectKeys, db: Database, worker: None
) -> None:
    campaign = await give_campaign(client, project, vouchers_count=200_000)

    deleted = await ask(client, project, "DELETE", f"/v1/campaigns/{campaign['id']}?force=true")
    listed = await ask(client, project, "GET", "/v1/async-actions")
    for action in listed["async_actions"]:
        await finished(client, project, action["id"], seconds=60)

    assert deleted["async_action_id"] in [action["id"] for action in listed["async_actions"]]
    async with db.read() as session:
        left = await session.scalar(select(func.count()).where(Voucher.project_id == project.id))
        assert left == 0


async def test_bad_counts_and_dates_are_refused(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_campaign(client, project)

    answers = [
        await client.post(f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=0", headers=project.server),
        await client.post(f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=x", headers=project.server),
        await client.get("/v1/async-actions?limit=101", headers=project.server),
        await client.get("/v1/async-actions?end_date=soon", headers=project.server),
    ]

    assert [answer.status_code for answer in answers] == [400] * 4
