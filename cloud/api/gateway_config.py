"""Site files of gateways: which is wanted, which is confirmed, what was before, and a new one."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import installer
from cloud.api.guards import read_large
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.identity.authority import BadAuthority
from cloud.registry.sessions import Principal
from cloud.registry.site_file_book import COLLECTOR
from cloud.registry.tables_site_files import SiteFileAnswerRow, SiteFileRow, SiteFileToldRow
from cloud.site_files.configuring import Configuring
from cloud.site_files.desk import SHOWN_MAX, WHY_MAX, difference, state_of
from cloud.store.contract import GatewayKey
from protocols.errors import BadOffer
from protocols.site_config import CONFIRM_S, CONFIRM_S_LEAST, CONFIRM_S_MOST

ROOT = "/api/v1/gateways/{site}/{gateway}/config"
REVISION: dict[str, Any] = {
    "revision": 3,
    "origin": "collector",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "by": "li.fang",
    "why": "a second meter in the plant room",
    "made_at": 1790000000000,
    "confirm_within_s": 300,
    "not_before": 0,
    "state": "applied",
    "reason": "",
    "devices": "",
    "detail": "",
    "key": "",
    "line": 0,
    "answered_at": 1790000041000,
}
NOW = {
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "source": "collector",
    "state": "in_force",
    "revision": 3,
    "told_at": 1790000041000,
}
CONFIG = {"site": "east-compound", "gateway": "b3-plant-room", "now": NOW, "wanted": 3, "revisions": [REVISION]}
CHECKED = {
    "ok": False,
    "by": "collector",
    "line": 24,
    "key": "device[1].unit",
    "message": "300 is no unit id",
    "allowed": "1 to 254",
    "diff": "",
}
BODY = {"required": True, "content": {"application/toml": {"schema": {"type": "string"}, "example": "[gateway]\n"}}}
CANNOT: dict[int | str, dict[str, Any]] = {
    409: {"description": "Not enrolled, takes no site files, changed meanwhile, or the same"}
}
STATUS = {"no_reason": 422, "too_large": 422, "out_of_range": 422}

Id = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]
Reason = Annotated[str, Query(min_length=1, max_length=WHY_MAX, description="stands in the history")]
Within = Annotated[int, Query(ge=CONFIRM_S_LEAST, le=CONFIRM_S_MOST, description="seconds until it is taken back")]
NotBefore = Annotated[int, Query(ge=0, le=2**53, description="ms; it is not tried earlier, as for a night's work")]
After = Annotated[int | None, Query(ge=0, le=2**53, description="the newest revision you saw; refused when newer is")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/gateways/{site}/{gateway}/config``."""
    router = APIRouter(tags=["identity"])
    _looking(router, services.configuring)
    _wanting(router, services.configuring)
    return router


def _looking(router: APIRouter, desk: Configuring) -> None:
    @router.get(ROOT, response_class=Response, responses=example(CONFIG))
    async def config(site: Id, gateway: Id, _: Annotated[Principal, Depends(installer)]) -> Response:
        """What the gateway said last that it runs, the revision that is wanted, and every revision, the newest first.

        `state` of a revision: `waiting` (the gateway has not heard of it: it may be away), `trying`, `applied`,
        `refused`, `rolled_back`, `replaced` (a newer one came first) or `found` (as it lay on the box).
        """
        key = GatewayKey(site, gateway)
        now, rows = await desk.book.now(key), await desk.book.revisions(key, SHOWN_MAX)
        answers = await desk.book.answers(key)
        wanted = next((row.revision for row in rows if row.origin == COLLECTOR), None)
        shown = [_shown(row, answers.get(row.revision), now, row.revision == wanted) for row in rows]
        told = None
        if now is not None:
            told = {name: getattr(now, name) for name in ("sha256", "source", "state", "revision")} | {
                "told_at": now.at
            }
        return json_answer({"site": site, "gateway": gateway, "now": told, "wanted": wanted, "revisions": shown})

    @router.get(ROOT + "/{number}", response_class=Response, responses=example({**REVISION, "text": "", "diff": ""}))
    async def one(
        site: Id,
        gateway: Id,
        number: Annotated[int, Path(ge=1, le=2**53)],
        _: Annotated[Principal, Depends(installer)],
        against: Annotated[int | None, Query(ge=1, le=2**53, description="else the one before")] = None,
    ) -> Response:
        """One revision: its text, and what it changed."""
        key = GatewayKey(site, gateway)
        row, now = await _found(desk, key, number), await desk.book.now(key)
        if against is not None:
            other = await _found(desk, key, against)
        else:
            before = [each for each in await desk.book.revisions(key, SHOWN_MAX) if each.revision < number]
            other = before[0] if before else row
        answer = (await desk.book.answers(key)).get(number)
        names = (f"revision {other.revision}", f"revision {number}")
        diff = difference(other.text, row.text, named=names)
        return json_answer({**_shown(row, answer, now, True), "text": row.text, "diff": diff})


