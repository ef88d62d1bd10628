"""The `guerdon` command."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from app import __version__
from app.processes import serving
from app.processes.data_directory import credentials_path
from app.processes.database import bring_up_to_date, database_of, place_of
from app.processes.errors import CannotStart
from app.settings import Settings, settings_table

cli = typer.Typer(
    name="guerdon",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="A self-hosted, headless incentive engine.\n\n"
    "Everything is set by environment variables; `guerdon settings` lists them.",
)
console = Console(highlight=False, soft_wrap=True)
OPENAPI_FILE = Path("openapi/guerdon.json")


def main() -> None:
    """Run a command; what stands in its way is one line on standard error and exit code 1 (2 for a wrong setting)."""
    try:
        cli()
    except CannotStart as refusal:
        print(f"guerdon: {refusal}", file=sys.stderr)
        sys.exit(1)
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        for wrong in error.errors():
            name = "_".join(str(part) for part in wrong["loc"]).upper()
            print(f"guerdon: GUERDON_{name}: {wrong['msg']}; got {wrong['input']!r}", file=sys.stderr)
        sys.exit(2)


@cli.command()
def serve() -> None:
    """Start everything: Postgres, migrations, first project and keys, API and worker.

    With [bold]GUERDON_DATABASE_URL[/] your own Postgres is used, else one that lives in [bold]GUERDON_DATA_DIR[/].
    The first start writes the keys to credentials.env there. Ctrl-C stops everything in order.

    Example: [bold]GUERDON_PORT=9000 GUERDON_WORKERS=2 guerdon serve[/]
    """
    settings = Settings()

    def started(url: str, data_dir: Path) -> None:
        console.print(f"[bold]Guerdon {__version__} is ready.[/]")
        _say_where(settings, url)
        if credentials_path(data_dir).exists():
            console.print(f"  Credentials  {credentials_path(data_dir)}")
        else:
            console.print("  Credentials  made earlier; for new ones: guerdon keys create")
        console.print(f"  Data         {_where_data_is(settings, data_dir)}")
        console.print("  Stop with Ctrl-C.")

    serving.run_until_stopped(serving.serve(settings, started=started))


@cli.command()
def api() -> None:
    """Start the API alone, on the Postgres of [bold]GUERDON_DATABASE_URL[/], which must be migrated.

    Example: [bold]GUERDON_DATABASE_URL=postgresql://guerdon@db/guerdon GUERDON_HOST=0.0.0.0 guerdon api[/]
    """
    settings = Settings()

    def started(url: str) -> None:
        console.print(f"[bold]Guerdon {__version__} API is ready.[/]")
        _say_where(settings, url)

    serving.run_until_stopped(serving.serve_api(settings, started=started))


@cli.command()
def worker() -> None:
    """Start the worker alone, on the Postgres of [bold]GUERDON_DATABASE_URL[/], which must be migrated.

    Any number of workers may run on one database.

    Example: [bold]GUERDON_DATABASE_URL=postgresql://guerdon@db/guerdon guerdon worker[/]
    """

    def started() -> None:
        console.print(f"[bold]Guerdon {__version__} worker is ready.[/]")

    serving.run_until_stopped(serving.serve_worker(Settings(), started=started))


@cli.command()
def migrate() -> None:
    """Bring the database's schema up to date. Two at once wait for each other.

    Example: [bold]GUERDON_DATABASE_URL=postgresql://guerdon@db/guerdon guerdon migrate[/]
    """

    async def work(url: str) -> None:
        applied = await bring_up_to_date(url)
        console.print(f"Applied {len(applied)} migration(s)." if applied else "The schema is up to date.")

    _on_database(work)


@cli.command()
def openapi(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if the file is stale.")] = False,
    path: Annotated[Path, typer.Argument(help="The file.")] = OPENAPI_FILE,
) -> None:
    """Write the OpenAPI document.

    Example: [bold]guerdon openapi --check[/]
    """
    from app.main import create_app  # slow to import, and of no use to the other commands

    document = json.dumps(create_app().openapi(), indent=2, ensure_ascii=False) + "\n"
    if not check:
        path.write_text(document, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != document:
        raise CannotStart(f"{path} is stale; run `make openapi` and commit it.")


@cli.command()
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="The table of the README.")] = False,
) -> None:
    """List every setting with its value here.

    Example: [bold]guerdon settings[/]
    """
    if markdown:
        print(settings_table())
        return
    values = Settings()
    for name, field in Settings.model_fields.items():
        value = getattr(values, name)
        shown = place_of(value) if name == "database_url" and value is not None else value
        console.print(f"[bold]GUERDON_{name.upper()}[/]={'' if shown is None else shown}\n  {field.description}")


def _on_database(work: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Run `work(url)` on the configured database, or on the embedded one."""

    async def run() -> None:
        async with database_of(Settings()) as url:
            await work(url)

    asyncio.run(run())


def _say_where(settings: Settings, url: str) -> None:
    console.print(f"  API          {url}")
    if settings.docs:
        console.print(f"  Docs         {url}/docs")


def _where_data_is(settings: Settings, data_dir: Path) -> str:
    if settings.database_url is not None:
        return place_of(settings.database_url)
    return f"{data_dir / 'postgres'} (embedded Postgres)"


if __name__ == "__main__":
    main()
