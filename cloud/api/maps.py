"""Maps of sites: GeoJSON, an image to lay under it, local tiles; and what belongs to a site as such: units and days."""

import asyncio
import struct
from pathlib import Path as FilePath
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.description import names_faults
from cloud.api.guards import read_large
from cloud.api.services import Services
from cloud.assets.calendar import parse_day
from cloud.assets.desk import AssetDesk
from cloud.assets.map_rules import Fault, check_map
from cloud.registry.asset_book import FloorPlan, SiteChange
from protocols.reading import ID_PATTERN

EXAMPLE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"kind": "gate", "id": "gate-west", "name": {"en": "West gate", "zh": "西门"}},
            "geometry": {"type": "Point", "coordinates": [120.1486, 30.2712]},
        }
    ],
    "rev": 3,
    "floor_plan": None,
    "tiles": None,
}
EXAMPLE_PUT = {"site": "east-compound", "rev": 4, "features": 61}
EXAMPLE_PLAN = {"site": "east-compound", "bounds": [30.27, 120.148, 30.273, 120.152], "bytes": 81234}
EXAMPLE_UNITS = {"site": "east-compound", "units": ["区府办", "档案科"]}
EXAMPLE_DAYS: dict[str, Any] = {
    "site": "east-compound",
    "days": [{"day": "2026-10-01", "type": "holiday", "name": "国庆节"}],
}
REFUSED = names_faults("Nothing was written; `errors` names key and what is wrong")
CHANGED: dict[int | str, dict[str, Any]] = {
    409: {"description": "Somebody changed it meanwhile; the message names its revision"}
}
PIXELS_MAX = 16_384
SEGMENTS_MAX = 4_096
"""Of a JPEG, before the one that says how large it is; a camera writes some ten, a printing house some hundred."""
TILE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}

Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
TileNumber = Annotated[int, Path(ge=0, le=2**25)]
Degrees = Annotated[float, Query(ge=-180, le=180)]


class DayBody(BaseModel):
    """A day that is not what its weekday says."""

    model_config = ConfigDict(extra="forbid")
    day: str = Field(max_length=10)
    type: str = Field(max_length=10)
    name: str = Field(default="", max_length=60)


