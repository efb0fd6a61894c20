"""Assets: vehicles, rooms, doors, people, and which devices tell about them; bringing a whole site in from a file."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.description import names_faults
from cloud.api.gate import administrator, principal_of
from cloud.api.guards import read_text
from cloud.api.services import Services
from cloud.assets.book import RevConflict
from cloud.assets.contract import Asset, AssetKey
from cloud.assets.desk import AssetDesk
from cloud.assets.exporting import NotSaid, site_csv, site_toml
from cloud.assets.facts import FACTS
from cloud.assets.importing import import_site
from cloud.assets.site_plan import Place, SitePlan
from cloud.registry.asset_book import SiteChange
from cloud.registry.roles import Right
from cloud.registry.sessions import Principal
from protocols.reading import ID_PATTERN

EXAMPLE_ONE: dict[str, Any] = {
    "site": "east-compound",
    "kind": "vehicle",
    "id": "zhe-a-3m902",
    "name": "浙A·3M902",
    "unit": "车队",
    "facts": {"plate": "浙A·3M902", "class": "sedan", "seats": 4},
    "bindings": [{"role": "position", "device": "car-01"}],
    "rev": 1,
}
EXAMPLE = {"assets": [EXAMPLE_ONE]}
EXAMPLE_KINDS = {
    "kinds": {
        "vehicle": {
            "plate": {"type": "text", "name": {"en": "plate", "zh": "车牌"}, "required": True},
            "seats": {
                "type": "whole",
                "name": {"en": "seats", "zh": "座位"},
                "required": False,
                "low": 1,
                "high": 100,
            },
        }
    }
}
EXAMPLE_TOML = '[site]\nid = "east-compound"\n\n[[vehicle]]\nid = "zhe-a-3m902"\nplate = "浙A·3M902"\n'
EXAMPLE_CSV = "kind,id,name,unit,devices,plate\nvehicle,zhe-a-3m902,浙A·3M902,车队,position=car-01,浙A·3M902\n"
EXAMPLE_IMPORT = {
    "site": "east-compound",
    "created": 58,
    "changed": 1,
    "unchanged": 0,
    "removed": 0,
    "missing": 0,
    "written": True,
    "names": ["vehicle:zhe-a-3m902"],
    "gone": [],
    "encoding": "UTF-8",
    "errors": [],
}
REFUSED = names_faults("Nothing was written; `errors` names line, key and what is wrong")
CHANGED: dict[int | str, dict[str, Any]] = {
    409: {"description": "Somebody changed it meanwhile; the message names its revision"}
}

Kind = Literal["vehicle", "room", "guard", "door", "reader", "meter", "gateway", "technician", "driver"]
Name = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
Rev = Annotated[int | None, Query(ge=0, le=2**62, description="refuse (409) when it is not at this revision")]


class BoundBody(BaseModel):
    """A device that tells about the asset."""

    model_config = ConfigDict(extra="forbid")
    role: str = Field(max_length=32)
    device: str = Field(max_length=32)


class AssetBody(BaseModel):
    """An asset as it shall be. `GET /api/v1/assets/kinds` lists the facts."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {key: EXAMPLE_ONE[key] for key in ("name", "unit", "facts", "bindings")}},
    )
    name: str = Field(min_length=1, max_length=80)
    unit: str = Field(default="", max_length=80)
    facts: dict[str, Any] = {}
    bindings: list[BoundBody] = Field(default=[], max_length=64)


def routes(services: Services) -> APIRouter:
    """``/api/v1/assets``."""
    router = APIRouter(tags=["assets"])
    assert services.features is not None
    desk = services.features.asset_desk
    _add_reading(router, desk)
    _add_changing(router, desk)
    return router


def _add_reading(router: APIRouter, desk: AssetDesk) -> None:
    @router.get(
        "/api/v1/assets",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def assets(
        request: Request,
        site: Annotated[str | None, Query(max_length=32)] = None,
        kind: Annotated[Kind | None, Query()] = None,
    ) -> Response:
        """All assets, by site, kind and id. Card keys are shown to administrators only."""
        who = principal_of(request)
        shown = [
            _shown(desk, each, secret=who.may(Right.ADMINISTER, each.key.site))
            for each in desk.roster.all(kind, site)
            if who.may(Right.LOOK, each.key.site)
        ]
        return json_answer({"assets": shown})

    @router.get(
        "/api/v1/assets/kinds",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_KINDS}}}},
    )
    async def kinds() -> Response:
        """What may be known of each kind of asset: type, bounds, choices, and how people call it."""
        return json_answer(kinds_answer())

    @router.get(
        "/api/v1/assets/export",
        response_class=Response,
        responses={
            200: {"content": {"application/toml": {"example": EXAMPLE_TOML}, "text/csv": {"example": EXAMPLE_CSV}}},
            409: {"description": "CSV cannot say all of it without loss; TOML can"},
        },
    )
    async def write_out(
        site: Annotated[str, Query(pattern=f"^{ID_PATTERN.pattern}$")],
        _: Annotated[Principal, Depends(administrator)],
        form: Annotated[Literal["toml", "csv"], Query(alias="format")] = "toml",
    ) -> Response:
        """A site as a file that can be brought in again: TOML whole, CSV its assets. With card keys."""
        try:
            text = site_toml(desk, site) if form == "toml" else site_csv(desk, site)
        except NotSaid as error:
            raise ApiError(409, "not_in_csv", str(error), "take format=toml") from None
        headers = {"Content-Disposition": f'attachment; filename="{site}.{form}"'}
        return Response(text, headers=headers, media_type="application/toml" if form == "toml" else "text/csv")

    @router.get(
        "/api/v1/assets/{site}/{kind}/{name}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_ONE}}}},
    )
    async def one(request: Request, site: Name, kind: Kind, name: Name) -> Response:
        """One asset."""
        asset = desk.roster.find(AssetKey(site, kind, name))
        if asset is None:
            raise _unknown(kind, name, site)
        return json_answer(_shown(desk, asset, secret=principal_of(request).may(Right.ADMINISTER)))


