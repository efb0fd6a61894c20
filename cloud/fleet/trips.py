"""Trips and stops, by how far a vehicle is from where it stood, never by its speed (which noise has too).

stopped -> moving: a fix at least 200 m from the stop; the trip began where the vehicle was last near it.
moving -> stopped: all fixes of the last 180 s (60 s with the ignition off) lie within 200 m; the stop began where it
came to rest. No fix for an hour: the vehicle stood where it was last; when it is far away afterwards, what lies
between is a trip of which only the ends are known (a *gap*).
"""

from typing import NamedTuple

import msgspec

from cloud.fleet.fixes import Fix
from cloud.fleet.mileage import NONE, Totals
from cloud.fleet.settings import FleetSettings
from cloud.geo.earth import Spot, distance_m

THIN_MS = 3000
"""Of the fixes since the last 200 m, one in so long is kept."""
MEAN_OF = 300
REST_S = 300.0
"""Where a vehicle stands is the mean of its fixes, in which one of so long ago counts little."""
CONFIRM_MS = 60_000
"""One fix that is far away begins no trip while the next one is due within so long."""


class Mark(NamedTuple):
    """A fix and how far the vehicle had gone by then."""

    at: int
    spot: Spot
    totals: Totals


class Stay(NamedTuple):
    """A stop that ended."""

    since: Mark
    until: Mark


class Trip(NamedTuple):
    """A trip that ended. gap: only its ends are known."""

    start: Mark
    end: Mark
    totals: Totals
    max_kmh: float
    gap: bool


class Began(NamedTuple):
    """A trip began, at a fix of before."""

    start: Mark


Happening = Stay | Trip | Began


class Journey(msgspec.Struct, frozen=True):
    """Where the vehicle is between its stops. None of it is known before the first fix.

    since: the beginning of this stop or trip. rest: where it stands, the mean of ``rest_of`` fixes. near: the last fix
    close to it. aside: where it may stand now, less than a trip away. far: the first fix that is a trip away.
    recent: while moving, the fixes within 200 m of the newest. carried: what the trip added on days before. resumed:
    the first fix after a silence in which the trip might have ended, or all of it happened.
    """

    moving: bool = False
    since: Mark | None = None
    last: Mark | None = None
    rest: Spot | None = None
    rest_of: int = 0
    near: Mark | None = None
    aside: Mark | None = None
    far: Mark | None = None
    recent: tuple[Mark, ...] = ()
    max_kmh: float = 0.0
    carried: Totals = NONE
    resumed: int | None = None

    @property
    def driving(self) -> bool:
        """On a trip, and seen to go on with it since it was last silent for long."""
        return self.moving and (self.resumed is None or not self.recent or self.recent[0].at > self.resumed)


def move(journey: Journey, fix: Fix, totals: Totals, settings: FleetSettings) -> tuple[Journey, tuple[Happening, ...]]:
    """Take an accepted fix."""
    mark = Mark(fix.at, fix.spot, totals)
    if journey.since is None or journey.last is None:
        return _standing(mark, mark, fix.spot), ()
    before: tuple[Happening, ...] = ()
    if journey.moving and fix.at - journey.last.at > settings.stop_gap_s * 1000:
        journey, before = rest(journey)
    if journey.moving:
        after, happened = _on_the_way(journey, mark, fix, settings)
    else:
        after, happened = _at_rest(journey, mark, fix, settings)
    return after, before + happened if before else happened


def stands(journey: Journey, fix: Fix, settings: FleetSettings) -> Spot | None:
    """Where the vehicle stands when this fix comes; None on a trip, also on one of which only the ends are known."""
    if journey.moving or journey.rest is None or journey.last is None:
        return None
    silent = fix.at - journey.last.at > settings.stop_gap_s * 1000
    return None if silent and distance_m(journey.rest, fix.spot) >= settings.trip_distance_m else journey.rest


def steady(journey: Journey, fix: Fix, settings: FleetSettings) -> Fix:
    """The fix as fences should see it: a vehicle that stands is where the mean of its fixes is."""
    if journey.moving or journey.rest is None or distance_m(journey.rest, fix.spot) >= settings.rest_radius_m:
        return fix
    return fix._replace(spot=journey.rest)


def rest(journey: Journey) -> tuple[Journey, tuple[Happening, ...]]:
    """Nothing was heard for too long: the trip ended at its last fix."""
    last, start = journey.last, journey.since
    assert last is not None
    assert start is not None
    trip = Trip(start, last, _gone(journey, last), journey.max_kmh, False)
    return _standing(last, last, last.spot), (trip,)


def rest_due(journey: Journey, settings: FleetSettings) -> int | None:
    """When ``rest`` is to be called unless a fix comes before."""
    if not journey.moving or journey.last is None:
        return None
    return journey.last.at + int(settings.stop_gap_s * 1000) + 1


def next_day(journey: Journey, totals: Totals) -> Journey:
    """Midnight: totals begin at nothing again, marks of before count from there (and may be negative)."""
    if journey.since is None:
        return journey

    def shift(mark: Mark | None) -> Mark | None:
        return None if mark is None else Mark(mark.at, mark.spot, mark.totals.since(totals))

    return msgspec.structs.replace(
        journey,
        since=shift(journey.since),
        last=shift(journey.last),
        near=shift(journey.near),
        aside=shift(journey.aside),
        far=shift(journey.far),
        recent=tuple(Mark(mark.at, mark.spot, mark.totals.since(totals)) for mark in journey.recent),
    )


