"""What is done to alarms, by dispatchers, and the history of one."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.alarms.desk import Act, AlarmChanged, AlarmDesk, NotPossible, UnknownAlarm
from cloud.alarms.shown import AlarmView
from cloud.api.alarms import ALARM, title_by
from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import alarm_handler
from cloud.api.place_answers import actor_of, conflict
from cloud.api.services import Services
from cloud.registry.sessions import Principal

DEED = {
    "at": 1790000060000,
    "by": "wang-wei",
    "action": "acknowledged",
    "text": "The electrician is on the way.",
    "until": None,
}
SHELF = {
    "kind": "device_lost",
    "source": "east-compound/b3-m2",
    "mode": "shelved",
    "until": 1790003600000,
    "reason": "The meter is being replaced.",
    "by": "wang-wei",
    "at": 1790000000000,
    "alarm": "12",
    "title": {"en": "Device does not answer", "zh": "设备无应答"},
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": {"alarm": ALARM}}}},
    409: {"description": "It changed meanwhile, or cannot take this now; `X-Current-Rev` says its rev"},
}
Name = Annotated[int, Path(ge=1, le=2**53)]
Who = Annotated[Principal, Depends(alarm_handler)]


class Words(BaseModel):
    """What to say of it, on which revision it stands."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"rev": 1, "text": "On the way."}})
    rev: int | None = Field(default=None, ge=1, le=2**53)
    text: str = Field(default="", max_length=500)


class Hide(BaseModel):
    """Why it is hidden."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"rev": 1, "reason": "The meter is being replaced."}}
    )
    rev: int | None = Field(default=None, ge=1, le=2**53)
    reason: str = Field(min_length=1, max_length=500)


class ShelveFor(Hide):
    """Why it is shelved, and until when (ms, at most 7 days ahead)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"rev": 1, "reason": "The meter is being replaced.", "until": 1790003600000}},
    )
    until: int = Field(ge=0, le=2**53)


def routes(services: Services) -> APIRouter:
    """``/api/v1/alarms/{id}``, ``/api/v1/alarms/shelves``."""
    router = APIRouter(tags=["alarms"])
    desk = AlarmDesk(services.alarms, services.alarm_book, services.clock)
    _shown(router, services, desk)
    _deeds(router, desk)
    return router


def _shown(router: APIRouter, services: Services, desk: AlarmDesk) -> None:
    @router.get(
        "/api/v1/alarms/shelves",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": {"shelves": [SHELF]}}}}},
    )
    async def shelves() -> Response:
        """What is shelved or out of service, whether its condition lasts or not. `alarm` is what to unshelve."""
        found = sorted(services.alarms.shelves(), key=lambda shelf: shelf.at, reverse=True)
        title = title_by(services)
        return json_answer(
            {"shelves": [{**each._asdict(), "alarm": str(each.alarm), "title": title(each.kind)} for each in found]}
        )

    @router.get(
        "/api/v1/alarms/{name}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": {"alarm": ALARM, "history": [DEED]}}}}},
    )
    async def one(name: Name) -> Response:
        """An alarm, and who did what about it, the oldest first."""
        try:
            alarm = await desk.find(name)
        except UnknownAlarm:
            raise _unknown(name) from None
        await services.alarms.flush()
        deeds = [deed._asdict() for deed in await services.alarm_book.deeds([name])]
        for deed in deeds:
            del deed["alarm"]
        return json_answer({"alarm": services.alarms.show(alarm), "history": deeds})


def _deeds(router: APIRouter, desk: AlarmDesk) -> None:
    @router.post("/api/v1/alarms/{name}/acknowledge", response_class=Response, responses=ANSWERS)
    async def acknowledge(name: Name, body: Words, who: Who) -> Response:
        """Somebody has seen it and takes care. Twice is once: whoever was first stays named."""
        return await _done(desk.acknowledge, name, Act(by=actor_of(who), rev=body.rev, text=body.text))

    @router.post("/api/v1/alarms/{name}/note", response_class=Response, responses=ANSWERS)
    async def note(name: Name, body: Words, who: Who) -> Response:
        """Words for the next shift."""
        return await _done(desk.note, name, Act(by=actor_of(who), rev=body.rev, text=body.text))

    @router.post("/api/v1/alarms/{name}/shelve", response_class=Response, responses=ANSWERS)
    async def shelve(name: Name, body: ShelveFor, who: Who) -> Response:
        """Hide it, and what comes of the same kind and source, until an instant; then it returns by itself."""
        act = Act(by=actor_of(who), rev=body.rev, text=body.reason, until=body.until)
        return await _done(desk.shelve, name, act)

    @router.post("/api/v1/alarms/{name}/out-of-service", response_class=Response, responses=ANSWERS)
    async def out_of_service(name: Name, body: Hide, who: Who) -> Response:
        """Hide it, and what comes of the same kind and source, until somebody unshelves it: maintenance."""
        return await _done(desk.out_of_service, name, Act(by=actor_of(who), rev=body.rev, text=body.reason))

    @router.post("/api/v1/alarms/{name}/unshelve", response_class=Response, responses=ANSWERS)
    async def unshelve(name: Name, body: Words, who: Who) -> Response:
        """Show it again, whether it was shelved or out of service."""
        return await _done(desk.unshelve, name, Act(by=actor_of(who), rev=body.rev, text=body.text))


async def _done(deed: Callable[[int, Act], Awaitable[AlarmView]], name: int, act: Act) -> Response:
    try:
        return json_answer({"alarm": await deed(name, act)})
    except UnknownAlarm:
        raise _unknown(name) from None
    except AlarmChanged as error:
        raise conflict("the alarm", error.rev) from None
    except NotPossible as error:
        raise ApiError(409, "not_possible", str(error), "GET /api/v1/alarms/{id} says how it is") from None


def _unknown(name: int) -> ApiError:
    return ApiError(404, "unknown_alarm", f"no alarm {name} is remembered", "listed at /api/v1/alarms/history")
