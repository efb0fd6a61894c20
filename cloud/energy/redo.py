"""Working one stretch of one meter out anew, against what is at rest: from a mark to where nothing changes any more."""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cloud.energy.calendar import SiteDays
from cloud.energy.contract import (
    BASE_MS,
    Intervals,
    Longs,
    Readings,
    Recorded,
    RegisterEvent,
    Source,
    State,
    missing,
)
from cloud.energy.days import DAY_MS
from cloud.energy.eras import Eras
from cloud.energy.intervals import Shape, floor
from cloud.energy.pages import pack, total_of, unpack
from cloud.energy.shape import LOOK_BACK_MS, shape_of
from cloud.energy.strand import Follower, Mark, Strand, begin_at, changed, counting, measuring_power
from cloud.energy.structure import Meter
from cloud.registry.energy_days_book import Day, EnergyDaysBook
from cloud.store.contract import SeriesKey
from cloud.store.failpoint import fail_points
from protocols.clock import Clock

CHUNK_MS = 31 * DAY_MS
"""How much of a meter is in memory at once."""
MARKS_KEPT = 24
FINE_MS = 2 * 3_600_000
"""So long before the newest reading a mark is kept for each quarter of an hour: that is where the next ones come."""
REACH_MS = LOOK_BACK_MS + DAY_MS
LITTLE_MS = 6 * 3_600_000
IN_THREAD = 2_000
"""More readings than this are worked out beside the event loop."""

More = Callable[[SeriesKey | None, int, int], Awaitable[Readings]]


@dataclass(frozen=True, slots=True)
class Task:
    """A meter that is read, with what was recorded of it."""

    site: str
    meter: Meter
    eras: Eras
    follower: Follower
    series: SeriesKey | None

    @classmethod
    def of(cls, site: str, meter: Meter, records: Sequence[Recorded]) -> "Task":
        """Raises EnergyFault when what was recorded cannot be counted with."""
        eras = Eras(meter.register, records)
        follower = measuring_power(eras) if meter.reads == "power" else counting(eras)
        series = SeriesKey(site, meter.device, meter.point) if meter.reads in ("counter", "power") else None
        return cls(site, meter, eras, follower, series)

    @property
    def key(self) -> tuple[str, str]:
        return self.site, self.meter.id

    def hand_read_span(self) -> tuple[int, int] | None:
        """From the first to behind the last thing that people recorded and that says what the register showed."""
        moments = [each.at for each in self.eras.hand_read] + list(self.eras.starts)
        return (min(moments), max(moments) + 1) if moments else None


class Redone(NamedTuple):
    """[since, until) of a meter was worked out anew; ``touched``: the beginnings of the intervals that changed.

    measured: from the first to the last instant in which something measured changed; days of estimates after it may
    change with it.
    """

    site: str
    meter: str
    since: int
    until: int
    touched: Longs
    measured: tuple[int, int] | None


@dataclass(slots=True)
class _Kept:
    """What is in memory of a meter: recent marks, the newest days, and how far what is at rest reaches."""

    first_day: int | None
    until: int
    estimated_until: int
    marks: list[Mark] = field(default_factory=list)
    rows: dict[int, Day] = field(default_factory=dict)


