"""How rooms, units and modules of the console are used, and what people should ask about."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from cloud.api.answers import json_answer
from cloud.api.place_answers import check_length, check_site, example, places_of
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.rooms.counting import units_of

USE_S = 30 * 86_400
EXAMPLE = {
    "site": "east-compound",
    "from": 1787400000000,
    "to": 1790000000000,
    "under": 0.3,
    "rooms": [
        {
            "room": "b3-201",
            "name": "B3-201",
            "share": 0.21,
            "basis": "presence",
            "coverage": 0.98,
            "days": 21,
            "bookings": 18,
            "no_shows": 3,
            "booked_h": 24.5,
            "used_h": 19.0,
            "evaluation": True,
        }
    ],
    "units": [{"unit": "Finance office", "bookings": 7, "no_shows": 1, "booked_h": 9.5, "used_h": 8.2}],
    "modules": [{"module": "patrols", "times": 410, "days": 21, "workdays": 21, "share": 1.0, "evaluation": False}],
    "sharing": {"rooms": 15, "units": 72},
    "booking": {"median_s": 41.2, "p95_s": 120.0, "n": 190},
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/rooms/use``."""
    router = APIRouter(tags=["rooms"])

    @router.get("/api/v1/rooms/use", response_class=Response, responses=example(EXAMPLE))
    async def use(
        site: Annotated[str, Query(max_length=32)],
        from_: Annotated[str | None, Query(alias="from", max_length=40, description="default: 30 days back")] = None,
        to: Annotated[str | None, Query(max_length=40)] = None,
        under: Annotated[float | None, Query(ge=0, le=1, description="`evaluation` below; else the site's")] = None,
    ) -> Response:
        """Share of the hours in which rooms may be booked that they were used, by room and unit, and of the workdays on
        which modules were used.

        `basis` `presence`: used / known to a sensor; `bookings`: no sensor, booked / open. `share` null: nothing is
        known. `evaluation`: used under the threshold, and enough is known to say so.
        """
        check_site(services, site)
        now = services.clock.now_ms()
        since, until = parse_period(from_, to, now, USE_S)
        check_length(since, until)
        places = places_of(services)
        threshold = under if under is not None else places.rooms.evaluation_under(site)
        uses = await places.rooms.use(site, since, until, threshold)
        units = units_of(day for each in uses for day in each.counted)
        times = await places.rooms.booking_times(site, since, until)
        sharing = await places.room_sharing(site, since, until)
        modules = await places.modules.of(site, since, until, threshold)
        answer = {
            "site": site,
            "from": since,
            "to": until,
            "under": threshold,
            "rooms": [
                {
                    "room": each.key.id,
                    "name": each.name,
                    "share": _share(each.use.share),
                    "basis": each.use.basis,
                    "coverage": _share(each.use.coverage),
                    "days": each.use.days,
                    "bookings": sum(day.bookings for day in each.counted),
                    "no_shows": sum(day.no_shows for day in each.counted),
                    "booked_h": _hours(sum(day.booked_ms for day in each.counted)),
                    "used_h": _hours(sum(day.used_ms for day in each.counted)),
                    "evaluation": each.evaluation,
                }
                for each in uses
            ],
            "units": [
                {
                    "unit": name,
                    "bookings": counted.bookings,
                    "no_shows": counted.no_shows,
                    "booked_h": _hours(counted.booked_ms),
                    "used_h": _hours(counted.used_ms),
                }
                for name, counted in sorted(units.items())
            ],
            "modules": [{**each._asdict(), "share": _share(each.share)} for each in modules],
            "sharing": {"rooms": sharing.rooms, "units": sharing.units},
            "booking": {"median_s": _at(times, 0.5), "p95_s": _at(times, 0.95), "n": len(times)},
        }
        return json_answer(answer)

    return router


def _share(share: float | None) -> float | None:
    return None if share is None else round(share, 3)


def _hours(ms: int) -> float:
    return round(ms / 3_600_000, 2)


def _at(times: list[float], share: float) -> float | None:
    return times[int((len(times) - 1) * share)] if times else None
