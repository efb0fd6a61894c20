"""The alarms there are: raise, return to normal, hide, list. Kept in the registry, so that a restart forgets none.

An alarm begins, lasts, and returns to normal; beside that a person acknowledges it, shelves it, or takes its source
out of service (ISA-18.2). One that returned before anybody acknowledged it stays on the board until somebody does,
unless it is only a note. The same condition coming again meanwhile is a new alarm that counts the times.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from cloud.alarms.flood import Flood, FloodState, begun, passed
from cloud.alarms.kind import NOTE, ArgValue
from cloud.alarms.kinds import known_kind
from cloud.alarms.settings import AS_BUILT_IN, KindChoice
from cloud.alarms.shown import AlarmView, Names, plain_name, view
from cloud.registry.alarm_book import AlarmChange, Deed, Shelf, StoredAlarm
from protocols.clock import Clock
from protocols.errors import DayuanError

log = logging.getLogger(__name__)

ACTIVE_MAX = 5_000
"""Alarms at once; what comes beyond it is counted in ``refused``."""
WAITING_MAX = 1_000
"""Alarms that returned and wait to be acknowledged; beyond it the one that waited longest is let go."""
TICK_S = 1.0
OFFLINE = "gateway_offline"
EXPLAINED = frozenset({"device_lost", "rule_stale", "energy_missing"})
"""What follows from a gateway being offline, and says nothing new while it is."""

Key = tuple[str, str]


class Book(Protocol):
    """Where alarms rest (``cloud.registry.alarm_book``)."""

    async def active(self) -> list[StoredAlarm]: ...

    async def waiting(self) -> list[StoredAlarm]: ...

    async def shelves(self) -> list[Shelf]: ...

    async def last_id(self) -> int: ...

    async def write(self, alarms: list[StoredAlarm], change: AlarmChange) -> None: ...


class AlarmBoard:
    """One alarm per kind and source. ``raise_alarm`` and ``clear_alarm`` may be called from any thread."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self.refused = 0
        self.publish: Callable[[AlarmView], None] = lambda _: None
        """Told of every alarm that begins, changes or ends."""
        self.watchers: list[Callable[[AlarmView], None]] = []
        """Told the same, after ``publish``."""
        self.gateway_of: Callable[[str], str | None] = lambda _: None
        """The source of the gateway a device belongs to, from the device's."""
        self.name_of: Names = plain_name
        """What people call a source."""
        self.choice_of: Callable[[str, str], KindChoice] = lambda _kind, _source: AS_BUILT_IN
        """What the site of a source decided about a kind of alarm; ``choose_anew`` says that it changed."""
        self._book, self._clock = book, clock
        self._active: dict[Key, StoredAlarm] = {}
        self._waiting: dict[Key, StoredAlarm] = {}
        self._shelves: dict[Key, Shelf] = {}
        self._raised_at: dict[Key, float] = {}
        self._silenced: dict[Key, tuple[Mapping[str, ArgValue], int | None]] = {}
        """Conditions that last and are no alarms, as their site switched the kind off."""
        self._changed: set[Key] = set()
        self._unwritten: dict[int, StoredAlarm] = {}
        self._unwritten_shelves: dict[Key, Shelf | None] = {}
        self._unwritten_deeds: list[Deed] = []
        self._writing = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self._flood = FloodState()
        self._next_id = 1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    async def open(self) -> None:
        """Take up what was there before."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._next_id = await self._book.last_id() + 1
        now = self._clock.monotonic()
        for alarm in await self._book.active():
            self._active[alarm.kind, alarm.source] = alarm
            self._raised_at[alarm.kind, alarm.source] = now
        self._waiting = {(alarm.kind, alarm.source): alarm for alarm in await self._book.waiting()}
        self._shelves = {(shelf.kind, shelf.source): shelf for shelf in await self._book.shelves()}

    # --- what is asked ---

    def active(self) -> list[AlarmView]:
        """Alarms that have not returned to normal: the most urgent first, of those the newest."""
        return self._shown(self._active.values())

    def returned(self) -> list[AlarmView]:
        """Alarms that returned to normal and that nobody has acknowledged, in the same order."""
        return self._shown(self._waiting.values())

    def shelves(self) -> list[Shelf]:
        """What is shelved or out of service, whether its condition lasts or not."""
        return list(self._shelves.values())

    def shelf(self, kind: str, source: str) -> Shelf | None:
        """How alarms of this kind and source are hidden; None when they are not."""
        return self._shelves.get((kind, source))

    def find(self, kind: str, source: str) -> AlarmView | None:
        """The active alarm of this kind and source."""
        alarm = self._active.get((kind, source))
        return self.show(alarm) if alarm else None

    def by_id(self, alarm_id: int) -> StoredAlarm | None:
        """The alarm of that id, if it is active or waits to be acknowledged."""
        return next(
            (one for held in (self._active, self._waiting) for one in held.values() if one.id == alarm_id), None
        )

    def show(self, alarm: StoredAlarm) -> AlarmView:
        """The alarm with the state it has now."""
        explains = sum(
            self._explained_by(one) == alarm.source for one in self._active.values() if alarm.kind == OFFLINE
        )
        shelf = self._shelves.get((alarm.kind, alarm.source))
        return view(alarm, shelf, self._explained_by(alarm), explains, names=self.name_of)

    def flood(self) -> tuple[int, Flood | None]:
        """How many alarms began in the last ten minutes, and the flood they make, if any."""
        self._flood, _ = passed(self._flood, self._clock.now_ms())
        return len(self._flood.recent), self._flood.flood

    # --- what happens ---

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, ArgValue], *, priority: int | None = None) -> None:
        """Begin an alarm, or bring the args of the active one up to date. ``priority``: instead of the kind's own."""
        if self._loop is not None and threading.get_ident() != self._thread:
            again = lambda: self.raise_alarm(kind, source, dict(args), priority=priority)  # noqa: E731
            self._loop.call_soon_threadsafe(again)
            return
        key = (kind, source)
        choice = self.choice_of(kind, source)
        if choice.off:
            if key in self._silenced or len(self._silenced) < ACTIVE_MAX:
                self._silenced[key] = (dict(args), priority)
            return
        alarm = self._active.get(key)
        if alarm is not None:
            self._raised_at[key] = self._clock.monotonic()
            if alarm.args != dict(args):
                alarm.args = dict(args)
                self._changed.add(key)
            return
        if len(self._active) >= ACTIVE_MAX:
            self.refused += 1
            return
        known = known_kind(kind)
        urgency = choice.priority or priority or (known.priority if known else NOTE)
        self._begin(StoredAlarm(self._next_id, kind, source, urgency, self._clock.now_ms(), dict(args)))

    def clear_alarm(self, kind: str, source: str) -> None:
        """The condition ended. No error when there was none."""
        if self._loop is not None and threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self.clear_alarm, kind, source)
            return
        key = (kind, source)
        self._silenced.pop(key, None)
        alarm = self._active.get(key)
        if alarm is None:
            return
        state = self.show(alarm).state
        del self._active[key]
        self._raised_at.pop(key, None)
        self._changed.discard(key)
        alarm.ended_at = self._clock.now_ms()
        if state == "unacknowledged" and alarm.priority < NOTE:
            self._wait(key, alarm)
        log.info("back to normal: %s", view(alarm, names=self.name_of).text["en"])
        self.tell(alarm)
        self._tell_explained(alarm)

    def tell(self, alarm: StoredAlarm) -> None:
        """Write an alarm down and tell of it: it is not as it was."""
        self._unwritten[alarm.id] = alarm
        shown = self.show(alarm)
        self.publish(shown)
        for watcher in self.watchers:
            watcher(shown)

    def done(self, deed: Deed) -> None:
        """Keep what was done to an alarm."""
        self._unwritten_deeds.append(deed)

    def set_shelf(self, kind: str, source: str, shelf: Shelf | None) -> None:
        """Hide alarms of this kind and source from now on, or show them again."""
        if shelf is None:
            self._shelves.pop((kind, source), None)
        else:
            self._shelves[kind, source] = shelf
        self._unwritten_shelves[kind, source] = shelf
        alarm = self._active.get((kind, source))
        if alarm is not None:
            self.tell(alarm)

    def choose_anew(self) -> None:
        """What sites decided changed: end what was switched off, begin what is an alarm again, set priorities."""
        for key, alarm in list(self._active.items()):
            choice, known = self.choice_of(*key), known_kind(alarm.kind)
            if choice.off:
                self.clear_alarm(*key)
                self._silenced[key] = (alarm.args, None)
            elif known is not None and not alarm.kind.startswith("rule_"):
                self._rank(alarm, choice.priority or known.priority)
        for alarm in [alarm for key, alarm in self._waiting.items() if self.choice_of(*key).off]:
            self.let_go(alarm)
        for key, (args, priority) in list(self._silenced.items()):
            if not self.choice_of(*key).off:
                del self._silenced[key]
                self.raise_alarm(*key, args, priority=priority)

    def let_go(self, alarm: StoredAlarm) -> None:
        """An alarm that returned to normal need not be acknowledged any more."""
        alarm.waiting = False
        if self._waiting.get((alarm.kind, alarm.source)) is alarm:
            del self._waiting[alarm.kind, alarm.source]
        self.tell(alarm)

    def say_no_more(self, alarms: Collection[int]) -> None:
        """What these said of people was emptied at rest; those that wait here say it no longer either."""
        for alarm in self._waiting.values():
            if alarm.id in alarms:
                alarm.args = {}

    async def run(self) -> None:
        """Write alarms down, tell of changed ones, and end those that have been quiet; until cancelled."""
        while True:
            await self._clock.sleep(TICK_S)
            self._end_quiet()
            self._end_shelves()
            for key in self._changed:
                self.tell(self._active[key])
            self._changed.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write down what changed. When the registry cannot be written it is tried again a second later."""
        try:
            await self.write()
        except DayuanError as error:
            log.warning("alarms not written yet: %s", error)

    async def write(self) -> None:
        """Write down what changed. What could not be written is kept for the next time; raises StoreUnavailable.

        Whoever is cancelled in here leaves the writing to end by itself: half known is neither written nor kept.
        """
        writing = asyncio.create_task(self._write(), name="alarms being written")
        self._under_way.add(writing)
        writing.add_done_callback(self._under_way.discard)
        await asyncio.shield(writing)

    async def _write(self) -> None:
        async with self._writing:
            if not (self._unwritten or self._unwritten_shelves or self._unwritten_deeds):
                return
            batch, self._unwritten = self._unwritten, {}
            shelves, self._unwritten_shelves = self._unwritten_shelves, {}
            deeds, self._unwritten_deeds = self._unwritten_deeds, []
            try:
                await self._book.write(list(batch.values()), AlarmChange(list(shelves.items()), deeds))
            except DayuanError:
                self._unwritten = {**batch, **self._unwritten}
                self._unwritten_shelves = {**shelves, **self._unwritten_shelves}
                self._unwritten_deeds = [*deeds, *self._unwritten_deeds]
                raise

    # --- inside ---

    def _rank(self, alarm: StoredAlarm, priority: int) -> None:
        if alarm.priority != priority:
            alarm.priority = priority
            alarm.rev += 1
            self.tell(alarm)

    def _begin(self, alarm: StoredAlarm) -> None:
        key = (alarm.kind, alarm.source)
        before = self._waiting.get(key)
        if before is not None:
            alarm.count = before.count + 1
            self.let_go(before)
        self._next_id += 1
        self._active[key] = alarm
        self._raised_at[key] = self._clock.monotonic()
        shown = self.show(alarm)
        if shown.state == "unacknowledged":
            self._flood = begun(self._flood, alarm.since)
            log.warning("alarm: %s", shown.text["en"])
        self.tell(alarm)
        self._tell_explained(alarm)

    def _wait(self, key: Key, alarm: StoredAlarm) -> None:
        alarm.waiting = True
        self._waiting[key] = alarm
        if len(self._waiting) > WAITING_MAX:
            self.let_go(next(iter(self._waiting.values())))

    def _shown(self, alarms: Iterable[StoredAlarm]) -> list[AlarmView]:
        return [self.show(alarm) for alarm in sorted(alarms, key=lambda one: (one.priority, -one.since))]

    def _explained_by(self, alarm: StoredAlarm) -> str:
        """Source of the active alarm that explains this one; empty for none."""
        if alarm.kind.partition(".")[0] not in EXPLAINED:
            return ""
        gateway = self.gateway_of(alarm.source)
        return gateway if gateway is not None and (OFFLINE, gateway) in self._active else ""

    def _tell_explained(self, alarm: StoredAlarm) -> None:
        """What an offline gateway explains is hidden with it and comes back when it is back."""
        if alarm.kind != OFFLINE:
            return
        for one in list(self._active.values()):
            if one.kind.partition(".")[0] in EXPLAINED and self.gateway_of(one.source) == alarm.source:
                self.tell(one)
                self._changed |= {(alarm.kind, alarm.source)} & self._active.keys()

    def _end_quiet(self) -> None:
        now = self._clock.monotonic()
        for kind, source in list(self._active):
            known = known_kind(kind)
            quiet_s = known.quiet_after_s if known else 3600.0
            if quiet_s is not None and now - self._raised_at[kind, source] >= quiet_s:
                self.clear_alarm(kind, source)

    def _end_shelves(self) -> None:
        now = self._clock.now_ms()
        for shelf in list(self._shelves.values()):
            if shelf.until is not None and shelf.until <= now:
                self.done(Deed(shelf.alarm, now, "", "unshelved"))
                self.set_shelf(shelf.kind, shelf.source, None)
