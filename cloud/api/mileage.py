"""Mileage of vehicles by day."""

import csv
import io
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from cloud.api.answers import json_answer
from cloud.api.services import Services
from cloud.api.times import parse_period

EXAMPLE: dict[str, Any] = {
    "mileage": [
        {
            "day": 1789999200000,
            "date": "2026-09-22",
            "vehicle": "zhe-a-3m902",
            "km": 84.3,
            "source": "odometer",
            "odometer_km": 84.3,
            "device_km": None,
            "gnss_km": 82.9,
            "fixes": 8512,
            "left_out": {"inaccurate": 31, "jump": 2},
        }
    ]
}
COLUMNS = ("date", "vehicle", "km", "source", "odometer_km", "device_km", "gnss_km", "fixes")

Instant = Annotated[str | None, Query(max_length=64)]


def routes(services: Services) -> APIRouter:
    """``/api/v1/mileage``."""
    router = APIRouter(tags=["fleet"])
    features = services.features
    assert features is not None

    @router.get(
        "/api/v1/mileage",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}, "text/csv": {}}}},
    )
    async def mileage(
        site: Annotated[str, Query(max_length=32)],
        vehicle: Annotated[str | None, Query(max_length=32)] = None,
        from_: Annotated[
            Instant, Query(alias="from", description="ms, or ISO 8601 with zone; a week before `to`")
        ] = None,
        to: Annotated[Instant, Query(description="not included; now")] = None,
        answer_format: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    ) -> Response:
        """Kilometres of each vehicle on each of the site's days that overlap the period, today so far.

        `km` is by the best source that can be believed, named in `source`: `odometer` (of the vehicle), `device` (of
        the tracker), `gnss` (positions, advanced only when further away than noise). A counter that was reset on the
        day, or did not count all of it, is passed over. `left_out` counts positions that cannot be.
        """
        since, until = parse_period(from_, to, services.clock.now_ms(), 7 * 86_400)
        first, _ = features.calendar.day_of(site, since)
        rows = await features.reports.mileage(site, first, until, vehicle)
        shown = [{**row._asdict(), "date": f"{features.calendar.local(site, row.day):%Y-%m-%d}"} for row in rows]
        if answer_format == "json":
            return json_answer({"mileage": shown})
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows([row[name] for name in COLUMNS] for row in shown)
        headers = {"Content-Disposition": f'attachment; filename="mileage_{first}.csv"'}
        return Response("\ufeff" + text.getvalue(), 200, headers, "text/csv; charset=utf-8")

    return router
