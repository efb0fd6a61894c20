"""Answers: JSON by msgspec, errors in one shape, exceptions without their inside."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from protocols.clock import Clock
from protocols.errors import Retryable

ROWS_AT_ONCE = 5_000

_encoder = msgspec.json.Encoder()


class ApiError(Exception):
    """An answer that is not what was asked for. ``hint`` says what would be right."""

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.code, self.message, self.hint = status, code, message, hint
        self.headers = dict(headers or {})
        super().__init__(message)

    def body(self) -> bytes:
        return _encoder.encode({"error": {"code": self.code, "message": self.message, "hint": self.hint}})


def json_answer(content: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Anything msgspec can encode, as JSON."""
    return Response(_encoder.encode(content), status, dict(headers or {}), "application/json")


def error_answer(error: ApiError) -> Response:
    """The error as JSON."""
    return Response(error.body(), error.status, error.headers, "application/json")


async def encode_rows(rows: list[Any], clock: Clock) -> bytes:
    """A JSON list of many rows, in steps that let card events pass."""
    if len(rows) <= ROWS_AT_ONCE:
        return _encoder.encode(rows)
    parts = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        parts.append(_encoder.encode(rows[start : start + ROWS_AT_ONCE])[1:-1])
        await clock.sleep(0)
    return b"[" + b",".join(parts) + b"]"


async def table_answer(
    head: Mapping[str, object], columns: Iterable[str], rows: list[Any], next_page: str | None, clock: Clock
) -> Response:
    """``{...head, "columns": [...], "next": ..., "rows": [...]}``."""
    before = _encoder.encode({**head, "columns": list(columns), "next": next_page})
    body = before[:-1] + b',"rows":' + await encode_rows(rows, clock) + b"}"
    return Response(body, media_type="application/json")


_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 400: "bad_request"}


def answer_errors(app: FastAPI) -> None:
    """Make the app give every error in the one shape."""

    @app.exception_handler(ApiError)
    async def _api(_: Request, error: ApiError) -> Response:
        return error_answer(error)

    @app.exception_handler(Retryable)
    async def _retryable(_: Request, error: Retryable) -> Response:
        return error_answer(ApiError(503, "unavailable", str(error), "try again in a moment", {"Retry-After": "2"}))

    @app.exception_handler(StarletteHTTPException)
    async def _http(_: Request, error: StarletteHTTPException) -> Response:
        code = _HTTP_CODES.get(error.status_code, "refused")
        hint = "the routes are listed at /api/v1/openapi.json" if error.status_code in (404, 405) else ""
        return error_answer(ApiError(error.status_code, code, str(error.detail), hint, error.headers))

    @app.exception_handler(RequestValidationError)
    async def _validation(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        place = f"{first['loc'][0]} parameter " if first["loc"][0] in ("query", "path", "header") else ""
        message = f"{place}{where}: {first['msg']}"
        return error_answer(ApiError(422, "bad_request", message, "see /api/v1/openapi.json"))
