"""The load generator, a process of its own: `python -m bench.load` reads a Load as JSON and writes what it has Seen.

It shares the machine with what it measures, so it does next to nothing for a request: it fills in a template, and
reads the answer as far as its status and its end.
"""

import asyncio
import itertools
import sys
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import cast

import httptools
import msgspec
import uvloop

DRAIN_SECONDS = 60


class Load(msgspec.Struct):
    """What to send where, and for how long.

    `path` and `body` are templates with `%(code)s`, `%(customer)s` and `%(order)s`. Codes and customers are taken in
    turn, each of one width; orders are numbered, after `order_prefix`. What happens in the first `warm_up_seconds` is
    not measured.
    """

    host: str
    port: int
    path: str
    headers: dict[str, str]
    body: str
    codes: list[str]
    customers: list[str]
    order_prefix: str
    connections: int
    seconds: float
    warm_up_seconds: float = 0.5
    method: str = "POST"


class Seen(msgspec.Struct):
    """What came back in the measured seconds; latencies in milliseconds.

    `statuses` counts every answer, those of the warm-up too, and `refusal` is the first one that was not 200.
    `cpu_microseconds` is what the generator itself spent on a request.
    """

    per_second: float
    p50: float
    p99: float
    cpu_microseconds: float
    statuses: dict[int, int]
    refusal: str | None


def requests_of(load: Load) -> Iterator[bytes]:
    """The bytes of one request after the other, without end.

    Raises ValueError for codes or customers of different widths: the length of a request is computed once.
    """
    if len({len(code) for code in load.codes}) != 1 or len({len(customer) for customer in load.customers}) != 1:
        raise ValueError("All codes must have one width, and all customers.")
    codes = itertools.cycle([code.encode() for code in load.codes])
    customers = itertools.cycle([customer.encode() for customer in load.customers])
    orders = (b"%s%08d" % (load.order_prefix.encode(), number) for number in itertools.count())
    body = load.body.encode()
    first = body % {b"code": next(codes), b"customer": next(customers), b"order": next(orders)}
    headers = {"host": load.host, "content-type": "application/json", "content-length": str(len(first)), **load.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f" HTTP/1.1\r\n{lines}\r\n".encode().replace(b"%", b"%%")
    request = f"{load.method} {load.path}".encode() + head + body
    for code, customer, order in zip(codes, customers, orders, strict=False):
        yield request % {b"code": code, b"customer": customer, b"order": order}


class Run:
    """What all connections of a load share."""

    def __init__(self, load: Load) -> None:
        self.requests = requests_of(load)
        self.latencies = array("d")
        self.statuses: Counter[int] = Counter()
        self.refusal: str | None = None
        self.is_measuring = False
        self.is_over = False


class Client(asyncio.Protocol):
    """A connection that is kept, and sends the next request as soon as it has read an answer."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.idle = asyncio.get_running_loop().create_future()
        self.parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport
        self.sent_at = 0.0
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.send()

    def send(self) -> None:
        self.sent_at = time.perf_counter()
        self.transport.write(next(self.run.requests))

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if self.parser.get_status_code() != 200:
            self.body += body

    def on_message_complete(self) -> None:
        run, status = self.run, self.parser.get_status_code()
        run.statuses[status] += 1
        if status != 200 and run.refusal is None:
            run.refusal = self.body.decode(errors="replace")
        if run.is_measuring:
            run.latencies.append(time.perf_counter() - self.sent_at)
        if run.is_over:
            self.idle.set_result(None)
        else:
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.idle.done():
            self.idle.set_exception(error or ConnectionError("The server closed the connection."))


async def drive(load: Load) -> Seen:
    """Send `load` and wait for its last answer.

    Raises OSError when a connection breaks, TimeoutError when an answer does not come.
    """
    run, loop = Run(load), asyncio.get_running_loop()
    pairs = [await loop.create_connection(lambda: Client(run), load.host, load.port) for _ in range(load.connections)]
    await asyncio.sleep(load.warm_up_seconds)
    run.is_measuring, began_at, cpu_before = True, time.perf_counter(), time.process_time()
    await asyncio.sleep(load.seconds)
    run.is_measuring, seconds, cpu_after = False, time.perf_counter() - began_at, time.process_time()
    run.is_over = True
    async with asyncio.timeout(DRAIN_SECONDS):
        for transport, client in pairs:
            await client.idle
            transport.close()
    latencies = sorted(run.latencies) or [float("nan")]
    return Seen(
        per_second=len(run.latencies) / seconds,
        p50=latencies[len(latencies) // 2] * 1e3,
        p99=latencies[len(latencies) * 99 // 100] * 1e3,
        cpu_microseconds=(cpu_after - cpu_before) / max(1, len(run.latencies)) * 1e6,
        statuses=dict(run.statuses),
        refusal=run.refusal,
    )


def main() -> None:
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(msgspec.json.encode(runner.run(drive(load))))


if __name__ == "__main__":
    main()
