"""How many people get through doors and gates, and how long it takes."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from cloud.api.answers import json_answer
from cloud.api.place_answers import check_length, check_site, example, places_of
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.doors.counting import HourCount, Hours, median, throughput, total

WEEK_S = 7 * 86_400
FIGURES = {
    "passed": 412,
    "denied": 3,
    "held": 1,
    "forced": 0,
    "seconds_per_person": {"value": 7.8, "n": 240, "method": "queue"},
    "queue_s": {"value": 7.8, "n": 240},
    "passage_s": {"value": 8.1, "n": 398},
}
EXAMPLE = {
    "site": "east-compound",
    "from": 1789900000000,
    "to": 1790000000000,
    "all_gates": FIGURES,
    "doors": [
        {
            "door": "gate-north",
            "name": "North gate",
            "gate": True,
            **FIGURES,
            "hours": [[1789999200000, 120, 1, 7.8, 80]],
        }
    ],
    "columns": ["hour", "passed", "denied", "seconds_per_person", "n"],
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/gates``."""
    router = APIRouter(tags=["doors"])

    @router.get("/api/v1/gates", response_class=Response, responses=example(EXAMPLE))
    async def gates(
        site: Annotated[str, Query(max_length=32)],
        door: Annotated[str | None, Query(max_length=32, description="only this one")] = None,
        from_: Annotated[str | None, Query(alias="from", max_length=40, description="default: a week back")] = None,
        to: Annotated[str | None, Query(max_length=40)] = None,
    ) -> Response:
        """Passages by hour, and seconds per person.

        `queue_s`: median time between people who are let in one after the other, three or more within 30 s of each
        other. `passage_s`: median time from the first tap of the card until the door has closed behind the person.
        `seconds_per_person` is the first when there are at least five, else the second. Null with `n` 0: not measured.
        """
        check_site(services, site)
        since, until = parse_period(from_, to, services.clock.now_ms(), WEEK_S)
        check_length(since, until)
        places = places_of(services)
        counted = await places.doors.hours(site, since, until, door)
        known = {one.asset.key: one.asset for one in places.doors.gates(site) if door in (None, one.asset.key.id)}
        marked = {key for key, asset in known.items() if asset.facts.get("gate") is True}
        shown = []
        for key in sorted(known.keys() | counted.keys()):
            hours = counted.get(key, {})
            asset = known.get(key)
            head = {"door": key.id, "name": asset.name if asset else key.id, "gate": key in marked}
            shown.append({**head, **_figures(hours), "hours": _rows(hours)})
        chosen = [hour for key, hours in counted.items() if not marked or key in marked for hour in hours.values()]
        answer = {"site": site, "from": since, "to": until, "all_gates": _of(total(chosen)), "doors": shown}
        return json_answer({**answer, "columns": EXAMPLE["columns"]})

    return router


def _figures(hours: Hours) -> dict[str, object]:
    return _of(total(hours.values()))


def _of(counted: HourCount) -> dict[str, object]:
    speed, method = throughput(counted)
    queue, passage = median(counted.gaps), median(counted.through)
    return {
        "passed": counted.passed,
        "denied": counted.denied,
        "held": counted.held,
        "forced": counted.forced,
        "seconds_per_person": {"value": speed.seconds, "n": speed.n, "method": method},
        "queue_s": {"value": queue.seconds, "n": queue.n},
        "passage_s": {"value": passage.seconds, "n": passage.n},
    }


def _rows(hours: Hours) -> list[list[object]]:
    rows: list[list[object]] = []
    for hour in sorted(hours):
        speed, _ = throughput(hours[hour])
        rows.append([hour, hours[hour].passed, hours[hour].denied, speed.seconds, speed.n])
    return rows
