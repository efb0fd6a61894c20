"""Requests made of the API's own description: sound ones, with something odd in one place or more."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, quote_from_bytes

from fastapi import FastAPI

from cloud.api.gate import COOKIE
from tests.proof.api_bodies import CSV, JPEG, PLANT, PNG
from tests.proof.api_sound import Sound
from tests.proof.mutate import ODD_TEXTS, change_bytes, change_json, change_toml


class Route(NamedTuple):
    """A route with what its description says of it. example: a body as described; None when it takes none."""

    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    example: bytes | None

    @property
    def entry(self) -> tuple[str, str]:
        return self.method, self.path


class Asked(NamedTuple):
    """A request without its credential."""

    path: str
    headers: dict[str, str]
    body: bytes | None

    def __str__(self) -> str:
        return f"{self.path[:300]} {self.headers or ''} {(self.body or b'')[:300]!r}"


def routes_of(app: FastAPI) -> list[Route]:
    """Every route there is, described or not. What takes away comes last, so that there is something to ask about."""
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
    return sorted(found, key=lambda route: (route.method == "DELETE", route.entry))


def _example(about: dict[str, Any], schemas: dict[str, Any]) -> bytes | None:
    for media in about.get("requestBody", {}).get("content", {}).values():
        schema = media.get("schema", {})
        schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        return json.dumps(media.get("example", schema.get("example", {}))).encode()
    return None


TIMES = ("0", "1790000000000", "2026-11-22T08:00:00+08:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "-1")
KNOWN = {
    "site": ("east", "east-compound"),
    "gateway": ("b3",),
    "device": ("m1", "tracker-1"),
    "point": ("active_power_total", "latitude"),
    "from": TIMES,
    "to": (*TIMES, "253402300799999", "999999999999999999"),
    "at": (*TIMES, "1790000300000"),
    "epoch": ("e",),
    "name": ("1", "car-1", "r1", "hook"),
    "kind": ("meter", "gateway", "button", "vehicle", "room", "repair"),
    "vehicle": ("car-1",),
    "room": ("r1",),
    "door": ("gate-north",),
    "entity": ("east/vehicle:car-1", "east/m1", "east/room:r1", "east/@b3", "/:", "east/:"),
    "status": ("open", "new,waiting", "done"),
    "state": ("done", "expected", "missed"),
    "booking": ("b-0",),
    "trip": ("east.car-1.1790000000000", "east.car-1.0", "a.b.999999999999999"),
    "since": ("e1b2.381", "x.y", "0.0", "9.99999999999999999999"),
    "next": ("1", "1.2.3", "1790000000000.0.0", "-1", "9" * 30, "a|b", "null", "eyJhIjoxfQ=="),
    "Idempotency-Key": ("k1", "k2", "k3"),
}
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


def sound_request(route: Route, sound: Sound) -> Asked:
    """The good request itself."""
    path = re.sub(r"\{(\w+)[^}]*\}", lambda found: quote(sound.path.get(found[1], "x"), safe=""), route.path)
    asked = [(each["name"], each) for each in route.parameters if each["in"] == "query" and each.get("required")]
    pairs = [f"{name}={quote(sound.query.get(name, 'x'), safe='')}" for name, _ in asked]
    body = sound.body if sound.body is not None else route.example
    headers = {} if body is None else {"Content-Type": sound.kind}
    return Asked(path + ("?" + "&".join(pairs) if pairs else ""), headers, body)


def request_of(rng: random.Random, route: Route, sound: Sound) -> Asked:
    """Path with query, headers and body: mostly sound, with something odd in one place or more."""
    schemas = {each["name"]: each.get("schema", {}) for each in route.parameters}

    def value(name: str, known: Mapping[str, str]) -> str:
        good = known.get(name)
        return good if good is not None and rng.random() < 0.8 else _value(rng, name, schemas.get(name, {}))

    path = re.sub(r"\{(\w+)[^}]*\}", lambda found: _escaped(rng, value(found[1], sound.path)), route.path)
    pairs, headers = [], {}
    for parameter in route.parameters:
        name = parameter["name"]
        if not parameter.get("required") and rng.random() < 0.4:
            continue
        if parameter["in"] == "query":
            pairs += [f"{name}={_escaped(rng, value(name, sound.query))}"] * rng.choice((1, 1, 1, 1, 1, 1, 0, 2))
        elif parameter["in"] == "header":
            headers[name] = "".join(sign for sign in value(name, {}) if " " <= sign <= "~")
    if rng.random() < 0.1:
        pairs.append(f"{_escaped(rng, rng.choice(ODD_TEXTS)[:60])}={_escaped(rng, rng.choice(ODD_TEXTS)[:60])}")
    if rng.random() < 0.1:
        headers |= dict([rng.choice(ODD_HEADERS)])
    body = None
    if route.example is not None or rng.random() < 0.05:
        body = _body(rng, sound.body or route.example or b"{}", sound.kind)
        headers["Content-Type"] = rng.choice((*[sound.kind] * 6, "text/plain", f"{sound.kind}; charset=x"))
    return Asked(path + ("?" + "&".join(pairs) if pairs else ""), headers, body)


def _body(rng: random.Random, seed: bytes, kind: str) -> bytes:
    if rng.random() < 0.1:
        return seed
    if kind == "application/json":
        return rng.choice((change_json, change_json, change_bytes))(rng, seed, [seed])
    if kind == "application/toml":
        return change_toml(rng, rng.choice((seed, seed, CSV)), [seed, PLANT.encode()])
    return change_bytes(rng, rng.choice((seed, PNG, JPEG)), [PNG, JPEG])


def _value(rng: random.Random, name: str, schema: dict[str, Any]) -> str:
    if rng.random() < 0.4:
        return rng.choice(ODD_TEXTS)[: rng.choice((65, 65, 300))]
    for kind in (schema, *schema.get("anyOf", ())):
        if "enum" in kind:
            return str(rng.choice(kind["enum"]))
        if kind.get("type") == "boolean":
            return rng.choice(("true", "false", "1", "no"))
        if kind.get("type") in ("integer", "number"):
            low, high = kind.get("minimum", 0), kind.get("maximum", 100)
            return str(rng.choice((low, low + 1, high, high + 1, low - 1, 2**63, 2**64, -1)))
    return rng.choice(KNOWN.get(name, ("x",)))


def _escaped(rng: random.Random, text: str) -> str:
    raw = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.03:
        raw += rng.choice((b"\xff", b"\xed\xa0\x80", b"\0", b"/", b"\\", b"%"))
    # A client takes . and .. for folders, and asks something else.
    return quote_from_bytes(raw, safe="") if raw.strip(b".") else "%2E" * len(raw)
