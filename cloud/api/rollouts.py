"""Roll-outs of site files: one change for many gateways, planned, looked at, begun, paused, ended."""

from collections import Counter
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import installer
from cloud.api.guards import read_large
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.registry.roles import Right
from cloud.registry.rollout_book import Seen
from cloud.registry.sessions import Principal
from cloud.registry.tables_rollouts import RolloutRow
from cloud.site_files.desk import WHY_MAX
from cloud.site_files.rollout_steps import shown
from cloud.site_files.rollouts import PATIENCE_S, SOAK_S, Rollouts, Wish
from cloud.site_files.stages import USUAL
from cloud.store.contract import GatewayKey
from protocols.clock import Clock
from protocols.errors import BadRollout
from protocols.site_config import CONFIRM_S

ROOT = "/api/v1/rollouts"
SHOWN_MAX = 100
STATUS = {"unknown_rollout": 404, "busy": 409, "not_now": 409, "not_checked": 409, "some_wrong": 409, "nobody": 409}
STATUS |= {"too_many": 409}
ROLLOUT: dict[str, Any] = {
    "id": 7,
    "site": "east-compound",
    "by": "li.fang",
    "why": "calmer polling",
    "made_at": 1790000000000,
    "changes": ['set buffer.flush_every = "5 s"'],
    "stages": ["east-compound/b3-plant-room", "10 %", "100 %"],
    "soak_s": 600,
    "patience_s": 3600,
    "stop_after": 0,
    "confirm_within_s": 300,
    "not_before": 0,
    "state": "running",
    "halted": "",
    "stage": 1,
    "stage_over_at": None,
    "changed_by": "li.fang",
    "changed_at": 1790000041000,
    "many": 12,
}
GATEWAY: dict[str, Any] = {
    "site": "east-compound",
    "gateway": "b3-plant-room",
    "stage": 0,
    "state": "rolled_back",
    "checked_by": "collector",
    "line": 0,
    "key": "",
    "message": "",
    "allowed": "",
    "revision": 4,
    "sent_at": 1790000002000,
    "answered_at": 1790000041000,
    "reason": "devices_lost",
    "devices": "meter-08",
    "detail": "",
}
NEW = {"changes": ROLLOUT["changes"], "gateways": ["east-compound/*"], "stages": ROLLOUT["stages"], "soak_s": 600}
CANNOT: dict[int | str, dict[str, Any]] = {
    409: {"description": "Not in this state, not checked yet, or some are wrong"}
}
BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}, "example": NEW}}}

Number = Annotated[int, Path(ge=1, le=2**53)]
Id = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]


class NewRollout(msgspec.Struct, forbid_unknown_fields=True):
    """``changes`` (lines such as ``set buffer.flush_every = "5 s"``) or ``files`` (whole, by ``site/gateway``)."""

    changes: list[str] = []
    files: dict[str, str] = {}
    gateways: list[str] = []
    stages: tuple[str, ...] = USUAL
    soak_s: int = SOAK_S
    patience_s: int = PATIENCE_S
    stop_after: int = 0
    confirm_within_s: int = CONFIRM_S
    not_before: int = 0


def routes(services: Services) -> APIRouter:
    """``/api/v1/rollouts``."""
    router = APIRouter(tags=["identity"])
    rollouts = services.configuring.rollouts
    _looking(router, rollouts, services.clock)
    _planning(router, rollouts)
    _doing(router, rollouts)
    return router


def _looking(router: APIRouter, rollouts: Rollouts, clock: Clock) -> None:
    @router.get(ROOT, response_class=Response, responses=example({"rollouts": [ROLLOUT]}))
    async def listed(
        who: Annotated[Principal, Depends(installer)],
        site: Annotated[str | None, Query(max_length=32, description="only those for this site alone")] = None,
        limit: Annotated[int, Query(ge=1, le=SHOWN_MAX)] = 50,
    ) -> Response:
        """The newest first; for who may not see every site, those of sites where they may install."""
        allowed = who.sites(Right.INSTALL)
        sites = allowed if site is None else {site} & allowed if allowed is not None else {site}
        rows = await rollouts.book.newest(limit, sites)
        many = await rollouts.book.counts([row.id for row in rows])
        return json_answer({"rollouts": [_shown(row, many.get(row.id, 0)) for row in rows]})

    @router.get(
        ROOT + "/{number}",
        response_class=Response,
        responses=example({**ROLLOUT, "counts": {"rolled_back": 1, "applied": 11}, "gateways": [GATEWAY]}),
    )
    async def one(number: Number, _: Annotated[Principal, Depends(installer)]) -> Response:
        """One, with every gateway, in the order they are begun.

        `state` of a gateway: `unchecked`, `ready`, `wrong`, `same` (nothing would change), `changed` (it runs, or was
        given, another file since), `planned`, `waiting`, `late` (it did not answer within the patience), `trying`,
        `applied`, `refused`, `rolled_back`, `replaced`, `withdrawn` or `returned`.
        """
        row = await _found(rollouts, number)
        seen, now = await rollouts.book.seen(number), clock.now_ms()
        gateways = [_part(row, each, now) for each in seen]
        counts = Counter(each["state"] for each in gateways)
        return json_answer({**_shown(row, len(seen)), "counts": counts, "gateways": gateways})

    @router.get(
        ROOT + "/{number}/difference",
        response_class=Response,
        responses=example({"diff": '-flush_every = "1 s"\n+flush_every = "5 s"\n'}),
    )
    async def difference(
        number: Number,
        _: Annotated[Principal, Depends(installer)],
        of_site: Annotated[str, Query(pattern="^[a-z0-9][a-z0-9-]{0,31}$")],
        gateway: Annotated[str, Query(pattern="^[a-z0-9][a-z0-9-]{0,31}$")],
    ) -> Response:
        """What changes for one gateway, as a unified diff."""
        try:
            return json_answer({"diff": await rollouts.difference(number, GatewayKey(of_site, gateway))})
        except BadRollout as error:
            raise _refusal(error) from None


