"""Positions: put together from what devices say, and rid of those that cannot be.

Only what was said counts, never when it came: stepping the same samples in the order of their times gives the same.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from cloud.fleet.settings import FleetSettings
from cloud.geo.earth import Spot, distance_m

POSITION, ODOMETER, IGNITION, READER = "position", "odometer", "ignition", "reader"
RANK = {IGNITION: 0, ODOMETER: 1, READER: 2, POSITION: 3}
"""Within one instant a position comes last, so that it knows the rest."""

POINTS: dict[str, tuple[str, ...]] = {
    POSITION: ("latitude", "longitude", "accuracy_m", "speed_kmh", "course_deg", "odometer_km", "ignition"),
    ODOMETER: ("odometer_km",),
    IGNITION: ("ignition",),
}
"""What is used of a device, by what it tells about the vehicle."""

KEPT_S = 600.0
"""A point that a device left out (it did not change) holds so long."""
IGNITION_KEPT_S = 3600.0
ZERO_DEG = 0.001
SPIKE_M, SPIKE_BACK_M, SPIKE_S = 50.0, 25.0, 60.0


class Sample(NamedTuple):
    """What one device of a vehicle said at one instant; ``card`` for a card held to its reader."""

    at: int
    role: str
    device: str
    points: Mapping[str, float | None]
    received_at: int
    card: str = ""
    quality: str = "good"
    """Of its position; shown, and nothing is decided by it."""

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Samples are stepped by this."""
        return self.at, RANK[self.role], self.device, self.card


class Fix(NamedTuple):
    """Where a vehicle was. odometer_km: of the vehicle itself; device_km: counted by the tracker."""

    at: int
    spot: Spot
    accuracy_m: float | None = None
    speed_kmh: float | None = None
    course_deg: float | None = None
    ignition: bool | None = None
    odometer_km: float | None = None
    device_km: float | None = None


class Held(NamedTuple):
    """The last value of a point."""

    value: float
    at: int


class Heard(msgspec.Struct, frozen=True):
    """What devices of the vehicle said last: ``points`` at ``at``, and of before what was left out then."""

    points: dict[str, float] = {}
    at: int = 0
    before: dict[str, Held] = {}
    odometer: Held | None = None
    ignition: Held | None = None


class Counts(NamedTuple):
    """Fixes of the day, and how many were left out and why."""

    fixes: int = 0
    zero: int = 0
    duplicate: int = 0
    inaccurate: int = 0
    jump: int = 0


class Cleaner(msgspec.Struct, frozen=True):
    """``last`` was accepted; ``held`` is too far from it and waits for the next one."""

    last: Fix | None = None
    held: Fix | None = None
    counts: Counts = Counts()


def hear(heard: Heard, sample: Sample) -> tuple[Heard, Fix | None]:
    """Take a sample; the fix it makes, if it makes one."""
    at, said = sample.at, sample.points
    if sample.role == ODOMETER:
        value = said.get("odometer_km")
        return (heard if value is None else msgspec.structs.replace(heard, odometer=Held(value, at))), None
    if sample.role == IGNITION:
        value = said.get("ignition")
        return (heard if value is None else msgspec.structs.replace(heard, ignition=Held(value, at))), None
    points = {name: value for name, value in said.items() if value is not None}
    before = heard.before
    if before or heard.points.keys() - said.keys():
        older = {name: Held(value, heard.at) for name, value in heard.points.items()}
        before = {name: held for name, held in {**before, **older}.items() if name not in said}
    after = Heard(points, at, before, heard.odometer, heard.ignition)
    if "latitude" not in said and "longitude" not in said:
        return after, None
    latitude, longitude = _kept(after, "latitude"), _kept(after, "longitude")
    if latitude is None or longitude is None:
        return after, None
    ignition = _value(heard.ignition, at, IGNITION_KEPT_S)
    if ignition is None:
        ignition = _kept(after, "ignition", IGNITION_KEPT_S)
    fix = Fix(
        at,
        Spot(latitude, longitude),
        _kept(after, "accuracy_m"),
        _kept(after, "speed_kmh"),
        _kept(after, "course_deg"),
        None if ignition is None else ignition > 0,
        _value(heard.odometer, at, KEPT_S),
        _kept(after, "odometer_km"),
    )
    return after, fix


