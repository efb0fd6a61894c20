"""Keeps the days of every meter worked out up to what the store holds.

Each round asks the store what came since the batch up to which everything is worked out, and takes what people's deeds
left to be done. Of each meter only the stretch that this can change is worked out anew (``redo``). The batch is written
down after the days are: a collector that is killed in between does the round again, with the same outcome.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from cloud.energy.calendar import SiteDays
from cloud.energy.contract import EnergyFault, Readings
from cloud.energy.day_changes import DayChanges
from cloud.energy.days import DAY_MS
from cloud.energy.redo import Desk, Redo, Redone, Task
from cloud.energy.structure import Meter, Structure
from cloud.energy.zone_changes import ZoneChanges
from cloud.registry.energy_book import EnergyBook, Record, Stretch
from cloud.registry.energy_days_book import EnergyDaysBook
from cloud.store.contract import Samples, SeriesKey, SeriesStore
from protocols.alive import stop_if_cancelled
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

EVERY_S = 300.0
LOT = 64
"""Meters that are read from the store together, when only a little of each is needed."""
SPANS_MAX = 200
"""Stretches of one meter in one round; beyond it they are done as one."""
NEAR_MS = 2 * DAY_MS
JUDGED_HERE = frozenset({"counter_fell", "counter_jumped"})
"""A gateway's doubt about a counter: the counter rule knows more of it and decides."""

Span = tuple[int, int]


