"""Every operation of the OpenAPI document over real HTTP, with inputs that fit it and inputs that do not (R14).

Schemathesis makes the inputs and judges the answers by the document: no server error, no status and no shape that the
document does not know, no way around a credential. Operations come from the document and the answers are judged by it,
so that a new route is asked by itself; who may use it stands in ``ENTRIES`` of ``tests/proof/api_entries.py``, and an
operation without an entry is a violation. Everybody first asks well, so that the good answer of each is judged too.

python -m tests.proof.described --level soak
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import hypothesis.errors
import requests
import schemathesis
import uvicorn
from hypothesis.database import InMemoryExampleDatabase
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)

from tests.proof.api import HARD
from tests.proof.api_entries import ENDLESS, ENTRIES, FOR_PEOPLE, OWN_END
from tests.proof.api_people import Credential, credentials
from tests.proof.api_world import Sound, World, compound
from tests.proof.levels import Finding, Level, alone
from tests.waiting import until

CASES: dict[Level, int] = {"ci": 4, "soak": 30, "proof": 300}
"""Made up for each operation, over those who may (a few: by the lowest and the highest); everybody asks well once."""
CHECKS = [
    not_a_server_error,
    response_schema_conformance,
    content_type_conformance,
    status_code_conformance,
    ignored_auth,
]
ASKING = (
    *("nobody", "an expired login", "a revoked token", "a requester's token", "a viewer's token"),
    *("a dispatcher's token", "an administrator's token"),
)
SHARE_OF_WRONGFUL = 0.2
"""So much more is asked by those who may not."""
TIMEOUT_S = 30.0


@schemathesis.serializer("application/toml", "text/csv", "image/png", "image/jpeg")
def as_it_is(_: Any, value: Any) -> bytes:
    """Bodies that are no JSON are sent as they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


