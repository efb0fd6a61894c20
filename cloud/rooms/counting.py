"""How much a room is used: share of the hours in which it may be booked, by room and by unit.

used: somebody is there, or signed in where no sensor can tell; booked: it was taken and neither cancelled nor released;
known: it is known whether somebody is there. Where a sensor is bound the share is used / known, so that a silent sensor
makes a room neither empty nor full; without one nobody knows, and the share is booked / open.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cloud.assets.contract import Calendar
from cloud.rooms.booking import Booking
from cloud.rooms.room_day import IN_USE, OVERRUN, RoomDay

OPEN_HOURS = ("workday 08:00-18:00",)
STEP_MS = 300_000
COVERAGE_MIN = 0.5
DAYS_MIN = 5
"""A room of which less is known is not judged."""


class UnitCount(msgspec.Struct, kw_only=True):
    """What one unit did with a room on a day. Milliseconds."""

    bookings: int = 0
    booked_ms: int = 0
    used_ms: int = 0
    no_shows: int = 0


class RoomCount(msgspec.Struct, kw_only=True):
    """One day of a room, in the hours in which it may be booked. Milliseconds."""

    open_ms: int = 0
    known_ms: int = 0
    used_ms: int = 0
    booked_ms: int = 0
    bookings: int = 0
    no_shows: int = 0
    sensed: bool = False
    units: dict[str, UnitCount] = {}


class Use(NamedTuple):
    """Share of use of a room over some days; None when too little is known. basis: ``presence`` or ``bookings``."""

    share: float | None
    basis: str
    coverage: float | None
    days: int


def count_day(
    day: RoomDay,
    bookings: Sequence[Booking],
    calendar: Calendar,
    site: str,
    schedule: Sequence[str],
    since: int,
    until: int,
    *,
    sensed: bool,
) -> RoomCount:
    """Count [since, until) of a day that was worked out."""
    hours = open_hours(calendar, site, schedule, since, until)
    used = [(span.since, span.until) for span in day.spans if span.state in (IN_USE, OVERRUN)]
    known = [(span.since, span.until) for span in day.presence if span.present is not None]
    held = [each for each in bookings if each.holds]
    counted = RoomCount(
        open_ms=_overlap(hours, [(since, until)]),
        known_ms=_overlap(hours, known),
        used_ms=_overlap(hours, used),
        booked_ms=_overlap(hours, [(each.from_at, each.ends_at) for each in held]),
        sensed=sensed,
    )
    for each in held:
        if not since <= each.from_at < until:
            continue
        outcome = day.outcomes.get(each.id)
        missed = each.released_at is not None or (
            outcome is not None and _nobody_came(outcome.absent_since, outcome.came_at)
        )
        unit = counted.units.setdefault(each.unit, UnitCount())
        unit.bookings += 1
        unit.booked_ms += each.ends_at - each.from_at
        unit.used_ms += outcome.used_ms if outcome else 0
        unit.no_shows += missed
        counted.bookings += 1
        counted.no_shows += missed
    return counted


def _nobody_came(absent_since: int | None, came_at: int | None) -> bool:
    return absent_since is not None and came_at is None


def open_hours(calendar: Calendar, site: str, schedule: Sequence[str], since: int, until: int) -> list[tuple[int, int]]:
    """When a room may be booked, to five minutes."""
    found: list[tuple[int, int]] = []
    for at in range(since, until, STEP_MS):
        if calendar.within(site, at, schedule):
            end = min(at + STEP_MS, until)
            if found and found[-1][1] == at:
                found[-1] = (found[-1][0], end)
            else:
                found.append((at, end))
    return found


def use_of(days: Iterable[RoomCount]) -> Use:
    """Over some days."""
    counted = [day for day in days if day.open_ms]
    open_ms = sum(day.open_ms for day in counted)
    if not open_ms:
        return Use(None, "", None, 0)
    if any(day.sensed for day in counted):
        known = sum(day.known_ms for day in counted)
        share = sum(day.used_ms for day in counted) / known if known else None
        coverage = known / open_ms
        return Use(min(1.0, share) if share is not None else None, "presence", coverage, len(counted))
    return Use(sum(day.booked_ms for day in counted) / open_ms, "bookings", None, len(counted))


def is_for_evaluation(use: Use, under: float) -> bool:
    """Whether people should ask what the room is for: little used, and enough is known to say so."""
    known = use.coverage is None or use.coverage >= COVERAGE_MIN
    return use.share is not None and use.share < under and known and use.days >= DAYS_MIN


def units_of(days: Iterable[RoomCount]) -> Mapping[str, UnitCount]:
    """Sums by unit."""
    sums: dict[str, UnitCount] = {}
    for day in days:
        for unit, counted in day.units.items():
            known = sums.setdefault(unit, UnitCount())
            known.bookings += counted.bookings
            known.booked_ms += counted.booked_ms
            known.used_ms += counted.used_ms
            known.no_shows += counted.no_shows
    return sums


def _overlap(hours: Sequence[tuple[int, int]], spans: Iterable[tuple[int, int]]) -> int:
    total = 0
    for since, until in spans:
        for opens, closes in hours:
            total += max(0, min(until, closes) - max(since, opens))
    return total
