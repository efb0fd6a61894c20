"""The whole HTTP interface under inputs from its own description, with every kind of credential (R14, R15).

Routes, parameters and bodies come from the app itself, so that a new route is asked by itself; ``ENTRIES`` says who may
use it, and a route without an entry is a violation.

python -m tests.proof.api --level soak
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes

import httpx
import numpy as np
from fastapi import FastAPI

from cloud.api.gate import BEFORE_PASSWORD_CHANGE, COOKIE
from cloud.registry.database import Database
from cloud.registry.roles import Role
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.api.conftest import GOOD, KEY, START, Api
from tests.proof.levels import Finding, Level, alone
from tests.proof.mutate import ODD_TEXTS, change_bytes, change_json

CASES: dict[Level, int] = {"ci": 50, "soak": 500, "proof": 2_000}
"""Requests of each route and credential."""

NOBODY, VIEWER, ADMINISTRATOR = 0, 1, 2
ENTRIES: dict[tuple[str, str], int] = {
    ("GET", "/"): NOBODY,
    ("HEAD", "/"): NOBODY,
    ("GET", "/web/{name:path}"): NOBODY,
    ("HEAD", "/web/{name:path}"): NOBODY,
    ("GET", "/healthz"): NOBODY,
    ("POST", "/api/v1/session"): NOBODY,
    ("GET", "/api/v1/session"): VIEWER,
    ("DELETE", "/api/v1/session"): VIEWER,
    ("POST", "/api/v1/password"): VIEWER,
    ("GET", "/api/v1/openapi.json"): VIEWER,
    ("GET", "/api/v1/state"): VIEWER,
    ("GET", "/api/v1/stream"): VIEWER,
    ("GET", "/api/v1/readings"): VIEWER,
    ("GET", "/api/v1/events"): VIEWER,
    ("GET", "/api/v1/sites"): VIEWER,
    ("GET", "/api/v1/gateways"): VIEWER,
    ("GET", "/api/v1/gateways/{site}/{gateway}"): VIEWER,
    ("GET", "/api/v1/devices"): VIEWER,
    ("GET", "/api/v1/alarms"): VIEWER,
    ("GET", "/api/v1/health"): VIEWER,
    ("GET", "/metrics"): VIEWER,
    ("GET", "/api/v1/quarantine"): ADMINISTRATOR,
    ("POST", "/api/v1/gateways/{site}/{gateway}/unfence"): ADMINISTRATOR,
}
ENDLESS = ("GET", "/api/v1/stream")
"""Asked only by who may not: its answer does not end."""
OWN_END = ("DELETE", "/api/v1/session")
ONE_TIME = "a one-time password"


class Credential(NamedTuple):
    """What comes with a request, and what it is good for."""

    name: str
    rank: int
    headers: Mapping[str, str]


class Route(NamedTuple):
    """A route with what its description says of it."""

    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    body: bytes | None

    @property
    def entry(self) -> tuple[str, str]:
        return self.method, self.path


def routes_of(app: FastAPI) -> list[Route]:
    """Every route there is, described or not."""
    described = app.openapi()
    schemas = described.get("components", {}).get("schemas", {})
    found, pending = [], list(app.routes)
    while pending:
        route: Any = pending.pop()
        methods, path = getattr(route, "methods", None), getattr(route, "path", None)
        if methods is None or path is None:
            inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
            assert inner, f"a route of a kind this does not know: {route!r}"
            pending += inner
            continue
        for method in sorted(methods):
            about = described["paths"].get(path, {}).get(method.lower(), {})
            found.append(Route(method, path, tuple(about.get("parameters", ())), _example(about, schemas)))
    return sorted(found, key=lambda route: route.entry)


def _example(about: dict[str, Any], schemas: dict[str, Any]) -> bytes | None:
    if "requestBody" not in about:
        return None
    schema = about["requestBody"]["content"]["application/json"]["schema"]
    return json.dumps(schemas[schema["$ref"].rpartition("/")[2]]["example"]).encode()


# --- requests --------------------------------------------------------------------------------------------------------

TIMES = ("0", "1790000000000", "2026-11-22T08:00:00+08:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "-1")
KNOWN = {
    "site": ("east", "east-compound"),
    "gateway": ("b3",),
    "device": ("m1",),
    "point": ("active_power_total",),
    "from": TIMES,
    "to": (*TIMES, "253402300799999", "999999999999999999"),
    "epoch": ("e",),
    "kind": ("meter", "gateway", "button"),
    "since": ("e1b2.381", "x.y", "0.0", "9.99999999999999999999"),
    "next": ("1", "1.2.3", "1790000000000.0.0", "-1", "9" * 30, "a|b", "null", "eyJhIjoxfQ=="),
}


def request_of(rng: random.Random, route: Route) -> tuple[str, dict[str, str], bytes | None]:
    """Path with query, headers and body: mostly sound, with something odd in one place or more."""
    path = re.sub(r"\{(\w+)[^}]*\}", lambda found: _escaped(rng, _value(rng, found[1], {})), route.path)
    pairs, headers = [], {}
    for parameter in route.parameters:
        name, schema = parameter["name"], parameter.get("schema", {})
        if not parameter.get("required") and rng.random() < 0.4:
            continue
        if parameter["in"] == "query":
            pairs += [f"{name}={_escaped(rng, _value(rng, name, schema))}"] * rng.choice((1, 1, 1, 1, 0, 2))
        elif parameter["in"] == "header":
            text = _value(rng, name, schema)
            headers[name] = "".join(sign for sign in text if " " <= sign <= "~")
    if rng.random() < 0.1:
        pairs.append(f"{_escaped(rng, rng.choice(ODD_TEXTS)[:60])}={_escaped(rng, rng.choice(ODD_TEXTS)[:60])}")
    if rng.random() < 0.1:
        headers |= dict([rng.choice(ODD_HEADERS)])
    body = None
    if route.body is not None or rng.random() < 0.05:
        seed = route.body or b"{}"
        body = rng.choice((change_json, change_json, change_bytes))(rng, seed, [seed])
        headers["Content-Type"] = rng.choice((*["application/json"] * 6, "text/plain", "application/json; charset=x"))
    return path + ("?" + "&".join(pairs) if pairs else ""), headers, body


ODD_HEADERS = (
    *(("If-None-Match", text) for text in ('"', "*", 'W/"x"', '"a", "b"', "," * 500)),
    *(("Accept-Encoding", text) for text in ("gzip;q=0", "br", "\t")),
    *(("Host", text) for text in ("evil.example", "[::1]", "a:b:c", "")),
    ("Origin", "null"),
    ("Range", "bytes=9-1"),
    ("Cookie", f"{COOKIE}=a; {COOKIE}=b; ;;="),
    ("X-Forwarded-For", "1.1.1.1, 2.2.2.2"),
    ("X-HTTP-Method-Override", "DELETE"),
)


def _value(rng: random.Random, name: str, schema: dict[str, Any]) -> str:
    if rng.random() < 0.3:
        return rng.choice(ODD_TEXTS)[: rng.choice((65, 65, 300))]
    kinds = [schema, *schema.get("anyOf", ())]
    for kind in kinds:
        if "enum" in kind:
            return str(rng.choice(kind["enum"]))
        if kind.get("type") == "boolean":
            return rng.choice(("true", "false", "1", "no"))
        if kind.get("type") == "integer":
            low, high = kind.get("minimum", 0), kind.get("maximum", 100)
            return str(rng.choice((low, low + 1, high, high + 1, low - 1, 2**63, 2**64, -1)))
    return rng.choice(KNOWN.get(name, ("x",)))


def _escaped(rng: random.Random, text: str) -> str:
    raw = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.05:
        raw += rng.choice((b"\xff", b"\xed\xa0\x80", b"\0", b"/", b"\\", b"%"))
    return quote_from_bytes(raw, safe="")


# --- who asks --------------------------------------------------------------------------------------------------------


async def credentials(api: Api) -> list[Credential]:
    """None, made up, every role as token and as login, and those that are good no more."""

    def bearer(secret: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret}"}

    async def login(name: str, role: Role, password: bool = True) -> str:
        one_time = await api.users.add(name, role)
        user = await api.users.find(name)
        assert user is not None and one_time
        if password:
            await api.users.change_password(user, GOOD)
            user = await api.users.find(name)
            assert user is not None
        return f"{COOKIE}={await api.sessions.begin(user, 'client')}"

    old = await login("old", Role.ADMINISTRATOR)
    await api.clock.advance(3601)
    revoked = await api.tokens.add("revoked", Role.ADMINISTRATOR)
    await api.tokens.revoke(revoked[0])
    boss = await login("boss", Role.ADMINISTRATOR)
    disabled = await login("disabled", Role.ADMINISTRATOR)
    await api.users.set_disabled("disabled", disabled=True)
    fresh = await login("fresh", Role.ADMINISTRATOR, password=False)
    return [
        Credential("nobody", NOBODY, {}),
        Credential("a made-up token", NOBODY, bearer("dayuan_" + "x" * 43)),
        Credential("a made-up cookie", NOBODY, {"Cookie": f"{COOKIE}=' OR 1=1 --"}),
        Credential("an expired login", NOBODY, {"Cookie": old}),
        Credential("a revoked token", NOBODY, bearer(revoked[1])),
        Credential("a disabled administrator", NOBODY, {"Cookie": disabled}),
        Credential(ONE_TIME, NOBODY, {"Cookie": fresh}),
        Credential("a viewer's token", VIEWER, bearer(await api.token(Role.VIEWER))),
        Credential("a viewer's login", VIEWER, {"Cookie": await login("viewer", Role.VIEWER)}),
        Credential("an administrator's token", ADMINISTRATOR, bearer(await api.token(Role.ADMINISTRATOR))),
        Credential("an administrator's login", ADMINISTRATOR, {"Cookie": boss}),
    ]


@asynccontextmanager
async def collector(folder: Path) -> AsyncIterator[Api]:
    """The API over a real registry and a real store, with a day of readings and some events."""
    folder.mkdir(parents=True)
    (folder / "web").mkdir()
    (folder / "web" / "index.html").write_text("<!doctype html>")
    clock = ManualClock(START + 86_400_000)
    database = Database(folder / "registry.sqlite", clock)
    await database.open()
    api = Api(database, folder, clock)
    api.store.open()
    await api.alarms.open()
    try:
        at = START + np.arange(0, 86_400_000, 60_000)
        api.put(at, np.arange(len(at)) / 10, [Event("m1", "button", START + n, {"detail": "门"}) for n in range(30)])
        await api.inventory.seen(KEY, START)
        api.live.note_fence(KEY)
        yield api
    finally:
        api.store.close()
        api.passwords.close()
        await database.close()


# --- the run ---------------------------------------------------------------------------------------------------------


class Tally:
    """What came of all requests."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.took_s: list[float] = []
        self.crashed: dict[str, str] = {}
        self.let_in: dict[str, str] = {}

    def note(self, route: Route, credential: Credential, asked: str, status: int, body: bytes) -> None:
        self.statuses[status] += 1
        where = f"{route.method} {route.path}"
        if status >= 500:
            self.crashed.setdefault(where, f"{where} answers {status} to {credential.name}: {asked}: {body[:200]!r}")
        needed = ENTRIES.get(route.entry)
        if needed is None:
            return
        if credential.rank < needed and not (credential.name == ONE_TIME and route.entry in BEFORE_PASSWORD_CHANGE):
            refused = status in (401, 403, 413) if credential.rank == NOBODY else 400 <= status < 500
            if not refused:
                text = f"{where} answers {status} to {credential.name}: {asked}"
                self.let_in.setdefault(f"{where} {credential.name}", text)
        elif status in (401, 403) and route.method == "GET" and credential.rank >= needed:
            self.let_in.setdefault(f"{where} {credential.name}", f"{where} is shut to {credential.name}: {asked}")