def _standing(since: Mark, last: Mark, spot: Spot) -> Journey:
    return Journey(False, since, last, spot, 1, last)


def _gone(journey: Journey, until: Mark) -> Totals:
    assert journey.since is not None
    return journey.carried.plus(until.totals.since(journey.since.totals))


def _at_rest(journey: Journey, mark: Mark, fix: Fix, settings: FleetSettings) -> tuple[Journey, tuple[Happening, ...]]:
    since, last, spot, near = journey.since, journey.last, journey.rest, journey.near
    assert since is not None
    assert last is not None
    assert spot is not None
    assert near is not None
    away_m = distance_m(spot, fix.spot)
    if away_m < settings.rest_radius_m:
        share = max(1 / (journey.rest_of + 1), min(1.0, (mark.at - last.at) / 1000 / REST_S))
        spot = _toward(spot, fix.spot, share)
        return Journey(False, since, mark, spot, min(journey.rest_of + 1, MEAN_OF), mark), ()
    if away_m < settings.trip_distance_m:
        return _nearby(journey, mark, settings), ()
    silent_ms = mark.at - last.at
    if silent_ms > settings.stop_gap_s * 1000:
        trip = Trip(last, mark, mark.totals.since(last.totals), fix.speed_kmh or 0.0, True)
        return _standing(mark, mark, fix.spot), (Stay(since, last), trip)
    if journey.far is None and (silent_ms <= CONFIRM_MS or fix.ignition is False):
        return msgspec.structs.replace(journey, last=mark, far=mark), ()
    found = journey.far or mark
    before = last if journey.far is None else near
    # Silent for long enough to drive there and park: where it was between is not known, nor that it drives now.
    resumed = found.at if found.at - before.at >= settings.stop_duration_s * 1000 else None
    recent = _within((near, mark) if journey.far is None else (near, journey.far, mark), mark, settings)
    moving = Journey(True, near, mark, recent=recent, max_kmh=fix.speed_kmh or 0.0, resumed=resumed)
    return moving, (Stay(since, near), Began(near))


def _nearby(journey: Journey, mark: Mark, settings: FleetSettings) -> Journey:
    """Away from where it stood, but by less than a trip: a vehicle that was shunted stands at the new place."""
    aside = journey.aside
    if aside is None or distance_m(aside.spot, mark.spot) >= settings.rest_radius_m:
        return msgspec.structs.replace(journey, last=mark, aside=mark, far=None)
    if mark.at - aside.at < settings.stop_duration_s * 1000:
        return msgspec.structs.replace(journey, last=mark, far=None)
    return Journey(False, journey.since, mark, mark.spot, 1, mark)


def _on_the_way(
    journey: Journey, mark: Mark, fix: Fix, settings: FleetSettings
) -> tuple[Journey, tuple[Happening, ...]]:
    recent = journey.recent
    if not recent or mark.at - recent[-1].at >= THIN_MS:
        recent = (*recent, mark)
    if distance_m(recent[0].spot, fix.spot) >= settings.trip_distance_m:
        recent = _within(recent, mark, settings)
    needed_s = settings.stop_duration_ignition_off_s if fix.ignition is False else settings.stop_duration_s
    max_kmh = max(journey.max_kmh, fix.speed_kmh or 0.0)
    assert journey.since is not None
    assert journey.last is not None
    silent = mark.at - journey.last.at >= settings.stop_duration_s * 1000
    resumed = mark.at if silent else journey.resumed
    if mark.at - recent[0].at < needed_s * 1000:
        since, carried = journey.since, journey.carried
        return Journey(True, since, mark, None, 0, None, None, None, recent, max_kmh, carried, resumed), ()
    spot, arrived = _arrival(recent, settings)
    trip = Trip(journey.since, arrived, _gone(journey, arrived), max_kmh, False)
    return _standing(arrived, mark, spot), (trip,)


def _within(recent: tuple[Mark, ...], newest: Mark, settings: FleetSettings) -> tuple[Mark, ...]:
    """The last ones in a row that lie within a trip's distance of the newest; the newest at least."""
    first = len(recent)
    while first and distance_m(recent[first - 1].spot, newest.spot) < settings.trip_distance_m:
        first -= 1
    return recent[first:] or (newest,)


def _arrival(recent: tuple[Mark, ...], settings: FleetSettings) -> tuple[Spot, Mark]:
    """Where the vehicle came to rest, and the first fix from which on it was there."""
    late = recent[-max(1, len(recent) // 3) :]
    spot = late[0].spot
    for count, mark in enumerate(late[1:], 1):
        spot = _toward(spot, mark.spot, 1 / (count + 1))
    first = len(recent) - 1
    while first and distance_m(recent[first - 1].spot, spot) < settings.rest_radius_m:
        first -= 1
    return spot, recent[first]


def _toward(spot: Spot, other: Spot, share: float) -> Spot:
    return Spot(
        spot.latitude + (other.latitude - spot.latitude) * share,
        spot.longitude + (other.longitude - spot.longitude) * share,
    )
