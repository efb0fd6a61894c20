"""From the drivers to the buffer: the ordered list of what happens to a reading.

A stage takes readings and gives those that go on; it may change or leave out, never add. What comes out of the last
stage counts as produced: from there on every reading is stored, or named in a gap record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite

from edge.deadband import DeadbandStage
from edge.plausible import CounterStage
from edge.retime import Timing
from edge.settings import DeviceSettings
from protocols.reading import Quality, Reading

Stage = Callable[[Sequence[Reading]], Sequence[Reading]]
Onlooker = Callable[[Sequence[Reading]], None]


class Pipeline:
    """The stages, in order, and how many readings went in and came out.

    kinds: of (device, point), what it is (counter, gauge, state) where that is not what the vocabulary says.
    onlookers: get what came out as well; they return at once, never raise, and change nothing.
    """

    def __init__(
        self,
        devices: Iterable[DeviceSettings],
        timing: Timing,
        kinds: Mapping[tuple[str, str], str] | None = None,
        onlookers: Sequence[Onlooker] = (),
    ) -> None:
        self._onlookers = onlookers
        self.stages: tuple[Stage, ...] = (
            be_honest,
            timing.flag,
            CounterStage(kinds),
            DeadbandStage(devices),
            DistinctInstants(),
        )
        self.taken = 0
        self.passed = 0

    def __call__(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        self.taken += len(readings)
        for stage in self.stages:
            readings = stage(readings)
        self.passed += len(readings)
        for look in self._onlookers:
            look(readings)
        return readings


def be_honest(readings: Sequence[Reading]) -> Sequence[Reading]:
    """A bad reading has no value, and a reading without a finite value is bad."""
    for reading in readings:
        value = reading.value
        if (reading.quality is Quality.BAD) is not (value is None) or (value is not None and not isfinite(value)):
            return [_honest(each) for each in readings]
    return readings


def _honest(reading: Reading) -> Reading:
    if reading.quality is Quality.BAD:
        return Reading(reading.device, reading.point, None, reading.observed_at, Quality.BAD, reading.reason)
    if reading.value is None:
        return Reading(reading.device, reading.point, None, reading.observed_at, Quality.BAD, "device_error")
    if not isfinite(reading.value):
        return Reading(reading.device, reading.point, None, reading.observed_at, Quality.BAD, "out_of_range")
    return reading


class DistinctInstants:
    """Two readings of one series in a row never share an instant: the later one is moved by a millisecond."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[int, int]] = {}

    def __call__(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        seen = self._last
        moved: list[Reading] | None = None
        for place, reading in enumerate(readings):
            key = (reading.device, reading.point)
            at = reading.observed_at
            run = seen.get(key)
            if run is None or not run[0] <= at <= run[1]:
                seen[key] = (at, at)
                continue
            at = run[1] + 1
            seen[key] = (run[0], at)
            if moved is None:
                moved = list(readings)
            moved[place] = Reading(reading.device, reading.point, reading.value, at, reading.quality, reading.reason)
        return readings if moved is None else moved
