"""The whole HTTP interface under inputs from its own description, with every kind of credential (R14, R15).

Routes, parameters and bodies come from the app itself, with all features of the console on it, so that a new route is
asked by itself; ``ENTRIES`` says who may use it, and a route without an entry is a violation. Each route is first asked
well by everybody, so that who is refused is refused for nothing but its rank.

python -m tests.proof.api --level soak
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import httpx

from cloud.api.gate import COOKIE, OWN_CREDENTIAL
from cloud.api.rights import BEFORE_PASSWORD_CHANGE, PROMETHEUS
from tests.proof.api_entries import ADMINISTRATOR, ENDLESS, ENTRIES, NOBODY, OWN_END
from tests.proof.api_inputs import Asked, Route, request_of, routes_of, sound_request
from tests.proof.api_people import ONE_TIME, Credential, credentials
from tests.proof.api_world import World, compound
from tests.proof.levels import Finding, Level, alone

CASES: dict[Level, int] = {"ci": 2, "soak": 20, "proof": 300}
"""Odd requests of each route by each credential that may, a fourth of it by those who may not; all first ask well."""
SLOW_S = 3.0
"""Of processor time, on a compound as small as this one: who asks this keeps the collector from its work."""
_OF_LOGINS = "only logins have it; tests/cloud/api/test_second_factor.py and test_users.py ask it well"
HARD = {
    ("POST", "/api/v1/password"): "the old password is not known to tokens, and a new one ends the login",
    ("POST", "/api/v1/gps-in/owntracks"): "its token is the password of HTTP Basic, where our credentials stand",
    **dict.fromkeys(
        (
            ("POST", "/api/v1/second-factor"),
            ("POST", "/api/v1/second-factor/confirm"),
            ("DELETE", "/api/v1/second-factor"),
            ("DELETE", "/api/v1/sessions/{session}"),
        ),
        _OF_LOGINS,
    ),
    ("DELETE", "/api/v1/users/{name}/second-factor"): "there is nobody here who has one",
}
"""Routes that this cannot ask well, with the reason."""


class Tally:
    """What came of all requests."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.good: Counter[tuple[str, str]] = Counter()
        self.took_s: list[float] = []
        self.wrong: dict[tuple[str, str], str] = {}
        self.let_in: dict[tuple[str, str], str] = {}

    def blame(self, route: Route, what: str, text: str) -> None:
        """One of a kind is enough."""
        self.wrong.setdefault((f"{route.method} {route.path}", what), f"{route.method} {route.path} {text}")

    def note(self, route: Route, credential: Credential, asked: Asked, answer: httpx.Response, took_s: float) -> None:
        status = answer.status_code
        self.statuses[status] += 1
        self.took_s.append(took_s)
        self.good[route.entry] += status < 400
        told = f"to {credential.name}: {asked}: {answer.content[:200]!r}"
        if status >= 500:
            self.blame(route, "crashed", f"answers {status} {told}")
        if status >= 400 and not has_error_shape(answer):
            self.blame(route, "shape", f"answers {status} without the shape of an error {told}")
        if took_s > SLOW_S:
            self.blame(route, "slow", f"took {took_s:.1f} s of the processor {told}")
        needed = ENTRIES.get(route.entry)
        if needed is not None and route.entry not in OWN_CREDENTIAL:
            self._note_rights(route, credential, needed, status, told)

    def _note_rights(self, route: Route, credential: Credential, needed: int, status: int, told: str) -> None:
        key = (f"{route.method} {route.path}", credential.name)
        may = credential.may(route.entry, needed)
        if not may and not (credential.name == ONE_TIME and route.entry in BEFORE_PASSWORD_CHANGE):
            refused = status in (401, 403, 413) if credential.rank == NOBODY else 400 <= status < 500
            if not refused:
                self.let_in.setdefault(key, f"{key[0]} answers {status} {told}")
        elif status in (401, 403) and route.method == "GET" and may:
            self.let_in.setdefault(key, f"{key[0]} is shut {told}")


