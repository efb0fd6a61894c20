"""What is metered where: structures of sites, and what people record of meters."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.description import names_faults
from cloud.api.gate import energy_manager
from cloud.api.place_answers import CHANGED, actor_of, check_site, example
from cloud.api.services import Services
from cloud.energy.contract import EnergyFault, Recorded
from cloud.energy.feature import BadStructure
from cloud.energy.structure import Structure, doubts
from cloud.registry.energy_book import Record
from cloud.registry.sessions import Principal
from protocols.reading import ID_PATTERN

BODY: dict[str, Any] = {
    "spaces": [
        {"id": "east", "kind": "site", "name": "East compound"},
        {"id": "b3", "kind": "building", "name": "Building 3", "parent": "east", "area_m2": "8200", "people": 310},
    ],
    "units": [{"id": "office", "name": "Office"}],
    "meters": [
        {
            "id": "b3-main",
            "name": "B3 main",
            "role": "main",
            "space": "b3",
            "device": "b3-main",
            "point": "active_energy_import_total",
            "register": {"resolution": "0.01", "modulus": "1000000", "rated": "400"},
        },
        {"id": "b3-half", "name": "Half of B3", "role": "virtual", "reads": "virtual", "expression": "[b3-main] / 2"},
    ],
}
DOUBT = {"thing": "meter:b3-lifts", "field": "register.rated", "message": "not given: any advance of it is believed"}
RECORD: dict[str, Any] = {"type": "replaced", "at": 1790006400000, "final": "81233.51", "initial": "0.00"}
RECORDS_EXAMPLE: dict[str, Any] = {
    "records": [
        {
            "id": 7,
            "meter": "b3-main",
            "what": RECORD,
            "entered_at": 1790010000000,
            "entered_by": "wang",
            "why": "form 2026-114",
            "revoked_at": None,
            "revoked_by": "",
            "revoked_why": "",
        }
    ]
}
REFUSED = names_faults("It cannot be; `errors` names every fault")

Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
MeterId = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
Why = Annotated[str, Query(max_length=500, description="kept beside it")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/structure``, ``/api/v1/energy/records``."""
    router = APIRouter(tags=["energy"])
    _add_structure(router, services)
    _add_records(router, services)
    return router


def _add_structure(router: APIRouter, services: Services) -> None:
    assert services.features is not None
    energy = services.features.energy
    shown = example({"site": "east-compound", "rev": 3, "structure": BODY, "faults": {}, "doubts": [DOUBT]})

    @router.get("/api/v1/energy/structure/{site}", response_class=Response, responses=shown)
    async def structure(site: Site) -> Response:
        """Spaces, units and meters of a site. `faults`: meters that cannot be worked out, and why. `doubts`: what is
        taken, but believes more than it should."""
        check_site(services, site)
        known, rev = energy.structure(site)
        said = [each._asdict() for each in doubts(known)]
        faults = {meter: why for (place, meter), why in energy.reckoner.faults.items() if place == site}
        return json_answer({"site": site, "rev": rev, "structure": known, "faults": faults, "doubts": said})

    @router.put(
        "/api/v1/energy/structure/{site}",
        response_class=Response,
        responses={**example({"site": "east-compound", "rev": 4}), **CHANGED, **REFUSED},
    )
    async def put_structure(
        site: Site,
        body: Annotated[dict[str, Any], Body(openapi_examples={"building": {"value": BODY}})],
        who: Annotated[Principal, Depends(energy_manager)],
        rev: Annotated[int, Query(ge=0, le=2**53, description="the one this was made from; 0 for the first")],
        why: Why = "",
    ) -> Response:
        """Put another structure in place of what there is; every revision is kept.

        Meters that are read from another series, or whose register counts otherwise, are worked out anew from their
        first reading.
        """
        check_site(services, site)
        try:
            wanted = msgspec.convert(body, Structure)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise ApiError(422, "bad_structure", str(error)) from None
        try:
            now_at = await energy.put_structure(site, wanted, rev=rev, by=actor_of(who), why=why)
        except BadStructure as bad:
            said = {"code": "bad_structure", "message": str(bad), "hint": "errors names each fault"}
            return json_answer({"error": said, "errors": [each._asdict() for each in bad.flaws[:200]]}, status=422)
        except EnergyFault as fault:
            raise ApiError(409, "conflict", str(fault)) from None
        return json_answer({"site": site, "rev": now_at})


def _add_records(router: APIRouter, services: Services) -> None:
    assert services.features is not None
    energy = services.features.energy

    @router.get("/api/v1/energy/records/{site}/{meter}", response_class=Response, responses=example(RECORDS_EXAMPLE))
    async def records(site: Site, meter: MeterId) -> Response:
        """What people recorded of a meter, with what was revoked since."""
        return json_answer({"records": [_shown(each) for each in await energy.records(site, meter)]})

    @router.post(
        "/api/v1/energy/records/{site}/{meter}",
        status_code=201,
        response_class=Response,
        responses={**example({"id": 7}, 201), **REFUSED},
    )
    async def add(
        site: Site,
        meter: MeterId,
        body: Annotated[dict[str, Any], Body(openapi_examples={"replaced": {"value": RECORD}})],
        who: Annotated[Principal, Depends(energy_manager)],
        why: Annotated[str, Query(min_length=1, max_length=500, description="the form, or what was seen")],
    ) -> Response:
        """Record a replacement (`replaced`: at, final, initial, register), a ratio (`ratio`: at, ct, pt), a reading a
        person took (`hand_read`: at, reading), an advance that is true (`confirmed`: since, until) or readings that are
        wrong (`struck`: since, until). Amounts are worked out anew from there within minutes.
        """
        check_site(services, site)
        try:
            what: Recorded = msgspec.convert(body, Recorded)
            number = await energy.record(site, meter, what, by=actor_of(who), why=why)
        except (msgspec.ValidationError, UnicodeEncodeError, EnergyFault) as error:
            raise ApiError(422, "bad_record", str(error)) from None
        return json_answer({"id": number}, status=201)

    @router.delete("/api/v1/energy/records/{site}/{number}", status_code=204, response_class=Response)
    async def revoke(
        site: Site,
        number: Annotated[int, Path(ge=1, le=2**53)],
        who: Annotated[Principal, Depends(energy_manager)],
        why: Annotated[str, Query(min_length=1, max_length=500, description="kept beside it")],
    ) -> Response:
        """Take a record back; it stays in the list as revoked."""
        try:
            await energy.revoke(site, number, by=actor_of(who), why=why)
        except EnergyFault as fault:
            raise ApiError(404, "unknown_record", str(fault)) from None
        return Response(status_code=204)


def _shown(record: Record) -> dict[str, object]:
    known = record._asdict()
    del known["site"]
    return known
