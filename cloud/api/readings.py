"""History: the readings of one series, or their roll-ups."""

import asyncio
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from cloud.api.answers import ApiError, table_answer
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.sheets.csv_text import csv_bytes, local_texts, utc_texts
from cloud.store.contract import PAGE_MAX, BadQuery, Page, ReadingsQuery, SeriesKey, Step

EXPORTS_AT_ONCE = 2

EXAMPLE = {
    "series": {"site": "east-compound", "device": "b3-main", "point": "active_power_total", "unit": "W"},
    "step": "raw",
    "columns": ["at", "value", "quality", "reason"],
    "next": None,
    "rows": [[1790000000000, 8123.5, "good", ""]],
}

Name = Annotated[str, Query(max_length=64)]
Instant = Annotated[str | None, Query(max_length=64)]


def routes(services: Services) -> APIRouter:
    """``/api/v1/readings``."""
    router = APIRouter(tags=["history"])
    exports = asyncio.Semaphore(EXPORTS_AT_ONCE)

    @router.get(
        "/api/v1/readings",
        response_class=Response,
        responses={
            200: {"content": {"application/json": {"example": EXAMPLE}, "text/csv": {}}},
            404: {"description": "There is no such device or point; the hint names those there are"},
        },
    )
    async def readings(
        site: Name,
        device: Name,
        point: Name,
        from_: Annotated[
            Instant, Query(alias="from", description="ms, or ISO 8601 with zone; a day before `to`")
        ] = None,
        to: Annotated[Instant, Query(description="not included; now")] = None,
        step: Annotated[Step, Query(description="raw readings, or roll-ups of that length")] = "raw",
        answer_format: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
        limit: Annotated[int | None, Query(ge=1, le=PAGE_MAX, description="10000 for raw, else 100000")] = None,
        next_: Annotated[str | None, Query(alias="next", max_length=200, description="of the page before")] = None,
        origin: Annotated[bool, Query(description="raw only: which batch brought each reading")] = False,
    ) -> Response:
        """Readings with `from <= at < to`, oldest first. A roll-up's row stands for the bucket that begins at `at`.

        A page ends at `limit` rows; `next` (in CSV the header `X-Next`) leads on.
        """
        from_at, to_at = parse_period(from_, to, services.clock.now_ms())
        key = SeriesKey(site, device, point)
        _check_known(services, key)
        if origin and step != "raw":
            raise ApiError(422, "bad_request", "origin: only raw readings have one", "step=raw")
        if limit is None:
            limit = 10_000 if step == "raw" and answer_format == "json" else PAGE_MAX
        query = ReadingsQuery(
            site=site,
            device=device,
            point=point,
            from_at=from_at,
            to_at=to_at,
            step=step,
            limit=limit,
            next=next_,
            origin=origin,
        )
        try:
            if answer_format == "csv":
                async with exports:
                    return await _csv(services, query, await services.store.readings(query))
            page = await services.store.readings(query)
        except BadQuery as error:
            raise ApiError(422, "bad_request", str(error)) from None
        facts = services.inventory.point(key)
        series = {"site": site, "device": device, "point": point, "unit": facts.unit, "kind": facts.kind}
        head = {"series": series, "step": step, "from": from_at, "to": to_at}
        return await table_answer(head, page.columns, page.rows, page.next, services.clock)

    return router


async def _csv(services: Services, query: ReadingsQuery, page: Page) -> Response:
    unit = services.inventory.point(SeriesKey(query.site, query.device, query.point)).unit
    header = ["at_local", "at_utc"]
    header += [f"{name} [{unit}]" if name in _IN_UNITS and unit else name for name in page.columns[1:]]
    zone = services.inventory.time_zone(query.site)
    body = await asyncio.to_thread(_csv_bytes, header, page, zone)
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(query)}"'}
    if page.next is not None:
        headers["X-Next"] = page.next
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


def _csv_bytes(header: list[str], page: Page, zone: str) -> bytes:
    columns = list(zip(*page.rows, strict=True)) or [()] * len(page.columns)
    at = np.array(columns[0], np.int64)
    return csv_bytes(header, [local_texts(at, zone), utc_texts(at), *columns[1:]])


_IN_UNITS = frozenset({"value", "min", "max", "mean", "last"})


def _file_name(query: ReadingsQuery) -> str:
    text = f"{query.site}_{query.device}_{query.point}_{query.step}.csv"
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in text)


def _check_known(services: Services, key: SeriesKey) -> None:
    """A misspelt name is an error, a series without readings is not."""
    if services.series_known(key):
        return
    device = services.inventory.device(key.site, key.device)
    if device is None:
        raise ApiError(
            404,
            "unknown_device",
            f"no device {key.device!r} at site {key.site!r}",
            "they are listed at /api/v1/devices",
        )
    if key.point not in device.points:
        known = ", ".join(device.points) or "none yet"
        raise ApiError(404, "unknown_point", f"{key.device} has no point {key.point!r}", f"it has: {known}")
