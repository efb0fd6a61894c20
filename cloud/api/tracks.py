"""Tracks of vehicles, thinned, as JSON, GeoJSON or GPX."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.assets.contract import Asset, AssetKey
from cloud.fleet.tracks import Track, geojson, gpx

POINTS_MAX = 20_000
DAYS_MAX = 31
COLUMNS = ("at", "latitude", "longitude", "accuracy_m", "speed_kmh", "course_deg", "quality", "piece")

EXAMPLE: dict[str, Any] = {
    "columns": list(COLUMNS),
    "points": [[1790000000000, 31.2304, 121.4737, 6.0, 32.5, 90.0, "good", 0]],
    "left_out": [{"at": 1790000010000, "latitude": 31.25, "longitude": 121.4737, "why": "jump"}],
    "fixes": 150,
    "tolerance_m": 5.0,
    "km_drawn": 4.1,
}

Form = Literal["json", "geojson", "gpx"]
Instant = Annotated[str | None, Query(max_length=64)]


def routes(services: Services) -> APIRouter:
    """``/api/v1/tracks``."""
    router = APIRouter(tags=["fleet"])
    features = services.features
    assert features is not None

    @router.get(
        "/api/v1/tracks",
        response_class=Response,
        responses={
            200: {
                "content": {
                    "application/json": {"example": EXAMPLE},
                    "application/geo+json": {},
                    "application/gpx+xml": {},
                }
            }
        },
    )
    async def tracks(
        site: Annotated[str, Query(max_length=32)],
        vehicle: Annotated[str, Query(max_length=32)],
        from_: Annotated[
            Instant, Query(alias="from", description="ms, or ISO 8601 with zone; a day before `to`")
        ] = None,
        to: Annotated[Instant, Query(description="not included; now")] = None,
        tolerance_m: Annotated[float, Query(ge=0, le=1_000, description="how far off a left out point may lie")] = 5.0,
        points_max: Annotated[int, Query(ge=10, le=POINTS_MAX)] = 2_000,
        answer_format: Annotated[Form, Query(alias="format")] = "json",
    ) -> Response:
        """Where a vehicle was, at most 31 days. Thinned so that no point left out lies further off than `tolerance_m`
        from where the line has the vehicle at that time; with more than `points_max` left, the tolerance grows.

        `piece` counts up after a silence of ten minutes: nothing is to be drawn across. `left_out` are positions that
        cannot be, with why: `zero`, `future`, `inaccurate`, `jump`. All in WGS-84. `geojson` and `gpx` give files.
        """
        since, until = parse_period(from_, to, services.clock.now_ms())
        if until - since > DAYS_MAX * 86_400_000:
            raise ApiError(422, "bad_period", f"at most {DAYS_MAX} days at once", "ask in parts")
        asset = vehicle_of(services, AssetKey(site, "vehicle", vehicle))
        made = await features.reports.track(asset, since, until, tolerance_m, points_max)
        return track_answer(made, answer_format, f"{site}.{vehicle}.{since}", {"vehicle": vehicle})

    return router


def vehicle_of(services: Services, key: AssetKey) -> Asset:
    """The vehicle, or 404."""
    asset = services.features.roster.find(key) if services.features is not None else None
    if asset is None:
        hint = f"they are listed at /api/v1/assets?site={key.site}&kind=vehicle"
        raise ApiError(404, "unknown_vehicle", f"no vehicle {key.id!r} at site {key.site!r}", hint)
    return asset


def track_answer(track: Track, form: Form, name: str, about: Mapping[str, object]) -> Response:
    """The track in the form that was asked for."""
    if form == "json":
        points = [
            (
                point.fix.at,
                round(point.fix.spot.latitude, 7),
                round(point.fix.spot.longitude, 7),
                point.fix.accuracy_m,
                point.fix.speed_kmh,
                point.fix.course_deg,
                point.quality,
                number,
            )
            for number, piece in enumerate(track.pieces)
            for point in piece
        ]
        drawn = {"tolerance_m": track.tolerance_m, "km_drawn": round(track.metres / 1000, 3)}
        left_out = [out._asdict() for out in track.left_out]
        return json_answer(
            {**about, "columns": COLUMNS, "points": points, "left_out": left_out, "fixes": track.fixes, **drawn}
        )
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    if form == "geojson":
        return Response(geojson(track, dict(about)), 200, headers, "application/geo+json")
    return Response(gpx(track, name), 200, headers, "application/gpx+xml")
