"""Leaving out what says nothing new: a deadband per point, never longer silent than the point's max silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge.settings import DeviceSettings
from protocols.reading import Quality, Reading


class _Last:
    """The last reading of a series that was let through, and its band."""

    __slots__ = ("absolute", "at", "percent", "quality", "reason", "silence_ms", "value")

    def __init__(self, absolute: float, percent: float, silence_ms: int) -> None:
        self.absolute, self.percent, self.silence_ms = absolute, percent, silence_ms
        self.value: float | None = None
        self.quality: Quality | None = None
        self.reason = ""
        self.at = 0


class DeadbandStage:
    """Lets through: a series' first reading; any change of quality; a change larger than the band; the first reading
    after max silence; every reading of a series without a deadband. The band lies around the last value *sent*."""

    def __init__(self, devices: Iterable[DeviceSettings]) -> None:
        self._series = {
            (device.id, point): _Last(band.absolute, band.percent / 100, int(device.max_silence_s * 1000))
            for device in devices
            for point, band in device.deadband.items()
        }
        self.left_out = 0

    def __call__(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        if not self._series:
            return readings
        find = self._series.get
        passed: list[Reading] = []
        for reading in readings:
            last = find((reading.device, reading.point))
            if last is None:
                passed.append(reading)
                continue
            value, at = reading.value, reading.observed_at
            if (
                last.quality is reading.quality
                and last.reason == reading.reason
                and 0 <= at - last.at < last.silence_ms
                and _is_within(last, value)
            ):
                self.left_out += 1
                continue
            last.value, last.quality, last.reason, last.at = value, reading.quality, reading.reason, at
            passed.append(reading)
        return passed


def _is_within(last: _Last, value: float | None) -> bool:
    if value is None or last.value is None:
        return value is last.value
    change = abs(value - last.value)
    return change <= last.absolute or change <= last.percent * abs(last.value)
