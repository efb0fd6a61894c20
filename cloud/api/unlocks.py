"""Opening a door from afar."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.access.unlocking import BadUnlock, Unlocked
from cloud.api.access import Site
from cloud.api.access_asked import Id, access_of
from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import principal_of
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.assets.contract import AssetKey
from cloud.audit.note import current, tell
from cloud.identity.authority import BadAuthority
from protocols.errors import BadCommand

UNLOCK: dict[str, Any] = {
    "door": "b3-lobby",
    "command": "6f1d3a9c0b7e42d8a5c1f0e9d8b7a605",
    "by": "li.fang",
    "reason": "delivery, called from the gate",
    "at": 1790000000000,
    "state": "sent",
    "detail": "",
}
STATUS = {"not_controlled": 404, "not_remote": 409, "offline": 409, "too_often": 429}
GIVEN: dict[int | str, dict[str, Any]] = {
    **example(UNLOCK, 202),
    404: {"description": "No gateway decides for such a door"},
    409: {"description": "The gateway is offline, not enrolled, or its site file does not let the door be opened so"},
    429: {"description": "Opened a moment ago, or ten doors in a minute"},
}


class Unlock(BaseModel):
    """Why the door is opened."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": UNLOCK["reason"]}})
    reason: str = Field(min_length=3, max_length=200)


def routes(services: Services) -> APIRouter:
    """``/api/v1/doors``."""
    router = APIRouter(tags=["access"])
    access = access_of(services)

    @router.post("/api/v1/doors/{site}/{door}/unlock", status_code=202, response_class=Response, responses=GIVEN)
    async def unlock(request: Request, site: Site, door: Id, body: Unlock) -> Response:
        """Pulse the strike of a door, once, by a signed command that is over after 15 s. `state` becomes what the
        gateway says: `done`, `refused` or `unknown`; an unknown one is not sent again by anybody."""
        if access.unlocking is None:
            raise ApiError(503, "unavailable", "this collector has no way to gateways")
        reason = " ".join(body.reason.split())
        if len(reason) < 3 or not reason.isprintable():
            raise ApiError(422, "bad_reason", "reason: a few words that can be read", "why the door is opened")
        if (note := current()) is not None:
            note.reason = reason
        tell(door=door)
        by = principal_of(request).name
        try:
            row = await access.unlocking.unlock(AssetKey(site, "door", door), reason=reason, by=by)
        except BadUnlock as error:
            headers = {"Retry-After": "5"} if error.reason == "too_often" else None
            raise ApiError(STATUS[error.reason], error.reason, error.detail, error.hint, headers) from None
        except BadCommand as error:
            status = 409 if error.reason == "not_enrolled" else 422
            raise ApiError(status, error.reason, error.detail) from None
        except BadAuthority as error:
            raise ApiError(503, "no_authority", str(error)) from None
        made = Unlocked(door, row.id, by, reason, row.issued_at)
        shown = {"state": services.commanding.state_of(row), "detail": row.detail}
        return json_answer({**made._asdict(), **shown}, status=202)

    @router.get("/api/v1/doors/{site}/unlocks", response_class=Response, responses=example({"unlocks": [UNLOCK]}))
    async def unlocks(
        site: Site, door: Annotated[str | None, Query(max_length=32, description="only this one")] = None
    ) -> Response:
        """The last 200 unlocks of a month, the newest first, and what became of each."""
        check_site(services, site)
        found = []
        names = [door] if door is not None else [each.door for each in access.publisher.controlled(site)]
        doors = [AssetKey(site, "door", name) for name in names]
        for each in await access.unlocking.lately(doors) if access.unlocking is not None else ():
            row = await services.commanding.find(each.command)
            state = services.commanding.state_of(row) if row is not None else "unknown"
            found.append({**each._asdict(), "state": state, "detail": row.detail if row is not None else ""})
        return json_answer({"unlocks": found})

    return router
