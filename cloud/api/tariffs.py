"""Tariffs of sites, which meter is billed by which, and the factors of carbon and coal."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.description import names_faults
from cloud.api.gate import energy_manager
from cloud.api.guards import read_large
from cloud.api.place_answers import CHANGED, actor_of, check_site, conflict, example
from cloud.api.services import Services
from cloud.registry.sessions import Principal
from cloud.registry.tariff_book import Changed, TariffUse
from cloud.tariffs.desk import KnownTariff, TariffDesk
from cloud.tariffs.factors import FactorFile
from cloud.tariffs.tariff import Tariff
from cloud.tariffs.tariff_file import BadTariff, from_json, parse_tariff, samples
from protocols.errors import BadSettings
from protocols.reading import ID_PATTERN
from protocols.settings import Document, spell

BY = {"rev": 2, "changed_at": 1790000000000, "changed_by": "administrator", "why": "prices of November"}
HEAD = {"site": "east-compound", "id": "zhejiang-two-part", "name": "浙江 工商业两部制", "medium": "electricity", **BY}
BODY: dict[str, Any] = {
    "id": "flat-rate",
    "name": "One price",
    "version": [
        {
            "from": "2026-01-01",
            "source": {"document": "A notice", "number": "〔2026〕1号"},
            "season": [
                {
                    "name": "all year",
                    "months": list(range(1, 13)),
                    "day": [{"days": ["any"], "bands": {"flat": ["00:00-24:00"]}}],
                }
            ],
        }
    ],
    "price": [
        {"from": "2026-01", "until": "2027-01", "energy": {"flat": "0.65"}, "source": {"document": "A price list"}}
    ],
}
FACTORS: dict[str, Any] = {
    "rev": 0,
    "changed_at": 0,
    "changed_by": "",
    "set": [
        {
            "quantity": "co2",
            "medium": "electricity",
            "year": 2023,
            "calibre": "average",
            "unit": "kg/kWh",
            "values": {"CN": "0.5306"},
            "source": {"document": "关于发布2023年电力二氧化碳排放因子的公告"},
            "scope": 2,
        }
    ],
}
REFUSED = names_faults("Nothing was written; `errors` names line (of TOML), key and what is wrong")
TOML_OR_JSON = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": BODY},
            "application/toml": {"schema": {"type": "string"}},
        },
    }
}
FACTOR_FILE = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": {"set": FACTORS["set"]}}},
    }
}
Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
Name = Annotated[str, Path(max_length=48, pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
Rev = Annotated[int | None, Query(ge=0, le=2**53, description="refuse (409) when it is at another")]
Why = Annotated[str, Query(max_length=200, description="kept beside the revision")]


class UseBody(BaseModel):
    """Which tariff a meter is billed by; `reactive`: the meter of its reactive energy."""

    model_config = ConfigDict(extra="forbid")
    meter: str = Field(max_length=64)
    tariff: str = Field(max_length=48)
    reactive: str = Field(default="", max_length=64)


class UsesBody(BaseModel):
    """All of a site."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"uses": [{"meter": "main", "tariff": "zhejiang-two-part"}]}}
    )
    uses: list[UseBody] = Field(max_length=5_000)


def routes(services: Services) -> APIRouter:
    """``/api/v1/tariffs``, ``/api/v1/tariff-uses``, ``/api/v1/tariff-samples``, ``/api/v1/factors``."""
    router = APIRouter(tags=["tariffs"])
    assert services.features is not None
    desk = services.features.tariffs.desk
    _add_tariffs(router, services, desk)
    _add_uses(router, services, desk)
    _add_factors(router, desk)
    return router


def _add_tariffs(router: APIRouter, services: Services, desk: TariffDesk) -> None:
    @router.get("/api/v1/tariffs", response_class=Response, responses=example({"tariffs": [HEAD]}))
    async def all_tariffs(site: Annotated[str | None, Query(max_length=32)] = None) -> Response:
        """Tariffs, of one site or all, without their bands and prices."""
        return json_answer({"tariffs": [_head(each) for each in desk.all(site)]})

    @router.get("/api/v1/tariff-samples", response_class=Response, responses=example({"samples": {"zhejiang": "..."}}))
    async def tariff_samples() -> Response:
        """Tariffs that come with the product, as TOML, to start from. Their prices are examples."""
        return json_answer({"samples": {name: path.read_text("utf-8") for name, path in samples().items()}})

    one = example({**BY, "site": "east-compound", "tariff": BODY})

    @router.get("/api/v1/tariffs/{site}/{name}", response_class=Response, responses=one)
    async def tariff(site: Site, name: Name) -> Response:
        """One tariff, whole."""
        return json_answer(_whole(_known(desk, site, name)))

    @router.put(
        "/api/v1/tariffs/{site}/{name}",
        response_class=Response,
        responses={**one, **CHANGED, **REFUSED},
        openapi_extra=TOML_OR_JSON,
    )
    async def put(
        request: Request,
        site: Site,
        name: Name,
        who: Annotated[Principal, Depends(energy_manager)],
        rev: Rev = None,
        why: Why = "",
    ) -> Response:
        """Make or change one: every minute of every day it covers needs a band, every band a price.

        What is wrong is said whole, with the line when it is TOML. Revisions are kept. No interval is touched: bills
        of any period come out by the new tariff from now on.
        """
        check_site(services, site)
        found, wrong = _read(await read_large(request), request.headers.get("content-type", ""), name)
        if found is None:
            error = {"code": "bad_tariff", "message": wrong[0]["message"], "hint": "errors names each fault"}
            return json_answer({"error": error, "errors": wrong}, status=422)
        try:
            known = await desk.put(site, found, by=actor_of(who), why=why, rev=rev)
        except Changed as changed:
            raise conflict("the tariff", changed.rev) from None
        return json_answer(_whole(known))

    @router.delete("/api/v1/tariffs/{site}/{name}", status_code=204, response_class=Response)
    async def remove(
        site: Site, name: Name, who: Annotated[Principal, Depends(energy_manager)], why: Why = ""
    ) -> Response:
        """Take one away that no meter is billed by; its revisions stay. No error when there was none."""
        users = [use.meter for use in desk.uses(site) if use.tariff == name]
        if users:
            raise ApiError(409, "in_use", f"{len(users)} meters are billed by it, {users[0]} among them")
        await desk.remove(site, name, by=actor_of(who), why=why)
        return Response(status_code=204)


