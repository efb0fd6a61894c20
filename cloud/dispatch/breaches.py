"""Alarms of clocks that run out: a note at 80 %, an alarm at 100 %, and louder when nobody reacts."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cloud.dispatch import clocks
from cloud.dispatch.contract import Alarms
from cloud.dispatch.request import ClockState, Request
from cloud.dispatch.settings import DispatchSettings

KINDS = ("request_at_risk", "request_overdue", "request_escalated")

STEPS: Mapping[str, tuple[str, str]] = {
    "acknowledge": ("acknowledging it", "受理"),
    "approve": ("approval", "审批"),
    "assign": ("sending somebody", "派出资源"),
    "arrive": ("arrival", "到达"),
}
WHAT_NEXT: Mapping[str, tuple[str, str]] = {
    "acknowledge": ("Open it and acknowledge it.", "请打开并受理。"),
    "approve": ("Approve or refuse it.", "请审批或拒绝。"),
    "assign": (
        "Choose from its suggestion; if all are excluded, call the requester.",
        "请按建议派单；若无可用资源，请联系申请人。",
    ),
    "arrive": (
        "Call {who}; if it will be long, give it to another.",
        "请联系{who}；若仍需较长时间，请改派。",
    ),
}
CALLED: Mapping[str, str] = {"vehicle": "用车", "repair": "维修", "room": "会议室", "guard": "保安", "visitor": "访客"}
"""Kinds of requests, of one that has no title."""


class Breaches:
    """Raises and clears the alarms of requests. ``look`` is called after every change and every tick."""

    def __init__(
        self, alarms: Alarms, settings_of: Callable[[str], DispatchSettings], zone_of: Callable[[str], ZoneInfo]
    ) -> None:
        self._alarms, self._settings_of, self._zone_of = alarms, settings_of, zone_of
        self._raised: dict[str, str] = {}

    def look(self, request: Request, now: int) -> None:
        """Bring the alarm of a request up to date."""
        kind, name, clock = self._wanted(request, now)
        before = self._raised.get(request.entity)
        # After a start it is not known what is raised, so all that should not be is cleared.
        for other in KINDS if before is None else (before,):
            if other != kind:
                self._alarms.clear_alarm(other, request.entity)
        if kind and clock is not None:
            self._raised[request.entity] = kind
            self._alarms.raise_alarm(kind, request.entity, self._args(request, name, clock, now))
        elif request.open:
            self._raised[request.entity] = ""
        else:
            self._raised.pop(request.entity, None)

    def _wanted(self, request: Request, now: int) -> tuple[str, str, ClockState | None]:
        worst = clocks.worst(request, now)
        ladder = self._settings_of(request.site).ladder
        if worst is None or worst[1].step < 80:
            return "", "", None
        name, clock = worst
        if clock.step < 100:
            return "request_at_risk", name, clock
        # Where seconds count nobody waits for twice the time.
        loud = request.emergency or clocks.escalated(clock, now, ladder)
        return ("request_escalated" if loud else "request_overdue"), name, clock

    def _args(
        self, request: Request, name: str, clock: ClockState, now: int
    ) -> dict[str, str | int | float | bool | None]:
        zone = self._zone_of(request.site)
        sent = request.assigned
        who = " ".join(dict.fromkeys(part for part in (sent.driver, sent.name, sent.phone) if part)) if sent else ""
        return {
            "number": request.number,
            "title": request.title or request.kind,
            "unit": request.requester.unit or request.requester.name,
            "place": request.origin.name or "-",
            "filed": _time(request.created_at, now, zone),
            "due": _time(clock.due_at, now, zone),
            # In steps, so that an alarm is not told anew every second.
            "late": _length(max(0, now - clock.due_at)),
            "title_zh": request.title or CALLED.get(request.kind, request.kind),
            "step": name,
            "step_en": STEPS[name][0],
            "step_zh": STEPS[name][1],
            "todo_en": WHAT_NEXT[name][0].format(who=who or "whoever was sent"),
            "todo_zh": WHAT_NEXT[name][1].format(who=who or "所派人员"),
        }


def _time(at: int, now: int, zone: ZoneInfo) -> str:
    """``14:32``, with the date when that is not today's."""
    moment = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    return moment.strftime("%H:%M" if moment.date() == today.date() else "%m-%d %H:%M")


def _length(ms: int) -> str:
    minutes = ms // 60_000
    if minutes < 1:
        return "< 1 min"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
