"""How well requests are served: times to acknowledge, assign and arrive, breaches, and what is on time.

Every figure says on how many requests it stands. Without any it is None, never zero.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cloud.dispatch.contract import Measured, RoomSharing
from cloud.dispatch.request import SENT, TIERS, TRAVELS, Request

STEPS = ("acknowledge", "assign", "arrive")
DISPATCH_BEFORE_S, DISPATCH_COMPOUND_S = 900.0, 30.0
GATE_BEFORE_S, GATE_COMPOUND_S = 180.0, 8.0
ROOM_BEFORE_S, ROOM_COMPOUND_S = 1800.0, 300.0
ROOMS_COMPOUND, UNITS_COMPOUND = 15, 72
"""What a real compound of this kind reports, before and after it began to dispatch with software."""

Numbers = Sequence[float]


def quantile(numbers: Numbers, share: float) -> float | None:
    """By linear interpolation; None of nothing."""
    if not numbers:
        return None
    ordered = sorted(numbers)
    at = (len(ordered) - 1) * share
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (ordered[high] - ordered[low]) * (at - low), 1)


def took_s(request: Request, step: str) -> float | None:
    """Seconds from filing (arrival of a booked request: from its window's beginning) to the step; None when not done.

    A request that had to be approved first is counted from its approval.
    """
    clock = request.clocks.get(step)
    if clock is None or clock.done_at is None or (step == "arrive" and request.kind not in TRAVELS):
        return None
    start = request.created_at
    if step == "arrive" and request.tier != "real_time":
        start = min(clock.done_at, request.window.earliest)
    elif step == "assign":
        start = clock.started_at
    return (clock.done_at - start) / 1000


def breached(request: Request, step: str) -> bool | None:
    """Whether a step was late; None when it has no clock, or ended before that was decided."""
    clock = request.clocks.get(step)
    if clock is None:
        return None
    if clock.done_at is not None:
        return clock.done_at > clock.due_at
    return True if clock.step >= 100 else None


def on_time(requests: Iterable[Request]) -> Measured:
    """Share of arrivals that were not late; an arrival that is overdue counts as late already."""
    seen = [late for each in requests if (late := breached(each, "arrive")) is not None]
    return Measured(round(1 - sum(seen) / len(seen), 4), len(seen)) if seen else Measured(None, 0)


def dispatch_s(requests: Iterable[Request]) -> Measured:
    """Median seconds from filing to a vehicle being chosen, of real-time requests."""
    numbers = [
        seconds
        for each in requests
        if each.kind == "vehicle" and each.tier == "real_time" and (seconds := took_s(each, "assign")) is not None
    ]
    return Measured(quantile(numbers, 0.5), len(numbers))


def filing_s(requests: Iterable[Request]) -> Measured:
    """Median seconds from opening the form to filing."""
    numbers = [(r.created_at - r.opened_at) / 1000 for r in requests if r.opened_at is not None]
    return Measured(quantile([number for number in numbers if number >= 0], 0.5), len(numbers))


def stars(requests: Iterable[Request]) -> Measured:
    """Mean rating."""
    found = [r.rating.stars for r in requests if r.rating is not None]
    return Measured(round(sum(found) / len(found), 2), len(found)) if found else Measured(None, 0)


def tables(requests: Sequence[Request], zone: ZoneInfo) -> dict[str, list[dict[str, Any]]]:
    """Rows by tier, kind, unit and hour of filing."""

    def hour(request: Request) -> str:
        moment = datetime.fromtimestamp(request.created_at / 1000, UTC).astimezone(zone)
        return f"{moment.hour:02d}"

    return {
        "tier": _rows(requests, lambda request: request.tier, TIERS),
        "kind": _rows(requests, lambda request: request.kind),
        "unit": _rows(requests, lambda request: request.requester.unit),
        "hour": _rows(requests, hour),
    }


def headline(
    requests: Sequence[Request], gate: Measured, room: Measured, sharing: RoomSharing
) -> dict[str, dict[str, Any]]:
    """The figures that a compound is asked for, beside those of a real one."""
    share = on_time(requests)
    return {
        "dispatch_s": _against(dispatch_s(requests), DISPATCH_BEFORE_S, DISPATCH_COMPOUND_S),
        "gate_passage_s": _against(gate, GATE_BEFORE_S, GATE_COMPOUND_S),
        "room_booking_s": _against(room, ROOM_BEFORE_S, ROOM_COMPOUND_S),
        "on_time_share": {"value": share.value, "n": share.n},
        "rooms_shared": {
            "rooms": sharing.rooms or None,
            "units": sharing.units or None,
            "n": sharing.bookings,
            "compound": {"rooms": ROOMS_COMPOUND, "units": UNITS_COMPOUND},
        },
        "filing_s": _plain(filing_s(requests)),
        "rating": _plain(stars(requests)),
        "requests": {"value": len(requests), "n": len(requests)},
        "open": {"value": sum(request.open for request in requests), "n": len(requests)},
        "overrides": _overrides(requests),
    }


def _overrides(requests: Sequence[Request]) -> dict[str, Any]:
    """How often somebody else was sent than was suggested."""
    chosen = [r.assigned for r in requests if r.assigned is not None and r.assigned.suggested and r.kind in SENT]
    other = sum(each.suggested != each.resource for each in chosen)
    return {"value": other if chosen else None, "n": len(chosen)}


def _against(measured: Measured, before: float, compound: float) -> dict[str, Any]:
    return {"value": measured.value, "n": measured.n, "before": before, "compound": compound}


def _plain(measured: Measured) -> dict[str, Any]:
    return {"value": measured.value, "n": measured.n}


def _rows(
    requests: Sequence[Request], group: Callable[[Request], str], names: Sequence[str] = ()
) -> list[dict[str, Any]]:
    groups: dict[str, list[Request]] = {name: [] for name in names}
    for request in requests:
        groups.setdefault(group(request), []).append(request)
    return [_row(name, found) for name, found in (groups.items() if names else sorted(groups.items()))]


def _row(name: str, requests: Sequence[Request]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "requests": len(requests)}
    for step in STEPS:
        numbers = [seconds for each in requests if (seconds := took_s(each, step)) is not None]
        decided = [late for each in requests if (late := breached(each, step)) is not None]
        row[step] = {
            "n": len(numbers),
            "p50": quantile(numbers, 0.5),
            "p95": quantile(numbers, 0.95),
            "breaches": sum(decided) if decided else None,
            "decided": len(decided),
        }
    share = on_time(requests)
    return row | {"on_time_share": share.value, "on_time_n": share.n, "by_status": _by_status(requests)}


def _by_status(requests: Sequence[Request]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for request in requests:
        found[request.status] = found.get(request.status, 0) + 1
    return found