class DaysBody(BaseModel):
    """All such days of a site."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"days": EXAMPLE_DAYS["days"]}})
    days: list[DayBody] = Field(max_length=4_000)


def routes(services: Services) -> APIRouter:
    """``/api/v1/map``, ``/api/v1/tiles``, ``/api/v1/units``, ``/api/v1/calendar``."""
    router = APIRouter(tags=["assets"])
    assert services.features is not None
    desk = services.features.asset_desk
    tiles = services.features.core.settings.tiles
    _add_map(router, desk, tiles)
    _add_floor_plan(router, desk)
    _add_site(router, desk)
    if tiles is not None:
        _add_tiles(router, tiles)
    return router


def _add_map(router: APIRouter, desk: AssetDesk, tiles: FilePath | None) -> None:
    @router.get(
        "/api/v1/map/{site}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}, 304: {"description": "Unchanged"}},
    )
    async def get(request: Request, site: Site) -> Response:
        """The drawn map of a site: a GeoJSON FeatureCollection in WGS-84; empty when nobody drew one.

        Beside it `rev`, `floor_plan` ({url, bounds: [south, west, north, east]} or null) and `tiles` (an address
        with {z}, {x}, {y}, or null).
        """
        image = await desk.book.floor_plan_bounds(site)
        rev = desk.maps.rev(site)
        tag = f'"{rev}-{image[1] if image else 0}"'
        if tag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
            return Response(status_code=304, headers={"ETag": tag})
        known = desk.maps.document(site) or {"type": "FeatureCollection", "features": []}
        plan = {"url": f"/api/v1/map/{site}/floor-plan?at={image[1]}", "bounds": image[0]} if image else None
        document = {
            **known,
            "rev": rev,
            "floor_plan": plan,
            "tiles": "/api/v1/tiles/{z}/{x}/{y}.png" if tiles is not None else None,
        }
        return json_answer(document, headers={"ETag": tag, "Cache-Control": "no-cache"})

    @router.put(
        "/api/v1/map/{site}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_PUT}}}, **REFUSED, **CHANGED},
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
        },
    )
    async def put(
        request: Request,
        site: Site,
        rev: Annotated[int | None, Query(ge=0, le=2**62, description="refuse (409) when it is at another")] = None,
    ) -> Response:
        """Put the map of a site in place of the one there is. Foreign members of the collection are kept."""
        try:
            document = msgspec.json.decode(await read_large(request))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ApiError(422, "bad_map", f"no JSON: {error}") from None
        known = [asset.spot for asset in desk.roster.all(site=site) if asset.spot is not None]
        faults = await asyncio.to_thread(check_map, document, known)
        if faults:
            return bad_map(faults)
        if rev is not None and rev != desk.maps.rev(site):
            now = desk.maps.rev(site)
            raise ApiError(409, "changed_meanwhile", f"the map is at revision {now} now", f"rev={now}")
        for answered in ("rev", "floor_plan", "tiles"):
            document.pop(answered, None)
        await desk.apply(SiteChange(site, document=document))
        return json_answer({"site": site, "rev": desk.maps.rev(site), "features": len(document["features"])})


def bad_map(faults: list[Fault]) -> Response:
    """The answer to a map that cannot be taken."""
    error = {
        "code": "bad_map",
        "message": f"{faults[0].key}: {faults[0].message}",
        "hint": f"{len(faults)} faults; nothing was written",
    }
    return json_answer({"error": error, "errors": [fault._asdict() for fault in faults]}, status=422)


def _add_floor_plan(router: APIRouter, desk: AssetDesk) -> None:
    @router.get(
        "/api/v1/map/{site}/floor-plan",
        response_class=Response,
        responses={200: {"content": {"image/png": {}, "image/jpeg": {}}}},
    )
    async def get(site: Site) -> Response:
        """The image to lay under the map."""
        plan = await desk.book.floor_plan(site)
        if plan is None:
            raise ApiError(404, "no_floor_plan", f"site {site!r} has no floor plan", "PUT it there")
        return Response(plan.image, media_type=plan.media_type, headers={"Cache-Control": "private, max-age=86400"})

    @router.put(
        "/api/v1/map/{site}/floor-plan",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_PLAN}}}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {kind: {"schema": {"type": "string"}} for kind in ("image/png", "image/jpeg")},
            }
        },
    )
    async def put(
        request: Request, site: Site, south: Degrees, west: Degrees, north: Degrees, east: Degrees
    ) -> Response:
        """Put a PNG or JPEG image; its edges lie at these degrees (WGS-84), north up."""
        if not (-90 <= south < north <= 90 and west < east):
            raise ApiError(422, "bad_bounds", "south < north and west < east, in degrees")
        image = await read_large(request)
        media_type, width, height = _image_kind(image)
        if not 0 < width <= PIXELS_MAX or not 0 < height <= PIXELS_MAX:
            raise ApiError(422, "bad_image", f"{width} x {height} pixels; at most {PIXELS_MAX} each way")
        await desk.book.put_floor_plan(site, FloorPlan(media_type, image, (south, west, north, east)))
        return json_answer({"site": site, "bounds": [south, west, north, east], "bytes": len(image)})

    @router.delete("/api/v1/map/{site}/floor-plan", status_code=204)
    async def remove(site: Site) -> Response:
        """Forget the image."""
        await desk.book.put_floor_plan(site, None)
        return Response(status_code=204)


def _image_kind(image: bytes) -> tuple[str, int, int]:
    """Media type, width and height by the image's own header. Raises ApiError 422 for anything but PNG and JPEG."""
    if image[:8] == b"\x89PNG\r\n\x1a\n" and len(image) >= 24:
        width, height = struct.unpack(">II", image[16:24])
        return "image/png", width, height
    if image[:2] == b"\xff\xd8":
        at = 2
        for _ in range(SEGMENTS_MAX):
            if at + 9 >= len(image) or image[at] != 0xFF:
                break
            marker, length = image[at + 1], int.from_bytes(image[at + 2 : at + 4], "big")
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack(">HH", image[at + 5 : at + 9])
                return "image/jpeg", width, height
            at += 2 + length
    raise ApiError(422, "bad_image", "neither PNG nor JPEG", "export the floor plan as PNG")


def _add_site(router: APIRouter, desk: AssetDesk) -> None:
    @router.get(
        "/api/v1/units",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_UNITS}}}},
    )
    async def units(site: Annotated[str, Query(max_length=32)]) -> Response:
        """The parts of the organisation at a site, in the order of the imported file."""
        return json_answer({"site": site, "units": desk.units(site)})

    @router.get(
        "/api/v1/calendar/{site}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_DAYS}}}},
    )
    async def days(site: Site) -> Response:
        """Days that are not what their weekday says: holidays, and Saturdays on which people work."""
        return json_answer({"site": site, "days": [_day(day) for day in desk.calendar.days(site)]})

    @router.put(
        "/api/v1/calendar/{site}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_DAYS}}}},
    )
    async def put_days(site: Site, body: DaysBody) -> Response:
        """Put these days in place of those there are."""
        found = {}
        for index, each in enumerate(body.days):
            try:
                day = parse_day(each.model_dump(), site)
            except ValueError as error:
                raise ApiError(422, "bad_day", f"days[{index}]: {error}") from None
            found[day.day] = day
        await desk.apply(SiteChange(site, days=[found[day] for day in sorted(found)]))
        return json_answer({"site": site, "days": [_day(day) for day in desk.calendar.days(site)]})


def _day(day: tuple[str, str, str, str]) -> dict[str, str]:
    return {"day": day[1], "type": day[2], "name": day[3]}


def _add_tiles(router: APIRouter, folder: FilePath) -> None:
    @router.get(
        "/api/v1/tiles/{z}/{x}/{y}.png",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}},
    )
    async def tile(z: Annotated[int, Path(ge=0, le=25)], x: TileNumber, y: TileNumber) -> Response:
        """A tile of the local folder."""
        for ending, media_type in TILE_TYPES.items():
            path = folder / str(z) / str(x) / f"{y}{ending}"
            try:
                image = await asyncio.to_thread(path.read_bytes)
            except OSError:
                continue
            return Response(image, media_type=media_type, headers={"Cache-Control": "private, max-age=86400"})
        raise ApiError(404, "no_tile", f"there is no tile {z}/{x}/{y}")
