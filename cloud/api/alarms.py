"""Alarms: those there are, those there were, and figures of them. What is done to them is in ``alarm_deeds``."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from cloud.alarms.figures import figures
from cloud.alarms.shown import STANDING, AlarmView, State, view
from cloud.alarms.titles import title_of
from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import principal_of
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.registry.alarm_book import Wanted

DAY_S = 86_400
WEEK_S = 7 * DAY_S
MONTHS_S = 100 * DAY_S
ALARM: dict[str, object] = {
    "id": "12",
    "kind": "gateway_offline",
    "priority": 2,
    "source": "east-compound/b3-plant-room",
    "since": 1790000000000,
    "ended_at": None,
    "args": {"since": "09-21 20:53"},
    "text": {"en": "Gateway B3 plant room is offline; ...", "zh": "网关 B3 plant room 离线……"},
    "active": True,
    "state": "acknowledged",
    "acknowledged_at": 1790000060000,
    "acknowledged_by": "wang-wei",
    "shelved_until": None,
    "reason": "",
    "hidden_by": "",
    "note": "The electrician is on the way.",
    "count": 1,
    "suppresses": 14,
    "rev": 2,
    "title": {"en": "Gateway offline", "zh": "网关离线"},
    "name": "B3 plant room",
}
FLOOD: dict[str, object] = {"begun_10min": 3, "since": None, "alarms": 0}
EXAMPLE = {"alarms": [ALARM], "flood": FLOOD}
EXAMPLE_FIGURES = {
    "from": 1789395200000,
    "to": 1790000000000,
    "earliest": 1789000000000,
    "total": 211,
    "by_priority": {"1": 4, "2": 160, "3": 47},
    "per_hour": 1.26,
    "hours": [[1789999200000, 3]],
    "floods": [{"since": 1789990000000, "until": 1789991200000, "alarms": 26}],
    "in_floods": 26,
    "frequent": [
        {
            "kind": "device_lost",
            "source": "east-compound/b3-m2",
            "times": 40,
            "share": 0.19,
            "title": {"en": "Device does not answer", "zh": "设备无应答"},
        }
    ],
    "now": {"unacknowledged": 2, "standing_24h": 1, "shelved": 0, "out_of_service": 0, "suppressed": 14},
    "flood": FLOOD,
}
Text = Annotated[str | None, Query(max_length=64)]


def routes(services: Services) -> APIRouter:
    """``/api/v1/alarms``."""
    router = APIRouter(tags=["alarms"])
    _now(router, services)
    _history(router, services)
    _figures(router, services)
    return router


def _now(router: APIRouter, services: Services) -> None:
    @router.get(
        "/api/v1/alarms",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def alarms(
        request: Request,
        ended: Annotated[int, Query(ge=0, le=1000, description="also so many that returned to normal")] = 0,
        state: Annotated[list[State] | None, Query(description="only these")] = None,
        site: Annotated[str | None, Query(max_length=32)] = None,
        kind: Text = None,
        priority: Annotated[int | None, Query(ge=1, le=3)] = None,
    ) -> Response:
        """Active alarms, the most urgent first, then those that returned and wait to be acknowledged.

        With `ended` also the last ones that are over. `flood`: alarms that began in the last ten minutes, and since
        when they are a flood (more than 10 in 10 minutes).
        """
        sites = principal_of(request).sites()
        found = services.alarms.active() + services.alarms.returned()
        if ended:
            await services.alarms.flush()
            known = {alarm.id for alarm in found}
            old = [view(alarm, names=services.alarms.name_of) for alarm in await services.alarm_book.ended(ended)]
            found += [alarm for alarm in old if alarm.id not in known]
        chosen = [
            alarm
            for alarm in found
            if (state is None or alarm.state in state)
            and is_of(alarm, site)
            and (sites is None or alarm.source.partition("/")[0] in sites)
            and kind in (None, alarm.kind)
            and priority in (None, alarm.priority)
        ]
        return json_answer({"alarms": chosen, "flood": flood_shown(services)})


def _history(router: APIRouter, services: Services) -> None:
    @router.get(
        "/api/v1/alarms/history",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": {"alarms": [ALARM], "next": None}}}}},
    )
    async def history(
        from_: Annotated[Text, Query(alias="from", description="ms, or ISO 8601 with zone; a week before `to`")] = None,
        to: Annotated[Text, Query(description="not included; now")] = None,
        site: Annotated[str | None, Query(max_length=32)] = None,
        kind: Text = None,
        source: Annotated[str | None, Query(max_length=200)] = None,
        priority: Annotated[int | None, Query(ge=1, le=3)] = None,
        before: Annotated[int | None, Query(ge=1, le=2**53, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Response:
        """Alarms that began in a period, the newest first, whatever became of them."""
        since, until = parse_period(from_, to, services.clock.now_ms(), WEEK_S)
        await services.alarms.flush()
        wanted = Wanted(since, until, site, kind, source, priority, before, limit)
        found = await services.alarm_book.past(wanted)
        shown = [services.alarms.show(services.alarms.by_id(alarm.id) or alarm) for alarm in found]
        return json_answer({"alarms": shown, "next": found[-1].id if len(found) == limit else None})


def _figures(router: APIRouter, services: Services) -> None:
    @router.get(
        "/api/v1/alarms/figures",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_FIGURES}}}},
    )
    async def of(
        from_: Annotated[Text, Query(alias="from", description="ms, or ISO 8601 with zone; a week before `to`")] = None,
        to: Annotated[Text, Query(description="not included; now")] = None,
        site: Annotated[str | None, Query(max_length=32)] = None,
    ) -> Response:
        """How many alarms an hour, floods, what comes most often, and what stands for more than a day.

        Before `earliest` nothing is remembered.
        """
        now = services.clock.now_ms()
        since, until = parse_period(from_, to, now, WEEK_S)
        if until - since > MONTHS_S * 1000:
            raise ApiError(422, "bad_period", "longer than 100 days", "a shorter period")
        await services.alarms.flush()
        begun = await services.alarm_book.begun(since, until, site)
        head = {"from": since, "to": until, "earliest": await services.alarm_book.earliest()}
        counted = figures(begun, since, until, title_by(services))
        shown = {**counted._asdict(), "floods": [flood._asdict() for flood in counted.floods]}
        shown["frequent"] = [each._asdict() for each in counted.frequent]
        return json_answer({**head, **shown, "now": _standing(services, now, site), "flood": flood_shown(services)})


def is_of(alarm: AlarmView, site: str | None) -> bool:
    """Whether it is of that site; None is all."""
    return site is None or alarm.source == site or alarm.source.startswith(f"{site}/")


def title_by(services: Services) -> Callable[[str], dict[str, str]]:
    """What a kind is called; of a rule of people, what they called it."""
    rules = services.features.alarm_rules.all() if services.features is not None else []
    names = {rule.kind: rule.name for rule, _ in rules}
    return lambda kind: title_of(kind, {"rule": names.get(kind, "")})


def flood_shown(services: Services) -> dict[str, object]:
    """The flood there is now."""
    count, flood = services.alarms.flood()
    return {"begun_10min": count, "since": flood.since if flood else None, "alarms": flood.alarms if flood else 0}


def _standing(services: Services, now: int, site: str | None) -> dict[str, int]:
    active = [alarm for alarm in services.alarms.active() if is_of(alarm, site)]
    waiting = [alarm for alarm in services.alarms.returned() if is_of(alarm, site)]
    old = [alarm for alarm in active if alarm.state in STANDING and now - alarm.since > DAY_S * 1000]
    counted = {"unacknowledged": len(waiting) + sum(alarm.state == "unacknowledged" for alarm in active)}
    counted["standing_24h"] = len(old)
    for state in ("shelved", "out_of_service", "suppressed"):
        counted[state] = sum(alarm.state == state for alarm in active)
    return counted
