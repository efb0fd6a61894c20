"""The alarms there are: raise, return to normal, list. Kept in the registry, so that a restart forgets none."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from cloud.alarms.kinds import ALARM_KINDS, NOTE, ArgValue, texts
from cloud.registry.alarm_book import StoredAlarm
from protocols.clock import Clock
from protocols.errors import DayuanError

log = logging.getLogger(__name__)

ACTIVE_MAX = 5_000
"""Alarms at once; what comes beyond it is counted in ``refused``."""
TICK_S = 1.0


class AlarmView(msgspec.Struct):
    """An alarm as the API shows it."""

    id: str
    kind: str
    priority: int
    source: str
    since: int
    ended_at: int | None
    args: dict[str, ArgValue]
    text: dict[str, str]
    active: bool


class Book(Protocol):
    """Where alarms rest (``cloud.registry.alarm_book``)."""

    async def active(self) -> list[StoredAlarm]: ...

    async def last_id(self) -> int: ...

    async def write(self, alarms: list[StoredAlarm]) -> None: ...


def view(alarm: StoredAlarm) -> AlarmView:
    """The alarm as the API shows it."""
    return AlarmView(
        id=str(alarm.id),
        kind=alarm.kind,
        priority=alarm.priority,
        source=alarm.source,
        since=alarm.since,
        ended_at=alarm.ended_at,
        args=alarm.args,
        text=texts(alarm.kind, alarm.source, alarm.args),
        active=alarm.ended_at is None,
    )


class AlarmBoard:
    """One alarm per kind and source. ``raise_alarm`` and ``clear_alarm`` may be called from any thread."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self.refused = 0
        self.publish: Callable[[AlarmView], None] = lambda _: None
        """Told of every alarm that begins, changes or ends."""
        self._book, self._clock = book, clock
        self._active: dict[tuple[str, str], StoredAlarm] = {}
        self._raised_at: dict[tuple[str, str], float] = {}
        self._unwritten: dict[int, StoredAlarm] = {}
        self._changed: set[tuple[str, str]] = set()
        self._next_id = 1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    async def open(self) -> None:
        """Take up what was active before."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._next_id = await self._book.last_id() + 1
        now = self._clock.monotonic()
        for alarm in await self._book.active():
            self._active[alarm.kind, alarm.source] = alarm
            self._raised_at[alarm.kind, alarm.source] = now

    def active(self) -> list[AlarmView]:
        """Alarms that have not returned to normal: the most urgent first, of those the newest."""
        alarms = sorted(self._active.values(), key=lambda alarm: (alarm.priority, -alarm.since))
        return [view(alarm) for alarm in alarms]

    def find(self, kind: str, source: str) -> AlarmView | None:
        """The active alarm of this kind and source."""
        alarm = self._active.get((kind, source))
        return view(alarm) if alarm else None

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, ArgValue]) -> None:
        """Begin an alarm, or bring the args of the active one up to date."""
        if self._loop is not None and threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self.raise_alarm, kind, source, dict(args))
            return
        key = (kind, source)
        self._raised_at[key] = self._clock.monotonic()
        alarm = self._active.get(key)
        if alarm is not None:
            if alarm.args != dict(args):
                alarm.args = dict(args)
                self._changed.add(key)
            return
        if len(self._active) >= ACTIVE_MAX:
            self.refused += 1
            return
        known = ALARM_KINDS.get(kind)
        alarm = StoredAlarm(
            self._next_id, kind, source, known.priority if known else NOTE, self._clock.now_ms(), dict(args)
        )
        self._next_id += 1
        self._active[key] = alarm
        self._unwritten[alarm.id] = alarm
        shown = view(alarm)
        log.warning("alarm: %s", shown.text["en"])
        self.publish(shown)

    def clear_alarm(self, kind: str, source: str) -> None:
        """The condition ended. No error when there was none."""
        if self._loop is not None and threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self.clear_alarm, kind, source)
            return
        key = (kind, source)
        alarm = self._active.pop(key, None)
        if alarm is None:
            return
        self._raised_at.pop(key, None)
        self._changed.discard(key)
        alarm.ended_at = self._clock.now_ms()
        self._unwritten[alarm.id] = alarm
        log.info("back to normal: %s", view(alarm).text["en"])
        self.publish(view(alarm))

    async def run(self) -> None:
        """Write alarms down, tell of changed ones, and end those that have been quiet; until cancelled."""
        while True:
            await self._clock.sleep(TICK_S)
            self._end_quiet()
            for key in self._changed:
                alarm = self._active[key]
                self._unwritten[alarm.id] = alarm
                self.publish(view(alarm))
            self._changed.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write down what changed. When the registry cannot be written it is tried again a second later."""
        if not self._unwritten:
            return
        batch, self._unwritten = self._unwritten, {}
        try:
            await self._book.write(list(batch.values()))
        except DayuanError as error:
            log.warning("alarms not written yet: %s", error)
            self._unwritten = {**batch, **self._unwritten}

    def _end_quiet(self) -> None:
        now = self._clock.monotonic()
        for kind, source in list(self._active):
            known = ALARM_KINDS.get(kind)
            quiet_s = known.quiet_after_s if known else 3600.0
            if quiet_s is not None and now - self._raised_at[kind, source] >= quiet_s:
                self.clear_alarm(kind, source)
