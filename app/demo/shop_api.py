"""The API of a running server, as the demo speaks to it."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from app.processes.errors import CannotStart

TIMEOUT_SECONDS = 30.0
VARIABLES = ("GUERDON_URL", "X_APP_ID", "X_APP_TOKEN")
"""What the demo needs to know, by the names it has in the credentials file."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request. A body that is None is not sent."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def as_curl(self) -> str:
        """The same request for a shell that has read the credentials file: secrets are named, not shown."""
        lines = [
            f'curl -sS -X {self.method} "$GUERDON_URL{self.path}"',
            '-H "X-App-Id: $X_APP_ID" -H "X-App-Token: $X_APP_TOKEN"',
            *(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in self.headers),
        ]
        if self.body is not None:
            lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(self.body))}"]
        return " \\\n  ".join(lines)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]

    @property
    def is_success(self) -> bool:
        return self.status < 400


class ShopApi:
    """Speaks to the server that the credentials name; use it as a context manager."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self.url, key_id, token = (credentials[name] for name in VARIABLES)
        keys = {"X-App-Id": key_id, "X-App-Token": token}
        self._http = httpx.Client(base_url=self.url, headers=keys, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> "ShopApi":
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def ask(self, call: Call) -> Answer:
        """Raises CannotStart when no server answers, or when it does not take the keys."""
        try:
            response = self._http.request(call.method, call.path, json=call.body, headers=dict(call.headers))
        except httpx.TransportError as error:
            raise CannotStart(
                f"no server answers at {self.url} ({error}); start one in another terminal: make serve"
            ) from error
        if response.status_code in (401, 403):
            raise CannotStart(
                f"the server at {self.url} does not take the keys of credentials.env: {response.json()['message']}"
            )
        return Answer(response.status_code, response.json() if response.content else {})

    def get(self, call: Call) -> dict[str, Any]:
        """The answer to a call that has no reason to be refused.

        Raises CannotStart.
        """
        answer = self.ask(call)
        if not answer.is_success:
            raise CannotStart(f"{call.method} {call.path} was refused: {answer.body.get('details', answer.body)}")
        return answer.body
