"""`guerdon demo` as a newcomer runs it: before there is a server, against one, and a second time."""

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from httpx import AsyncClient

from app.processes.data_directory import credentials_path, write_credentials
from tests.factories.access import ProjectKeys
from tests.factories.incentives import ask

STEPS = 9


async def run(*command: str, **variables: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of a command that knows nothing of this shell's settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("GUERDON_", "X_"))}
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**ours, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaints = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode or 0, output.decode(), complaints.decode()


async def demo(data_dir: Path) -> tuple[int, str, str]:
    return await run(sys.executable, "-m", "app.cli", "demo", GUERDON_DATA_DIR=str(data_dir))


def steps(output: str) -> list[str]:
    return re.findall(r"^\d+\. .*", output, re.MULTILINE)


@pytest.fixture
def data_dir(tmp_path: Path, live_server: str, project: ProjectKeys) -> Path:
    """A data directory as `guerdon serve` leaves it."""
    keys = {"X_APP_ID": project.server_key.id, "X_APP_TOKEN": project.server_key.token}
    write_credentials(tmp_path, {"GUERDON_URL": live_server, **keys})
    return tmp_path


@pytest.mark.usefixtures("worker")
async def test_the_demo_plays_its_story_twice(client: AsyncClient, project: ProjectKeys, data_dir: Path) -> None:
    first_code, first, complaints = await demo(data_dir)
    assert (first_code, complaints) == (0, "")
    second_code, second, complaints = await demo(data_dir)
    assert (second_code, complaints) == (0, "")

    for output in (first, second):
        assert len(steps(output)) == output.count("curl -sS") == STEPS
        assert "79.70 - 15.94 = 63.76 to pay." in output
        assert "400 quantity_exceeded" in output
        assert project.server_key.token not in output
    campaigns = await ask(client, project, "GET", "/v1/campaigns")
    assert sorted(campaign["vouchers_count"] for campaign in campaigns["campaigns"]) == [1, 1000]
    assert (await ask(client, project, "GET", "/v1/products"))["total"] == 6
    assert (await ask(client, project, "GET", "/v1/customers"))["total"] == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="the commands are made for curl")
@pytest.mark.usefixtures("worker")
async def test_a_printed_command_can_be_pasted(data_dir: Path) -> None:
    _, output, _ = await demo(data_dir)
    title = next(step for step in steps(output) if "Validate once more" in step)
    command = re.search(rf"{re.escape(title)}\n(curl .*?)\n\d{{3}} ", output, re.DOTALL)
    assert command is not None

    _, answer, complaints = await run("sh", "-c", f". {credentials_path(data_dir)}\n{command[1]}")

    assert complaints == ""
    assert json.loads(answer)["valid"] is True


async def test_the_demo_says_how_to_start_a_server_when_there_was_none(tmp_path: Path) -> None:
    code, output, complaints = await demo(tmp_path)

    assert (code, output) == (1, "")
    assert re.fullmatch(r"guerdon: no GUERDON_URL.*start a server.*make serve\n", complaints)


async def test_the_demo_says_how_to_start_a_server_that_was_stopped(tmp_path: Path, unused_tcp_port: int) -> None:
    keys = {"X_APP_ID": "any", "X_APP_TOKEN": "any"}
    write_credentials(tmp_path, {"GUERDON_URL": f"http://127.0.0.1:{unused_tcp_port}", **keys})

    code, _, complaints = await demo(tmp_path)

    assert code == 1
    assert re.fullmatch(r"guerdon: no server answers at http://.*make serve\n", complaints)


async def test_the_demo_says_when_its_keys_are_not_taken(data_dir: Path, live_server: str) -> None:
    write_credentials(data_dir, {"GUERDON_URL": live_server, "X_APP_ID": "any", "X_APP_TOKEN": "any"})

    code, _, complaints = await demo(data_dir)

    assert code == 1
    assert re.fullmatch(r"guerdon: the server at http://.* does not take the keys of .*\n", complaints)
