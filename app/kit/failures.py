"""What goes wrong becomes an answer: one handler for each family of exceptions, one shape for all."""

import msgspec
from fastapi import FastAPI, Request, Response

from app.kit.errors import AppError, error_body


def error_answer(error: AppError, *, request_id: str, instance: str) -> Response:
    """`error` in the shape every error has."""
    body = msgspec.json.encode(error_body(error, request_id=request_id, instance=instance))
    return Response(body, status_code=error.status, headers=error.headers, media_type="application/json")


async def answer_app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return error_answer(error, request_id=request.state.request_id, instance=request.url.path)


def answer_failures(app: FastAPI) -> None:
    """Give `app` its error handlers."""
    app.add_exception_handler(AppError, answer_app_error)
