"""Who may come in. Everything is shut unless it stands in ``OPEN``: a route that forgets about rights is still shut.

A request is let in by ``Authorization: Bearer <token>`` or by the session cookie. Requests that change something need
an administrator unless they stand in ``OWN_ACCOUNT``, and with a cookie they must come from our own page.
"""

import ipaddress
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fastapi import Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud.api.answers import ApiError
from cloud.live.stream import Stream
from cloud.registry.roles import Role
from cloud.registry.sessions import Principal, Sessions, fingerprint
from cloud.registry.tokens import PREFIX, Tokens
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

COOKIE = "dayuan_session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

OPEN = frozenset({("GET", "/healthz"), ("POST", "/api/v1/session"), ("GET", "/"), ("HEAD", "/")})
OPEN_FOLDER = "/web/"
OWN_ACCOUNT = frozenset({("DELETE", "/api/v1/session"), ("POST", "/api/v1/password")})
BEFORE_PASSWORD_CHANGE = OWN_ACCOUNT | {("GET", "/api/v1/session")}

STREAM = "/api/v1/stream"
ASKING_MAX = 64
"""Requests at once of one session or token."""

REMEMBER_S = 2.0
REMEMBERED_MAX = 4096
WATCH_EVERY_S = 2.0


class _Known(NamedTuple):
    principal: Principal
    until: float


class Gate:
    """Knows who holds which credential. A credential that was taken away is noticed within ``REMEMBER_S``."""

    def __init__(self, sessions: Sessions, tokens: Tokens, stream: Stream, clock: Clock) -> None:
        self._sessions, self._tokens, self._stream, self._clock = sessions, tokens, stream, clock
        self._known: dict[str, _Known] = {}

    async def recognise(self, headers: Headers) -> Principal | None:
        """Who asks; None for nobody we know."""
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, secret = authorization.partition(" ")
            if scheme.lower() != "bearer" or not secret.startswith(PREFIX):
                return None
            return await self._check(f"token:{fingerprint(secret.strip())}")
        secret = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        return await self._check(f"session:{fingerprint(secret)}") if secret else None

    async def drop(self, principal: Principal) -> None:
        """Forget a credential that was ended, and end its streams."""
        self._known.pop(principal.credential, None)
        self._stream.end(principal.credential)

    async def recheck(self) -> None:
        """End the streams of credentials that are not valid any more."""
        self._known.clear()
        for credential in self._stream.credentials():
            principal = await self._check(credential)
            if principal is None or principal.must_change_password:
                self._stream.end(credential)

    async def run(self) -> None:
        """Recheck open streams every few seconds: users are disabled from the command line too."""
        while True:
            await self._clock.sleep(WATCH_EVERY_S)
            try:
                await self.recheck()
            except StoreUnavailable as error:
                log.warning("open pages were not checked: %s", error)

    async def _check(self, credential: str) -> Principal | None:
        now = self._clock.monotonic()
        known = self._known.get(credential)
        if known is not None and known.until > now:
            return known.principal
        kind, _, hashed = credential.partition(":")
        principal = await (self._tokens if kind == "token" else self._sessions).check(hashed)
        if principal is None:
            self._known.pop(credential, None)
            return None
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[credential] = _Known(principal, now + REMEMBER_S)
        return principal


class GateKeeper:
    """The gate as a layer around all routes, found or not."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate
        self._asking: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise ApiError(404, "not_found", "there are no web sockets here")
        method, path = scope["method"], scope["path"]
        headers = Headers(scope=scope)
        is_open = (method, path) in OPEN or (method in SAFE and path.startswith(OPEN_FOLDER))
        if method not in SAFE and "authorization" not in headers:
            _check_origin(headers)
        if is_open:
            await self._app(scope, receive, send)
            return
        principal = _checked(await self._gate.recognise(headers), method, path)
        scope.setdefault("state", {})["principal"] = principal
        with self._one_more(principal.credential, counted=path != STREAM):
            await self._app(scope, receive, send)

    @contextmanager
    def _one_more(self, credential: str, *, counted: bool) -> Iterator[None]:
        """Nobody may fill the collector with questions alone; streams have a limit of their own."""
        if not counted:
            yield
            return
        if self._asking[credential] >= ASKING_MAX:
            raise ApiError(429, "too_many_requests", f"{ASKING_MAX} requests at once", "", {"Retry-After": "1"})
        self._asking[credential] += 1
        try:
            yield
        finally:
            self._asking[credential] -= 1
            if not self._asking[credential]:
                del self._asking[credential]


def principal_of(request: Request) -> Principal:
    """Who asks. Only for routes behind the gate."""
    principal = request.state.principal
    assert isinstance(principal, Principal)
    return principal


def administrator(request: Request) -> Principal:
    """A dependency: only for administrators."""
    principal = principal_of(request)
    if not principal.role.covers(Role.ADMINISTRATOR):
        raise _needs_administrator()
    return principal


def client_of(request: Request) -> str:
    """The address a request came from; of IPv6 the network, as one machine has many addresses in it."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host


def _checked(principal: Principal | None, method: str, path: str) -> Principal:
    if principal is None:
        raise ApiError(
            401,
            "not_logged_in",
            "log in, or send a token",
            "Authorization: Bearer <token>, made by: dayuan-cloud token add",
            {"WWW-Authenticate": "Bearer"},
        )
    if principal.must_change_password and (method, path) not in BEFORE_PASSWORD_CHANGE:
        raise ApiError(
            403, "must_change_password", "the one-time password must be changed first", "POST /api/v1/password"
        )
    if method not in SAFE and (method, path) not in OWN_ACCOUNT and not principal.role.covers(Role.ADMINISTRATOR):
        raise _needs_administrator()
    return principal


def _check_origin(headers: Headers) -> None:
    """Browsers say where a request comes from; another site's page may not act with our cookie."""
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    elif origin is not None:
        foreign = origin.partition("://")[2].lower() != headers.get("host", "").lower()
    else:
        foreign = False
    if foreign:
        raise ApiError(403, "other_origin", "this request comes from another site's page")


def _needs_administrator() -> ApiError:
    return ApiError(403, "not_allowed", "only an administrator may do this")