class Desk:
    """Days at rest with the newest of them in memory."""

    def __init__(self, days: EnergyDaysBook, calendar: SiteDays, clock: Clock) -> None:
        self.days, self.calendar, self.clock = days, calendar, clock
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._unwritten: list[Day] = []
        self.reach = fail_points()

    async def kept(self, task: Task) -> _Kept:
        known = self._kept.get(task.key)
        if known is None:
            reach = await self.days.reach(*task.key)
            known = _Kept(*reach) if reach is not None else _Kept(None, 0, 0)
            self._kept[task.key] = known
        return known

    async def begin(self, task: Task, since: int, until: int, *, oldest: int | None) -> "Redo | None":
        """What must be done when [since, until) changed; None when it is older than what can be worked out."""
        kept = await self.kept(task)
        if oldest is not None and until <= oldest:
            return None
        begin = await self._mark(task, kept, since)
        if oldest is not None and kept.first_day is not None and kept.first_day < oldest:
            if begin is None or begin.at < oldest:
                begin = await self.days.mark_after(*task.key, oldest)
            if begin is None:
                return None
        if begin is None:
            start = since if kept.first_day is None else min(since, kept.first_day)
            start = self.calendar.day_of(task.site, start)[0]
        else:
            start = begin.at
        horizon = max(floor(until - 1) + BASE_MS, kept.until)
        return Redo(self, task, kept, begin, start, horizon, until)

    async def _mark(self, task: Task, kept: _Kept, since: int) -> Mark | None:
        if kept.marks and kept.marks[0].at <= since:
            begin = begin_at(kept.marks, since)
            if begin is not None:
                return begin
        last = await self.days.mark_before(*task.key, since)
        if last is None or last.state.at is None:
            return None
        return await self.days.mark_before(*task.key, last.state.at)

    async def rows(self, task: Task, kept: _Kept, since: int, until: int) -> dict[int, Day]:
        """Days at rest that begin in [since, until), and the one that holds ``since``."""
        first = self.calendar.day_of(task.site, since)[0]
        found: dict[int, Day] = {}
        day = first
        while day < min(until, kept.until):
            if day not in kept.rows:
                return {row.day: row for row in await self.days.days(*task.key, first, until)}
            found[day] = kept.rows[day]
            day = found[day].until
        return found

    def put(self, kept: _Kept, day: Day) -> None:
        """Write it soon (``write``)."""
        self._unwritten.append(day)
        kept.first_day = day.day if kept.first_day is None else min(kept.first_day, day.day)
        kept.until = max(kept.until, day.until)
        if day.estimated:
            kept.estimated_until = max(kept.estimated_until, day.until)
        self.keep(kept, day)

    def keep(self, kept: _Kept, day: Day) -> None:
        """Have the newest days in memory, and none as it was before."""
        kept.rows.pop(day.day, None)
        if day.until > kept.until - 2 * DAY_MS:
            kept.rows[day.day] = day
            for old in [each for each in kept.rows if each < kept.until - 3 * DAY_MS]:
                del kept.rows[old]

    async def write(self) -> None:
        """Write what was put."""
        days, self._unwritten = self._unwritten, []
        if days:
            self.reach("before_energy_days")
            await self.days.put(days)
            self.reach("after_energy_days")

    async def write_if_many(self) -> None:
        if len(self._unwritten) >= 100:
            await self.write()

    async def depending(self, task: Task, done: Redone) -> list[tuple[int, int]]:
        """Stretches of days of estimates after ``done`` whose shape is that of days it changed."""
        kept = await self.kept(task)
        if done.measured is None or kept.estimated_until <= done.until:
            return []
        found: list[tuple[int, int]] = []
        for day, until in await self.days.estimated_days(*task.key, max(done.measured[0], done.until - 1)):
            goes_on = bool(found) and found[-1][1] == day
            if not goes_on and day > done.measured[1] + REACH_MS:
                break
            if goes_on:
                found[-1] = (found[-1][0], until)
            else:
                found.append((day, until))
        return found

    def forget(self) -> None:
        """Nothing in memory holds any more: meters or records are others now."""
        self._kept = {}


