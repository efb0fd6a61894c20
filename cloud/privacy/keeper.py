"""Retention: what of people is too old goes, a slice at a time, and everybody can see what went.

Each slice is a transaction; between two of them whoever waits gets their turn. A round that a kill cuts short is begun
again and goes on with what is left. After a round the files are cleaned of what it left in them.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from cloud.privacy.classes import OF_PEOPLE
from cloud.privacy.holding import HeldPart
from cloud.registry.people_held import Kept, kept_of
from cloud.registry.people_retention import PeopleRetention
from cloud.registry.people_told import ALARMS, ROUNDS
from cloud.registry.privacy_book import PrivacyBook, Run
from cloud.store.contract import SeriesStore
from cloud.store.personal import ACCESS_KINDS, TRACK_KINDS, TRACK_POINTS, Due, HeldBack, PersonalStore
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
FIRST_AFTER_S = 60.0
ROUND_EVERY_S = 6 * 3600.0
TICK_S = 5.0
HOLDS_EVERY_S = 60.0
"""Another collector of the group may have made one."""
BREATH_S = 0.05
CLEAN_BREATH_S = 0.25
CLEAN_SLICES_MAX = 4_000
"""Some quarter of an hour."""


class Outlook(NamedTuple):
    """What a round would do with a class. ``before``: what is older goes (ms); None: it is kept for ever, or held."""

    kept: str
    days: int | None
    before: int | None
    due: int
    held: str


class Keeper:
    """``run`` until cancelled; ``round`` and ``outlook`` may be asked for at any time. Raise StoreUnavailable."""

    def __init__(
        self,
        days: Mapping[str, int | None],
        book: PrivacyBook,
        people: PeopleRetention,
        store: SeriesStore,
        clock: Clock,
    ) -> None:
        self.days = days
        self.book = book
        self._people, self._clock = people, clock
        self._running = self._unclean = False
        self.next_round_at: int | None = None
        """When the next round begins (ms); None: no rounds are run."""
        self.unclean_bytes = 0
        """What deleted rows left in the file of the store and is not overwritten yet, as far as it is known."""
        self._store: PersonalStore | None = store if isinstance(store, PersonalStore) else None

    async def run(self) -> None:
        """Round after round, and cleaning soon after somebody was deleted."""
        self._running, next_at, holds_at = True, self._next_in(FIRST_AFTER_S), 0.0
        while True:
            await self._clock.sleep(TICK_S)
            try:
                if self._clock.monotonic() >= holds_at:
                    holds_at = self._clock.monotonic() + HOLDS_EVERY_S
                    await self.tell_holds()
                if self._clock.monotonic() >= next_at:
                    next_at = self._next_in(ROUND_EVERY_S)
                    await self.round()
                elif self._unclean:
                    await self._clean()
            except StoreUnavailable as error:
                log.warning("retention: nothing more was forgotten in this round: %s", error)

    def watch(self, passes: Callable[[Sequence[str]], None], alarms: Callable[[Sequence[int]], None]) -> None:
        """Tell these which passes and alarms were emptied: they hold some in memory."""
        self._people.emptied, self._people.told.emptied = passes, alarms

    async def tell_holds(self) -> None:
        """Tell the store what its own retention of events and readings leaves."""
        if self._store is not None:
            parts = (await self.book.holding()).parts
            self._store.hold_back([held for held in map(_held_back, parts) if held is not None])

    async def outlook(self) -> list[Outlook]:
        """What a round would do now; nothing is touched."""
        found = []
        for kept in OF_PEOPLE:
            before, held = await self._before(kept)
            count = sum([await ask(before, held) for ask in self._counts(kept)]) if before is not None else 0
            found.append(Outlook(kept, self.days[kept], before, count, await self._why(kept)))
        return found

    async def runs(self) -> dict[str, Run]:
        """What the last rounds did."""
        return await self.book.runs()

    async def round(self) -> int:
        """Forget what is too old now, in all classes; how many rows went."""
        total = 0
        for kept in OF_PEOPLE:
            before, held = await self._before(kept)
            if before is None:
                continue
            rows, longest_ms = 0, 0
            for forget in self._forgets(kept):
                while True:
                    began = self._clock.monotonic()
                    gone = await forget(before, held)
                    longest_ms = max(longest_ms, round((self._clock.monotonic() - began) * 1000))
                    rows += gone
                    if not gone:
                        break
                    await self._clock.sleep(BREATH_S)
            if rows:
                log.info("retention: %d rows of %s from before %d are gone", rows, kept, before)
            await self.book.note_run(kept, before, rows, longest_ms)
            total += rows
        await self._clean()
        return total

    async def clean(self) -> None:
        """Overwrite what deleted rows left in the files: now, or within seconds when rounds are run anyway."""
        self._unclean = True
        if not self._running:
            await self._clean()

    async def _clean(self) -> None:
        self._unclean = False
        if self._store is not None:
            for _ in range(CLEAN_SLICES_MAX):
                self.unclean_bytes = await self._store.scrub()
                if not self.unclean_bytes:
                    break
                await self._clock.sleep(CLEAN_BREATH_S)
            else:
                log.warning("retention: commits left no room to clean the file; the next round goes on with it")
        await self.book.clean()

    # --- inside ---

    def _next_in(self, wait_s: float) -> float:
        """Says when; monotonic."""
        self.next_round_at = self._clock.now_ms() + round(wait_s * 1000)
        return self._clock.monotonic() + wait_s

    async def _before(self, kept: str) -> tuple[int | None, Kept]:
        """What is older goes, but for what is held. None: nothing goes."""
        days = self.days[kept]
        held = kept_of(await self.book.holding(), kept)
        if days is None or held is None:
            return None, Kept()
        return self._clock.now_ms() - days * DAY_MS, held

    async def _why(self, kept: str) -> str:
        return "; ".join(each.reason for each in await self.book.holds() if each.kept in ("", kept))

    def _counts(self, kept: str) -> list[Callable[[int, Kept], Awaitable[int]]]:
        people = self._people
        own = {"tracks": people.count_tracks, "visitors": people.count_visitors, "requests": people.count_requests}
        told = [partial(people.told.count_alarms, kept)] if kept in ALARMS else []
        rounds = [people.told.count_rounds] if kept == ROUNDS else []
        stored = [self._count_due(kept)] if kept in _STORED else []
        return [*([own[kept]] if kept in own else []), *stored, *told, *rounds]

    def _forgets(self, kept: str) -> list[Callable[[int, Kept], Awaitable[int]]]:
        people = self._people
        own = {"tracks": people.forget_tracks, "visitors": people.forget_visitors, "requests": people.forget_requests}
        told = [partial(people.told.forget_alarms, kept)] if kept in ALARMS else []
        rounds = [people.told.forget_rounds] if kept == ROUNDS else []
        stored = [self._expire(kept)] if kept in _STORED else []
        return [*([own[kept]] if kept in own else []), *stored, *told, *rounds]

    def _count_due(self, kept: str) -> Callable[[int, Kept], Awaitable[int]]:
        async def count(before: int, held: Kept) -> int:
            return 0 if self._store is None else await self._store.count_due(_due(kept, before, held))

        return count

    def _expire(self, kept: str) -> Callable[[int, Kept], Awaitable[int]]:
        async def expire(before: int, held: Kept) -> int:
            return 0 if self._store is None else (await self._store.expire(_due(kept, before, held))).rows

        return expire


_STORED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "access": (ACCESS_KINDS, ()),
    "tracks": (TRACK_KINDS, TRACK_POINTS),
}
"""Of the store: which events and which points are of a class."""


def _due(kept: str, before: int, held: Kept) -> Due:
    kinds, points = _STORED[kept]
    return Due(kinds, points, before, held.sites, held.words, held.plates)


def _held_back(part: HeldPart) -> HeldBack | None:
    """Of one hold, what the store has of it; positions name nobody."""
    if part.kept and part.kept not in _STORED:
        return None
    kinds, points = _STORED[part.kept] if part.kept else (None, TRACK_POINTS)
    sites = frozenset({part.site} - {""})
    if part.person is None:
        return HeldBack(kinds, points, sites)
    return HeldBack(kinds, (), sites, part.person.words | part.person.lent.cards, part.person.plain_plates)