async def ask_all(level: Level, seed: int, folder: Path) -> tuple[Tally, list[Route], list[Credential]]:
    """Every route with every credential: those that may, more often."""
    rng, tally = random.Random(seed), Tally()
    async with collector(folder) as api:
        known = await credentials(api)
        found = routes_of(api.app)
        async with api.client() as client:
            for route in found:
                for credential in known:
                    may = credential.rank >= ENTRIES.get(route.entry, ADMINISTRATOR)
                    has_login = COOKIE in credential.headers.get("Cookie", "") and (may or credential.name == ONE_TIME)
                    if (may and route.entry == ENDLESS) or (has_login and route.entry == OWN_END):
                        continue
                    for _ in range(max(3, CASES[level] // (4 if may else 16))):
                        await _ask(client, rng, route, credential, tally)
                    await api.clock.advance(1.0)
    return tally, found, known


async def _ask(
    client: httpx.AsyncClient, rng: random.Random, route: Route, credential: Credential, tally: Tally
) -> None:
    path, headers, body = request_of(rng, route)
    client.cookies.clear()
    start = time.perf_counter()
    answer = await client.request(route.method, path, headers={**headers, **credential.headers}, content=body)
    tally.took_s.append(time.perf_counter() - start)
    asked = f"{path[:300]} {headers or ''} {(body or b'')[:200]!r}"
    tally.note(route, credential, asked, answer.status_code, answer.content)


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R14: nothing answers 5xx. R15: nobody gets in who may not, and every route has its entry."""
    tally, found, known = asyncio.run(ask_all(level, seed, work / "api"))
    requests, good = sum(tally.statuses.values()), sum(n for status, n in tally.statuses.items() if status < 400)
    p99_ms = 1000 * sorted(tally.took_s)[int(requests * 0.99)]
    amount = f"{requests:,} requests to {len(found)} routes, p99 {p99_ms:.0f} ms"
    missing = [f"{route.method} {route.path} has no entry" for route in found if route.entry not in ENTRIES]
    gone = [f"{method} {path} is no route" for method, path in ENTRIES.keys() - {route.entry for route in found}]
    dull = [] if good > requests / 20 and len(tally.statuses) >= 5 else [f"only {good} of {requests} were answered"]
    told = ", ".join(f"{status}: {count}" for status, count in sorted(tally.statuses.items()))
    who = f"{len(known)} credentials: {', '.join(credential.name for credential in known)}"
    return [
        Finding("R14", "inputs from the API's own description", amount, (*tally.crashed.values(), *dull), told),
        Finding("R15", "every route with every credential", amount, (*missing, *gone, *tally.let_in.values()), who),
    ]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
