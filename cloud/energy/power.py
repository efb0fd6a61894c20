"""Meters that only show power: energy by the trapezoid between readings, as long as they are not too far apart."""

import numpy as np

from cloud.energy.contract import MICRO, Doubles, Flag, Longs, Readings, SegmentKind, State, Track
from cloud.energy.eras import Eras
from cloud.energy.follow import usable
from cloud.energy.intervals import MAX_GAP_MS

MILLI = 1000
POWER_MAX = 1e9
"""W, before the multiplier."""
MICRO_KWH = 2 * 3_600_000
"""(mW + mW) x ms in a millionth of a kWh."""


def follow_power(eras: Eras, readings: Readings, state: State, since: int | None, until: int) -> Track:
    """What readings of power (W) in [since, until) come to, going on from ``state``. Beyond ``MAX_GAP_MS`` without a
    reading nothing is known, as nothing counted meanwhile."""
    readings = usable(eras, readings, since, until)
    readings = _plausible(readings)
    milliwatts = np.rint(readings.value * _times(eras, readings.at) * MILLI).astype(np.int64)
    at, marks = readings.at, readings.doubtful
    if state.at is not None:
        later = at > state.at
        at = np.concatenate([[state.at], at[later]])
        milliwatts = np.concatenate([[state.count], milliwatts[later]])
        marks = np.concatenate([np.array([state.marks], np.uint8), marks[later]])
    if not len(at):
        return Track(at, at, marks, marks, marks, (), state)
    length = np.diff(at)
    double = milliwatts[:-1] + milliwatts[1:]
    # Split, so that no product leaves 64 bits.
    micro = double // MICRO_KWH * length + double % MICRO_KWH * length // MICRO_KWH
    unknown = length > MAX_GAP_MS
    kind = np.where(unknown, np.uint8(SegmentKind.UNKNOWN), np.uint8(SegmentKind.KNOWN))
    flags = np.where((marks[:-1] | marks[1:]) > 0, np.uint8(Flag.UNCERTAIN), np.uint8(0))
    flags[unknown] = 0
    after = State(int(at[-1]), int(milliwatts[-1]), int(marks[-1]))
    return Track(at, np.where(unknown, 0, micro), kind, flags, np.zeros(len(length), np.uint8), (), after)


def _times(eras: Eras, at: Longs) -> Doubles:
    """What a watt that is shown counts for at each instant: multiplier and the ratio that was recorded for then."""
    place = np.searchsorted(np.array(eras.starts, np.int64), at, side="right")
    times = [float(era.factor / (era.register.resolution * MICRO)) for era in (eras[n] for n in range(len(eras)))]
    found: Doubles = np.array(times, np.float64)[place]
    return found


def _plausible(readings: Readings) -> Readings:
    """Without what no meter shows, and what would not fit into whole numbers."""
    kept = np.abs(readings.value) < POWER_MAX
    if kept.all():
        return readings
    return Readings(readings.at[kept], readings.value[kept], readings.doubtful[kept], readings.manual[kept])