class Tally:
    """What came of all requests."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.good: Counter[str] = Counter()
        self.wrong: dict[tuple[str, str], str] = {}

    def blame(self, operation: str, what: str, text: str) -> None:
        """One of a kind is enough."""
        self.wrong.setdefault((operation, what), text)


class Asked(NamedTuple):
    """One operation and where it is served."""

    operation: Any
    url: str
    seed: int

    @property
    def entry(self) -> tuple[str, str]:
        return self.operation.method.upper(), self.operation.path

    @property
    def label(self) -> str:
        return " ".join(self.entry)


@asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """The API on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(world.app, port=0, lifespan="off", access_log=False, log_config=None))
    server.capture_signals = _nothing  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve(), name="server")
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def fuzz(asked: Asked, credential: Credential, sound: Sound, cases: int, tally: Tally) -> None:
    """One good request to an operation with a credential, and so many made up, a third against its description."""
    needed = ENTRIES.get(asked.entry)
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def ask(case: Any) -> None:
        if credential.headers:
            case.headers.pop("Authorization", None)
        answer = case.call(asked.url, session, dict(credential.headers), timeout=TIMEOUT_S)
        tally.statuses[answer.status_code] += 1
        if answer.status_code < 400:
            tally.good[asked.label] += 1
            if needed is not None and credential.rank < needed:
                tally.blame(asked.label, "let in", f"{asked.label} answers {answer.status_code} to {credential.name}")
        try:
            case.validate_response(
                answer,
                checks=CHECKS,
                headers=dict(credential.headers),
                transport_kwargs={"base_url": asked.url, "session": session, "timeout": TIMEOUT_S},
            )
        except FailureGroup as group:
            for failure in group.exceptions:
                text = " ".join(f"{failure}".split())[:300]
                how = f"{answer.status_code} to {credential.name}: {case.as_curl_command()[:300]}"
                tally.blame(asked.label, type(failure).__name__, f"{asked.label}: {text}; {how}")

    with session:
        ask(_good(asked, sound))
        if cases:
            named = _named(asked, sound)
            _many(ask, asked, GenerationMode.POSITIVE, cases // 3, named)
            _many(ask, asked, GenerationMode.POSITIVE, cases // 3, {})
            _many(ask, asked, GenerationMode.NEGATIVE, cases // 3, {})


def _good(asked: Asked, sound: Sound) -> Any:
    """The good request as a case, which the document can judge the answer by."""
    named = _named(asked, sound)
    names = {part: named.get(part, {}) for part in ("path_parameters", "query")}
    if "requestBody" not in asked.operation.definition.raw:
        return asked.operation.Case(**names)
    raw = sound.body if sound.body is not None else b"{}"
    body = json.loads(raw) if sound.kind == "application/json" else raw
    return asked.operation.Case(**names, body=body, media_type=sound.kind)


def _named(asked: Asked, sound: Sound) -> dict[str, dict[str, str]]:
    """Of the parameters that must be there, those whose value has to be something that is there."""
    found: dict[str, dict[str, str]] = {}
    for parameter in asked.operation.iter_parameters():
        where = "path_parameters" if parameter.location.value == "path" else parameter.location.value
        known = {"path_parameters": sound.path, "query": sound.query}.get(where, {})
        if parameter.is_required and parameter.name in known:
            found.setdefault(where, {})[parameter.name] = known[parameter.name]
    return found


def _many(
    ask: Callable[[Any], None], asked: Asked, mode: GenerationMode, cases: int, named: dict[str, dict[str, str]]
) -> None:
    settings = hypothesis.settings(
        max_examples=max(1, cases),
        deadline=None,
        phases=[hypothesis.Phase.generate],
        database=InMemoryExampleDatabase(),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    test = hypothesis.given(case=asked.operation.as_strategy(generation_mode=mode, **named))(lambda case: ask(case))
    try:
        hypothesis.seed(asked.seed)(settings(test))()
    except hypothesis.errors.Unsatisfiable:
        if mode.is_positive:
            raise
        # An operation without parameters cannot be asked wrongly.


async def ask_all(world: World, cases: int, seed: int, path: str | None = None) -> tuple[Tally, list[str]]:
    """Every operation (or those of one path) with every credential: those that may, more often."""
    tally = Tally()
    known = {each.name: each for each in await credentials(world.api)}
    document = world.app.openapi()
    if path is not None:
        document = {**document, "paths": {path: document["paths"][path]}}
    schema = schemathesis.openapi.from_dict(document)
    async with served(world) as url:
        found = [Asked(each.ok(), url, seed) for each in schema.get_all_operations()]
        # What takes away comes last, so that there is something to ask about.
        for asked in sorted(found, key=lambda asked: asked.entry[0] == "DELETE"):
            needed = ENTRIES.get(asked.entry)
            if needed is None:
                tally.blame(asked.label, "no entry", f"{asked.label} has no entry in api_entries.py: who may?")
            may = [name for name in ASKING if needed is not None and known[name].rank >= needed]
            making_up = may if cases >= 10 * len(may) else {*may[:1], *may[-1:]}
            for name in ASKING:
                if name in may and asked.entry in (ENDLESS, OWN_END):
                    continue
                share = 0.0 if name in may else SHARE_OF_WRONGFUL / len(ASKING)
                share = 1 / len(making_up) if name in making_up else share
                sound = await world.sound(asked.entry, known[name])
                await asyncio.to_thread(fuzz, asked, known[name], sound, round(cases * share), tally)
            for ended in await world.pass_time(3.0):
                tally.blame(asked.label, "ended", f"{asked.label}: {ended}")
    return tally, [asked.label for asked in found]


async def play(cases: int, seed: int, folder: Path) -> tuple[Tally, list[str]]:
    async with compound(folder) as world:
        return await ask_all(world, cases, seed)


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R14: the document and the API say the same, and nobody gets in who may not."""
    tally, found = asyncio.run(play(CASES[level], seed, work / "described"))
    never = {label for label in found if not tally.good[label]} - {
        *map(" ".join, (ENDLESS, OWN_END, *HARD, *FOR_PEOPLE))
    }
    dull = [f"{label} was never answered well: what does World.sound lack?" for label in sorted(never)]
    told = ", ".join(f"{status}: {count}" for status, count in sorted(tally.statuses.items()))
    amount = f"{sum(tally.statuses.values()):,} requests to {len(found)} operations with {len(ASKING)} credentials"
    return [
        Finding("R14", "the OpenAPI document and the API say the same", amount, (*tally.wrong.values(), *dull), told)
    ]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
