"""Structures as files: bringing one in, and taking it out."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.description import names_faults
from cloud.api.gate import energy_manager
from cloud.api.guards import read_large
from cloud.api.place_answers import CHANGED, actor_of, check_site
from cloud.api.services import Services
from cloud.energy.contract import EnergyFault
from cloud.energy.structure_import import import_structure, write_structure
from cloud.registry.sessions import Principal
from protocols.reading import ID_PATTERN

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES = {"toml": "application/toml", "csv": "text/csv", "xlsx": XLSX}
TOML = '[[space]]\nid = "b3"\nkind = "building"\nname = "Building 3"\narea_m2 = "8200"\n'
CSV = "thing,id,kind,name,area_m2\nspace,b3,building,Building 3,8200\n"
OUTCOME: dict[str, Any] = {
    "site": "east-compound",
    "created": 24,
    "changed": 1,
    "unchanged": 0,
    "removed": 0,
    "missing": 0,
    "written": True,
    "names": ["space:b3", "meter:b3-main"],
    "gone": [],
    "errors": [],
    "rev": 4,
}
REFUSED = names_faults("Nothing was written; `errors` names line or row, key and what would be right")
TEXT = {"schema": {"type": "string"}}
BODY: dict[str, Any] = {
    "required": True,
    "content": {TYPES["toml"]: TEXT, TYPES["csv"]: TEXT, XLSX: {"schema": {"type": "string", "format": "binary"}}},
}

Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
Form = Annotated[Literal["toml", "csv", "xlsx"], Query(alias="format")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/structure/{site}/import``, ``.../export``."""
    router = APIRouter(tags=["energy"])
    assert services.features is not None
    energy = services.features.energy

    @router.post(
        "/api/v1/energy/structure/{site}/import",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": OUTCOME}}}, **CHANGED, **REFUSED},
        openapi_extra={"requestBody": BODY},
    )
    async def bring_in(
        request: Request,
        site: Site,
        who: Annotated[Principal, Depends(energy_manager)],
        form: Form = "toml",
        dry_run: Annotated[bool, Query(description="only say what would change")] = False,
        remove: Annotated[bool, Query(description="what the file does not name shall go")] = False,
        why: Annotated[str, Query(max_length=500, description="kept beside the revision")] = "",
    ) -> Response:
        """Bring in spaces, units and meters. All or nothing; the same file twice changes nothing.

        TOML has a table for each (`[[space]]`, `[[unit]]`, `[[meter]]`); CSV a row, with the columns `thing` and `id`;
        XLSX a sheet for each. Take an export to start from.
        """
        check_site(services, site)
        data = await read_large(request)
        try:
            outcome = await import_structure(
                energy, site, data, form=form, dry_run=dry_run, remove=remove, by=actor_of(who), why=why
            )
        except EnergyFault as fault:
            raise ApiError(409, "conflict", str(fault)) from None
        found = msgspec.to_builtins(outcome)
        found["errors"] = [fault._asdict() for fault in outcome.errors]
        found["rev"] = energy.structure(site).rev
        if outcome.errors and not dry_run:
            first = outcome.errors[0]
            message = f"line {first.line}: {first.key}: {first.message}"
            hint = f"{len(outcome.errors)} faults; nothing was written"
            return json_answer({"error": {"code": "bad_import", "message": message, "hint": hint}, **found}, status=422)
        return json_answer(found)

    @router.get(
        "/api/v1/energy/structure/{site}/export",
        response_class=Response,
        responses={
            200: {
                "content": {
                    TYPES["toml"]: {"example": TOML},
                    TYPES["csv"]: {"example": CSV},
                    XLSX: BODY["content"][XLSX],
                }
            }
        },
    )
    async def write_out(site: Site, form: Form = "toml") -> Response:
        """Spaces, units and meters as a file that can be brought in again."""
        check_site(services, site)
        data = await asyncio.to_thread(write_structure, energy.structure(site).structure, form)
        headers = {"Content-Disposition": f'attachment; filename="{site}-energy.{form}"'}
        return Response(data, headers=headers, media_type=TYPES[form])

    return router
