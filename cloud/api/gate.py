"""Who may come in. Everything is shut unless it stands in ``OPEN``: a route that forgets about rights is still shut.

A request is let in by ``Authorization: Bearer <token>`` or by the session cookie; spreadsheets, which can send neither,
by ``?token=`` to what ``BY_ADDRESS`` names, with a token that can read that and nothing else. What it needs is said by
the table of ``cloud.api.rights``, and it is needed at the site that is asked about (``cloud.api.site_asked``); with a
cookie, what changes something must come from our own page. Routes are given the principal as it is at that site.
"""

import ipaddress
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Asked

from cloud.api.answers import ApiError
from cloud.api.rights import BEFORE_PASSWORD_CHANGE, BEFORE_SECOND_FACTOR, SAFE, below, needed_right, reads
from cloud.api.site_asked import OF_NO_SITE, SiteAsked, is_filtered
from cloud.api.traced import Tracer
from cloud.live.stream import Stream
from cloud.registry.roles import Right, roles_with
from cloud.registry.sessions import Principal, Sessions, fingerprint
from cloud.registry.tokens import PREFIX, Scope, Tokens, scope_of
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

COOKIE = "dayuan_session"

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
BY_ADDRESS = re.compile(r"/api/v1/energy/(export|reports/[^/]+/[^/]+)")
"""Files that programs fetch which only know an address: here a token may stand in it."""
TOKEN_IN_ADDRESS = "token"  # noqa: S105  (a parameter's name)
ENERGY_READ = ("/api/v1/energy", "/api/v1/analysis", "/api/v1/bill", "/api/v1/billing-periods")
"""What a token for reading energy may ask."""

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

    def __init__(self, app: ASGIApp, gate: Gate, site_asked: SiteAsked, tracer: Tracer) -> None:
        self._app, self._gate, self._site_asked, self._tracer = app, gate, site_asked, tracer
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
            await self._tracer.traced(self._app, scope, receive, send, None)
            return
        in_address = _take_token(scope) if method in SAFE and BY_ADDRESS.fullmatch(path) else None
        principal = await self._gate.recognise(headers, in_address)
        try:
            allowed, receive = await self._let_in(principal, scope, receive)
        except ApiError as error:
            if principal is not None and error.status == 403:
                await self._tracer.refused(scope, principal, error.code)
            raise
        scope.setdefault("state", {})["principal"] = allowed
        with self._one_more(allowed.credential, counted=path != STREAM):
            await self._tracer.traced(self._app, scope, receive, send, allowed)

    async def _let_in(self, principal: Principal | None, scope: Asked, receive: Receive) -> tuple[Principal, Receive]:
        """Whoever asks, as they are at the site they ask about. Raises ApiError."""
        method, path = scope["method"], scope["path"]
        known = _checked(principal, method, path)
        needed = needed_right(method, path)
        if all(not grant.site for grant in known.grants) or OF_NO_SITE.fullmatch(path):
            return known, receive
        allowed = known.sites(needed)
        looks = reads(method, path)
        body, receive = (None, receive) if looks else await _peeked(receive)
        named = await self._site_asked.sites(method, path, scope["query_string"], body)
        if allowed is None:
            return known.at(*named) if len(named) == 1 else known.everywhere(), receive
        if not named and not is_filtered(path) and len(allowed) == 1 and looks:
            (only,) = allowed
            if self._site_asked.takes_site(path):
                query = scope["query_string"]
                scope["query_string"] = query + (b"&" if query else b"") + urlencode({"site": only}).encode()
                named = {only}
        if not named and not (is_filtered(path) and looks):
            raise ApiError(403, "name_a_site", "you may not see every site", f"?site={min(allowed)}")
        if not named <= allowed:
            where = ", ".join(sorted(named - allowed))[:100]
            raise ApiError(
                403, "not_allowed", f"you may not do this at site {where!r}", "an administrator can change that"
            )
        return (known.at(*named) if len(named) == 1 else known), receive

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


def needs(right: Right) -> Callable[[Request], Principal]:
    """A dependency: only for those who have the right, where it is asked for."""

    def checked(request: Request) -> Principal:
        principal = principal_of(request)
        if not principal.may(right):
            raise _needs(right)
        return principal

    return checked


administrator = needs(Right.ADMINISTER)
dispatcher = needs(Right.DISPATCH)
energy_manager = needs(Right.ENERGY)
installer = needs(Right.INSTALL)
guard = needs(Right.GUARD)
alarm_handler = needs(Right.ALARMS)
privacy_officer = needs(Right.PRIVACY)


def client_of(request: Request) -> str:
    """The address a request came from; of IPv6 the network, as one machine has many addresses in it.

    Where IPv6 is listened to, IPv4 comes as ``::ffff:a.b.c.d``: all of IPv4 would be one network.
    """
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(address)


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
    if principal.needs_second_factor and (method, path) not in BEFORE_SECOND_FACTOR:
        raise ApiError(
            403,
            "needs_second_factor",
            "your role needs a second factor; set one up first",
            "POST /api/v1/second-factor",
        )
    needed = needed_right(method, path)
    if not principal.may(needed):
        raise _needs(needed)
    if principal.scope and not _in_scope(principal.scope, method, path):
        scope, _ = scope_of(principal.scope)
        raise ApiError(403, "not_allowed", f"this token is for {scope.value} only", "a token without a scope")
    return principal


def _in_scope(scope: str, method: str, path: str) -> bool:
    """A tracker's or a calendar's token opens its own route (``OWN_CREDENTIAL``) and no other."""
    return scope == Scope.ENERGY and method in SAFE and any(below(path, noun) for noun in ENERGY_READ)


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


async def _peeked(receive: Receive) -> tuple[bytes | None, Receive]:
    """The body, which smaller routes have whole already (``cloud.api.guards.BodyLimit``), and how to get it again."""
    first: Message | None = await receive()
    assert first is not None
    whole = first["type"] == "http.request" and not first.get("more_body", False)

    async def again() -> Message:
        nonlocal first
        message, first = first, None
        return message or await receive()

    return (first.get("body", b"") if whole else None), again


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


def _needs(right: Right) -> ApiError:
    names = " or ".join(role.value.replace("_", " ") for role in roles_with(right))
    return ApiError(403, "not_allowed", f"this is not for your role; it needs: {names}")
