"""What was: the state at a past instant, how busy the past was, and the timeline of one thing."""

from collections import Counter
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from cloud.alarms.shown import AlarmView, view, view_at
from cloud.api.answers import ApiError, json_answer
from cloud.api.services import Services
from cloud.api.times import parse_instant, parse_period

ENCODE_AT_ONCE = 200
BARS_MAX = 1_000
ALARMS_MAX = 1_000
STEP_MIN_S = 1

EXAMPLE = {
    "at": 1790000000000,
    "as_of": 1790000000000,
    "cursor": "",
    "earliest": 1789000000000,
    "alarms": [],
    "entities": [
        {
            "id": "east-compound/vehicle:zhe-a-3m902",
            "kind": "vehicle",
            "site": "east-compound",
            "device": None,
            "gateway": "",
            "name": "浙A·3M902",
            "rev": 0,
            "observed_at": 1789999998000,
            "received_at": 1789999998100,
            "quality": "good",
            "stale_after_s": 60,
            "attributes": {"state": "on_trip", "latitude": 30.2731, "longitude": 120.1502},
            "points": {},
        }
    ],
}
EXAMPLE_BARS = {
    "from": 1789996400000,
    "to": 1790000000000,
    "step_s": 60,
    "columns": ["at", "changes", "notes", "alarms"],
    "rows": [[1789996400000, 12, 3, 0]],
}
EXAMPLE_TIMELINE = {
    "entity": "east-compound/door:b3-lobby-door",
    "from": 1789913600000,
    "to": 1790000000000,
    "entries": [
        {"at": 1789999990000, "source": "event", "kind": "door_opened", "facts": {"device": "b3-lobby-door"}},
        {"at": 1789999990020, "source": "state", "kind": "changed", "facts": {"state": "open"}},
    ],
    "next": None,
}

_encoder = msgspec.json.Encoder()

Text = Annotated[str | None, Query(max_length=64)]


def routes(services: Services) -> APIRouter:
    """``/api/v1/past``, ``/api/v1/timeline``."""
    router = APIRouter(tags=["history"])
    _add_past(router, services)
    _add_activity(router, services)
    _add_timeline(router, services)
    return router


def _add_past(router: APIRouter, services: Services) -> None:
    assert services.features is not None
    past, book = services.features.past, services.features.state_book

    @router.get(
        "/api/v1/past",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def at(
        at: Annotated[str, Query(max_length=64, description="ms, or ISO 8601 with zone; not after now")],
        site: Annotated[str | None, Query(max_length=32)] = None,
    ) -> Response:
        """Everything as it was at an instant, in the shape of `/api/v1/state`, with the alarms of then.

        Values are the newest that were true by then, up to a day back. Before `earliest` no states of things are kept.
        """
        now = services.clock.now_ms()
        then = parse_instant("at", at, now)
        if then > now:
            raise ApiError(422, "not_yet", f"at ({then}) is after now ({now})", "GET /api/v1/state tells of now")
        views = await past.at(then, site)
        parts = []
        for start in range(0, len(views), ENCODE_AT_ONCE):
            parts.append(_encoder.encode(views[start : start + ENCODE_AT_ONCE])[1:-1])
            await services.clock.sleep(0)
        head = {
            "at": then,
            "as_of": then,
            "cursor": "",
            "earliest": await book.earliest(),
            "alarms": await _alarms(services, then, site),
        }
        body = _encoder.encode(head)[:-1] + b',"entities":[' + b",".join(parts) + b"]}"
        return Response(body, media_type="application/json")


async def _alarms(services: Services, at: int, site: str | None) -> list[AlarmView]:
    """Those that were active at that instant, in the state they had then, the most urgent first."""
    await services.alarms.flush()
    book = services.alarm_book
    stored = [alarm for alarm in await book.active() if alarm.since <= at] + await book.at(at)
    deeds = await book.deeds([alarm.id for alarm in stored])
    of_site = [shown for alarm in stored if _is_of(shown := view_at(alarm, at, deeds, services.alarms.name_of), site)]
    return sorted(of_site, key=lambda alarm: (alarm.priority, -alarm.since))


async def _begun(services: Services, since: int, until: int, site: str | None) -> list[AlarmView]:
    """Alarms that began in the period, as far as they are remembered."""
    await services.alarms.flush()
    found = [*services.alarms.active(), *(view(alarm) for alarm in await services.alarm_book.ended(ALARMS_MAX))]
    return [alarm for alarm in found if since <= alarm.since < until and _is_of(alarm, site)]


def _is_of(alarm: AlarmView, site: str | None) -> bool:
    return site is None or alarm.source == site or alarm.source.startswith(f"{site}/")


def _add_activity(router: APIRouter, services: Services) -> None:
    assert services.features is not None
    journal, book, state_log = (
        services.features.journal,
        services.features.state_book,
        services.features.state_log,
    )

    @router.get(
        "/api/v1/past/activity",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_BARS}}}},
    )
    async def activity(
        site: Annotated[str | None, Query(max_length=32)] = None,
        from_: Annotated[Text, Query(alias="from", description="ms, or ISO 8601 with zone; a day before `to`")] = None,
        to: Annotated[Text, Query(description="not included; now")] = None,
        step: Annotated[int, Query(ge=STEP_MIN_S, le=86_400, description="seconds of each bar")] = 600,
    ) -> Response:
        """How much happened in each step of the past, for the bars of the time machine. Quiet steps are left out."""
        since, until = parse_period(from_, to, services.clock.now_ms())
        step_ms = step * 1000
        if (until - since) / step_ms > BARS_MAX:
            raise ApiError(
                422, "too_many_bars", f"more than {BARS_MAX} bars", f"step={-(-(until - since) // BARS_MAX // 1000)}"
            )
        await state_log.flush()
        changes = await book.activity(since, until, step_ms, site)
        notes = await journal.activity(since, until, step_ms, site)
        alarms = Counter((alarm.since - since) // step_ms for alarm in await _begun(services, since, until, site))
        bars = sorted({*changes, *notes, *alarms})
        rows = [[since + bar * step_ms, changes.get(bar, 0), notes.get(bar, 0), alarms.get(bar, 0)] for bar in bars]
        return json_answer(
            {"from": since, "to": until, "step_s": step, "columns": EXAMPLE_BARS["columns"], "rows": rows}
        )


def _add_timeline(router: APIRouter, services: Services) -> None:
    assert services.features is not None
    timeline = services.features.timeline

    @router.get(
        "/api/v1/timeline",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_TIMELINE}}}},
    )
    async def of(
        entity: Annotated[str, Query(min_length=3, max_length=100, description="site/kind:id or site/device")],
        from_: Annotated[Text, Query(alias="from", description="ms, or ISO 8601 with zone; a day before `to`")] = None,
        to: Annotated[Text, Query(description="not included; now")] = None,
        limit: Annotated[int, Query(ge=1, le=2_000)] = 200,
    ) -> Response:
        """What happened to a thing, device or gateway, newest last: its journal, changes of its state, its alarms and
        what was done to them, events of its devices.

        The newest `limit` of the period; with `next`, older ones are got by the same question with `to` = `next`.
        """
        since, until = parse_period(from_, to, services.clock.now_ms())
        part = await timeline.of(entity, since, until, limit)
        entries = [entry._asdict() for entry in part.entries]
        return json_answer({"entity": entity, "from": since, "to": until, "entries": entries, "next": part.next})