def fault_of(fix: Fix, received_at: int, settings: FleetSettings) -> str:
    """What is wrong with a fix by itself: ``zero``, ``future``, ``inaccurate``; empty when nothing is."""
    latitude, longitude = fix.spot
    if abs(latitude) < ZERO_DEG and abs(longitude) < ZERO_DEG:
        return "zero"
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return "zero"
    if fix.at > received_at + settings.future_max_s * 1000:
        return "future"
    if fix.accuracy_m is not None and not 0 <= fix.accuracy_m <= settings.accuracy_max_m:
        return "inaccurate"
    return ""


def clean(cleaner: Cleaner, fix: Fix, received_at: int, settings: FleetSettings) -> tuple[Cleaner, tuple[Fix, ...]]:
    """Take the next fix; those that are accepted now, in order (a held one may come with it, or none)."""
    counts = cleaner.counts
    fault = fault_of(fix, received_at, settings)
    if fault == "future":
        return cleaner, ()
    if not fault and _is_repeated(cleaner, fix):
        fault = "duplicate"
    if fault:
        more = counts._replace(**{fault: getattr(counts, fault) + 1})
        return Cleaner(cleaner.last, cleaner.held, more), ()
    last, held = cleaner.last, cleaner.held
    if held is None:
        if last is None or not _is_doubtful(last, fix, settings):
            return Cleaner(fix, None, counts._replace(fixes=counts.fixes + 1)), (fix,)
        return Cleaner(last, fix, counts), ()
    assert last is not None
    if _stands_alone(last, held, fix, settings):
        counts = counts._replace(jump=counts.jump + 1)
        accepted: tuple[Fix, ...] = ()
    else:
        accepted, last = (held,), held
    if _is_doubtful(last, fix, settings):
        return Cleaner(last, fix, counts._replace(fixes=counts.fixes + len(accepted))), accepted
    accepted = (*accepted, fix)
    return Cleaner(fix, None, counts._replace(fixes=counts.fixes + len(accepted))), accepted


def _is_repeated(cleaner: Cleaner, fix: Fix) -> bool:
    before = cleaner.held or cleaner.last
    return before is not None and fix.at <= before.at


def _is_doubtful(last: Fix, fix: Fix, settings: FleetSettings) -> bool:
    """Too far from the one before to be believed without the next one."""
    far_m = distance_m(last.spot, fix.spot)
    passed_s = (fix.at - last.at) / 1000
    if far_m > settings.speed_max_m_s * max(passed_s, 1.0):
        return True
    # A receiver that does not say how good it is: a single one that jumps away and back is not believed either.
    return fix.accuracy_m is None and far_m > SPIKE_M and passed_s <= SPIKE_S


def _stands_alone(last: Fix, held: Fix, fix: Fix, settings: FleetSettings) -> bool:
    before_s, after_s = max((held.at - last.at) / 1000, 1.0), max((fix.at - held.at) / 1000, 1.0)
    before_m, after_m = distance_m(last.spot, held.spot), distance_m(held.spot, fix.spot)
    if before_m > settings.speed_max_m_s * before_s:
        return after_m > settings.speed_max_m_s * after_s
    return after_s <= SPIKE_S and after_m > SPIKE_M and distance_m(last.spot, fix.spot) <= SPIKE_BACK_M


def _kept(heard: Heard, name: str, kept_s: float = KEPT_S) -> float | None:
    value = heard.points.get(name)
    return value if value is not None else _value(heard.before.get(name), heard.at, kept_s)


def _value(held: Held | None, at: int, kept_s: float) -> float | None:
    return held.value if held is not None and at - held.at <= kept_s * 1000 else None
