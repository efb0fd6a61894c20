"""Readings that people type in, and the second look at them."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import energy_manager
from cloud.api.place_answers import actor_of, check_site, example
from cloud.api.services import Services
from cloud.energy.contract import EnergyFault
from cloud.registry.sessions import Principal
from protocols.reading import ID_PATTERN

BODY: dict[str, Any] = {"at": 1790006400000, "reading": "4711.3"}
ENTERED: dict[str, Any] = {"record": 12, "waits": None, "advance": 38.4, "since": 1787414400000, "doubts": []}
WAITING: dict[str, list[dict[str, object]]] = {
    "waiting": [
        {"id": 3, "meter": "water-main", "at": 1790006400000, "reading": "4711.3", "why": "round of October"}
        | {"entered_at": 1790010000000, "entered_by": "wang"}
    ]
}
CANNOT: dict[int | str, dict[str, Any]] = {422: {"description": "It cannot be; the message says why"}}

Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]


class ReadingBody(BaseModel):
    """What the register showed. `at`: ms UTC, not later than now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": BODY})
    at: int = Field(gt=0, le=2**53)
    reading: Decimal = Field(ge=0, max_digits=20)


class CheckBody(BaseModel):
    """`agrees` false: it never counts."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"agrees": True}})
    agrees: bool


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/hand-readings``."""
    router = APIRouter(tags=["energy"])
    assert services.features is not None
    sightings = services.features.energy_desk.sightings

    @router.get("/api/v1/energy/hand-readings/{site}", response_class=Response, responses=example(WAITING))
    async def waiting(site: Site) -> Response:
        """Readings that wait for a second person (of meters with `two_person`). Those that count are records."""
        check_site(services, site)
        rows = [each._asdict() for each in await sightings.waiting(site)]
        return json_answer({"waiting": [{name: row[name] for name in WAITING["waiting"][0]} for row in rows]})

    @router.post(
        "/api/v1/energy/hand-readings/{site}/{meter}",
        status_code=201,
        response_class=Response,
        responses={**example(ENTERED, 201), **CANNOT},
    )
    async def enter(
        site: Site,
        meter: Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")],
        body: ReadingBody,
        who: Annotated[Principal, Depends(energy_manager)],
        why: Annotated[str, Query(max_length=400, description="the round, or the photo's name")] = "read by hand",
    ) -> Response:
        """Enter what a person read of a register.

        It counts at once (`record`), or, of a meter with `two_person`, when somebody else has looked at it (`waits`).
        `doubts` says what looks wrong with it; it is taken all the same, as the register may have been changed.
        """
        check_site(services, site)
        try:
            made = await sightings.enter(
                site, meter, body.at, body.reading, by=actor_of(who), why=why or "read by hand"
            )
        except EnergyFault as fault:
            raise ApiError(422, "bad_reading", str(fault)) from None
        advance = None if made.advance is None else float(made.advance)
        return json_answer({**made._asdict(), "advance": advance}, status=201)

    @router.post(
        "/api/v1/energy/hand-readings/{site}/{number}/check",
        response_class=Response,
        responses={**example({"record": 12}), **CANNOT},
    )
    async def check(
        site: Site,
        number: Annotated[int, Path(ge=1, le=2**53)],
        body: CheckBody,
        who: Annotated[Principal, Depends(energy_manager)],
    ) -> Response:
        """Say that another person's reading is right, or that it is not. Nobody checks their own."""
        check_site(services, site)
        try:
            record = await sightings.check(site, number, agrees=body.agrees, by=actor_of(who))
        except EnergyFault as fault:
            raise ApiError(422, "cannot_check", str(fault)) from None
        return json_answer({"record": record})

    return router
