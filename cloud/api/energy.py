"""What meters used: totals, intervals, what made a number, balances."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from cloud.api.answers import ApiError, json_answer, table_answer
from cloud.api.energy_shown import flags_shown, rest_shown, total_shown
from cloud.api.place_answers import check_length, check_site, example
from cloud.api.services import Services
from cloud.api.times import parse_instant, parse_period
from cloud.energy.buckets import buckets, highest
from cloud.energy.contract import MICRO, UNITS, EnergyFault, Intervals
from cloud.energy.feature import Energy
from cloud.energy.opening import Opened
from cloud.energy.pages import total_of
from cloud.energy.structure import Meter

TOTAL: dict[str, Any] = {
    "value": 1234.5,
    "unit": "kWh",
    "coverage": 0.998,
    "measured": 1201.25,
    "source": "estimated",
    "flags": ["replaced"],
}
INTERVALS_EXAMPLE: dict[str, Any] = {
    "site": "east-compound",
    "meter": "b3-main",
    "unit": "kWh",
    "total": TOTAL,
    "highest": {"kw": 182.4, "at": 1790042400000, "source": "measured"},
    "columns": ["at", "until", "value", "coverage", "measured", "source", "flags"],
    "next": None,
    "rows": [[1790006400000, 1790010000000, 31.25, 1.0, 31.25, "measured", []]],
}
TOTALS_EXAMPLE: dict[str, Any] = {
    "site": "east-compound",
    "medium": "electricity",
    "total": TOTAL,
    "meters": {"b3-main": TOTAL},
}
OPENED_EXAMPLE: dict[str, Any] = {
    "interval": {"at": 1790006400000, "value": 7.5, "coverage": 1.0, "source": "measured", "flags": []},
    "agrees": True,
    "segments": [
        {"from": 1790006340000, "until": 1790006400000, "value": 0.5, "share": 0.5, "flags": [], "manual": False}
    ],
    "events": [
        {
            "kind": "glitch",
            "since": 1790006340000,
            "at": 1790006460000,
            "before": "812.5",
            "after": "0.00",
            "value": 0.0,
        }
    ],
    "readings": {
        "columns": ["at", "value", "quality", "reason", "gateway", "epoch", "seq", "received_at"],
        "rows": [[1790006400000, 812.5, "good", "", "b3-plant-room", "0f3a", 42, 1790006401000]],
        "more": False,
    },
}
BALANCE_EXAMPLE: dict[str, Any] = {
    "meter": "b3-main",
    "children": ["b3-hvac", "b3-lifts"],
    "fed": 1000.0,
    "used": 940.0,
    "gap": 60.0,
    "gap_share": 0.06,
    "uncertainty": 4.1,
    "significant": True,
    "coverage": 1.0,
    "verdict": "gap",
    "suspects": [
        {"meter": "b3-hvac", "fault": "multiplier", "slope": 1.0, "factor": 2.0, "explains": 0.98, "certain": True}
    ],
}

Instant = Annotated[str | None, Query(max_length=64)]
Site = Annotated[str, Query(max_length=32)]
MeterName = Annotated[str, Query(max_length=32)]
From = Annotated[Instant, Query(alias="from", description="ms, or ISO 8601 with zone; rounded down to a quarter hour")]
To = Annotated[Instant, Query(description="not included; now")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/...``, what is read."""
    router = APIRouter(tags=["energy"])
    assert services.features is not None
    energy = services.features.energy
    _add_amounts(router, services, energy)
    _add_openings(router, services, energy)
    return router


