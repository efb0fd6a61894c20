"""The live table of `dayuan-edge watch` as lines of text; what is wrong is said in words, colour only repeats it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from edge.introduce import birth
from edge.latest import Values
from edge.settings import Site
from edge.status_table import span
from protocols.birth import DeviceBirth
from protocols.points import VOCABULARY
from protocols.reading import Quality, Reading
from protocols.status import BusReport, DeviceReport

Mood = Literal["", "head", "stale", "bad"]


class Line(NamedTuple):
    """One line; ``mood`` may become a colour."""

    text: str
    mood: Mood = ""


class WatchTable:
    """The devices of a site, or one of them, with their newest values."""

    def __init__(self, site: Site, device: str | None, source: str) -> None:
        self._source = source
        self._title = f"{site.gateway.name} at {site.gateway.site_name}"
        self._zone = _zone(site.gateway.time_zone)
        devices = birth(site, session=0, started_at=0).devices
        self._devices = [each for each in devices if device in (None, each.id)]
        self._buses = {each.bus for each in self._devices}

    def lines(self, values: Values) -> list[Line]:
        """Everything, as many lines as it takes."""
        return list(self._lines(values))

    def polls(self, values: Values, told: dict[str, int]) -> Iterator[tuple[DeviceBirth, list[Reading]]]:
        """Devices with readings newer than in ``told``, which is brought up to date."""
        by_device = _by_device(values.readings)
        for device in self._devices:
            readings = list(by_device.get(device.id, {}).values())
            newest = max((reading.observed_at for reading in readings), default=0)
            if newest > told.get(device.id, 0):
                since = told.get(device.id, 0)
                told[device.id] = newest
                yield device, [reading for reading in readings if reading.observed_at > since]

    def clock(self, at_ms: int) -> str:
        """The time of day at the site."""
        return f"{datetime.fromtimestamp(at_ms / 1000, self._zone):%H:%M:%S}"

    def _lines(self, values: Values) -> Iterator[Line]:
        yield Line(f"{self._title}   {self.clock(values.at)}   {self._source}", "head")
        for bus in values.buses:
            if bus.name in self._buses:
                yield _bus(bus)
        by_device = _by_device(values.readings)
        reports = {report.id: report for report in values.devices}
        for device in self._devices:
            yield Line("")
            yield _head(device, reports.get(device.id), values.at)
            yield from _points(device, by_device.get(device.id, {}), values.at)


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _by_device(readings: Sequence[Reading]) -> dict[str, dict[str, Reading]]:
    found: dict[str, dict[str, Reading]] = {}
    for reading in readings:
        found.setdefault(reading.device, {})[reading.point] = reading
    return found


def _bus(bus: BusReport) -> Line:
    text = (
        f"bus {bus.name} ({bus.kind}): {bus.state}, busy {bus.busy_share:.0%}, {bus.requests:,} requests, "
        f"{bus.timeouts:,} timeouts, {bus.errors:,} errors"
    )
    if bus.state == "up":
        return Line(text)
    return Line(f"{text}   {bus.last_error}", "bad" if bus.state == "down" else "")


def _head(device: DeviceBirth, report: DeviceReport | None, at_ms: int) -> Line:
    name = device.id if device.name == device.id else f"{device.id}  {device.name}"
    text = f"{name}  ({device.profile})"
    if report is None:
        return Line(text, "head")
    if report.state in ("failing", "lost"):
        return Line(f"{text}  {report.state.upper()}: {report.last_error}", "bad")
    pace = "" if report.achieved_s is None else f", every {span(report.achieved_s)}"
    return Line(f"{text}  {report.state}{pace}", "head")


def _points(device: DeviceBirth, readings: Mapping[str, Reading], at_ms: int) -> Iterator[Line]:
    named = [point for point in device.points if point.name in readings]
    if not named:
        yield Line("  nothing yet")
        return
    rows: list[tuple[Mood, tuple[str, ...]]] = []
    for point in named:
        reading = readings[point.name]
        age_s = max(0, at_ms - reading.observed_at) / 1000
        mood, said = _said(reading, age_s, point.stale_after_s)
        value = "-" if reading.value is None else _value(reading)
        rows.append((mood, (point.name, value, point.unit, said, f"{span(age_s)} ago")))
    wide = [max(len(cells[column]) for _, cells in rows) for column in range(5)]
    for mood, (name, value, unit, said, age) in rows:
        text = f"  {name:<{wide[0]}}  {value:>{wide[1]}} {unit:<{wide[2]}}  {said:<{wide[3]}}  {age:>{wide[4]}}"
        yield Line(text, mood)


def _said(reading: Reading, age_s: float, stale_after_s: float) -> tuple[Mood, str]:
    if reading.quality is Quality.BAD:
        return "bad", f"BAD {reading.reason}"
    if stale_after_s and age_s > stale_after_s:
        return "stale", "STALE"
    if reading.quality is Quality.GOOD:
        return "", "good"
    return "stale", f"{reading.quality.value} {reading.reason}"


def _value(reading: Reading) -> str:
    assert reading.value is not None
    word = VOCABULARY.get(reading.point)
    labels = word.labels_en if word is not None else ()
    return labels[int(reading.value)] if 0 <= reading.value < len(labels) else f"{reading.value:.8g}"
