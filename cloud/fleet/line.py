"""One vehicle: its samples as they come, in order; and its days worked out anew when some came too late."""

import asyncio
import bisect
from collections.abc import Sequence
from typing import NamedTuple

from cloud.assets.contract import AssetKey, Roster
from cloud.fleet.day import Account, DayResult, began_of, under_way, work_out
from cloud.fleet.fixes import POSITION, Fix, Heard, Sample, fault_of, hear
from cloud.fleet.history import samples
from cloud.fleet.reorder import Reorder
from cloud.fleet.rules import Yard
from cloud.fleet.step import Outcome, VehicleState, advance, begin, step
from cloud.fleet.vehicles import Contact
from cloud.geo.earth import Spot
from cloud.registry.trip_book import TripBook
from cloud.store.contract import SeriesStore

WAITING_MAX = 50_000
"""Samples that may wait while days are worked out anew; beyond it they are left to the store, and the day again."""

RECALLED_MAX = 1_000
"""Of the samples of a day, so many of the newest are looked through for the last position."""

Order = tuple[int, int, str, str]

_NOTHING = Heard()


class Stepped(NamedTuple):
    """What came of the samples of one call."""

    outcomes: list[Outcome]
    ended: list[DayResult]


class Redone(NamedTuple):
    """Days worked out anew. ``current``: also the one under way."""

    days: list[DayResult]
    current: bool


