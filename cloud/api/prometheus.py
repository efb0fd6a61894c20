"""Readings for those who ask as they would ask Prometheus: Grafana's own source, with no plug-in.

Answers and errors have Prometheus' shape. What is not in ``cloud.promql`` is refused, with what there is.
"""

import asyncio
import math
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from fastapi import APIRouter, Request, Response

from cloud.api.answers import json_answer
from cloud.api.gate import principal_of
from cloud.api.services import Services
from cloud.promql.catalogue import LABELS, PREFIX, Catalogue, Series
from cloud.promql.evaluate import Line, Readings, evaluate, selects, spelled
from cloud.promql.parse import parse_duration, parse_query, parse_selector
from cloud.promql.syntax import BadQuery, Matcher, Node, Select
from cloud.registry.roles import Right
from cloud.store.contract import Longs, SeriesKey, SeriesStore
from protocols.points import VOCABULARY

ROOT = "/api/v1/prometheus/api/v1"
INSTANTS_MAX = 11_000
SERIES_MAX = 500
SERIES_DAYS_MAX = 200.0
"""Series times days of one query: raw readings of all of it are read, some 120 MB at one each ten seconds."""
AT_ONCE = 2
WITHIN_S = 30.0
FIELDS_MAX = 64
TIME_MAX_S = 253_370_764_800.0
DAY_MS = 86_400_000

EXAMPLE: dict[str, Any] = {
    "status": "success",
    "data": {
        "resultType": "vector",
        "result": [
            {
                "metric": {"__name__": "dayuan_active_power_total", "site": "east-compound", "device": "b3-main"},
                "value": [1790000000, "8123.5"],
            }
        ],
    },
}
EXAMPLE_RANGE: dict[str, Any] = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [{"metric": {"device": "b3-main"}, "values": [[1790000000, "8123.5"], [1790000015, "8130"]]}],
    },
}
EXAMPLE_LIST: dict[str, Any] = {"status": "success", "data": ["b3-main", "b4-main"]}
EXAMPLE_SERIES: dict[str, Any] = {"status": "success", "data": [EXAMPLE["data"]["result"][0]["metric"]]}
EXAMPLE_METADATA: dict[str, Any] = {
    "status": "success",
    "data": {"dayuan_active_power_total": [{"type": "gauge", "help": "Active power", "unit": "W"}]},
}
EXAMPLE_BUILD: dict[str, Any] = {"status": "success", "data": {"version": "2.45.0", "application": "dayuan"}}
VERSION = "2.45.0"
"""Of Prometheus, as far as Grafana decides by it what it may ask."""


class Asked:
    """The parameters of one request, of its address and of a form. ``sites``: whose series it may see; None, all."""

    def __init__(self, pairs: Sequence[tuple[str, str]], sites: Collection[str] | None = None) -> None:
        self._pairs, self.sites = pairs, sites

    def text(self, name: str) -> str:
        """The last of this name. Raises BadQuery when there is none."""
        found = [value for key, value in self._pairs if key == name]
        if not found:
            raise BadQuery(f"{name} is missing")
        return found[-1]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def instant(self, name: str, otherwise: int | None = None) -> int:
        """ms of seconds since 1970 or RFC 3339. Raises BadQuery."""
        if otherwise is not None and not self.all(name):
            return otherwise
        text = self.text(name)
        try:
            seconds = float(text)
        except ValueError:
            try:
                moment = datetime.fromisoformat(text)
                seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
            except (ValueError, OverflowError):
                raise BadQuery(f"{name}: {text[:40]!r} is no instant (seconds since 1970, or RFC 3339)") from None
        if not 0 <= seconds <= TIME_MAX_S:
            raise BadQuery(f"{name}: {text[:40]!r} is not between the years 1970 and 9998")
        return round(seconds * 1000)

    def step(self) -> int:
        """ms. Raises BadQuery."""
        text = self.text("step")
        try:
            seconds = float(text)
        except ValueError:
            return max(1, parse_duration(text))
        if not (math.isfinite(seconds) and 0 < seconds <= 10**9):
            raise BadQuery(f"step: {text[:40]!r} is no length of time")
        return max(1, round(seconds * 1000))


async def asked_of(request: Request) -> Asked:
    """Raises BadQuery."""
    raw = request.scope["query_string"]
    if request.method == "POST":
        raw += b"&" + await request.body()
    try:
        pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise BadQuery(f"more than {FIELDS_MAX} parameters") from None
    return Asked(pairs, principal_of(request).sites(Right.LOOK))