def has_error_shape(answer: httpx.Response) -> bool:
    """``{"error": {code, message, hint}}``, or Prometheus' shape where that is spoken; a HEAD has no body."""
    if answer.request.method == "HEAD":
        return True
    try:
        error = json.loads(answer.content)["error"]
        if PROMETHEUS in answer.request.url.path and isinstance(error, str):
            return set(json.loads(answer.content)) == {"status", "errorType", "error"}
        return set(error) == {"code", "message", "hint"} and all(isinstance(text, str) for text in error.values())
    except (ValueError, TypeError, KeyError):
        return False


class Tried(NamedTuple):
    """All that was asked."""

    tally: Tally
    routes: list[Route]
    credentials: list[Credential]
    kept_here: int
    """Connections and look-ups that would have left this machine."""


async def ask_all(level: Level, seed: int, folder: Path, only: str = "") -> Tried:
    """Every route (or those whose path holds ``only``) with every credential: those that may, more often."""
    rng, tally = random.Random(seed), Tally()
    async with compound(folder) as world:
        known = await credentials(world.api)
        found = routes_of(world.app)
        async with world.api.client(app=world.app) as client:
            for route in found:
                if only in route.path:
                    for credential in known:
                        await _ask_with(client, rng, world, route, credential, tally, CASES[level])
                    for ended in await world.pass_time(3.0):
                        tally.blame(route, "ended", f"has ended what works beside: {ended}")
        return Tried(tally, found, known, sum(world.refused.values()))


async def _ask_with(
    client: httpx.AsyncClient,
    rng: random.Random,
    world: World,
    route: Route,
    credential: Credential,
    tally: Tally,
    cases: int,
) -> None:
    needed = ENTRIES.get(route.entry, ADMINISTRATOR)
    may = credential.may(route.entry, needed)
    has_login = COOKIE in credential.headers.get("Cookie", "") and (may or credential.name == ONE_TIME)
    if (may and route.entry == ENDLESS) or (has_login and route.entry == OWN_END):
        return
    sound = await world.sound(route.entry, credential)
    await _ask(client, route, credential, sound_request(route, sound), tally)
    for number in range(cases if may else cases // 4):
        if may and number % 8 == 7:
            sound = await world.sound(route.entry, credential)
        await _ask(client, route, credential, request_of(rng, route, sound), tally)


async def _ask(client: httpx.AsyncClient, route: Route, credential: Credential, asked: Asked, tally: Tally) -> None:
    client.cookies.clear()
    start = time.process_time()
    answer = await client.request(
        route.method, asked.path, headers={**asked.headers, **credential.headers}, content=asked.body
    )
    tally.note(route, credential, asked, answer, time.process_time() - start)


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R14: nothing answers 5xx, refusals have their shape. R15: nobody gets in who may not; each route has an entry."""
    return findings(asyncio.run(ask_all(level, seed, work / "api")))


def findings(tried: Tried) -> list[Finding]:
    """What is wrong with what came of it."""
    tally, found, known, kept_here = tried
    requests = sum(tally.statuses.values())
    p99_ms = 1000 * sorted(tally.took_s)[int(requests * 0.99)] if requests else 0.0
    amount = f"{requests:,} requests to {len(found)} routes, p99 {p99_ms:.0f} ms of the processor"
    there = {route.entry for route in found}
    missing = [f"{method} {path} has no entry" for method, path in sorted(there - ENTRIES.keys())]
    gone = [f"{method} {path} is no route" for method, path in sorted(ENTRIES.keys() - there)]
    dull = [
        f"{method} {path} was never answered well: what does it need?"
        for method, path in sorted(there - {ENDLESS} - HARD.keys())
        if not tally.good[method, path]
    ]
    told = ", ".join(f"{status}: {count}" for status, count in sorted(tally.statuses.items()))
    told += f"; {kept_here} ways off this machine were shut"
    who = f"{len(known)} credentials: {', '.join(credential.name for credential in known)}"
    return [
        Finding("R14", "inputs from the API's own description", amount, (*tally.wrong.values(), *dull), told),
        Finding("R15", "every route with every credential", amount, (*missing, *gone, *tally.let_in.values()), who),
    ]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
