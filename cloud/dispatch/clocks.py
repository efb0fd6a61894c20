"""The clocks of a request: when each starts, when it is due, when it stops, and how far it has run.

All pure, in wall time that is written down with the request: a collector that was away finds every clock where it
would be had it stayed.
"""

import msgspec

from cloud.dispatch.request import SENT, TRAVELS, ClockState, Request
from cloud.dispatch.settings import DispatchSettings, Ladder

NAMES = ("acknowledge", "approve", "assign", "arrive")
SHORTEST_MS = 60_000
ON_THE_MINUTE_MS = 15 * 60_000
"""How long before the appointed minute the clock of an arrival runs when the window has no length."""


def begun(request: Request, settings: DispatchSettings) -> dict[str, ClockState]:
    """The clocks of a request that was just filed."""
    at, limits = request.created_at, settings.tiers.of(request.tier)
    clocks = {"acknowledge": _from(at, limits.acknowledge_s)}
    if request.approval.due_at is not None:
        clocks["approve"] = ClockState(at, request.approval.due_at)
    if request.kind in SENT and request.status != "awaiting_approval":
        clocks["assign"] = assign_clock(request, at, settings)
    if request.kind in TRAVELS and request.tier != "real_time":
        window = request.window
        start = window.earliest if window.latest > window.earliest else window.latest - ON_THE_MINUTE_MS
        clocks["arrive"] = ClockState(max(at, start), max(window.latest, at + SHORTEST_MS))
    return clocks


def assign_clock(request: Request, at: int, settings: DispatchSettings) -> ClockState:
    """Somebody must be chosen in time for the tier, and before the window begins."""
    limit = at + round(settings.tiers.of(request.tier).assign_s * 1000)
    if request.tier != "real_time":
        limit = min(limit, max(request.window.earliest, at + SHORTEST_MS))
    return ClockState(at, limit)


def after(request: Request, action: str, at: int, settings: DispatchSettings) -> dict[str, ClockState]:
    """The clocks after an action. ``request`` is as the action left it."""
    clocks = dict(request.clocks)
    if action in ("acknowledge", "approve", "refuse", "assign", "finish"):
        _stop(clocks, "acknowledge", at)
    if action in ("approve", "refuse"):
        _stop(clocks, "approve", at)
    asks_anew = action == "approve" and request.status == "waiting" and "assign" not in clocks
    if request.kind in SENT and (asks_anew or action == "release"):
        clocks["assign"] = assign_clock(request, at, settings)
    if action == "release" and request.tier == "real_time":
        clocks.pop("arrive", None)
    if action == "assign":
        _stop(clocks, "assign", at)
    if action in ("assign", "reassign") and request.kind in TRAVELS:
        _expect(request, clocks, at, settings)
    if action == "arrive":
        _stop(clocks, "arrive", at)
    return clocks


def running(request: Request) -> dict[str, ClockState]:
    """The clocks that still count. Of an ended request only that of a late approval does."""
    pending = request.approval.state == "pending"
    counts = NAMES if request.open else ("approve",) if pending and request.status == "done" else ()
    return {name: clock for name, clock in request.clocks.items() if clock.done_at is None and name in counts}


def percent(clock: ClockState, now: int) -> int:
    """How far it has run; above 100 when it is late, 0 before its start."""
    length = max(1, clock.due_at - clock.started_at)
    return max(0, (now - clock.started_at) * 100 // length)


def step_of(clock: ClockState, now: int, ladder: Ladder) -> int:
    """The rung of the ladder: 0, 50 (colour), 80 (note) or 100 (alarm). Never goes down."""
    run = percent(clock, now)
    rung = 100 if run >= 100 else 80 if run >= ladder.note else 50 if run >= ladder.colour else 0
    return max(rung, clock.step)


def escalated(clock: ClockState, now: int, ladder: Ladder) -> bool:
    """Late by so much that somebody above must know."""
    return percent(clock, now) >= ladder.escalate


def stepped(request: Request, now: int, ladder: Ladder) -> Request:
    """The request with its clocks at the rungs they have reached; the same object when nothing moved."""
    changed = {
        name: msgspec.structs.replace(clock, step=step)
        for name, clock in running(request).items()
        if (step := step_of(clock, now, ladder)) != clock.step
    }
    return msgspec.structs.replace(request, clocks={**request.clocks, **changed}) if changed else request


def worst(request: Request, now: int) -> tuple[str, ClockState] | None:
    """The running clock that is nearest to its end or furthest beyond it."""
    clocks = running(request)
    if not clocks:
        return None
    name = max(clocks, key=lambda each: (percent(clocks[each], now), -NAMES.index(each)))
    return name, clocks[name]


def _expect(request: Request, clocks: dict[str, ClockState], at: int, settings: DispatchSettings) -> None:
    """A real-time request has no window: it is late when who was sent is later than estimated."""
    if request.tier != "real_time" or request.assigned is None or request.assigned.eta_s is None:
        return
    clocks["arrive"] = ClockState(at, at + round((request.assigned.eta_s + settings.arrive_slack_s) * 1000))


def _from(at: int, seconds: float) -> ClockState:
    return ClockState(at, at + round(seconds * 1000))


def _stop(clocks: dict[str, ClockState], name: str, at: int) -> None:
    clock = clocks.get(name)
    if clock is not None and clock.done_at is None:
        clocks[name] = msgspec.structs.replace(clock, done_at=at, step=100 if at > clock.due_at else clock.step)
