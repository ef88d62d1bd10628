"""`guerdon serve` as an operator meets it: a process with a data directory, a port and signals."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import psutil
import pytest

START_SECONDS = 60
NAMES = {
    "GUERDON_URL",
    "X_APP_ID",
    "X_APP_TOKEN",
    "X_CLIENT_APPLICATION_ID",
    "X_CLIENT_TOKEN",
    "X_MANAGEMENT_ID",
    "X_MANAGEMENT_TOKEN",
    "PROJECT_ID",
}


class Server:
    """A running `guerdon serve` on a free port."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self.output = data_dir.with_name(f"{data_dir.name}-{time.monotonic_ns()}.log")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                env=environment(data_dir, **settings),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        found = self.wait_for(r"API +(http\S+)")
        self.url = found[1]
        self.family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + START_SECONDS
        while (found := re.search(pattern, self.output.read_text())) is None:
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)
        return found

    def child(self, role: str) -> psutil.Process:
        """The process of this role that runs now."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        return next(process for process in family if role in process.cmdline())

    def credentials(self) -> dict[str, str]:
        lines = (self.data_dir / "credentials.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def client(self) -> httpx.Client:
        keys = self.credentials()
        return httpx.Client(
            base_url=self.url, headers={"X-App-Id": keys["X_APP_ID"], "X-App-Token": keys["X_APP_TOKEN"]}, timeout=30
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def left_alive(self, seconds: float = 20) -> list[psutil.Process]:
        """Processes of the server that do not end within the time."""
        deadline = time.monotonic() + seconds
        while (alive := [process for process in self.family if is_alive(process)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        return alive


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GUERDON_")}
    return {**ours, "GUERDON_DATA_DIR": str(data_dir), "GUERDON_PORT": "0", **settings}


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that ended and waits for its parent to notice does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def serving(data_dir: Path, **settings: str) -> Iterator[Server]:
    server = Server(data_dir, **settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def refused(data_dir: Path, command: str = "serve", **settings: str) -> str:
    """What a start that cannot succeed says: one line on standard error, and an exit code that is not 0."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", command],
        env=environment(data_dir, **settings),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (1, 2), done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("serve") / "data", GUERDON_WORKERS="2") as running:
        yield running


def test_a_started_server_answers(server: Server) -> None:
    answers = [httpx.get(f"{server.url}{path}").status_code for path in ("/healthz", "/readyz", "/docs", "/metrics")]

    assert answers == [200, 200, 200, 200]


def test_the_first_start_writes_every_key_where_only_its_owner_reads(server: Server) -> None:
    path = server.data_dir / "credentials.env"

    assert path.stat().st_mode & 0o777 == 0o600
    assert set(server.credentials()) == NAMES
    assert all(server.credentials().values())
    assert server.credentials()["GUERDON_URL"] == server.url
    assert f"Credentials  {path}" in server.output.read_text()


def test_the_written_key_opens_the_api(server: Server) -> None:
    with server.client() as client:
        assert client.get("/v1/customers/nobody").status_code == 404
        assert client.get("/v1/customers/nobody", headers={"X-App-Token": "guess"}).status_code == 401


