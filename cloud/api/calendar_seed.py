"""The days of a year that come with the product, put into a site's calendar."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import administrator
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.registry.asset_book import CalendarDay, SiteChange
from cloud.registry.sessions import Principal
from cloud.tariffs.china_days import china_days, years
from protocols.reading import ID_PATTERN

SEEDED: dict[str, Any] = {
    "site": "east-compound",
    "year": 2026,
    "written": True,
    "days": [{"day": "2026-10-01", "type": "holiday", "name": "国庆节"}],
}
REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"description": "Days of that year are there already; `replace=1` puts the seed in their place"},
    422: {"description": "The year did not come with this version: enter its days from the notice"},
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/calendar/{site}/seed``."""
    router = APIRouter(tags=["assets"])
    assert services.features is not None
    desk = services.features.asset_desk

    @router.post("/api/v1/calendar/{site}/seed", response_class=Response, responses={**example(SEEDED), **REFUSED})
    async def seed(
        site: Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")],
        year: Annotated[int, Query(ge=1900, le=2200)],
        _: Annotated[Principal, Depends(administrator)],
        replace: bool = False,
        dry_run: bool = False,
    ) -> Response:
        """Put the holidays and make-up workdays (调休) of mainland China for a year into the site's calendar.

        Days of other years stay. `dry_run` only shows them. What was entered by hand for that year is not overwritten
        unless `replace` says so.
        """
        check_site(services, site)
        try:
            named = china_days(year)
        except ValueError as error:
            raise ApiError(422, "unknown_year", str(error), f"{years()[0]} to {years()[-1]}") from None
        days = [
            CalendarDay(site, each.day.isoformat(), "workday" if each.works else "holiday", each.name) for each in named
        ]
        known = desk.calendar.days(site)
        others = [day for day in known if not day.day.startswith(f"{year:04d}-")]
        if not dry_run:
            if len(others) < len(known) and not replace:
                count = len(known) - len(others)
                raise ApiError(409, "entered_already", f"{count} days of {year} are there already", "replace=1")
            await desk.apply(SiteChange(site, days=sorted([*others, *days], key=lambda day: day.day)))
        shown = [{"day": day.day, "type": day.type, "name": day.name} for day in days]
        return json_answer({"site": site, "year": year, "written": not dry_run, "days": shown})

    return router