def _add_uses(router: APIRouter, services: Services, desk: TariffDesk) -> None:
    answer = example(
        {"site": "east-compound", "uses": [{"meter": "main", "tariff": "zhejiang-two-part", "reactive": ""}]}
    )

    @router.get("/api/v1/tariff-uses/{site}", response_class=Response, responses=answer)
    async def uses(site: Site) -> Response:
        """Which meter is billed by which tariff."""
        return json_answer(_uses(desk, site))

    @router.put("/api/v1/tariff-uses/{site}", response_class=Response, responses={**answer, **REFUSED})
    async def put_uses(site: Site, body: UsesBody, _: Annotated[Principal, Depends(energy_manager)]) -> Response:
        """Put these in place of those there are."""
        check_site(services, site)
        found: dict[str, TariffUse] = {}
        for place, use in enumerate(body.uses):
            if desk.find(site, use.tariff) is None:
                raise ApiError(422, "unknown_tariff", f"uses[{place}]: {site} has no tariff {use.tariff!r}")
            if use.meter in found:
                raise ApiError(422, "twice", f"uses[{place}]: meter {use.meter!r} is there twice")
            found[use.meter] = TariffUse(site, use.meter, use.tariff, use.reactive)
        await desk.put_uses(site, [found[meter] for meter in sorted(found)])
        return json_answer(_uses(desk, site))


def _add_factors(router: APIRouter, desk: TariffDesk) -> None:
    @router.get("/api/v1/factors", response_class=Response, responses=example(FACTORS))
    async def factors() -> Response:
        """Factors of carbon and coal equivalent with their sources. `rev` 0: those that came with the product."""
        return json_answer(_factors(desk))

    @router.put(
        "/api/v1/factors",
        response_class=Response,
        responses={**example(FACTORS), **CHANGED, **REFUSED},
        openapi_extra=FACTOR_FILE,
    )
    async def put_factors(
        request: Request, who: Annotated[Principal, Depends(energy_manager)], rev: Rev = None, why: Why = ""
    ) -> Response:
        """Put all factors in place of those there are: `{"set": [...]}` as they were got. Revisions are kept."""
        try:
            file = msgspec.json.decode(await read_large(request), type=FactorFile)
            await desk.put_factors(file, by=actor_of(who), why=why, rev=rev)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise ApiError(422, "bad_factors", str(error), "see GET /api/v1/factors") from None
        except Changed as changed:
            raise conflict("the table of factors", changed.rev) from None
        return json_answer(_factors(desk))


def _read(raw: bytes, media_type: str, name: str) -> tuple[Tariff | None, list[dict[str, object]]]:
    """The tariff, or what is wrong with it."""
    if "toml" in media_type:
        try:
            found: Tariff | None = parse_tariff(Document("tariff", raw.decode("utf-8")))
            wrong: list[dict[str, object]] = []
        except UnicodeDecodeError:
            return None, [{"line": 0, "key": "", "message": "not UTF-8"}]
        except BadTariff as error:
            return None, [{"line": each.line, "key": each.key, "message": each.message} for each in error.each]
        except BadSettings as error:
            return None, [{"line": error.line, "key": error.key, "message": f"{error.message} {error.allowed}".strip()}]
    else:
        found, flaws = from_json(raw)
        wrong = [{"line": 0, "key": spell(each.path), "message": each.message} for each in flaws]
    if found is not None and found.id != name:
        return None, [{"line": 0, "key": "id", "message": f"{found.id!r}, and the address says {name!r}"}]
    return found, wrong


def _known(desk: TariffDesk, site: str, name: str) -> KnownTariff:
    known = desk.find(site, name)
    if known is None:
        raise ApiError(404, "unknown_tariff", f"{site} has no tariff {name!r}", "listed at /api/v1/tariffs")
    return known


def _by(known: KnownTariff) -> dict[str, object]:
    return {"rev": known.rev, "changed_at": known.changed_at, "changed_by": known.changed_by, "why": known.why}


def _head(known: KnownTariff) -> dict[str, object]:
    tariff = known.tariff
    return {"site": known.site, "id": tariff.id, "name": tariff.name, "medium": tariff.medium, **_by(known)}


def _whole(known: KnownTariff) -> dict[str, object]:
    return {"site": known.site, **_by(known), "tariff": known.tariff}


def _uses(desk: TariffDesk, site: str) -> dict[str, object]:
    shown = [{"meter": use.meter, "tariff": use.tariff, "reactive": use.reactive} for use in desk.uses(site)]
    return {"site": site, "uses": shown}


def _factors(desk: TariffDesk) -> dict[str, object]:
    known = desk.factors
    return {"rev": known.rev, "changed_at": known.changed_at, "changed_by": known.changed_by, "set": known.file.set}
