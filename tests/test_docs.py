"""What the documentation tells to type works."""

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.factories.access import ProjectKeys

DOCS = Path(__file__).parents[1] / "docs"


def commands_of(page: str) -> str:
    """Everything that the page tells to type."""
    return "\n".join(re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(), re.DOTALL))


async def typed(commands: str, url: str, project: ProjectKeys) -> list[Any]:
    """The answers, in the order in which they are asked for."""
    keys = {"GUERDON_URL": url, "X_APP_ID": project.server_key.id, "X_APP_TOKEN": project.server_key.token}
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-eu",
        "-c",
        commands,
        cwd=sys.prefix,  # where no credentials lie that would be read instead
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **keys},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaints = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, complaints.decode()) == (0, "")
    return [json.loads(line) if line else None for line in output.decode().splitlines()]


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="the examples use bash and curl")
async def test_the_story_of_a_payment_that_is_confirmed_by_the_bank(live_server: str, project: ProjectKeys) -> None:
    answers = await typed(commands_of("holds.md"), live_server, project)

    made, held, others, redeemed, released, ended = answers
    assert made["code"] == "LAST-ONE"
    assert (held["valid"], held["order"]["total_amount"]) == (True, 4000)
    assert held["session"] == {"key": "checkout-17", "type": "LOCK", "ttl": 15, "ttl_unit": "MINUTES"}
    assert others["redeemables"][0]["result"]["error"]["key"] == "quantity_exceeded"
    assert redeemed["redemptions"][0]["session"] == {"key": "checkout-17"}
    assert released is ended is None


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="the examples use bash and curl")
async def test_the_story_of_a_loyalty_card(live_server: str, project: ProjectKeys) -> None:
    answers = await typed(commands_of("loyalty.md"), live_server, project)

    program, member, card, mine, added, repeated, taken, transactions = answers[:8]
    assert (program["campaign_type"], member["loyalty_card"]["balance"]) == ("LOYALTY_PROGRAM", 100)
    assert card["code"] == mine["code"] == "ANN-1"
    assert (added["balance"], repeated, taken["balance"]) == (150, added, 130)
    assert [entry["type"] for entry in transactions["data"]] == ["POINTS_REMOVAL", "POINTS_ADDITION"]
    (tiers,) = [answer for answer in answers if isinstance(answer, list) and answer[0]["object"] == "loyalty_tier"]
    assert [tier["name"] for tier in tiers] == ["Bronze", "Silver", "Gold"]
    offered, choices, redemption = answers[-3:]
    assert [each["assignment"]["id"] for each in choices["data"]] == [offered["id"]]
    assert redemption["voucher"]["loyalty_card"]["balance"] == 70
    assert redemption["reward"]["voucher"]["discount"]["percent_off"] == 10


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="the examples use bash and curl")
async def test_the_ledger_is_read_and_proved_as_its_page_says(live_server: str, project: ProjectKeys) -> None:
    answers = await typed(commands_of("ledger.md"), live_server, project)

    _, changed, statement, before, proof = answers
    assert changed["balance"] == 4300
    assert [entry["amount"] for entry in statement["data"]] == [5000, -700]
    assert (statement["opening_balance"], statement["closing_balance"]) == (0, 4300)
    assert before["balance"] == 0
    assert proof["holds"]
