"""Rules at work: committed readings of the series that rules are about, found by one array step, and the clock.

A ``CommittedHandler``. Only the state after a batch counts, and only readings of the last 15 minutes raise: a backlog
after an outage tells of the past and needs nobody now.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from cloud.alarms.board import AlarmBoard
from cloud.alarms.kind import ArgValue
from cloud.alarms.rule import Rule, Watched, passed, step, times
from cloud.ingest.contract import Committed, CommittedBatch
from cloud.registry.alarm_rules_book import AlarmRulesBook, StoredRule
from cloud.store.contract import ReadingsQuery, SeriesKey, SeriesStore
from protocols.clock import Clock
from protocols.errors import Permanent
from protocols.points import VOCABULARY, PointWord

OLD_MS = 900_000
LOOK_EVERY_S = 5.0
PAGE = 10_000
DRY_SERIES_MAX = 200
DRY_ROWS_MAX = 500_000
UNSEEN, UNWATCHED, WATCHED = 0, 1, 2


class SeriesNames(Protocol):
    """Which series an id is, and all there are (the store's ``SeriesBook``)."""

    def name(self, number: int) -> SeriesKey: ...

    def names(self) -> Sequence[SeriesKey]: ...


class Zones(Protocol):
    """The zone of a site."""

    def zone(self, site: str) -> ZoneInfo: ...


class RuleChanged(Permanent):
    """The rule is not at the expected revision any more; ``rev`` is the one it has."""

    def __init__(self, rev: int) -> None:
        self.rev = rev
        super().__init__(f"the rule is at revision {rev} now")


class DryRun(NamedTuple):
    """What a rule would have done. ``whole`` is False when there was too much to look at."""

    raised: int
    series: int
    readings: int
    whole: bool


class RuleWatch:
    """All rules, and where each stands on each of its series. After a start delays begin anew."""

    def __init__(
        self,
        board: AlarmBoard,
        book: AlarmRulesBook,
        series: SeriesNames,
        store: SeriesStore,
        zones: Zones,
        clock: Clock,
    ) -> None:
        self._board, self._book, self._series, self._store = board, book, series, store
        self._zones, self._clock = zones, clock
        self._rules: dict[str, tuple[Rule, StoredRule]] = {}
        self._state = np.zeros(1024, np.uint8)
        self._of_series: dict[int, list[str]] = {}
        self._watched: dict[tuple[str, int], Watched] = {}

    async def open(self) -> None:
        """Read the rules. What a rule raised that is no more ends."""
        for stored in await self._book.all():
            self._rules[stored.id] = (msgspec.json.decode(stored.body, type=Rule), stored)
        self._settle()

    # --- what is set ---

    def all(self) -> list[tuple[Rule, StoredRule]]:
        """All rules, by id."""
        return [self._rules[name] for name in sorted(self._rules)]

    async def put(self, rule: Rule, *, by: str, rev: int | None) -> StoredRule:
        """Make or change one; it begins anew. Raises RuleChanged."""
        known = self._rules.get(rule.id)
        now_rev = known[1].rev if known else 0
        if rev is not None and rev != now_rev:
            raise RuleChanged(now_rev)
        stored = StoredRule(rule.id, now_rev + 1, self._clock.now_ms(), by, msgspec.json.encode(rule).decode())
        await self._book.put(stored)
        self._rules[rule.id] = (rule, stored)
        self._forget(rule.id)
        return stored

    async def remove(self, name: str) -> None:
        """Take one away; its alarms end. No error when there was none."""
        await self._book.remove(name)
        self._rules.pop(name, None)
        self._forget(name)

    async def dry_run(self, rule: Rule, since: int, until: int) -> DryRun:
        """How often the rule would have raised an alarm in a period, from the store."""
        keys = [key for key in self._series.names() if _is_about(rule, key)]
        raised = rows = looked = 0
        for key in keys[:DRY_SERIES_MAX]:
            readings = await self._readings(key, since, until)
            raised, rows, looked = raised + times(rule, readings, until), rows + len(readings), looked + 1
            if rows >= DRY_ROWS_MAX:
                break
        return DryRun(raised, looked, rows, looked == len(keys) and rows < DRY_ROWS_MAX)

    # --- what comes in ---

    async def committed(self, committed: Committed) -> None:
        """Take what is durable now."""
        if self._rules:
            for batch in committed.batches:
                if len(batch.series):
                    self._take(batch)

    def look(self) -> None:
        """Time went by."""
        now = self._clock.now_ms()
        for (name, number), state in list(self._watched.items()):
            rule = self._rules[name][0]
            after = passed(rule, state, now)
            if after != state:
                self._watched[name, number] = after
                self._say(rule, number, after)

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.look()

    # --- inside ---

    def _take(self, batch: CommittedBatch) -> None:
        highest = int(batch.series.max())
        if highest >= len(self._state):
            room = max(len(self._state), highest + 1 - len(self._state))
            self._state = np.concatenate([self._state, np.zeros(room, np.uint8)])
        for number in np.unique(batch.series[self._state[batch.series] == UNSEEN]).tolist():
            self._meet(number)
        chosen = np.flatnonzero((self._state[batch.series] == WATCHED) & ~np.isnan(batch.value))
        if not len(chosen):
            return
        touched: set[tuple[str, int]] = set()
        columns = (batch.series[chosen].tolist(), batch.at[chosen].tolist(), batch.value[chosen].tolist())
        for number, at, value in zip(*columns, strict=True):
            for name in self._of_series[number]:
                key = (name, number)
                self._watched[key] = step(
                    self._rules[name][0], self._watched.get(key) or self._first(name, number), at, value
                )
                touched.add(key)
        for name, number in touched:
            self._say(self._rules[name][0], number, self._watched[name, number])

    def _first(self, name: str, number: int) -> Watched:
        """Where a rule stands on a series that sends for the first time: what it raised before a restart goes on."""
        key, rule = self._series.name(number), self._rules[name][0]
        alarm = self._board.find(rule.kind, f"{key.site}/{key.device}")
        return Watched(since=alarm.since, raised=True) if alarm else Watched()

    def _meet(self, number: int) -> None:
        key = self._series.name(number)
        about = [name for name, (rule, _) in self._rules.items() if rule.enabled and _is_about(rule, key)]
        self._state[number] = WATCHED if about else UNWATCHED
        self._of_series[number] = about

    def _say(self, rule: Rule, number: int, state: Watched) -> None:
        key = self._series.name(number)
        source = f"{key.site}/{key.device}"
        is_old = state.at is None or state.at < self._clock.now_ms() - OLD_MS
        if not state.raised:
            self._board.clear_alarm(rule.kind, source)
        elif rule.condition == "stale" or not is_old or self._board.find(rule.kind, source):
            self._board.raise_alarm(rule.kind, source, self._args(rule, key, state), priority=rule.priority)

    def _args(self, rule: Rule, key: SeriesKey, state: Watched) -> dict[str, ArgValue]:
        word = VOCABULARY.get(key.point)
        unit = word.unit if word else ""
        at = datetime.fromtimestamp((state.since or 0) / 1000, self._zones.zone(key.site))
        limit = _length(rule.delay_s) if rule.condition in ("stale", "state") else f"{rule.limit:g} {unit}".strip()
        return {
            "rule": rule.name,
            "point": key.point,
            "value": f"{state.shown:.6g}",
            "unit": unit,
            "amount": f"{state.shown:.6g} {unit}".strip(),
            "said": f"{state.shown:g}",
            **_labels(word, state.shown),
            "limit": limit,
            "at": f"{at:%Y-%m-%d %H:%M:%S}",
            "todo": rule.todo,
        }

    def _forget(self, name: str) -> None:
        """What was known of a rule is no more; its series are looked for anew."""
        self._state[:] = UNSEEN
        self._of_series.clear()
        self._watched = {key: state for key, state in self._watched.items() if key[0] != name}
        self._settle(name)

    def _settle(self, name: str = "") -> None:
        kinds = {rule.kind for rule, _ in self._rules.values() if rule.enabled and rule.id != name}
        for alarm in self._board.active():
            if alarm.kind.startswith("rule_") and alarm.kind not in kinds:
                self._board.clear_alarm(alarm.kind, alarm.source)

    async def _readings(self, key: SeriesKey, since: int, until: int) -> list[tuple[int, float | None]]:
        found: list[tuple[int, float | None]] = []
        following: str | None = None
        while len(found) < DRY_ROWS_MAX:
            page = await self._store.readings(
                ReadingsQuery(
                    site=key.site,
                    device=key.device,
                    point=key.point,
                    from_at=since,
                    to_at=until,
                    limit=PAGE,
                    next=following,
                )
            )
            for at, value, *_ in page.rows:
                found.append((int(str(at)), float(value) if isinstance(value, int | float) else None))
            following = page.next
            if following is None:
                break
        return found


def _length(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size and not seconds % size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _labels(word: PointWord | None, value: float) -> dict[str, ArgValue]:
    """What people call the value of a state."""
    if word is None or not 0 <= value < len(word.labels_en) or value != int(value):
        return {}
    return {"said_en": word.labels_en[int(value)], "said_zh": word.labels_zh[int(value)]}


def _is_about(rule: Rule, key: SeriesKey) -> bool:
    return key.site == rule.site and key.point == rule.point and rule.device in ("", key.device)