def _add_changing(router: APIRouter, desk: AssetDesk) -> None:
    @router.post(
        "/api/v1/assets/import",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_IMPORT}}}, **REFUSED},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/toml": {"schema": {"type": "string"}},
                    "text/csv": {"schema": {"type": "string"}},
                },
            }
        },
    )
    async def bring_in(
        request: Request,
        form: Annotated[Literal["toml", "csv"], Query(alias="format")] = "toml",
        site: Annotated[str, Query(max_length=32, description="needed for CSV; TOML may name it itself")] = "",
        dry_run: Annotated[bool, Query(description="only say what would change")] = False,
        remove: Annotated[bool, Query(description="assets of the site that the file does not name shall go")] = False,
    ) -> Response:
        """Bring in a whole site: assets, days, units, places. All or nothing; the same file twice changes nothing."""
        text, encoding = await read_text(request)
        outcome = await import_site(desk, text, form=form, site=site, dry_run=dry_run, remove=remove)
        found = msgspec.to_builtins(outcome)
        found["encoding"] = encoding
        found["errors"] = [fault._asdict() for fault in outcome.errors]
        if outcome.errors and not dry_run:
            first = outcome.errors[0]
            message = f"line {first.line}: {first.key}: {first.message}"
            hint = f"{len(outcome.errors)} faults; nothing was written"
            return json_answer({"error": {"code": "bad_import", "message": message, "hint": hint}, **found}, status=422)
        return json_answer(found)

    @router.put(
        "/api/v1/assets/{site}/{kind}/{name}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_ONE}}}, **CHANGED, **REFUSED},
    )
    async def put(site: Name, kind: Kind, name: Name, body: AssetBody, rev: Rev = None) -> Response:
        """Make an asset, or say anew what is known of it and which devices tell about it.

        What is wrong with it is said whole: `errors` of a 422 names each fact with its fault.
        """
        plan = _planned(desk, AssetKey(site, kind, name), body)
        if plan.faults:
            return _refused(plan)
        asset = plan.assets[0][0]
        await _change(desk, asset.key, SiteChange(site, put=[asset]), rev)
        return json_answer(_shown(desk, asset, secret=True))

    @router.delete("/api/v1/assets/{site}/{kind}/{name}", status_code=204, responses=CHANGED)
    async def remove(site: Name, kind: Kind, name: Name, rev: Rev = None) -> Response:
        """Forget an asset. What was noted of it stays in the timeline."""
        key = AssetKey(site, kind, name)
        if desk.roster.find(key) is None:
            raise _unknown(kind, name, site)
        await _change(desk, key, SiteChange(site, removed=[key]), rev)
        return Response(status_code=204)


async def _change(desk: AssetDesk, key: AssetKey, change: SiteChange, rev: int | None) -> None:
    try:
        desk.roster.expect(key, rev)
        await desk.apply(change)
    except RevConflict as conflict:
        raise ApiError(409, "changed_meanwhile", str(conflict), f"rev={conflict.rev}") from None


def _planned(desk: AssetDesk, key: AssetKey, body: AssetBody) -> SitePlan:
    devices: dict[str, list[str]] = {}
    for each in body.bindings:
        devices.setdefault(each.role, []).append(each.device)
    plan = SitePlan(key.site)
    values = {**body.facts, "id": key.id, "name": body.name, "unit": body.unit, "devices": devices}
    clash = body.facts.keys() & {"id", "name", "unit", "devices"}
    if clash:
        raise ApiError(422, "bad_asset", f"facts.{min(clash)}: this is no fact; it stands beside facts")
    plan.add(key.kind, values, Place(0, ""))
    if not plan.faults:
        plan.check(desk.roster, desk.maps)
    return plan


def _refused(plan: SitePlan) -> Response:
    first = plan.faults[0]
    rest = f" (and {len(plan.faults) - 1} more)" if len(plan.faults) > 1 else ""
    error = {
        "code": "bad_asset",
        "message": f"{first.key}: {first.message}{rest}",
        "hint": "GET /api/v1/assets/kinds lists facts",
    }
    faults = [{"key": fault.key, "message": fault.message} for fault in plan.faults]
    return json_answer({"error": error, "errors": faults}, status=422)


def _shown(desk: AssetDesk, asset: Asset, *, secret: bool) -> dict[str, object]:
    key = asset.key
    return {
        "site": key.site,
        "kind": key.kind,
        "id": key.id,
        "name": asset.name,
        "unit": asset.unit,
        "facts": {name: value for name, value in asset.facts.items() if secret or name != "cards"},
        "bindings": [each._asdict() for each in asset.bindings],
        "rev": desk.roster.rev(key),
    }


def kinds_answer() -> dict[str, object]:
    """What may be known of each kind of asset."""
    return {"kinds": {kind: {name: _fact(name, kind) for name in facts} for kind, facts in FACTS.items()}}


def _fact(name: str, kind: str) -> dict[str, object]:
    fact = FACTS[kind][name]
    found: dict[str, object] = {
        "type": fact.type,
        "name": {"en": fact.en, "zh": fact.zh},
        "required": fact.required,
    }
    if fact.high - fact.low < 1e300:
        found |= {"low": fact.low, "high": fact.high}
    if fact.choices:
        found["choices"] = fact.choices
    return found


def _unknown(kind: str, name: str, site: str) -> ApiError:
    return ApiError(404, "unknown_asset", f"no {kind} {name!r} at site {site!r}", "GET /api/v1/assets lists them")
