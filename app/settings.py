"""Everything an operator can set, read once from the environment."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Count = Annotated[int, Field(ge=1, le=10**9)]


class Settings(BaseSettings):
    """One value per environment variable `GUERDON_<NAME>`; a wrong one is refused at the start.

    Raises pydantic's ValidationError, which names every variable that is wrong.
    """

    model_config = SettingsConfigDict(env_prefix="GUERDON_", env_ignore_empty=True, frozen=True)

    host: Annotated[str, Field(description="Address to listen on; `0.0.0.0` for all.")] = "127.0.0.1"
    port: Annotated[Port, Field(description="Port to listen on; 0 takes a free one.")] = 8000
    data_dir: Annotated[
        Path, Field(description="Where the embedded Postgres and `credentials.env` live. One server per directory.")
    ] = Path(".guerdon")
    database_url: Annotated[
        str | None,
        Field(
            pattern=r"^postgres(ql)?://",
            description="Your own Postgres 15 or newer, as `postgresql://user:password@host:port/database`.",
        ),
    ] = None
    workers: Annotated[int, Field(ge=1, le=64, description="API processes; one per core is a good number.")] = 1
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="The least severe line that is logged.")
    ] = "info"
    docs: Annotated[bool, Field(description="Serve `/docs` and `/openapi.json`.")] = True
    body_limit_bytes: Annotated[
        int, Field(ge=1024, le=2**30, description="Larger request bodies are refused with 413.")
    ] = 2**20
    forwarded_allow_ips: Annotated[
        str, Field(description="Proxies whose `X-Forwarded-*` headers are believed, separated by commas.")
    ] = "127.0.0.1"
    request_seconds: Annotated[Seconds, Field(description="The longest a request may take; then it gets 503.")] = 60
    requests_in_flight: Annotated[
        int, Field(ge=1, description="More requests at once than this get 503 with Retry-After, in each API process.")
    ] = 1000
    keep_alive_seconds: Annotated[
        Seconds, Field(description="How long an idle HTTP connection stays open. Keep it above that of your proxy.")
    ] = 75
    shutdown_seconds: Annotated[
        Seconds, Field(description="How long a stopping server waits for its running requests and jobs.")
    ] = 30
    pool_size: Annotated[
        int, Field(ge=1, le=500, description="Database connections of each API process, and of the worker.")
    ] = 16
    pool_seconds: Annotated[
        Seconds, Field(description="How long a request waits for a free database connection; then it gets 503.")
    ] = 10
    statement_seconds: Annotated[Seconds, Field(description="The longest a single database statement may run.")] = 30
    lock_seconds: Annotated[
        Seconds, Field(description="The longest a database statement waits for a row that another one holds.")
    ] = 10

    client_requests_per_address: Annotated[
        Count, Field(description="Requests that one address may make of `/client/v1` before it gets 429.")
    ] = 5
    client_requests_seconds: Annotated[Seconds, Field(description="So long until an address may make them again.")] = 5
    client_failures_per_address: Annotated[
        Count,
        Field(
            description="Codes that one address may try in vain on `/client/v1`. A request that names more is refused."
        ),
    ] = 30
    client_failures_per_customer: Annotated[
        Count, Field(description="Codes that may be tried in vain for one customer.")
    ] = 30
    client_failures_per_key: Annotated[
        Count, Field(description="Codes that may be tried in vain with one client key, by everybody together.")
    ] = 10_000
    client_failures_seconds: Annotated[
        Seconds, Field(description="So long until that many codes may be tried in vain again.")
    ] = 600

    codes_per_campaign: Annotated[int, Field(ge=1, le=10**9, description="How many codes one campaign may have.")] = (
        10_000_000
    )
    job_silence_seconds: Annotated[
        Seconds,
        Field(description="A job whose worker has not been heard of for so long is taken up by another worker."),
    ] = 30
    clock_offset_seconds: Annotated[
        int,
        Field(
            ge=-(10**9), le=10**9, description="Only for tests: so much later than it is the server believes it to be."
        ),
    ] = 0


def settings_table() -> str:
    """All settings as a Markdown table; the README carries this text between two marks."""
    lines = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "embedded Postgres" if name == "database_url" else f"`{_text_of(field.default)}`"
        lines.append(f"| `GUERDON_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines)


def _text_of(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)