class Answers:
    """Works queries out, two at once."""

    def __init__(self, services: Services) -> None:
        features = services.features
        assert features is not None
        self._store: SeriesStore = services.store
        self._clock = services.clock
        self.catalogue = Catalogue(features.core.ingest.series.names, services.inventory)
        self._room = asyncio.Semaphore(AT_ONCE)

    async def at_one(self, asked: Asked) -> object:
        """``query``."""
        at = asked.instant("time", self._clock.now_ms())
        tree = parse_query(asked.text("query"))
        if isinstance(tree, Select) and tree.range_ms:
            found = (await self._read([tree], at, at, asked.sites))[tree]
            return {"resultType": "matrix", "result": [_raw(one) for one in found if len(one.at)]}
        made = await self._evaluated(tree, np.array([at], np.int64), asked.sites)
        if isinstance(made, float):
            return {"resultType": "scalar", "result": [at / 1000, spelled(made)]}
        lines = [(line, float(line.values[0])) for line in made]
        result = [
            {"metric": line.labels, "value": [at / 1000, spelled(value)]} for line, value in lines if value == value
        ]
        return {"resultType": "vector", "result": result}

    async def over_range(self, asked: Asked) -> object:
        """``query_range``."""
        start, end, step = asked.instant("start"), asked.instant("end"), asked.step()
        if end < start:
            raise BadQuery("end is before start")
        if (end - start) // step + 1 > INSTANTS_MAX:
            raise BadQuery(f"more than {INSTANTS_MAX} points per series; ask with a longer step")
        instants = np.arange(start, end + 1, step, dtype=np.int64)
        made = await self._evaluated(parse_query(asked.text("query")), instants, asked.sites)
        lines = [Line({}, np.full(len(instants), made))] if isinstance(made, float) else made
        seconds = (instants / 1000).tolist()
        return {"resultType": "matrix", "result": await asyncio.to_thread(_matrix, lines, seconds)}

    async def _evaluated(self, tree: Node, instants: Longs, sites: Collection[str] | None) -> list[Line] | float:
        wanted = selects(tree)
        found = await self._read(wanted, int(instants[0]), int(instants[-1]), sites)
        return await asyncio.to_thread(evaluate, tree, instants, lambda select: found[select])

    async def _read(
        self, wanted: Sequence[Select], first: int, last: int, sites: Collection[str] | None
    ) -> dict[Select, list[Readings]]:
        """Raw readings of all selectors, as far back as each needs. Raises BadQuery for too much."""
        chosen = {select: await asyncio.to_thread(self.catalogue.find, select.matchers, sites) for select in wanted}
        if sum(map(len, chosen.values())) > SERIES_MAX:
            raise BadQuery(f"more than {SERIES_MAX} series; select fewer, by site, device or metric", "execution")
        span_ms = sum(
            last - first + (select.range_ms or one.stale_ms) for select, found in chosen.items() for one in found
        )
        if span_ms > SERIES_DAYS_MAX * DAY_MS:
            text = f"{span_ms / DAY_MS:.0f} series times days of readings; at most {SERIES_DAYS_MAX:.0f}"
            raise BadQuery(f"{text}: select fewer series or less time", "execution")
        try:
            async with asyncio.timeout(WITHIN_S), self._room:
                return {
                    select: await self._samples(found, select.range_ms, first, last) for select, found in chosen.items()
                }
        except TimeoutError:
            raise BadQuery(f"not worked out within {WITHIN_S:.0f} s; ask for less", "timeout") from None

    async def _samples(self, found: list[Series], range_ms: int, first: int, last: int) -> list[Readings]:
        if not found:
            return []
        # A range is open at its beginning; a value as old as its limit still holds.
        wanted = [(one.key, first - range_ms + 1 if range_ms else first - one.stale_ms) for one in found]
        read = await self._store.samples(wanted, last + 1)
        starts = np.searchsorted(read.place, np.arange(len(found) + 1))
        return [
            Readings(one, read.at[begin:end], read.value[begin:end])
            for one, begin, end in zip(found, starts[:-1].tolist(), starts[1:].tolist(), strict=True)
        ]

    async def chosen(self, asked: Asked, *, need: bool = False) -> list[Series]:
        """Series of ``match[]``, all without it. Raises BadQuery."""
        texts = asked.all("match[]")
        if need and not texts:
            raise BadQuery('match[] is missing, as in match[]={site="east"}')
        wanted = [parse_selector(text).matchers for text in texts] or [(Matcher("__name__", "=~", f"{PREFIX}.+"),)]
        found: dict[SeriesKey, Series] = {}
        for matchers in wanted:
            found |= {one.key: one for one in await asyncio.to_thread(self.catalogue.find, matchers, asked.sites)}
        return list(found.values())


def routes(services: Services) -> APIRouter:
    """``/api/v1/prometheus/api/v1/...``."""
    router = APIRouter(tags=["prometheus"])
    answers = Answers(services)
    _add_queries(router, answers)
    _add_names(router, answers)
    return router


def _needs(*names: str) -> dict[str, Any]:
    """Parameters as described; they are read by hand, as a form may hold them too."""
    return {
        "parameters": [{"name": name, "in": "query", "required": True, "schema": {"type": "string"}} for name in names]
    }


