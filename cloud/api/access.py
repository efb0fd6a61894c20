"""Who may open which door: people, cards, groups, schedules and permissions of a site, and files of them."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from cloud.access.contract import (
    TYPES,
    AccessChange,
    BadRecord,
    ChangedMeanwhile,
    Credential,
    Holder,
    Record,
    RecordKey,
)
from cloud.access.importing import import_access, new_number
from cloud.access.register import AccessRegister
from cloud.api.answers import ApiError, json_answer
from cloud.api.description import names_faults
from cloud.api.gate import principal_of
from cloud.api.guards import read_large, read_text
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.audit.note import tell
from protocols.reading import ID_PATTERN

Kind = Literal["holder", "credential", "group", "door_group", "schedule", "permission"]
Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="of a credential: its card key")]
Rev = Annotated[int | None, Query(ge=0, le=2**62, description="refuse (409) when it is not at this revision")]
HOLDER: dict[str, Any] = {
    "kind": "holder",
    "id": "li-na",
    "name": "Li Na",
    "unit": "Finance office",
    "until_at": None,
    "disabled": False,
    "number": 831265,
    "rev": 1,
}
BODY = {"name": "Li Na", "unit": "Finance office", "until_at": None, "disabled": False}
EXAMPLE_TOML = (
    '[[holder]]\nid = "li-na"\nname = "Li Na"\nuntil = 2027-06-30\n\n'
    '[[credential]]\nid = "6f1d3a9c0b7e42d8a5c1f0e9d8b7a605"\nholder = "li-na"\n'
)
IMPORTED = {
    "site": "east-compound",
    "created": 2,
    "changed": 0,
    "unchanged": 0,
    "written": True,
    "names": ["holder:li-na", "credential:6f1d3a9c0b7e42d8a5c1f0e9d8b7a605"],
    "encoding": "UTF-8",
    "errors": [],
}
REFUSED = names_faults("Nothing was written; `errors` names what is wrong")
CHANGED: dict[int | str, dict[str, Any]] = {
    409: {"description": "Somebody changed it meanwhile; the message names its revision"}
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/access/{site}/records`` and ``import``."""
    router = APIRouter(tags=["access"])
    _reading(router, services)
    _changing(router, services)
    _importing(router, services)
    return router


def register_of(services: Services) -> AccessRegister:
    """What is known. Only for routes that are there when features are."""
    assert services.features is not None
    return services.features.access.register


def _reading(router: APIRouter, services: Services) -> None:
    listed = {"records": [HOLDER], "total": 1, "next": None}

    @router.get("/api/v1/access/{site}/records/{kind}", response_class=Response, responses=example(listed))
    async def records(
        site: Site,
        kind: Kind,
        search: Annotated[str, Query(max_length=100, description="part of the id, name, unit or holder")] = "",
        after: Annotated[str, Query(max_length=64, description="as `next` said")] = "",
        limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
    ) -> Response:
        """Records of a kind by their ids: of all, or those that hold the text. `next` is null at the end."""
        check_site(services, site)
        register = register_of(services)
        there = register.site(site).of(kind)
        words = search.casefold().split()
        names = {each.id: each.name for each in register.site(site).holders.values()}
        chosen = [name for name in sorted(there) if all(word in _text(there[name], names) for word in words)]
        page = [name for name in chosen if name > after][: limit + 1]
        shown = [_shown(register, site, there[name]) for name in page[:limit]]
        following = page[limit - 1] if len(page) > limit else None
        return json_answer({"records": shown, "total": len(chosen), "next": following})

    @router.get("/api/v1/access/{site}/records/{kind}/{name}", response_class=Response, responses=example(HOLDER))
    async def one(site: Site, kind: Kind, name: Name) -> Response:
        """One record."""
        register = register_of(services)
        record = register.site(site).of(kind).get(name)
        if record is None:
            raise _unknown(kind, name, site)
        return json_answer(_shown(register, site, record))


def _changing(router: APIRouter, services: Services) -> None:
    @router.put(
        "/api/v1/access/{site}/records/{kind}/{name}",
        response_class=Response,
        responses={**example(HOLDER), **CHANGED, **REFUSED},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}, "example": BODY}},
            }
        },
    )
    async def put(request: Request, site: Site, kind: Kind, name: Name, rev: Rev = None) -> Response:
        """Make a record, or say it anew: the fields of its kind beside `id`, `number` and `rev`.

        holder: `name`, `unit`, `until_at` (ms), `disabled`. credential: `holder`, `kind` (card, phone, tag, plate),
        `label`, `level` (1 to 3), `from_at`, `until_at`, `blocked` (why), `exempt`, `lasting`. group: `name`,
        `members`. door_group: `name`, `doors`. schedule: `name`, `parts` (`mon-fri 08:00-18:00`), `dates` (day: hours).
        permission: `holder` or `group`, `door` or `door_group`, `schedule`, `from_at`, `until_at`.
        """
        check_site(services, site)
        register = register_of(services)
        record = _record(register, site, kind, name, await read_large(request))
        key = RecordKey(kind, name)
        tell(kind=kind, record=name, fields=_different(register.site(site).of(kind).get(name), record))
        expect = {} if rev is None else {key: rev}
        by = principal_of(request).name
        refused = await _apply(register, AccessChange(site=site, put=(record,), expect=expect, by=by))
        return refused or json_answer(_shown(register, site, record))

    @router.delete("/api/v1/access/{site}/records/{kind}/{name}", status_code=204, responses={**CHANGED, **REFUSED})
    async def remove(request: Request, site: Site, kind: Kind, name: Name, rev: Rev = None) -> Response:
        """Forget a record. Of a holder the cards, permissions and memberships go along."""
        register, key = register_of(services), RecordKey(kind, name)
        if name not in register.site(site).of(kind):
            raise _unknown(kind, name, site)
        tell(kind=kind, record=name)
        expect = {} if rev is None else {key: rev}
        change = AccessChange(site=site, removed=(key,), expect=expect, by=principal_of(request).name)
        return await _apply(register, change) or Response(status_code=204)


