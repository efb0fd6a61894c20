"""Commands that need two people: asked for by one with a login, approved or rejected by another."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.commands import COMMAND, NewCommand, shown_command
from cloud.api.gate import dispatcher, principal_of
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.api.strikes import note_unlock, refuse_strike
from cloud.identity.approving import NotApproved, Person
from cloud.identity.authority import BadAuthority
from cloud.registry.roles import Right
from cloud.registry.sessions import Principal
from cloud.registry.tables_identity import ApprovalRow
from cloud.store.contract import GatewayKey
from protocols.errors import BadCommand

APPROVAL: dict[str, Any] = {
    "id": "6f1d3a9c0b7e42d8a5c1f0e9d8b7a605",
    "site": "east-compound",
    "gateway": "b3-plant-room",
    "device": "gate-north",
    "point": "relay_1",
    "action": "pulse",
    "value": 3.0,
    "lasts_s": 30.0,
    "reason": "delivery for the canteen",
    "asked_by": "li.fang",
    "asked_at": 1790000000000,
    "until": 1790000300000,
    "state": "waiting",
    "decided_by": "",
    "decided_at": None,
    "opinion": "",
    "mine": False,
}
REFUSED: dict[int | str, dict[str, Any]] = {
    403: {"description": "A token asks or decides, or the same person does both"},
    404: {"description": "Nothing of that number was asked for"},
    409: {"description": "Decided, expired, its gateway is not enrolled, or the point opens a door"},
}
STATUS = {"unknown_approval": 404, "same_person": 403, "too_many": 429}
REASON_MAX = 200
SHOWN_MAX = 500
NUMBER = "^[0-9a-f]{32}$"


class AskedCommand(NewCommand):
    """A command, and why it is needed."""

    reason: Annotated[str, Field(min_length=1, max_length=REASON_MAX)]


def routes(services: Services) -> APIRouter:
    """``/api/v1/approvals``."""
    router = APIRouter(tags=["identity"])
    approving = services.approving

    @router.post(
        "/api/v1/approvals", status_code=202, response_class=Response, responses={**REFUSED, **example(APPROVAL, 202)}
    )
    async def ask(body: AskedCommand, who: Annotated[Principal, Depends(dispatcher)]) -> Response:
        """Ask for a command that a second person must approve within 5 min. Nothing is sent until then. What opens a
        door is asked for here only where the site file wants two people for it (else 409 `opens_a_door`)."""
        person, key = _person(who), GatewayKey(body.site, body.gateway)
        refuse_strike(services, key, device=body.device, point=body.point, action=body.action, by_two=True)
        try:
            row = await approving.ask(
                key,
                device=body.device,
                point=body.point,
                action=body.action,
                value=body.value,
                lasts_s=body.lasts_s,
                reason=" ".join(body.reason.split()),
                by=person,
            )
        except (BadCommand, NotApproved) as error:
            raise _refusal(error) from None
        return json_answer(_shown(services, row, who), status=202)

    @router.get("/api/v1/approvals", response_class=Response, responses=example({"approvals": [APPROVAL]}))
    async def listed(
        request: Request,
        site: Annotated[str | None, Query(max_length=32)] = None,
        limit: Annotated[int, Query(ge=1, le=SHOWN_MAX)] = 50,
    ) -> Response:
        """What waits for a second person, and what was decided, the newest first; of sites where one may decide."""
        who = principal_of(request)
        rows = await approving.newest(site=site, many=limit)
        shown = [_shown(services, row, who) for row in rows if who.may(Right.DISPATCH, row.site)]
        return json_answer({"approvals": shown})

    @router.post(
        "/api/v1/approvals/{number}/approve", response_class=Response, responses={**REFUSED, **example(COMMAND)}
    )
    async def approve(
        number: Annotated[str, Path(pattern=NUMBER)], who: Annotated[Principal, Depends(dispatcher)]
    ) -> Response:
        """Approve what another person asked for: it is signed in both names and sent, once. What cannot be signed or
        written down now (503) waits on."""
        try:
            row = await approving.approve(number, _person(who))
        except (BadCommand, NotApproved) as error:
            raise _refusal(error) from None
        except BadAuthority as error:
            raise ApiError(503, "no_authority", str(error)) from None
        note_unlock(services, row)
        return json_answer(shown_command(services, row))

    @router.post(
        "/api/v1/approvals/{number}/reject", response_class=Response, responses={**REFUSED, **example(APPROVAL)}
    )
    async def reject(
        number: Annotated[str, Path(pattern=NUMBER)],
        who: Annotated[Principal, Depends(dispatcher)],
        reason: Annotated[str, Query(max_length=REASON_MAX)] = "",
    ) -> Response:
        """It will not be sent. Whoever asked takes it back by this, too."""
        try:
            row = await approving.reject(number, _person(who), " ".join(reason.split()))
        except NotApproved as error:
            raise _refusal(error) from None
        return json_answer(_shown(services, row, who))

    return router


def _person(who: Principal) -> Person:
    if who.user_id is None:
        text = "two people stand for such a command, and a token is nobody"
        raise ApiError(403, "person_needed", text, "log in with a name and a password")
    return Person(who.name, who.user_id)


def _refusal(error: BadCommand | NotApproved) -> ApiError:
    if isinstance(error, BadCommand):
        return ApiError(409 if error.reason == "not_enrolled" else 422, error.reason, error.detail)
    return ApiError(STATUS.get(error.code, 409), error.code, str(error))


def _shown(services: Services, row: ApprovalRow, who: Principal) -> dict[str, object]:
    return {
        "id": row.id,
        "site": row.site,
        "gateway": row.gateway,
        "device": row.device,
        "point": row.point,
        "action": row.action,
        "value": row.value,
        "lasts_s": row.lasts_ms / 1000,
        "reason": row.reason,
        "asked_by": row.asked_by,
        "asked_at": row.asked_at,
        "until": row.until,
        "state": services.approving.state_of(row),
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "opinion": row.opinion,
        "mine": who.user_id == row.asked_by_id,
    }
