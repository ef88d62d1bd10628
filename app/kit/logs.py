"""Logs: one JSON object a line on standard error, each with the id of the request it belongs to."""

import logging
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
import structlog

request_id_of_task: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request this task works for; the front door sets it."""


TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
"""Tracebacks without the values of variables: those hold keys, tokens and customers."""


def configure_logs(level: str) -> None:
    """Send structlog and the standard library's loggers the same way; less severe lines than `level` cost nothing.

    Of libraries only warnings and worse are kept: what they do on the way is not an operator's concern.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        _with_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, TRACEBACKS, structlog.processors.JSONRenderer(_to_json)],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, JsonHandler)]:
        root.removeHandler(handler)
    root.addHandler(JsonHandler(shared))
    root.setLevel(max(least, logging.WARNING))


class RequestLog:
    """One line for each request, written directly: structlog's chain would take a twentieth of a validation."""

    def __init__(self) -> None:
        self._write = structlog.BytesLogger(sys.stderr.buffer).msg

    def write(self, line: dict[str, Any], request_id: str) -> None:
        """`line` in the form of all others, at level info."""
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line |= {"event": "request", "request_id": request_id, "level": "info", "timestamp": now}
        self._write(_to_json(line))


class JsonHandler(logging.StreamHandler[TextIO]):
    """Lines of the standard library's loggers, in the form of ours."""

    def __init__(self, processors: Sequence[structlog.typing.Processor]) -> None:
        super().__init__(sys.stderr)
        render = structlog.processors.JSONRenderer(lambda line, **_: _to_json(line).decode())
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[*processors, structlog.stdlib.add_logger_name],
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    TRACEBACKS,
                    render,
                ],
            )
        )


def _with_request_id(_logger: Any, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    request_id = request_id_of_task.get()
    if request_id is not None:
        line["request_id"] = request_id
    return line


def _to_json(line: Any, **_: Any) -> bytes:
    return msgspec.json.encode(line, enc_hook=str)
