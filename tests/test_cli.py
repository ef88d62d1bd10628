"""The `guerdon` command: it explains itself, and the README says the same."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.settings import Settings, settings_table

README = Path(__file__).parents[1] / "README.md"
COMMANDS = [
    "serve",
    "api",
    "worker",
    "migrate",
    "keys create",
    "keys list",
    "keys revoke",
    "doctor",
    "openapi",
    "settings",
]


def test_the_readme_lists_the_settings_there_are() -> None:
    table = re.search(r"<!-- settings -->\n\n(.*?)\n\n<!-- /settings -->", README.read_text(), re.DOTALL)

    assert table is not None
    assert table[1] == settings_table(), "run `make readme`"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    answer = CliRunner().invoke(cli, [*command.split(), "--help"], env={"COLUMNS": "200"})

    assert answer.exit_code == 0
    assert "Example:" in answer.output
    assert f"guerdon {command}" in answer.output


def test_without_arguments_all_commands_are_listed() -> None:
    answer = CliRunner().invoke(cli, [], env={"COLUMNS": "200"})

    assert all(command.split()[0] in answer.output for command in COMMANDS)


def test_every_wrong_setting_is_named_in_one_line() -> None:
    wrong = {"GUERDON_PORT": "eighty", "GUERDON_WORKERS": "0", "GUERDON_LOG_LEVEL": "loud"}

    done = subprocess.run([sys.executable, "-m", "app.cli", "serve"], env=wrong, capture_output=True, text=True)

    assert done.returncode == 2
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == list(wrong)


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUERDON_PORT", "")

    assert Settings().port == 8000


def test_the_listed_settings_keep_the_password_to_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUERDON_DATABASE_URL", "postgresql://guerdon:s3cret@db/guerdon")

    answer = CliRunner().invoke(cli, ["settings"])

    assert "GUERDON_DATABASE_URL=db/guerdon" in answer.output
    assert "s3cret" not in answer.output
