"""What every request and answer passes: security headers, limits, and a shield around whatever goes wrong inside."""

import asyncio
import logging
import re
import secrets

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.api.answers import ApiError, error_answer
from cloud.sheets.file_text import FileText, text_of
from cloud.sheets.filled import BadSheet
from protocols.alive import stop_if_cancelled

log = logging.getLogger(__name__)

BODY_MAX = 64 * 1024
"""Most routes take no more than a small JSON object."""
LARGE = (
    (re.compile(r"/api/v1/map/[^/]+/floor-plan"), 8 * 1024 * 1024),
    (re.compile(r"/api/v1/map/[^/]+"), 4 * 1024 * 1024),
    (re.compile(r"/api/v1/assets/import"), 2 * 1024 * 1024),
    (re.compile(r"/api/v1/access/[^/]+/import"), 8 * 1024 * 1024),
    (re.compile(r"/api/v1/access/[^/]+/records/[^/]+/[^/]+"), 2 * 1024 * 1024),
    (re.compile(r"/api/v1/tariffs/[^/]+/[^/]+"), 1024 * 1024),
    (re.compile(r"/api/v1/factors"), 1024 * 1024),
    (re.compile(r"/api/v1/gateways/[^/]+/[^/]+/config(/dry-run)?"), 512 * 1024),
    (re.compile(r"/api/v1/rollouts"), 12 * 1024 * 1024),
    (re.compile(r"/api/v1/energy/structure/[^/]+/import"), 4 * 1024 * 1024),
    (re.compile(r"/api/v1/analysis/(baseline|temperatures/[^/]+)"), 2 * 1024 * 1024),
)
"""Routes that take more. They read it by ``read_large``, once it is known that the sender may."""
BODY_WITHIN_S = 10

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HSTS = "max-age=31536000"


class SecurityHeaders:
    """Adds the headers above to every answer; what is not said otherwise is not cached."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", HSTS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Shield:
    """Turns an exception nobody expected into a plain 500 with a number to find it in the log by."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ApiError as error:
            if not started:
                await error_answer(error)(scope, receive, send)
        except Exception:  # task top: the connection must get an answer and the log the reason
            number = secrets.token_hex(4)
            log.exception("request failed, number %s: %s", number, scope.get("path", "").encode("unicode_escape"))
            if not started and scope["type"] == "http":
                said = ApiError(500, "internal", "something went wrong inside the collector", f"log entry {number}")
                await error_answer(said)(scope, receive, send)
            stop_if_cancelled()


class BodyLimit:
    """Takes bodies in whole before any route is asked: small ones, and those that come in time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        most = large_max(scope["path"])
        if not (announced.isascii() and announced.isdecimal()) or int(announced) > (most or BODY_MAX):
            raise _too_large(most or BODY_MAX)
        if scope["method"] in ("GET", "HEAD") or most:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                whole = await _whole(receive, BODY_MAX)
            body: Message | None = {"type": "http.request", "body": whole, "more_body": False}
        except TimeoutError:
            raise _too_slow() from None

        async def replay() -> Message:
            nonlocal body
            message, body = body, None
            return message or await receive()

        await self._app(scope, replay, send)


def large_max(path: str) -> int:
    """How much a route of ``LARGE`` takes; 0 for all others."""
    return next((most for route, most in LARGE if route.fullmatch(path)), 0)


async def read_large(request: Request) -> bytes:
    """The whole body of a route of ``LARGE``. Raises ApiError 413, 408."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await _whole(request.receive, large_max(request.url.path))
    except TimeoutError:
        raise _too_slow() from None


async def read_text(request: Request) -> FileText:
    """The body of a route of ``LARGE`` as text that somebody wrote. Raises ApiError 413, 408, 422."""
    try:
        return text_of(await read_large(request))
    except BadSheet as error:
        raise ApiError(422, "not_utf8", str(error), "UTF-8, or GB18030 as Excel writes it") from None


async def _whole(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    got = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        parts.append(message.get("body", b""))
        got += len(parts[-1])
        if got > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return b"".join(parts)


class HostNames:
    """Refuses requests for a host name that is not ours. Without names every host is taken."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app, self._names = app, frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._names:
            asked = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
            if len(asked) != 1 or _without_port(asked[0]) not in self._names:
                raise ApiError(400, "unknown_host", "this collector is not called that", "see hosts under [listen]")
        await self._app(scope, receive, send)


def _without_port(host: str) -> str:
    """``name`` or ``[::1]`` of a Host header; empty when it is not one."""
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", host)
    return found.group(1) if found else ""


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"the body is larger than {most} bytes", "", {"Connection": "close"})


def _too_slow() -> ApiError:
    return ApiError(408, "too_slow", f"the body took longer than {BODY_WITHIN_S} s")
