"""Trips of vehicles, and a vehicle taken out of service."""

from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import principal_of
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.api.tracks import POINTS_MAX, Form, track_answer, vehicle_of
from cloud.assets.contract import AssetKey
from cloud.fleet.reports import TripShown
from cloud.registry.trip_book import StoredService
from cloud.sheets.csv_text import csv_bytes, local_texts, utc_texts
from protocols.reading import ID_PATTERN

EXAMPLE_TRIP: dict[str, Any] = {
    "id": "east-compound.zhe-a-3m902.1790000000000",
    "vehicle": "zhe-a-3m902",
    "started_at": 1790000000000,
    "ended_at": 1790001500000,
    "from": {"name": "North gate", "latitude": 31.2304, "longitude": 121.4737},
    "to": {"name": "Town hall", "latitude": 31.2401, "longitude": 121.4902},
    "km": 4.2,
    "source": "odometer",
    "max_kmh": 58.0,
    "gap": False,
    "driver": "wang-min",
    "driver_name": "王敏",
    "request": "east-compound/request:20261122-007",
}
EXAMPLE = {
    "trips": [EXAMPLE_TRIP],
    "stops": [{"vehicle": "zhe-a-3m902", "since": 1790001500000, "until": 1790004100000, "at": EXAMPLE_TRIP["to"]}],
}
EXAMPLE_SERVICE = {
    "vehicle": "zhe-a-3m902",
    "out_of_service": {"reason": "tyres", "by": "li", "since": 1790000000000},
}
SERVICE = {
    "type": "object",
    "required": ["vehicle", "out_of_service"],
    "properties": {"vehicle": {"type": "string"}, "out_of_service": {"type": ["object", "null"]}},
}

Name = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
Instant = Annotated[str | None, Query(max_length=64)]