def _add_amounts(router: APIRouter, services: Services, energy: Energy) -> None:
    features = services.features
    assert features is not None

    @router.get("/api/v1/energy/intervals", response_class=Response, responses=example(INTERVALS_EXAMPLE))
    async def intervals(
        site: Site,
        meter: MeterName,
        from_: From = None,
        to: To = None,
        step: Annotated[Literal["15m", "1h", "1d", "1mo"], Query(description="by the site's clock")] = "15m",
    ) -> Response:
        """What a meter used, by quarter hour, hour, day or month of the site's clock; virtual meters too.

        `value` is null where nothing is known and never zero for that. `coverage` is the known part of the time;
        `measured` is what of the value was measured, the rest was come by as `source` (the worst) says.
        """
        since, until = parse_period(from_, to, services.clock.now_ms())
        check_length(since, until)
        with _faults():
            found = await energy.intervals(site, meter, since, until)
        if found is None:
            raise _unknown(site, meter)
        unit = _unit(energy.structure(site).structure.meter.get(meter))
        rows = [
            [each.start, each.end, *list(total_shown(each.total, unit).values())[:1], *rest_shown(each.total)]
            for each in buckets(found, features.calendar.zone(site).key, step)
        ]
        head = {
            "site": site,
            "meter": meter,
            "unit": unit,
            "total": total_shown(total_of(found), unit),
            "highest": _highest(found),
        }
        return await table_answer(head, INTERVALS_EXAMPLE["columns"], rows, None, services.clock)

    @router.get("/api/v1/energy/totals", response_class=Response, responses=example(TOTALS_EXAMPLE))
    async def totals(
        site: Site,
        from_: From = None,
        to: To = None,
        medium: Literal["electricity", "water", "gas", "heat"] = "electricity",
        space: Annotated[str, Query(max_length=32, description="a space and all in it")] = "",
        unit: Annotated[str, Query(max_length=32, description="a unit of the organisation and all below it")] = "",
        item: Annotated[str, Query(max_length=2, description="a sub-item (`A1`) or group (`A`)")] = "",
    ) -> Response:
        """What a space, a unit or a sub-item used: the sum of its topmost meters, each counted once.

        Without any of the three it is all counted meters that no other one feeds. Whole days of the site are answered
        from days at rest; other times from intervals.
        """
        check_site(services, site)
        since, until = parse_period(from_, to, services.clock.now_ms())
        check_length(since, until)
        structure = energy.structure(site).structure
        if space and not any(each.id == space for each in structure.spaces):
            raise ApiError(404, "unknown_space", f"{site} has no space {space!r}", "GET /api/v1/energy/structure")
        if unit and not any(each.id == unit for each in structure.units):
            raise ApiError(404, "unknown_unit", f"{site} has no unit {unit!r}", "GET /api/v1/energy/structure")
        if item:
            meters = structure.counted_as(item, space)
        elif unit:
            meters = structure.counted_for(unit, medium)
        else:
            meters = structure.counted_in(space, medium) if space else structure.counted(medium)
        with _faults():
            used = await energy.used(site, meters, since, until)
        name = UNITS[medium]
        each_one = {meter: total_shown(total, name) for meter, total in used.meters.items()}
        return json_answer({"site": site, "medium": medium, "total": total_shown(used.total, name), "meters": each_one})


def _add_openings(router: APIRouter, services: Services, energy: Energy) -> None:
    @router.get("/api/v1/energy/opening", response_class=Response, responses=example(OPENED_EXAMPLE))
    async def opening(site: Site, meter: MeterName, at: Annotated[str, Query(max_length=64)]) -> Response:
        """What made one quarter hour of a meter: segments between readings, register events, and the raw readings with
        the batches that brought them. It is worked out again for this; `agrees` says whether that gives what is at
        rest.
        """
        start = parse_instant("at", at, services.clock.now_ms())
        with _faults():
            found = await energy.open_interval(site, meter, start)
        return json_answer(_opened(found))

    @router.get("/api/v1/energy/balance", response_class=Response, responses=example(BALANCE_EXAMPLE))
    async def balanced(site: Site, meter: MeterName, from_: From = None, to: To = None) -> Response:
        """A meter against those it feeds, over the quarter hours in which all are known.

        A gap means something beyond twice its `uncertainty`; then `suspects` says what may explain it.
        """
        since, until = parse_period(from_, to, services.clock.now_ms(), 7 * 86_400)
        check_length(since, until)
        with _faults():
            found, suspected = await energy.balance(site, meter, since, until)
        answer = {
            "meter": meter,
            "children": [each.id for each in energy.structure(site).structure.children[meter]],
            "fed": found.parent / MICRO,
            "used": found.children / MICRO,
            "gap": found.gap / MICRO,
            "gap_share": found.share,
            "uncertainty": found.uncertainty / MICRO,
            "significant": found.significant,
            "coverage": found.coverage,
            "verdict": found.verdict,
            "suspects": [each._asdict() for each in suspected],
        }
        return json_answer(answer)


@contextmanager
def _faults() -> Iterator[None]:
    """What cannot be worked out is the asker's to know."""
    try:
        yield
    except EnergyFault as fault:
        raise ApiError(422, "energy", str(fault)) from None


def _unknown(site: str, meter: str) -> ApiError:
    return ApiError(404, "unknown_meter", f"{site[:32]} has no meter {meter[:32]!r}", "GET /api/v1/energy/structure")


def _unit(meter: Meter | None) -> str:
    return UNITS[meter.medium] if meter is not None else ""


def _highest(intervals: Intervals) -> dict[str, Any] | None:
    found = highest(intervals)
    return None if found is None else {"kw": found.kw, "at": found.at, "source": found.source.name.lower()}


def _opened(found: Opened) -> dict[str, Any]:
    interval = found.interval
    return {
        "interval": {
            "at": interval.start,
            "value": None if interval.micro is None else interval.micro / MICRO,
            "coverage": interval.coverage,
            "source": interval.source.name.lower(),
            "flags": flags_shown(interval.flags),
        },
        "agrees": found.agrees,
        "segments": [
            {
                "from": each.since,
                "until": each.until,
                "value": None if each.micro is None else each.micro / MICRO,
                "share": None if each.share is None else each.share / MICRO,
                "flags": flags_shown(each.flags),
                "manual": each.manual,
            }
            for each in found.segments
        ],
        "events": [
            {
                "kind": each.kind,
                "since": each.since,
                "at": each.at,
                "before": each.before,
                "after": each.after,
                "value": each.micro / MICRO,
            }
            for each in found.events
        ],
        "readings": {
            "columns": OPENED_EXAMPLE["readings"]["columns"],
            "rows": [list(each) for each in found.readings],
            "more": found.more_readings,
        },
    }