class Reckoner:
    """``take`` the structures first; ``round`` does what there is to do; ``run`` does so for ever."""

    def __init__(
        self,
        store: SeriesStore,
        book: EnergyBook,
        days: EnergyDaysBook,
        calendar: SiteDays,
        clock: Clock,
        *,
        quality_of: Callable[[int], tuple[str, str]],
        keep_days: int | None = None,
    ) -> None:
        """``quality_of``: quality and reason of a code. ``keep_days``: how long raw readings are kept; what is older
        stays as it was worked out."""
        self._store, self._book, self._clock = store, book, clock
        self._quality_of = quality_of
        self._keep_ms = None if keep_days is None else (keep_days - 1) * DAY_MS
        self._desk = Desk(days, calendar, clock)
        self._changes = DayChanges(calendar, book)
        self._zones = ZoneChanges(calendar, book, days)
        self._tasks: dict[tuple[str, str], Task] = {}
        self._faults: dict[tuple[str, str], str] = {}
        self._order = asyncio.Lock()
        self._due = asyncio.Event()
        self.watchers: list[Callable[[Redone], None]] = []
        """Told of every stretch that was worked out anew."""

    @property
    def faults(self) -> Mapping[tuple[str, str], str]:
        """(site, meter) -> why it cannot be worked out."""
        return self._faults

    def take(self, structures: Mapping[str, Structure], records: Iterable[Record]) -> None:
        """Know these meters and what was recorded of them, in place of all that were known."""
        recorded: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in records:
            recorded[record.site, record.meter].append(record)
        self._tasks, self._faults = {}, {}
        self._desk.forget()
        for site, structure in structures.items():
            for meter in structure.meters:
                self._meet(site, meter, recorded[site, meter.id])
        self._due.set()

    def _meet(self, site: str, meter: Meter, records: Sequence[Record]) -> None:
        if meter.reads == "virtual":
            return
        try:
            self._tasks[site, meter.id] = Task.of(site, meter, [record.what for record in records])
        except EnergyFault as fault:
            self._faults[site, meter.id] = str(fault)
            log.error("energy: %s/%s cannot be worked out: %s", site, meter.id, fault)

    def task(self, site: str, meter: str) -> Task | None:
        """A meter that is read; None for a virtual or unknown one, and one that cannot be worked out."""
        return self._tasks.get((site, meter))

    # --- a round ---

    async def run(self) -> None:
        """A round every five minutes, and at once when people entered something."""
        while True:
            self._due.clear()
            try:
                await self.round()
            except StoreUnavailable as error:
                log.warning("energy waits for the store: %s", error)
            except Exception:  # task top: the collector takes in readings whatever becomes of what they mean
                log.exception("a round of energy failed; the next one does it again")
                stop_if_cancelled()
            await self._until_due()

    async def _until_due(self) -> None:
        pause = asyncio.create_task(self._clock.sleep(EVERY_S), name="energy pause")
        due = asyncio.create_task(self._due.wait(), name="energy due")
        try:
            await asyncio.wait({pause, due}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            due.cancel()

    async def round(self) -> list[Redone]:
        """Work out all that is new; what was changed. Raises StoreUnavailable."""
        async with self._order:
            if not self._tasks:
                return []
            await self._changed_zones()
            series = [(key, task.series) for key, task in self._tasks.items() if task.series is not None]
            arrived = await self._store.arrived([name for _, name in series], await self._book.through())
            spans: defaultdict[tuple[str, str], list[Span]] = defaultdict(list)
            for place, first, last in zip(
                arrived.place.tolist(), arrived.from_at.tolist(), arrived.to_at.tolist(), strict=True
            ):
                spans[series[place][0]].append((first, last + 1))
            deeds = await self._book.dirty()
            await self._add_deeds(spans, [stretch for _, stretch in deeds])
            days = await self._changed_days(spans)
            done = await self._work({key: merged(each) for key, each in spans.items() if key in self._tasks})
            if arrived.through or deeds:
                await self._book.done(arrived.through, [number for number, _ in deeds])
                self._desk.reach("after_energy_done")
            for site in days:
                await self._changes.keep(site)
            return done

    async def _changed_zones(self) -> None:
        oldest = None if self._keep_ms is None else self._clock.now_ms() - self._keep_ms
        meters: defaultdict[str, list[str]] = defaultdict(list)
        for site, meter in self._tasks:
            meters[site].append(meter)
        for site, names in sorted(meters.items()):
            if await self._zones.look(site, names, oldest):
                self._desk.forget()

    async def _changed_days(self, spans: dict[tuple[str, str], list[Span]]) -> list[str]:
        """Gaps have the shape of days of their kind: where people said that a day is of another kind they are worked
        out anew. The sites whose days changed."""
        found: list[str] = []
        for site in sorted({site for site, _ in self._tasks}):
            since = await self._changes.look(site)
            if since is None:
                continue
            found.append(site)
            for key in self._tasks:
                if key[0] == site:
                    spans[key] += await self._desk.days.estimated_days(*key, since - 1)
        return found

    async def _add_deeds(self, spans: dict[tuple[str, str], list[Span]], deeds: Sequence[Stretch]) -> None:
        """What people did is worked in as far as there is anything at rest or in the store."""
        wide = {(each.site, each.meter): each for each in deeds if (each.site, each.meter) in self._tasks}
        known: dict[tuple[str, str], SeriesKey] = {}
        for key in wide:
            series = self._tasks[key].series
            if series is not None:
                known[key] = series
        reach: dict[tuple[str, str], Span] = {}
        if known:
            arrived = await self._store.arrived(list(known.values()), 0)
            keys = list(known)
            for place, first, last in zip(
                arrived.place.tolist(), arrived.from_at.tolist(), arrived.to_at.tolist(), strict=True
            ):
                low, high = reach.get(keys[place], (first, last + 1))
                reach[keys[place]] = (min(low, first), max(high, last + 1))
        for each in deeds:
            key = (each.site, each.meter)
            task = self._tasks.get(key)
            if task is None:
                continue
            read = task.hand_read_span()
            bounds = [span for span in (reach.get(key), read) if span is not None]
            if not bounds:
                continue
            low, high = min(span[0] for span in bounds), max(span[1] for span in bounds)
            since, until = max(each.since, low), min(each.until, high)
            spans[key].append((min(since, high - 1), max(until, since + 1)))

    async def _work(self, spans: Mapping[tuple[str, str], list[Span]]) -> list[Redone]:
        done: list[Redone] = []
        oldest = None if self._keep_ms is None else self._clock.now_ms() - self._keep_ms
        little: list[Redo] = []
        for key, wanted in sorted(spans.items()):
            for span in wanted:
                task = self._tasks.get(key)  # a person may take a meter away while a round runs
                redo = await self._desk.begin(task, *span, oldest=oldest) if task is not None else None
                if redo is None:
                    continue
                if len(wanted) == 1 and redo.is_little:
                    little.append(redo)
                    if len(little) == LOT:
                        done += await self._together(little)
                        little = []
                else:
                    done += await self._alone(redo)
        done += await self._together(little)
        for each in list(done):
            task = self._tasks.get((each.site, each.meter))
            for span in await self._desk.depending(task, each) if task is not None else ():
                again = await self._desk.begin(task, *span, oldest=oldest) if task is not None else None
                if again is not None:
                    done += await self._alone(again)
        for each in done:
            for watcher in self.watchers:
                watcher(each)
        return done

    async def _together(self, redos: Sequence[Redo]) -> list[Redone]:
        """Short stretches of several meters, read at once and written at once."""
        if not redos:
            return []
        wanted = [(redo.task.series, redo.since) for redo in redos if redo.task.series is not None]
        until = max(redo.until for redo in redos)
        samples = await self._store.samples(wanted, until)
        edges = np.searchsorted(samples.place, np.arange(len(wanted) + 1))
        place, done = 0, []
        for redo in redos:
            readings = NOTHING
            if redo.task.series is not None:
                readings = self._readings(samples, int(edges[place]), int(edges[place + 1]))
                place += 1
            redo.load(readings, until)
            done += await self._go_on(redo)
        await self._desk.write()
        return done

    async def _alone(self, redo: Redo) -> list[Redone]:
        done = await self._go_on(redo)
        await self._desk.write()
        return done

    async def _go_on(self, redo: Redo) -> list[Redone]:
        """A meter that cannot be worked out holds up no other."""
        try:
            return [await redo.go_on(self.more)]
        except EnergyFault as fault:
            self._faults[redo.task.key] = str(fault)
            log.error("energy: %s/%s cannot be worked out: %s", *redo.task.key, fault)
            return []

    async def more(self, series: SeriesKey | None, since: int, until: int) -> Readings:
        """The readings of a series in [since, until)."""
        if series is None:
            return NOTHING
        samples = await self._store.samples([(series, since)], until)
        return self._readings(samples, 0, len(samples.at))

    def _readings(self, samples: Samples, begin: int, end: int) -> Readings:
        here = slice(begin, end)
        quality = samples.quality[here]
        doubtful = np.zeros(len(quality), np.uint8)
        for code in np.unique(quality).tolist():
            word, reason = self._quality_of(code)
            if word == "uncertain" and reason not in JUDGED_HERE:
                doubtful[quality == code] = 1
        return Readings(samples.at[here], samples.value[here], doubtful, np.zeros(len(quality), np.uint8))


NOTHING = Readings.of([], [])


def merged(spans: Sequence[Span]) -> list[Span]:
    """In order, and those that are near each other as one."""
    found: list[Span] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1] + NEAR_MS:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found if len(found) <= SPANS_MAX else [(found[0][0], found[-1][1])]