class Line:
    """See the module's text. ``yard`` is given with each call, as the site's map and settings change."""

    def __init__(self, key: AssetKey) -> None:
        self.key = key
        self.state: VehicleState | None = None
        self.account: Account | None = None
        self.contact = Contact()
        self.redo_from: int | None = None
        """Time of the oldest sample that came too late."""
        self.late_at = 0
        """When (by the clock) one last came too late."""
        self.redoing = False
        self.behind = False
        """After a start, until what was stored meanwhile is in: nothing is stepped over it."""
        self._reorder = Reorder()
        self._stepped: Order | None = None

    def offer(self, sample: Sample, yard: Yard, now: int) -> None:
        """Take a sample that came."""
        if _is_future(sample, yard):
            return
        self._show(sample, yard)
        if self._is_late(sample) or len(self._reorder) >= WAITING_MAX:
            self.mark_late(sample.at, now)
        else:
            self._reorder.add(sample)

    def mark_late(self, at: int, now: int) -> None:
        """Something of then is not in yet."""
        self.redo_from = at if self.redo_from is None else min(self.redo_from, at)
        self.late_at = now

    def go_on(self, yard: Yard, roster: Roster, now: int, *, until: int | None = None) -> Stepped:
        """Step what waited long enough; then let time pass to ``until``."""
        outcomes: list[Outcome] = []
        ended: list[DayResult] = []
        if self.redoing or self.behind:
            return Stepped(outcomes, ended)
        for sample in self._reorder.ready(round(yard.settings.reorder_s * 1000), now):
            if self._is_late(sample):
                self.mark_late(sample.at, now)
                continue
            if self.state is None or self.account is None:
                self.state = begin(sample.at, yard)
                self.account = Account(self.state)
            self.state, made = step(self.state, sample, yard, roster)
            self._stepped = sample.order
            if made:
                outcomes += made
                ended += self.account.take(made)
        state, account = self.state, self.account
        if until is None or state is None or account is None or state.due_at is None or state.due_at > until:
            return Stepped(outcomes, ended)
        self.state, made = advance(state, until, yard)
        outcomes += made
        ended += account.take(made)
        return Stepped(outcomes, ended)

    def begin_with(self, began: VehicleState) -> None:
        """After a start: the newest day as it began; what came since is in the store."""
        self.state, self.account = began, Account(began)
        self.redo_from, self.behind = began.day, True

    async def redo(self, yard: Yard, roster: Roster, store: SeriesStore, book: TripBook, now: int) -> Redone:
        """Work out anew the day of the oldest late sample, and those after it as far as it changes them."""
        first = self.redo_from
        assert first is not None
        self.redo_from, self.redoing = None, True
        done = False
        try:
            redone = await self._redo(first, yard, roster, store, book, now)
            done = True
            return redone
        finally:
            self.redoing = False
            if not done:
                self.mark_late(first, self.late_at)
            elif self.behind and self.state is not None:
                self.mark_late(self.state.day, self.late_at)

    async def _redo(
        self, first: int, yard: Yard, roster: Roster, store: SeriesStore, book: TripBook, now: int
    ) -> Redone:
        state = await self._began(first, yard, book)
        known = self.state or state
        target, current_day = known.stepped_at, known.day
        days: list[DayResult] = []
        while state.day < current_day:
            read = await samples(store, yard.asset, state.day, state.day_end)
            _, ended, account = await asyncio.to_thread(work_out, state, read, state.day_end, yard, roster)
            days, state = [*days, *ended], account.began
            if state == await self._kept(state.day, current_day, book):
                return Redone(days, False)
        read = await samples(store, yard.asset, state.day, now + 86_400_000)
        state, ended, account = await asyncio.to_thread(work_out, state, read, target, yard, roster)
        days += ended
        self.state, self.account, self.behind = state, account, False
        self._stepped = next((sample.order for sample in reversed(read) if not _is_future(sample, yard)), None)
        if self.contact.fix is None:
            self._recall(read, yard)
        self._take_waiting(read, now)
        return Redone([*days, under_way(account, state)], True)

    def _recall(self, read: Sequence[Sample], yard: Yard) -> None:
        """After a start: where it was last and when it was heard, also of one that has stood there for days."""
        for sample in reversed(read[-RECALLED_MAX:]):
            if self.contact.fix is not None:
                break
            if not _is_future(sample, yard):
                self._show(sample, yard)
        last = self.state.cleaner.last if self.state is not None else None
        if last is not None and self.contact.fix is None:
            self.contact = Contact(max(self.contact.heard_at or 0, last.at), last, last.at)

    async def _began(self, at: int, yard: Yard, book: TripBook) -> VehicleState:
        day, _ = yard.calendar.day_of(yard.site, at)
        if self.account is not None and day == self.account.began.day:
            return self.account.began
        kept = await book.day(self.key, day)
        return (began_of(kept) if kept else None) or begin(at, yard)

    async def _kept(self, day: int, current_day: int, book: TripBook) -> VehicleState | None:
        """How the day after was begun, when that was kept."""
        if day == current_day:
            return self.account.began if self.account is not None else None
        kept = await book.day(self.key, day)
        return began_of(kept) if kept else None

    def _take_waiting(self, read: Sequence[Sample], now: int) -> None:
        """What came meanwhile: what was read is in; what is newer waits on; what is older came too late again."""
        for sample in self._reorder.take():
            where = bisect.bisect_right(read, sample.order, key=lambda each: each.order) - 1
            same = read[where] if where >= 0 and read[where].order == sample.order else None
            if same is not None and sample.points.items() <= same.points.items():
                continue
            if self._is_late(sample):
                self.mark_late(sample.at, now)
            else:
                self._reorder.add(sample)

    def _is_late(self, sample: Sample) -> bool:
        state, last = self.state, self._stepped
        if state is None:
            return False
        if last is not None and sample.order <= last:
            return True
        return sample.at <= state.stepped_at and (last is None or sample.at != last[0])

    def _show(self, sample: Sample, yard: Yard) -> None:
        """What the map shows does not wait for order."""
        contact = self.contact
        heard_at = max(contact.heard_at or 0, sample.at)
        fix, received_at = contact.fix, contact.received_at
        if sample.role == POSITION and (fix is None or sample.at >= fix.at):
            fresh = self._fix(sample)
            if fresh is not None and not fault_of(fresh, sample.received_at, yard.settings):
                fix, received_at = fresh, sample.received_at
        self.contact = Contact(heard_at, fix, received_at)

    def _fix(self, sample: Sample) -> Fix | None:
        said = sample.points
        latitude, longitude = said.get("latitude"), said.get("longitude")
        if latitude is None or longitude is None:
            return hear(self.state.heard if self.state is not None else _NOTHING, sample)[1]
        spot = Spot(latitude, longitude)
        return Fix(sample.at, spot, said.get("accuracy_m"), said.get("speed_kmh"), said.get("course_deg"))


def _is_future(sample: Sample, yard: Yard) -> bool:
    return sample.at > sample.received_at + yard.settings.future_max_s * 1000