class ServiceBody(BaseModel):
    """Whether the vehicle is out of service, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"out": True, "reason": "tyres"}})
    out: bool
    reason: str = Field(default="", max_length=200)


def routes(services: Services) -> APIRouter:
    """``/api/v1/trips`` and below."""
    router = APIRouter(tags=["fleet"])
    features = services.features
    assert features is not None

    @router.get(
        "/api/v1/trips",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}, "text/csv": {}}}},
    )
    async def trips(
        site: Annotated[str, Query(max_length=32)],
        vehicle: Annotated[str | None, Query(max_length=32)] = None,
        from_: Annotated[
            Instant, Query(alias="from", description="ms, or ISO 8601 with zone; a day before `to`")
        ] = None,
        to: Annotated[Instant, Query(description="not included; now")] = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
        answer_format: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    ) -> Response:
        """Trips that overlap the period, by their beginning, and the stops between them. As `csv` the trips alone.

        A trip under way has no `ended_at` and no `to`. `gap`: nothing was heard between its ends. `source` says what
        counted the kilometres: `odometer` (of the vehicle), `device` (of the tracker), `gnss` (positions).
        """
        since, until = parse_period(from_, to, services.clock.now_ms())
        found = await features.reports.trips(site, since, until, vehicle, limit)
        if answer_format == "csv":
            headers = {"Content-Disposition": f'attachment; filename="trips_{since}.csv"'}
            body = _csv(found, services.inventory.time_zone(site))
            return Response(body, 200, headers, "text/csv; charset=utf-8")
        return json_answer({"trips": [shown(trip) for trip in found], "stops": stops(found)})

    @router.get(
        "/api/v1/trips/{trip}/track",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": {"trip": EXAMPLE_TRIP, "points": []}}}}},
    )
    async def track(
        trip: Annotated[str, Path(max_length=96, pattern=r"^[a-z0-9-]+\.[a-z0-9-]+\.[0-9]{1,15}$")],
        tolerance_m: Annotated[float, Query(ge=0, le=1_000, description="how far off a left out point may lie")] = 5.0,
        points_max: Annotated[int, Query(ge=10, le=POINTS_MAX)] = 2_000,
        answer_format: Annotated[Form, Query(alias="format")] = "json",
    ) -> Response:
        """The track of one trip, for the replay; as `/api/v1/tracks`."""
        site, vehicle, started_at = trip.split(".")
        key = AssetKey(site, "vehicle", vehicle)
        found = await features.reports.trip(key, int(started_at))
        if found is None:
            raise ApiError(404, "unknown_trip", f"no trip {trip!r}", "they are listed at /api/v1/trips")
        until = found.ended_at if found.ended_at is not None else services.clock.now_ms()
        asset = vehicle_of(services, key)
        made = await features.reports.track(asset, found.started_at, until + 1, tolerance_m, points_max)
        return track_answer(made, answer_format, trip, {"trip": shown(found)})

    @router.post(
        "/api/v1/trips/vehicles/{site}/{vehicle}/service",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_SERVICE, "schema": SERVICE}}}},
    )
    async def service(site: Name, vehicle: Name, body: ServiceBody, request: Request) -> Response:
        """Take a vehicle out of service, or into it again. Dispatch does not send one that is out."""
        key = AssetKey(site, "vehicle", vehicle)
        vehicle_of(services, key)
        kept = None
        if body.out:
            if not body.reason.strip():
                raise ApiError(422, "bad_request", "reason: why is it out of service?", "a text")
            by = principal_of(request).name
            kept = StoredService(site, vehicle, body.reason.strip(), by, services.clock.now_ms())
        await features.fleet.put_service(key, kept)
        facts = {"reason": kept.reason, "by": kept.by, "since": kept.since} if kept else None
        return json_answer({"vehicle": vehicle, "out_of_service": facts})

    return router


def _csv(trips: list[TripShown], zone: str) -> bytes:
    """One row a trip; of one under way the end is empty."""
    began = np.array([trip.started_at for trip in trips], np.int64)
    ended = [trip.ended_at for trip in trips]
    known = np.array([at for at in ended if at is not None], np.int64)
    told = dict(zip(known.tolist(), zip(local_texts(known, zone), utc_texts(known), strict=True), strict=True))
    ends = [told.get(at, ("", "")) if at is not None else ("", "") for at in ended]
    columns: dict[str, list[object]] = {
        "vehicle": [trip.vehicle for trip in trips],
        "from_local": [*local_texts(began, zone)],
        "from_utc": [*utc_texts(began)],
        "until_local": [local for local, _ in ends],
        "until_utc": [utc for _, utc in ends],
        "from": [trip.from_["name"] for trip in trips],
        "to": [trip.to["name"] if trip.to else "" for trip in trips],
        "km": [trip.km for trip in trips],
        "source": [trip.source for trip in trips],
        "max_kmh": [trip.max_kmh for trip in trips],
        "gap": [int(trip.gap) for trip in trips],
        "driver": [trip.driver_name or trip.driver for trip in trips],
        "request": [trip.request for trip in trips],
    }
    return csv_bytes(list(columns), list(columns.values()))


def shown(trip: TripShown) -> dict[str, object]:
    """A trip as the API names its fields."""
    fields = trip._asdict()
    return {"from" if name == "from_" else name: value for name, value in fields.items()}


def stops(trips: list[TripShown]) -> list[dict[str, object]]:
    """What lies between the trips of each vehicle."""
    by_vehicle: dict[str, list[TripShown]] = {}
    for trip in trips:
        by_vehicle.setdefault(trip.vehicle, []).append(trip)
    found: list[dict[str, object]] = []
    for vehicle, own in sorted(by_vehicle.items()):
        for before, after in pairwise(own):
            if before.ended_at is not None and before.ended_at < after.started_at:
                stop = {"vehicle": vehicle, "since": before.ended_at, "until": after.started_at, "at": before.to}
                found.append(stop)
    return found
