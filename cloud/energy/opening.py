"""Opening a number: a total to its intervals, an interval to the segments of the register, those to raw readings.

What is shown is not kept for showing: each step is worked out again from the one below and compared with what is at
rest, so that opening a number also checks it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cloud.energy.contract import (
    BASE_MS,
    EnergyFault,
    Flag,
    Interval,
    Intervals,
    RegisterEvent,
    SegmentKind,
    Track,
    missing,
)
from cloud.energy.days import DAY_MS
from cloud.energy.intervals import ceil, floor, part_of
from cloud.energy.pages import Total, total_of, unpack
from cloud.energy.redo import More, Task
from cloud.registry.energy_days_book import DAYS_MAX, Day, EnergyDaysBook
from cloud.store.contract import ReadingsQuery, SeriesStore

INTERVALS_MAX = 40_000
READINGS_MAX = 2_000
NEAR_MS, FAR_MS = 2 * 3_600_000, 45 * DAY_MS
"""How far behind an interval the reading is looked for that ends its last segment."""


class Segment(NamedTuple):
    """What the register made between two readings, in millionths; ``micro`` None where nothing is known.

    share: how much of it fell into the interval that was opened, evenly spread.
    """

    since: int
    until: int
    micro: int | None
    share: int | None
    flags: Flag
    manual: bool


class RawReading(NamedTuple):
    """A reading as it is stored, with the batch that brought it."""

    at: int
    value: float | None
    quality: str
    reason: str
    gateway: str
    epoch: str
    seq: int
    received_at: int


class Opened(NamedTuple):
    """An interval and what made it. ``agrees``: worked out again it is what is at rest."""

    interval: Interval
    agrees: bool
    segments: tuple[Segment, ...]
    events: tuple[RegisterEvent, ...]
    readings: tuple[RawReading, ...]
    more_readings: bool


class Opening:
    """Opens totals and intervals of meters that are read."""

    def __init__(self, days: EnergyDaysBook, store: SeriesStore, more: More) -> None:
        self._days, self._store, self._more = days, store, more

    async def intervals(self, site: str, meter: str, since: int, until: int) -> Intervals:
        """Those at rest that start in [since, until), on the grid; MISSING where none are."""
        return (await self.intervals_of(site, [meter], since, until))[meter]

    async def intervals_of(self, site: str, meters: Sequence[str], since: int, until: int) -> dict[str, Intervals]:
        """The same of several meters, read at once."""
        if until - since > INTERVALS_MAX * BASE_MS:
            raise EnergyFault(f"more than {INTERVALS_MAX} intervals; ask for a shorter time")
        pages: dict[str, list[bytes]] = {}
        at_once = max(1, DAYS_MAX // ((until - since) // DAY_MS + 2))
        for start in range(0, len(meters), at_once):
            pages |= await self._days.pages_of(site, meters[start : start + at_once], since, until)

        def lay() -> dict[str, Intervals]:
            found = {}
            for meter, days in pages.items():
                found[meter] = missing(since, until)
                for page in days:
                    found[meter].lay(unpack(page))
            return found

        return await asyncio.to_thread(lay) if len(pages) > 1 else lay()

    async def total(self, site: str, meter: str, since: int, until: int) -> Total:
        """What [since, until) came to: whole days by their totals, the rest by their intervals."""
        return total_of(await self.intervals(site, meter, floor(since), ceil(until)))

    async def interval(self, task: Task, start: int) -> Opened:
        """What made the interval that holds an instant. Raises EnergyFault when nothing is at rest there."""
        start = floor(start)
        day = await self._days.day_at(*task.key, start)
        if day is None:
            raise EnergyFault("nothing was worked out for this time yet")
        at_rest = unpack(day.page).between(start, start + BASE_MS)
        until = start + BASE_MS
        track = await self._follow(task, day, until + NEAR_MS)
        for reach in (day.until + DAY_MS, day.until + FAR_MS):
            if not len(track.at) or track.at[-1] < until:
                track = await self._follow(task, day, reach)
        part = part_of(track, start, until)
        segments = tuple(
            Segment(
                int(part.at[place]),
                int(part.at[place + 1]),
                int(part.micro[place]) if part.kind[place] == SegmentKind.KNOWN else None,
                _share(part.at[place], part.at[place + 1], int(part.micro[place]), start)
                if part.kind[place] == SegmentKind.KNOWN
                else None,
                Flag(int(part.flags[place])),
                bool(part.manual[place]),
            )
            for place in range(len(part.micro))
        )
        first = segments[0].since if segments else start
        last = segments[-1].until if segments else until
        events = tuple(event for event in track.events if event.since < until and event.at >= start)
        raw, more = await self._raw(task, min(first, start), max(last, until) + 1)
        interval = at_rest[0]
        spread = sum(segment.share or 0 for segment in segments)
        long = any(segment.until - segment.since > 2 * BASE_MS for segment in segments)
        agrees = long or interval.micro is None or abs(spread - interval.micro) <= len(segments)
        return Opened(interval, agrees, segments, events, raw, more)

    async def _follow(self, task: Task, day: Day, until: int) -> Track:
        readings = await self._more(task.series, day.day, until)
        return task.follower(readings, day.state, day.day, until)

    async def _raw(self, task: Task, since: int, until: int) -> tuple[tuple[RawReading, ...], bool]:
        if task.series is None:
            return (), False
        site, device, point = task.series
        query = ReadingsQuery(
            site=site, device=device, point=point, from_at=since, to_at=until, limit=READINGS_MAX, origin=True
        )
        page = await self._store.readings(query)
        return tuple(_raw_of(dict(zip(page.columns, row, strict=True))) for row in page.rows), page.next is not None


def _share(since: int, until: int, micro: int, start: int) -> int:
    """Of an amount spread evenly over a segment, what falls into the interval at ``start``."""
    low, high = max(int(since), start), min(int(until), start + BASE_MS)
    return micro * (high - low) // (int(until) - int(since)) if high > low else 0


def _raw_of(row: Mapping[str, object]) -> RawReading:
    return RawReading(*(row[name] for name in RawReading._fields))  # type: ignore[arg-type]