def test_any_process_counts_the_requests_of_all(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        before = _counted(client)
        for _ in range(20):
            httpx.get(f"{server.url}/v1/unknown")

        assert _counted(client) - before >= 20


def _counted(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("guerdon_http_requests_total"))


def test_a_second_server_on_the_same_data_says_so_and_stops(server: Server) -> None:
    line = refused(server.data_dir)

    assert "Another Guerdon server" in line
    assert str(server.process.pid) in line
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_a_taken_port_is_said_in_one_line(server: Server, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]

    line = refused(tmp_path / "other", GUERDON_PORT=port)

    assert f"Port {port} on 127.0.0.1 is not free" in line


def test_keys_are_made_and_revoked_beside_a_running_server(server: Server) -> None:
    made = _run(server, "keys", "create", "--role", "viewer", "--name", "till")
    keys = dict(line.split("=", 1) for line in made.splitlines())
    headers = {"X-App-Id": keys["X_APP_ID"], "X-App-Token": keys["X_APP_TOKEN"]}

    before = httpx.get(f"{server.url}/v1/customers/nobody", headers=headers).status_code
    listed = _run(server, "keys", "list")
    _run(server, "keys", "revoke", keys["X_APP_ID"])
    after = httpx.get(f"{server.url}/v1/customers/nobody", headers=headers).status_code

    assert (before, after) == (404, 401)
    assert keys["X_APP_ID"] in listed
    assert keys["X_APP_TOKEN"] not in listed


def _run(server: Server, *arguments: str) -> str:
    command = [sys.executable, "-m", "app.cli", *arguments]
    wide = {**environment(server.data_dir), "COLUMNS": "200"}
    return subprocess.run(command, env=wide, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_killed_api_process_is_replaced(server: Server) -> None:
    time.sleep(max(0, 6 - (time.time() - server.child("api").create_time())))
    victim = server.child("api")

    victim.kill()
    server.wait_for("the api process ended with the signal SIGKILL; starting it again")

    assert [httpx.get(f"{server.url}/readyz").status_code for _ in range(10)] == [200] * 10
    server.family.extend(psutil.Process(server.process.pid).children(recursive=True))


def test_a_restart_keeps_the_data_and_the_keys(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as first, first.client() as client:
        client.post("/v1/customers", json={"source_id": "ada"}).raise_for_status()
        keys = first.credentials()
        assert (first.stop(signal.SIGTERM), first.left_alive()) == (0, [])

    with serving(tmp_path / "data") as second, second.client() as client:
        customer = client.get("/v1/customers/ada")

        assert customer.status_code == 200
        assert second.credentials() == {**keys, "GUERDON_URL": second.url}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_closed_terminal_stop_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path / "data") as server:
        code = server.stop(number)

        assert (code, server.left_alive()) == (0, [])
        assert "Traceback" not in server.output.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells Postgres that its parent died")
def test_a_killed_server_leaves_no_process_and_its_data_is_used_again(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server, server.client() as client:
        client.post("/v1/customers", json={"source_id": "ada"}).raise_for_status()
        server.process.kill()
        server.process.wait()
        left_alive = server.left_alive()

    with serving(tmp_path / "data") as server, server.client() as client:
        assert left_alive == []
        assert client.get("/v1/customers/ada").status_code == 200


def test_a_request_under_way_is_answered_while_the_server_stops(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        keys, body = server.credentials(), b'{"source_id": "late"}'
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(
                f"POST /v1/customers HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                f"X-App-Id: {keys['X_APP_ID']}\r\nX-App-Token: {keys['X_APP_TOKEN']}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
            )
            connection.sendall(body[:5])
            time.sleep(0.3)
            server.process.terminate()
            time.sleep(0.5)
            connection.sendall(body[5:])
            answer = connection.recv(65536)

        assert answer.startswith(b"HTTP/1.1 200")
        assert server.process.wait(60) == 0


def test_a_server_whose_postgres_dies_says_so_and_stops(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        postmaster = int((server.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        with suppress(ProcessLookupError):
            os.kill(postmaster, signal.SIGKILL)

        assert server.process.wait(60) == 1
        assert "guerdon: Postgres ended by itself" in server.output.read_text()
        assert server.left_alive() == []


BAD_DATABASES: Mapping[str, tuple[str, str]] = {
    "nobody listens": ("postgresql://guerdon@127.0.0.1:1/guerdon", "cannot be reached"),
    "no such host": ("postgresql://guerdon@database.invalid/guerdon", "cannot be reached"),
    "not a URL of Postgres": ("mysql://guerdon@127.0.0.1/guerdon", "GUERDON_DATABASE_URL"),
    "a port that is none": ("postgresql://guerdon@127.0.0.1:many/guerdon", "refuses us"),
}


@pytest.mark.parametrize(("url", "said"), BAD_DATABASES.values(), ids=BAD_DATABASES.keys())
def test_a_database_out_of_reach_is_said_in_one_line(tmp_path: Path, url: str, said: str) -> None:
    assert said in refused(tmp_path / "data", GUERDON_DATABASE_URL=url)


@pytest.mark.parametrize("command", ["api", "worker", "migrate"])
def test_every_command_says_in_one_line_that_the_database_is_away(tmp_path: Path, command: str) -> None:
    url, said = BAD_DATABASES["nobody listens"]

    assert said in refused(tmp_path / "data", command, GUERDON_DATABASE_URL=url)


def test_a_password_is_never_repeated(tmp_path: Path) -> None:
    line = refused(tmp_path / "data", GUERDON_DATABASE_URL="postgresql://guerdon:s3cret@127.0.0.1:1/guerdon")

    assert "127.0.0.1:1/guerdon" in line
    assert "s3cret" not in line


@pytest.fixture
async def empty_database(postgres_url: str) -> AsyncIterator[str]:
    async with database_made_with(postgres_url, "ENCODING 'UTF8' TEMPLATE template0") as url:
        yield url


@pytest.fixture
async def ascii_database(postgres_url: str) -> AsyncIterator[str]:
    async with database_made_with(postgres_url, "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0") as url:
        yield url


@asynccontextmanager
async def database_made_with(postgres_url: str, options: str) -> AsyncIterator[str]:
    name = f"guerdon_test_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"CREATE DATABASE {name} {options}")
    yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


def test_a_database_without_the_schema_is_refused_until_it_is_migrated(empty_database: str, tmp_path: Path) -> None:
    lines = [refused(tmp_path / "data", command, GUERDON_DATABASE_URL=empty_database) for command in ("api", "worker")]
    settings = environment(tmp_path / "data", GUERDON_DATABASE_URL=empty_database)
    migrate = [sys.executable, "-m", "app.cli", "migrate"]
    runs = [subprocess.run(migrate, env=settings, capture_output=True, text=True, check=True) for _ in range(2)]

    assert all("run `guerdon migrate` first" in line for line in lines)
    assert runs[0].stdout.startswith("Applied")
    assert runs[1].stdout == "The schema is up to date.\n"


def test_a_database_that_is_not_utf8_is_refused(ascii_database: str, tmp_path: Path) -> None:
    line = refused(tmp_path / "data", GUERDON_DATABASE_URL=ascii_database)

    assert "encoded in SQL_ASCII" in line


def test_api_and_worker_need_a_database_of_their_own(tmp_path: Path) -> None:
    lines = [refused(tmp_path / "data", command) for command in ("api", "worker")]

    assert all("Set GUERDON_DATABASE_URL" in line for line in lines)


def test_a_data_directory_that_is_a_file_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    line = refused(tmp_path / "data")

    assert "cannot be made" in line


def test_an_address_that_is_not_ours_is_said_in_one_line(tmp_path: Path) -> None:
    line = refused(tmp_path / "data", GUERDON_HOST="192.0.2.1")

    assert "192.0.2.1" in line
