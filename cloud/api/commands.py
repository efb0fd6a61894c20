"""Commands to devices: given by dispatchers, obeyed by gateways within what their site file allows. What needs two
people is asked for at ``/api/v1/approvals``."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import dispatcher
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.api.strikes import refuse_strike
from cloud.audit.note import tell_site
from cloud.identity.authority import BadAuthority
from cloud.registry.sessions import Principal
from cloud.registry.tables_identity import CommandRow
from cloud.store.contract import GatewayKey
from protocols.commands import Action
from protocols.errors import BadCommand

COMMAND: dict[str, Any] = {
    "id": "6f1d3a9c0b7e42d8a5c1f0e9d8b7a605",
    "site": "east-compound",
    "gateway": "b3-plant-room",
    "device": "gate-north",
    "point": "relay_1",
    "action": "pulse",
    "value": 3.0,
    "by": "li.fang",
    "approved_by": "",
    "reason": "delivery for the canteen",
    "issued_at": 1790000000000,
    "expires_at": 1790000030000,
    "state": "sent",
    "detail": "",
    "answered_at": None,
}
ID = "^[a-z0-9][a-z0-9-]{0,31}$"
SHOWN_MAX = 1000
GIVEN: dict[int | str, dict[str, Any]] = {
    **example(COMMAND, 202),
    409: {"description": "That gateway is not enrolled, or the point opens a door"},
}


class NewCommand(BaseModel):
    """What is to be done, once. ``value``: of set in the point's unit, of pulse in seconds, none where the module
    holds how long its pulse is; on and off take none."""

    model_config = ConfigDict(extra="forbid")

    site: Annotated[str, Field(pattern=ID)]
    gateway: Annotated[str, Field(pattern=ID)]
    device: Annotated[str, Field(pattern=ID)]
    point: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")]
    action: Action
    value: Annotated[float | None, Field(allow_inf_nan=False)] = None
    lasts_s: Annotated[float, Field(ge=1, le=60)] = 30.0
    """A gateway that gets it later than this does not obey."""
    reason: Annotated[str, Field(max_length=200)] = ""
    """Why; on the command and in the audit trail."""


def routes(services: Services) -> APIRouter:
    """``/api/v1/commands``."""
    router = APIRouter(tags=["identity"])
    commanding = services.commanding

    @router.post("/api/v1/commands", status_code=202, response_class=Response, responses=GIVEN)
    async def give(body: NewCommand, who: Annotated[Principal, Depends(dispatcher)]) -> Response:
        """Send a command, signed, once. `state` is then `sent`, and later what the gateway says: `done`, `refused` or
        `unknown`; `no_answer` when it says nothing. It is never sent again by itself. What opens a door is not ordered
        here but at `/api/v1/doors/{site}/{door}/unlock` (409 `opens_a_door`); `off` may be.
        """
        key = GatewayKey(body.site, body.gateway)
        tell_site(body.site)
        refuse_strike(services, key, device=body.device, point=body.point, action=body.action)
        try:
            row = await commanding.give(
                key,
                device=body.device,
                point=body.point,
                action=body.action,
                value=body.value,
                lasts_s=body.lasts_s,
                by=who.name,
                reason=" ".join(body.reason.split()),
            )
        except BadCommand as error:
            status = 409 if error.reason == "not_enrolled" else 422
            raise ApiError(status, error.reason, error.detail) from None
        except BadAuthority as error:
            raise ApiError(503, "no_authority", str(error)) from None
        return json_answer(shown_command(services, row), status=202)

    @router.get("/api/v1/commands", response_class=Response, responses=example({"commands": [COMMAND]}))
    async def listed(
        site: Annotated[str | None, Query(max_length=32)] = None,
        limit: Annotated[int, Query(ge=1, le=SHOWN_MAX)] = 100,
    ) -> Response:
        """Commands and who gave them, the newest first."""
        rows = await commanding.newest(site=site, many=limit)
        return json_answer({"commands": [shown_command(services, row) for row in rows]})

    @router.get("/api/v1/commands/{number}", response_class=Response, responses=example(COMMAND))
    async def one(number: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]) -> Response:
        """One command, with what became of it."""
        row = await commanding.find(number)
        if row is None:
            raise ApiError(404, "unknown_command", f"there is no command {number}", "listed at /api/v1/commands")
        return json_answer(shown_command(services, row))

    return router


def shown_command(services: Services, row: CommandRow) -> dict[str, object]:
    """One as the API shows it."""
    return {
        "id": row.id,
        "site": row.site,
        "gateway": row.gateway,
        "device": row.device,
        "point": row.point,
        "action": row.action,
        "value": row.value,
        "by": row.by,
        "approved_by": row.approved_by,
        "reason": row.reason,
        "issued_at": row.issued_at,
        "expires_at": row.expires_at,
        "state": services.commanding.state_of(row),
        "detail": row.detail,
        "answered_at": row.answered_at,
    }