class Redo:
    """One stretch: ``load`` what was read already, then ``go_on``."""

    def __init__(
        self, desk: Desk, task: Task, kept: _Kept, begin: Mark | None, since: int, until: int, dirty_until: int
    ) -> None:
        self.task, self.since, self.until = task, since, until
        self._desk, self._kept, self._begin, self._dirty_until = desk, kept, begin, dirty_until
        self._strand = Strand(task.follower, begin)
        self._loaded: Readings | None = None
        self._loaded_until = since
        self._stop: int | None = None
        self._states: dict[int, State] = {since: begin.state if begin else State()}
        self._day = desk.calendar.day_of(task.site, since)
        self._fresh: dict[int, Intervals] = {}
        self._shapes: dict[int, Shape] = {}
        self._touched: list[Longs] = []
        self._measured: list[int] = []
        self._rows: dict[int, Day] = {}

    @property
    def is_little(self) -> bool:
        """Few readings are needed for it, and those of today: many such are read together."""
        return self._dirty_until - self.since <= LITTLE_MS and self.until - self.since <= 2 * DAY_MS

    def load(self, readings: Readings, until: int) -> None:
        """The readings in [since, until) are here already."""
        self._loaded, self._loaded_until = readings, max(until, self.since)

    async def go_on(self, more: More) -> Redone:
        """Until nothing changes any more. ``more`` reads what is not loaded."""
        at = self.since
        while at < self.until and not self._is_over():
            readings, until = self._loaded, min(self._loaded_until, self.until)
            if readings is None or at >= until:
                until = min(self.until, self._desk.calendar.day_of(self.task.site, at + CHUNK_MS)[0])
                readings = await more(self.task.series, at, until)
            self._loaded = None
            self._rows |= await self._desk.rows(self.task, self._kept, at, until + 1)
            if len(readings.at) > IN_THREAD:
                at = await asyncio.to_thread(self._feed, readings, at, until)
            else:
                at = self._feed(readings, at, until)
            await self._settle(at, last=False)
        await self._settle(at, last=True)
        self._keep_marks()
        touched = np.concatenate([np.empty(0, np.int64), *self._touched])
        measured = (min(self._measured), max(self._measured)) if self._measured else None
        return Redone(*self.task.key, self.since, self._stop or at, touched, measured)

    def _is_over(self) -> bool:
        return self._stop is not None and self._strand.settled(self._stop)

    def _feed(self, readings: Readings, at: int, until: int) -> int:
        """Go along the readings, from edge to edge; how far it came."""
        for edge in self._edges(at, until):
            here = slice(bisect_left(readings.at, at), bisect_left(readings.at, edge))
            part = Readings(readings.at[here], readings.value[here], readings.doubtful[here], readings.manual[here])
            self._strand.feed(part, edge)
            at = edge
            row = self._rows.get(edge)
            over = row is not None and edge >= self._dirty_until and self._strand.same_as_before(row.mark)
            if over and self._stop is None:
                self._stop = edge
            self._states[edge] = self._strand.state
            if self._is_over():
                break
        return at

    def _edges(self, at: int, until: int) -> list[int]:
        """Midnights, and quarters where the next readings are expected; ``until``."""
        found = {until}
        day = self._desk.calendar.day_of(self.task.site, at)[1]
        while day < until:
            found.add(day)
            day = self._desk.calendar.day_of(self.task.site, day)[1]
        fine_until = min(until, floor(self._dirty_until - 1) + BASE_MS)
        found.update(range(max(floor(fine_until - FINE_MS), at + BASE_MS), fine_until, BASE_MS))
        if fine_until > at:
            found.add(fine_until)
        return sorted(found)

    # --- days ---

    async def _settle(self, at: int, *, last: bool) -> None:
        """Put down the days that will not change any more; with ``last`` all that were worked on."""
        end = self._stop if self._stop is not None else at
        while self._day[0] < end:
            day, until = self._day
            settled = until <= end and self._strand.settled(until)
            if not settled and not last:
                return
            await self._put_day(day, until)
            self._strand.forget_before(until)
            self._day = self._desk.calendar.day_of(self.task.site, until)
            await self._desk.write_if_many()

    async def _put_day(self, day: int, until: int) -> None:
        row = self._rows.pop(day, None)
        gaps = self._strand.long_gaps(day, until)
        for begin, _ in gaps:
            if floor(begin) not in self._shapes:
                self._shapes[floor(begin)] = await self._shape(begin)
        intervals = self._strand.intervals(
            max(day, self.since), until, lambda since, end: self._shapes[since](since, end)
        )
        before = unpack(row.page) if row is not None else missing(day, until)
        if self.since > day:
            whole = before.between(day, until)
            whole.lay(intervals)
            intervals = whole
        self._note_changes(before, intervals)
        self._fresh[day] = intervals
        for old_day in [each for each in self._fresh if each < day - REACH_MS - DAY_MS]:
            del self._fresh[old_day]
        self._write(row, day, until, intervals, bool(gaps) or self._was_estimated(row, day))

    def _was_estimated(self, row: Day | None, day: int) -> bool:
        """A gap that ended before where this began."""
        return row is not None and row.estimated and self.since > day

    def _write(self, row: Day | None, day: int, until: int, intervals: Intervals, estimated: bool) -> None:
        state = row.state if row is not None and self.since > day else self._states.get(day, State())
        events = self._events(row, day, until)
        page, total = pack(intervals), total_of(intervals)
        new = Day(*self.task.key, day, until, state, page, events, total, estimated, self._desk.clock.now_ms())
        if row is None or new._replace(worked_at=row.worked_at) != row:
            self._desk.put(self._kept, new)
        else:
            self._desk.keep(self._kept, row)

    def _events(self, row: Day | None, day: int, until: int) -> tuple[RegisterEvent, ...]:
        old = [event for event in row.events if event.at < self.since] if row is not None else []
        fresh = [event for event in self._strand.events if max(day, self.since) <= event.at < until]
        return (*old, *fresh)

    def _note_changes(self, before: Intervals, after: Intervals) -> None:
        other = changed(before, after)
        if not len(other):
            return
        self._touched.append(other)
        was = before.between(after.first, after.end)
        places = (other - after.first) // BASE_MS
        measured = (was.source[places] == Source.MEASURED) | (after.source[places] == Source.MEASURED)
        if measured.any():
            self._measured += [int(other[measured].min()), int(other[measured].max())]

    async def _shape(self, begin: int) -> Shape:
        """That of a gap, from the days before the one on which it begins."""
        calendar, site = self._desk.calendar, self.task.site
        day = calendar.day_of(site, begin)[0]
        history = missing(day - LOOK_BACK_MS, day)
        pages = await self._desk.days.pages(*self.task.key, history.first, day)
        for known in [*map(unpack, pages), *self._fresh.values()]:
            history.lay(known)
        return shape_of(history, day, calendar.zone(site).key, lambda each: calendar.workday(site, each))

    def _keep_marks(self) -> None:
        old = self._kept.marks
        if self._stop is not None:
            self._kept.marks = [mark for mark in old if mark.at <= self.since or mark.at > self._stop]
        else:
            kept = [mark for mark in old if mark.at <= self.since]
            self._kept.marks = [*kept, *self._strand.marks][-MARKS_KEPT:]