def _example(content: object) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"content": {"application/json": {"example": content}}},
        422: {
            "description": "Not in the part of PromQL that is answered here; says what is, in Prometheus' shape",
            "content": {"application/json": {"schema": {"type": "object", "required": ["error"]}}},
        },
        503: {
            "description": "Not worked out in time, in Prometheus' shape; or the store is away",
            "content": {"application/json": {"schema": {"type": "object", "required": ["error"]}}},
        },
    }


def _add_queries(router: APIRouter, answers: Answers) -> None:
    @router.get(f"{ROOT}/query", response_class=Response, responses=_example(EXAMPLE), openapi_extra=_needs("query"))
    @router.post(f"{ROOT}/query", response_class=Response, responses=_example(EXAMPLE), openapi_extra=_needs("query"))
    async def query(request: Request) -> Response:
        """A query at one instant (`time`; now), as Prometheus answers it: `query` over metrics `dayuan_<point>`.

        No value is shown past its stale rule. `docs/GRAFANA.md` says which part of PromQL there is.
        """
        return await _answered(request, answers.at_one)

    @router.get(
        f"{ROOT}/query_range",
        response_class=Response,
        responses=_example(EXAMPLE_RANGE),
        openapi_extra=_needs("query", "start", "end", "step"),
    )
    @router.post(
        f"{ROOT}/query_range",
        response_class=Response,
        responses=_example(EXAMPLE_RANGE),
        openapi_extra=_needs("query", "start", "end", "step"),
    )
    async def query_range(request: Request) -> Response:
        """A query at each `step` from `start` to `end`."""
        return await _answered(request, answers.over_range)


def _add_names(router: APIRouter, answers: Answers) -> None:
    @router.get(f"{ROOT}/labels", response_class=Response, responses=_example(EXAMPLE_LIST))
    @router.post(f"{ROOT}/labels", response_class=Response, responses=_example(EXAMPLE_LIST))
    async def labels(request: Request) -> Response:
        """The labels that series (`match[]`; all) have."""

        async def work(asked: Asked) -> object:
            return sorted({name for one in await answers.chosen(asked) for name in one.labels})

        return await _answered(request, work)

    @router.get(f"{ROOT}/label/{{name}}/values", response_class=Response, responses=_example(EXAMPLE_LIST))
    async def values(request: Request, name: str) -> Response:
        """The values of a label among the series (`match[]`; all)."""

        async def work(asked: Asked) -> object:
            if name not in LABELS:
                return []
            return sorted({one.labels[name] for one in await answers.chosen(asked) if name in one.labels})

        return await _answered(request, work)

    @router.get(
        f"{ROOT}/series", response_class=Response, responses=_example(EXAMPLE_SERIES), openapi_extra=_needs("match[]")
    )
    @router.post(
        f"{ROOT}/series", response_class=Response, responses=_example(EXAMPLE_SERIES), openapi_extra=_needs("match[]")
    )
    async def series(request: Request) -> Response:
        """The series that fit `match[]`."""

        async def work(asked: Asked) -> object:
            return [one.labels for one in await answers.chosen(asked, need=True)]

        return await _answered(request, work)

    @router.get(f"{ROOT}/metadata", response_class=Response, responses=_example(EXAMPLE_METADATA))
    async def metadata(request: Request) -> Response:
        """Type, words and unit of each metric there is."""

        async def work(asked: Asked) -> object:
            wanted = asked.all("metric")
            points = {one.key.point: one for one in await answers.chosen(Asked([], asked.sites))}
            return {
                PREFIX + point: [
                    {
                        "type": "counter" if one.counter else "gauge",
                        "help": VOCABULARY[point].en if point in VOCABULARY else "",
                        "unit": one.labels.get("unit", ""),
                    }
                ]
                for point, one in sorted(points.items())
                if not wanted or PREFIX + point in wanted
            }

        return await _answered(request, work)

    @router.get(f"{ROOT}/status/buildinfo", response_class=Response, responses=_example(EXAMPLE_BUILD))
    async def buildinfo() -> Response:
        """What Grafana decides by which questions it may ask."""
        return json_answer({"status": "success", "data": {"version": VERSION, "application": "dayuan"}})


async def _answered(request: Request, work: Any) -> Response:
    try:
        return json_answer({"status": "success", "data": await work(await asked_of(request))})
    except BadQuery as error:
        status = {"bad_data": 422, "timeout": 503}.get(error.kind, 422)
        return json_answer({"status": "error", "errorType": error.kind, "error": str(error)}, status=status)


def _raw(one: Readings) -> dict[str, object]:
    pairs = zip((one.at / 1000).tolist(), one.value.tolist(), strict=True)
    return {"metric": one.series.labels, "values": [[at, spelled(value)] for at, value in pairs if value == value]}


def _matrix(lines: list[Line], seconds: list[float]) -> list[dict[str, object]]:
    result: list[dict[str, object]] = []
    for line in lines:
        values = [
            [at, spelled(value)] for at, value in zip(seconds, line.values.tolist(), strict=True) if value == value
        ]
        if values:
            result.append({"metric": line.labels, "values": values})
    return result
