"""The `guerdon` command."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app import __version__
from app.access.bootstrap import ensure_first_project
from app.kit.db import Database
from app.kit.errors import AppError
from app.ledger.doctor import examine
from app.processes import keychain, serving
from app.processes.data_directory import credentials_path, read_credentials
from app.processes.database import bring_up_to_date, check_migrated, database_of, place_of
from app.processes.errors import CannotStart
from app.processes.keychain import KeyRole
from app.settings import Settings, settings_table

cli = typer.Typer(
    name="guerdon",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="A self-hosted, headless incentive engine.\n\n"
    "Everything is set by environment variables; `guerdon settings` lists them.",
)
keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke keys.")
cli.add_typer(keys, name="keys")
console = Console(highlight=False, soft_wrap=True)
OPENAPI_FILE = Path("openapi/guerdon.json")
TABLE_MARKS = ("<!-- settings -->", "<!-- /settings -->")
ProjectOption = Annotated[str | None, typer.Option("--project", help="Id of the project, if there are several.")]


def main() -> None:
    """Run a command; what stands in its way is one line on standard error and exit code 1 (2 for a wrong setting)."""
    try:
        cli()
    except (CannotStart, AppError) as refusal:
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


@keys.command("create")
def create_key(
    role: Annotated[KeyRole, typer.Option(help="What the key may do; `management` stands above all projects.")],
    name: Annotated[str, typer.Option(help="Who uses it, such as the name of the shop's system.")],
    project: ProjectOption = None,
) -> None:
    """Make a key and print it as environment variables. Its token is shown now and never again.

    In a database without a project the first one is made, and all its keys are printed.

    Example: [bold]guerdon keys create --role checkout --name web-shop[/]
    """

    async def work(url: str) -> None:
        async with _migrated_database(url) as db:
            first = await ensure_first_project(db)
            if first is not None:
                _print_variables(first.variables())
            pair = await keychain.create(db, project, role, name)
            id_name, token_name = keychain.HEADERS[pair.kind]
            _print_variables({id_name: pair.id, token_name: pair.token})

    _on_database(work)


@keys.command("list")
def list_keys(project: ProjectOption = None) -> None:
    """List the keys of a project and the management keys, without their tokens.

    Example: [bold]guerdon keys list[/]
    """

    async def work(url: str) -> None:
        async with _migrated_database(url) as db:
            table = Table("Id", "Kind", "Role", "Name", "Created", "Revoked", box=None)
            for key in await keychain.search(db, project):
                revoked = "" if key.revoked_at is None else f"{key.revoked_at:%Y-%m-%d %H:%M}"
                table.add_row(key.id, key.kind, key.role, escape(key.name), f"{key.created_at:%Y-%m-%d %H:%M}", revoked)
            console.print(table)

    _on_database(work)


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="The id of the key; see `guerdon keys list`.")]) -> None:
    """Make a key worthless at once, with every token minted from it.

    Example: [bold]guerdon keys revoke 5b0e7a54-5a5c-4b0c-9f86-1f0f6d1d5c3e[/]
    """

    async def work(url: str) -> None:
        async with _migrated_database(url) as db:
            await keychain.revoke(db, key_id)
        console.print(f"Revoked {key_id}.")

    _on_database(work)


@cli.command()
def doctor() -> None:
    """Make every count again from the redemptions, and exit 1 if one differs from what is stored.

    Example: [bold]guerdon doctor[/]
    """

    async def work(url: str) -> None:
        async with _migrated_database(url) as db:
            differences = await examine(db)
        for difference in differences:
            console.print(f"{difference.project}: {difference.what}: {difference.problem}")
        if differences:
            raise typer.Exit(1)
        console.print("Everything adds up.")

    _on_database(work)


@cli.command()
def openapi(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if the file is stale.")] = False,
    path: Annotated[Path, typer.Argument(help="The file.")] = OPENAPI_FILE,
) -> None:
    """Write the OpenAPI document.

    Example: [bold]guerdon openapi --check[/]
    """
    # Slow to import, and of no use to the other commands.
    from app.kit.openapi import openapi_document
    from app.main import create_app

    document = openapi_document(create_app())
    if not check:
        path.write_text(document, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != document:
        raise CannotStart(f"{path} is stale; run `make openapi` and commit it.")


@cli.command()
def demo() -> None:
    """Load a small shop into the running server and play a checkout, each step with its curl. Can be repeated.

    The server is the one whose keys are in credentials.env of [bold]GUERDON_DATA_DIR[/], or the one that the
    environment variables [bold]GUERDON_URL[/], [bold]X_APP_ID[/] and [bold]X_APP_TOKEN[/] name.

    Example: [bold]guerdon serve[/], and in a second terminal [bold]guerdon demo[/]
    """
    # Speaks HTTP, which the other commands have no use for.
    from app.demo.shop_api import VARIABLES
    from app.demo.story import play

    data_dir = Settings().data_dir
    given = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    credentials = {**read_credentials(data_dir), **given}
    missing = [name for name in VARIABLES if name not in credentials]
    if missing:
        raise CannotStart(
            f"no {', '.join(missing)} in {credentials_path(data_dir)}; start a server in another terminal: make serve"
        )
    play(credentials, credentials_path(data_dir), console)


@cli.command()
def settings(
    into: Annotated[Path | None, typer.Option(help="Write them as a table between the marks in this file.")] = None,
) -> None:
    """List every setting with its value here.

    Example: [bold]guerdon settings[/]
    """
    if into is not None:
        before, _, rest = into.read_text(encoding="utf-8").partition(TABLE_MARKS[0])
        after = rest.partition(TABLE_MARKS[1])[2]
        table = f"{TABLE_MARKS[0]}\n\n{settings_table()}\n\n{TABLE_MARKS[1]}"
        into.write_text(before + table + after, encoding="utf-8")
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


@asynccontextmanager
async def _migrated_database(url: str) -> AsyncIterator[Database]:
    await check_migrated(url)
    database = Database(url, pool_size=1)
    try:
        yield database
    finally:
        await database.close()


def _print_variables(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        print(f"{name}={value}")


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
