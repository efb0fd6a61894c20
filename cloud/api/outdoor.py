"""Outdoor temperatures as a file: kept, and used where no sensor measured."""

import asyncio
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path, Request, Response

from cloud.analysis.outdoor import BadTemperatures, Temperatures, read_temperatures
from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import energy_manager
from cloud.api.guards import read_text
from cloud.api.place_answers import actor_of, check_site, example
from cloud.api.services import Services
from cloud.registry.outdoor_book import OutdoorBook
from cloud.registry.sessions import Principal
from protocols.reading import ID_PATTERN

BROUGHT: dict[str, Any] = {
    "site": "east-compound",
    "count": 8760,
    "from": 1767196800000,
    "until": 1798729200000,
    "entered_at": 1798730000000,
    "entered_by": "li",
}
BODY = {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
PATH = "/api/v1/analysis/temperatures/{site}"


def routes(services: Services) -> APIRouter:
    """``/api/v1/analysis/temperatures/{site}``."""
    router = APIRouter(tags=["analysis"])
    assert services.features is not None
    book = services.features.reports_of_energy.outdoor

    @router.get(PATH, response_class=Response, responses=example(BROUGHT))
    async def brought(site: Site) -> Response:
        """What was brought in of a site: how many figures, from the first to the last instant; null without any."""
        check_site(services, site)
        return json_answer(await _shown(book, site))

    @router.put(
        PATH,
        response_class=Response,
        responses={**example(BROUGHT), 422: {"description": "The file cannot be; the message says why"}},
        openapi_extra={"requestBody": BODY},
    )
    async def put(request: Request, site: Site, who: Annotated[Principal, Depends(energy_manager)]) -> Response:
        """Keep outdoor temperatures, as CSV in the body: a head line, then time (ms, or ISO 8601 with zone) and °C,
        hourly or daily.

        What was known of the same instants is replaced, the rest stays. Baselines use them for hours that no sensor
        measured. All of the file or nothing.
        """
        check_site(services, site)
        known = await read_file(request)
        good = np.isfinite(known.celsius)
        rows = dict(zip(known.at[good].tolist(), known.celsius[good].tolist(), strict=True))
        if not rows:
            raise ApiError(422, "bad_temperatures", "the file has no temperature", "CSV: time, °C")
        await book.put(site, list(rows.items()), by=actor_of(who), now=services.clock.now_ms())
        return json_answer(await _shown(book, site))

    return router


async def read_file(request: Request) -> Temperatures:
    """The temperatures in the body. Raises ApiError 422."""
    try:
        return await asyncio.to_thread(read_temperatures, (await read_text(request)).text)
    except BadTemperatures as error:
        raise ApiError(422, "bad_temperatures", str(error), "CSV: time, °C") from None


async def _shown(book: OutdoorBook, site: str) -> dict[str, object]:
    found = await book.brought(site)
    head = {"site": site, "count": found.figures, "from": found.first, "until": found.last}
    return {**head, "entered_at": found.entered_at, "entered_by": found.entered_by}