def _planning(router: APIRouter, rollouts: Rollouts) -> None:
    @router.post(
        ROOT,
        status_code=201,
        response_class=Response,
        responses={**example({**ROLLOUT, "state": "draft"}, 201), **CANNOT},
        openapi_extra={"requestBody": BODY},
    )
    async def plan(
        request: Request,
        who: Annotated[Principal, Depends(installer)],
        reason: Annotated[str, Query(min_length=1, max_length=WHY_MAX, description="stands in every history")],
        site: Annotated[str, Query(max_length=32, description="for none but this one's gateways")] = "",
    ) -> Response:
        """Plan a roll-out: a draft, of which every gateway's whole file is checked; nothing is sent before it is
        started. Who may install at one site only names it as `site`. See docs/REMOTE_CONFIG.md.
        """
        try:
            new = msgspec.json.decode(await read_large(request), type=NewRollout)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ApiError(422, "bad_body", str(error), "as in the example") from None
        files = {_key(name): text for name, text in new.files.items()}
        fields = {name: getattr(new, name) for name in new.__struct_fields__} | {"files": files}
        try:
            row = await rollouts.plan(Wish(why=reason, by=who.name, site=site, **fields))
        except BadRollout as error:
            raise _refusal(error) from None
        return json_answer(_shown(row, (await rollouts.book.counts([row.id])).get(row.id, 0)), status=201)


def _doing(router: APIRouter, rollouts: Rollouts) -> None:
    @router.post(ROOT + "/{number}/{deed}", response_class=Response, responses={**example(ROLLOUT), **CANNOT})
    async def turn(
        number: Number,
        deed: Literal["start", "pause", "continue", "abort"],
        who: Annotated[Principal, Depends(installer)],
        without_wrong: Annotated[bool, Query(description="start, and leave out whose file is wrong")] = False,
        back: Annotated[
            bool, Query(description="abort, and give the file of before to who runs no other since")
        ] = False,
    ) -> Response:
        """Start a draft; pause; continue what was paused or has stopped, in spite of what failed; or abort: who has not
        heard of it never will, who confirmed it keeps it unless `back`."""
        try:
            if deed == "start":
                row = await rollouts.start(number, by=who.name, without_wrong=without_wrong)
            elif deed == "abort":
                row = await rollouts.abort(number, by=who.name, back=back)
            else:
                row = await (rollouts.pause if deed == "pause" else rollouts.go_on)(number, by=who.name)
        except BadRollout as error:
            raise _refusal(error) from None
        return json_answer(_shown(row, (await rollouts.book.counts([number])).get(number, 0)))


async def _found(rollouts: Rollouts, number: int) -> RolloutRow:
    try:
        return await rollouts.find(number)
    except BadRollout as error:
        raise _refusal(error) from None


def _refusal(error: BadRollout) -> ApiError:
    return ApiError(STATUS.get(error.reason, 422), error.reason, error.detail)


def _key(name: str) -> GatewayKey:
    site, _, gateway = name.partition("/")
    return GatewayKey(site[:64], gateway[:64])


def _shown(row: RolloutRow, many: int) -> dict[str, Any]:
    same = (
        "id",
        "site",
        "by",
        "why",
        "made_at",
        "soak_s",
        "patience_s",
        "stop_after",
        "confirm_within_s",
        "not_before",
    )
    after = ("state", "halted", "stage", "stage_over_at", "changed_by", "changed_at")
    return {
        **{name: getattr(row, name) for name in (*same, *after)},
        "changes": row.change.splitlines(),
        "stages": row.stages.splitlines(),
        "many": many,
    }


def _part(row: RolloutRow, one: Seen, now: int) -> dict[str, Any]:
    same = ("stage", "line", "message", "allowed", "revision", "sent_at", "answered_at", "reason", "devices", "detail")
    return {
        "site": one.key.site,
        "gateway": one.key.gateway,
        "state": shown(row, one, now),
        "checked_by": one.by_whom,
        "key": one.setting,
        **{name: getattr(one, name) for name in same},
    }