def _importing(router: APIRouter, services: Services) -> None:
    @router.post(
        "/api/v1/access/{site}/import",
        response_class=Response,
        responses={**example(IMPORTED), **REFUSED},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/toml": {"schema": {"type": "string"}, "example": EXAMPLE_TOML},
                    "text/csv": {"schema": {"type": "string"}},
                },
            }
        },
    )
    async def bring_in(
        request: Request,
        site: Site,
        form: Annotated[Literal["toml", "csv"], Query(alias="format")] = "toml",
        dry_run: Annotated[bool, Query(description="only say what would change")] = False,
    ) -> Response:
        """Bring people, cards and rules in. All or nothing; what the file does not name stays as it is."""
        check_site(services, site)
        assert services.features is not None
        text, encoding = await read_text(request)
        zone, by = services.features.calendar.zone(site), principal_of(request).name
        outcome = await import_access(register_of(services), site, text, form=form, zone=zone, by=by, dry_run=dry_run)
        found = msgspec.to_builtins(outcome)
        found["encoding"] = encoding
        found["errors"] = [fault._asdict() for fault in outcome.errors]
        if outcome.errors and not dry_run:
            first = outcome.errors[0]
            message = f"line {first.line}: {first.key}: {first.message}"
            hint = f"{len(outcome.errors)} faults; nothing was written"
            return json_answer({"error": {"code": "bad_import", "message": message, "hint": hint}, **found}, status=422)
        tell(created=outcome.created, changed=outcome.changed)
        return json_answer(found)


async def _apply(register: AccessRegister, change: AccessChange) -> Response | None:
    try:
        await register.apply(change)
    except ChangedMeanwhile as conflict:
        raise ApiError(409, "changed_meanwhile", str(conflict), f"rev={conflict.rev}") from None
    except BadRecord as error:
        return _refused(error)
    return None


def _refused(error: BadRecord) -> Response:
    faults = [{"key": each.field, "message": each.message} for each in error.faults]
    said = {"code": "bad_record", "message": f"{faults[0]['key']}: {faults[0]['message']}", "hint": str(error)[:200]}
    return json_answer({"error": said, "errors": faults}, status=422)


def _record(register: AccessRegister, site: str, kind: str, name: str, body: bytes) -> Record:
    try:
        values = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(422, "bad_request", f"no JSON: {error}"[:300], "an object with the record's fields") from None
    fields = set(TYPES[kind].__struct_fields__) - {"id", "number"}
    if not isinstance(values, dict) or (unknown := values.keys() - fields):
        odd = min(unknown)[:40] if isinstance(values, dict) else "the body"
        raise ApiError(422, "bad_request", f"{odd}: no field of a {kind}", f"allowed: {', '.join(sorted(fields))}")
    before = register.site(site).of(kind).get(name)
    if kind == "holder":
        values["number"] = before.number if isinstance(before, Holder) else new_number()
    try:
        found: Record = msgspec.convert({**values, "id": name}, TYPES[kind])
    except msgspec.ValidationError as error:
        raise ApiError(422, "bad_request", str(error)[:300], "see /api/v1/openapi.json") from None
    return found


def _shown(register: AccessRegister, site: str, record: Record) -> dict[str, object]:
    kind = next(kind for kind, each in TYPES.items() if isinstance(record, each))
    found = msgspec.to_builtins(record)
    # A credential has a kind of its own.
    head = {"kind": kind, **found}
    if isinstance(record, Credential):
        holder = register.site(site).holders.get(record.holder)
        head = {**found, "holder_name": holder.name if holder is not None else ""}
    return {**head, "rev": register.rev(site, RecordKey(kind, record.id))}


def _text(record: Record, holders: dict[str, str]) -> str:
    parts = [record.id, *(str(getattr(record, field, "")) for field in ("name", "unit", "label", "holder", "group"))]
    parts += [str(getattr(record, field, "")) for field in ("door", "door_group", "schedule", "blocked")]
    return " ".join([*parts, holders.get(getattr(record, "holder", ""), "")]).casefold()


def _different(before: Record | None, after: Record) -> list[str]:
    if before is None:
        return ["new"]
    return [name for name in after.__struct_fields__ if getattr(before, name) != getattr(after, name)]


def _unknown(kind: str, name: str, site: str) -> ApiError:
    return ApiError(
        404, "unknown_record", f"no {kind} {name!r} at site {site!r}", f"/api/v1/access/{site}/records/{kind}"
    )