def _wanting(router: APIRouter, desk: Configuring) -> None:
    @router.post(
        ROOT + "/dry-run", response_class=Response, responses=example(CHECKED), openapi_extra={"requestBody": BODY}
    )
    async def dry_run(request: Request, site: Id, gateway: Id, _: Annotated[Principal, Depends(installer)]) -> Response:
        """Check a site file and show what it would change; changes nothing. `by` says whether the collector could
        judge it (`collector`) or only the gateway can (`gateway`)."""
        key, text = GatewayKey(site, gateway), _text_of(await read_large(request))
        return json_answer(await _checked(desk, key, text))

    @router.post(
        ROOT,
        status_code=202,
        response_class=Response,
        responses={**example(REVISION, 202), **CANNOT},
        openapi_extra={"requestBody": {**BODY, "required": False}},
    )
    async def want(
        request: Request,
        site: Id,
        gateway: Id,
        who: Annotated[Principal, Depends(installer)],
        reason: Reason,
        after: After = None,
        revert_to: Annotated[int | None, Query(ge=1, le=2**53, description="instead of a body")] = None,
        confirm_within_s: Within = CONFIRM_S,
        not_before: NotBefore = 0,
    ) -> Response:
        """Want a site file: the body, or the text of an earlier revision. The gateway checks it, tries it, and takes it
        back by itself when it loses the link or a device with it. See docs/REMOTE_CONFIG.md.
        """
        key = GatewayKey(site, gateway)
        raw = await read_large(request)
        text = (await _found(desk, key, revert_to)).text if revert_to is not None else _text_of(raw)
        checked = await _checked(desk, key, text)
        if not checked["ok"]:
            where = f"line {checked['line']}: {checked['key']}: " if checked["line"] else ""
            raise ApiError(422, "bad_site_file", f"{where}{checked['message']}", str(checked["allowed"]))
        try:
            row = await desk.want(
                key,
                text,
                by=who.name,
                why=reason,
                after=after,
                not_before=not_before,
                confirm_within_s=confirm_within_s,
            )
        except BadOffer as error:
            raise ApiError(STATUS.get(error.reason, 409), error.reason, error.detail) from None
        except BadAuthority as error:
            raise ApiError(503, "no_authority", str(error)) from None
        return json_answer(_shown(row, None, await desk.book.now(key), True), status=202)


async def _found(desk: Configuring, key: GatewayKey, number: int) -> SiteFileRow:
    row = await desk.book.find(key, number)
    if row is None:
        what = f"{key.site}/{key.gateway} has no revision {number}"
        raise ApiError(404, "unknown_revision", what, "those listed for it")
    return row


async def _checked(desk: Configuring, key: GatewayKey, text: str) -> dict[str, Any]:
    found = await desk.check(key, text)
    now = await desk.book.now(key)
    running = await desk.running(key, now) if now is not None else None
    diff = difference(running.text, text, named=("runs now", "wanted")) if running is not None else ""
    return {**msgspec.to_builtins(found), "diff": diff}


def _text_of(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ApiError(422, "bad_site_file", f"line {line}: not UTF-8", "a site file in TOML") from None


def _shown(
    row: SiteFileRow, answer: SiteFileAnswerRow | None, now: SiteFileToldRow | None, wanted: bool
) -> dict[str, Any]:
    return {
        "revision": row.revision,
        "origin": row.origin,
        "sha256": row.sha256,
        "by": row.by,
        "why": row.why,
        "made_at": row.made_at,
        "confirm_within_s": row.confirm_within_s,
        "not_before": row.not_before,
        "state": state_of(row, answer, now, wanted),
        "reason": answer.reason if answer else "",
        "devices": answer.devices if answer else "",
        "detail": answer.detail if answer else "",
        "key": answer.key if answer else "",
        "line": answer.line if answer else 0,
        "answered_at": answer.at if answer else None,
    }
