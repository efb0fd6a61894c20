"""Who may come in. Everything is shut unless it stands in ``OPEN``: a route that forgets about rights is still shut.

A request is let in by ``Authorization: Bearer <token>`` or by the session cookie; spreadsheets, which can send neither,
by ``?token=`` to what ``BY_ADDRESS`` names, with a token that can read that and nothing else. What it needs is said by
``needed_role``: reading needs a viewer, changing something an administrator, with the exceptions listed there; with a
cookie, what changes something must come from our own page.
"""

import ipaddress
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asked

from cloud.api.answers import ApiError
from cloud.live.stream import Stream
from cloud.registry.roles import Role
from cloud.registry.sessions import Principal, Sessions, fingerprint
from cloud.registry.tokens import PREFIX, Scope, Tokens, scope_of
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

COOKIE = "dayuan_session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

OWN_CREDENTIAL = frozenset(
    {
        ("GET", "/api/v1/gps-in/osmand"),
        ("POST", "/api/v1/gps-in/osmand"),
        ("POST", "/api/v1/gps-in/owntracks"),
        ("GET", "/api/v1/calendars/bookings.ics"),
    }
)
"""Programs that cannot send a header ask these; each route looks for its token itself, by ``Gate.holder``."""
OPEN = frozenset(
    {
        *OWN_CREDENTIAL,
        *(("GET", "/healthz"), ("POST", "/api/v1/session"), ("GET", "/"), ("HEAD", "/")),
        *(("GET", "/api/v1/enrolment"), ("POST", "/api/v1/enrolment")),  # the code is what lets a box in
    }
)
OPEN_FOLDER = "/web/"
OWN_ACCOUNT = frozenset({("DELETE", "/api/v1/session"), ("POST", "/api/v1/password")})
BEFORE_PASSWORD_CHANGE = OWN_ACCOUNT | {("GET", "/api/v1/session")}

DISPATCH_WORK = (
    "/api/v1/requests",
    "/api/v1/alarms",
    "/api/v1/bookings",
    "/api/v1/commands",
    "/api/v1/patrols",
    "/api/v1/passes",
    "/api/v1/trips",
)
"""What a dispatcher may change: these nouns and what lies below them."""
REQUESTS = "/api/v1/requests"
"""The one noun a requester may use; its routes show a requester only what is its own."""

BY_ADDRESS = re.compile(r"/api/v1/energy/(export|reports/[^/]+/[^/]+)")
"""Files that programs fetch which only know an address: here a token may stand in it."""
TOKEN_IN_ADDRESS = "token"  # noqa: S105  (a parameter's name)
ENERGY_READ = ("/api/v1/energy", "/api/v1/analysis", "/api/v1/bill", "/api/v1/billing-periods")
"""What a token for reading energy may ask."""

PROMETHEUS = "/api/v1/prometheus"
"""Only reads, also by POST: Grafana sends long queries as a form."""

STREAM = "/api/v1/stream"
ASKING_MAX = 64
"""Requests at once of one session or token."""

SECRET_MAX = 200
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

    async def recognise(self, headers: Headers, in_address: str | None = None) -> Principal | None:
        """Who asks; None for nobody we know. A header goes before a token in the address, that before a cookie."""
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, secret = authorization.partition(" ")
            if scheme.lower() != "bearer" or not secret.startswith(PREFIX):
                return None
            return await self._check(f"token:{fingerprint(secret.strip())}")
        if in_address is not None:
            found = await self._check(f"token:{fingerprint(in_address)}")
            if found is not None and found.scope == Scope.ENERGY:
                return found
        secret = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        return await self._check(f"session:{fingerprint(secret)}") if secret else None

    async def holder(self, secret: str, scope: Scope) -> str | None:
        """What the token of this secret is about, when it is one of this scope; None for every other."""
        if not secret.startswith(PREFIX) or len(secret) > SECRET_MAX:
            return None
        found = await self._check(f"token:{fingerprint(secret)}")
        if found is None:
            return None
        kind, about = scope_of(found.scope)
        return about if kind is scope else None

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

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
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
        in_address = _take_token(scope) if method in SAFE and BY_ADDRESS.fullmatch(path) else None
        principal = _checked(await self._gate.recognise(headers, in_address), method, path)
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
    return _at_least(Role.ADMINISTRATOR, request)


def dispatcher(request: Request) -> Principal:
    """A dependency: only for dispatchers and administrators."""
    return _at_least(Role.DISPATCHER, request)


def _at_least(role: Role, request: Request) -> Principal:
    principal = principal_of(request)
    if not principal.role.covers(role):
        raise _needs(role)
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
    needed = needed_role(method, path)
    if not principal.role.covers(needed):
        raise _needs(needed)
    if principal.scope and not _in_scope(principal.scope, method, path):
        scope, _ = scope_of(principal.scope)
        raise ApiError(403, "not_allowed", f"this token is for {scope.value} only", "a token without a scope")
    return principal


def _in_scope(scope: str, method: str, path: str) -> bool:
    """A tracker's or a calendar's token opens its own route (``OWN_CREDENTIAL``) and no other."""
    return scope == Scope.ENERGY and method in SAFE and any(_below(path, noun) for noun in ENERGY_READ)


def _take_token(scope: Asked) -> str | None:
    """The token of an address, which is in it no longer after this: nothing behind the gate can tell or log it."""
    query = scope["query_string"]
    if b"token=" not in query:
        return None
    named = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    found = [value for name, value in named if name == TOKEN_IN_ADDRESS]
    rest = [(name, value) for name, value in named if name != TOKEN_IN_ADDRESS]
    scope["query_string"] = urlencode(rest, encoding="latin-1").encode("ascii")
    return found[-1] if found else None


def needed_role(method: str, path: str) -> Role:
    """The least role that may ask this. Routes may ask for more."""
    if (method, path) in BEFORE_PASSWORD_CHANGE or _below(path, REQUESTS):
        return Role.REQUESTER
    if method in SAFE or _below(path, PROMETHEUS):
        return Role.VIEWER
    return Role.DISPATCHER if any(_below(path, noun) for noun in DISPATCH_WORK) else Role.ADMINISTRATOR


def _below(path: str, noun: str) -> bool:
    return path == noun or path.startswith(noun + "/")


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


def _needs(role: Role) -> ApiError:
    article = "an" if role is Role.ADMINISTRATOR else "a"
    return ApiError(403, "not_allowed", f"only {article} {role.value} may do this")
