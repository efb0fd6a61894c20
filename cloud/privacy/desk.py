"""What is held on one person: found, given out, and deleted in two steps.

The first step says what would go and what stays, with a word (``confirm``) for just that; the second does it when that
is still so. Whoever confirms has seen what goes.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from cloud.audit.note import tell
from cloud.privacy.contract import Found, Source, Subject
from cloud.privacy.holding import HELD, Holding
from cloud.privacy.tombstones import Deletion, Tombstones
from protocols.clock import Clock
from protocols.errors import Permanent

log = logging.getLogger(__name__)

ASKED_MAX = 200


class Held(Permanent):
    """Somebody has a legal hold on this person; the message says why."""


class Changed(Permanent):
    """What is held is not what was confirmed."""


class Ask(NamedTuple):
    """A record that may be about the person: goes only when it is chosen. ``facts``: what it says."""

    source: str
    found: Found


class Plan(NamedTuple):
    """What a deletion would do: how many records of each source go, and how many stay and why; and what is ``asked``
    for, at most ``ASKED_MAX``: the oldest, the others when those are gone."""

    goes: Mapping[str, int]
    stays: Mapping[str, Mapping[str, int]]
    confirm: str
    asks: Sequence[Ask] = ()


class HoldBook(Protocol):
    """Legal holds, and which deletions this registry has been through."""

    async def holding(self) -> Holding:
        """What is held now."""
        ...

    async def done(self) -> set[str]:
        """Ids of deletions that were done."""
        ...

    async def note_done(self, deletion: Deletion, rows: int) -> None:
        """This one is done."""
        ...


class Cards(Protocol):
    """Tells lent cards apart from a person's own."""

    async def told_apart(self, subject: Subject) -> Subject:
        """The same person, with ``lent``."""
        ...


class Cleaner(Protocol):
    """Overwrites what deleted rows left in the files."""

    async def clean(self) -> None: ...


class PrivacyDesk:
    """``again`` after opening registry and store; then the others. All raise StoreUnavailable."""

    def __init__(
        self,
        sources: Sequence[Source],
        holds: HoldBook,
        tombstones: Tombstones,
        cleaner: Cleaner,
        clock: Clock,
        *,
        cards: Cards,
        asked: Sequence[Source] = (),
    ) -> None:
        """``asked``: sources that are not sure, of which goes what is chosen."""
        self.sources = (*sources, *asked)
        self._asked = frozenset(each.name for each in asked)
        self._holds, self._tombstones, self._cleaner, self._clock = holds, tombstones, cleaner, clock
        self._cards = cards
        self._one = asyncio.Lock()
        self._watchers: dict[str, Callable[[Sequence[str]], None]] = {}

    def watch(self, source: str, gone: Callable[[Sequence[str]], None]) -> None:
        """Tell this one which ids of a source are gone: it holds them in memory, too."""
        self._watchers[source] = gone

    async def find(self, subject: Subject) -> dict[str, list[Found]]:
        """Everything held on this person, by source."""
        whole = await self._cards.told_apart(subject)
        return {source.name: await source.find(whole) for source in self.sources}

    async def plan(self, subject: Subject) -> Plan:
        """What a deletion would do now."""
        return self._plan(_but_held(await self.find(subject), subject, await self._holds.holding()))

    async def delete(self, subject: Subject, confirm: str, also: Sequence[str] = ()) -> Plan:
        """Do it, when it is what was confirmed; ``also``: ids of what was asked for and is to go. Raises Held,
        Changed."""
        async with self._one:
            holding = await self._holds.holding()
            held = holding.on(subject)
            if held is not None:
                raise Held(f"there is a legal hold on this person: {held}")
            found = _but_held(await self.find(subject), subject, holding)
            plan = self._plan(found)
            chosen, there = set(also), {each.found.id for each in plan.asks}
            if plan.confirm != confirm or not chosen <= there:
                raise Changed("what is held on this person is not what was confirmed; look at it again")
            ids = {
                name: [each.id for each in records if not each.stays and (name not in self._asked or each.id in chosen)]
                for name, records in found.items()
            }
            ids = {name: each for name, each in ids.items() if each}
            if ids:
                now = self._clock.now_ms()
                deletion = Deletion(id=f"{now}-{confirm[:12]}", at=now, ids=ids)
                await asyncio.to_thread(self._tombstones.add, deletion)
                await self._carry_out(deletion)
            return plan

    async def again(self) -> int:
        """Go through deletions that this registry and store know nothing of: a backup was put back, or a kill cut one
        short. How many."""
        async with self._one:
            done = await self._holds.done()
            missing = [each for each in await asyncio.to_thread(self._tombstones.all) if each.id not in done]
            for deletion in missing:
                await self._carry_out(deletion)
        return len(missing)

    async def _carry_out(self, deletion: Deletion) -> None:
        rows = 0
        tell(deletion=deletion.id, records={name: len(ids) for name, ids in deletion.ids.items()})
        for source in self.sources:
            if source.name in deletion.ids:
                rows += await source.erase(deletion.ids[source.name])
                self._watchers.get(source.name, _nobody)(deletion.ids[source.name])
        await self._cleaner.clean()
        await self._holds.note_done(deletion, rows)
        log.info("deletion %s: %d records of a person are gone", deletion.id, rows)

    def _plan(self, found: Mapping[str, Sequence[Found]]) -> Plan:
        goes, stays = {}, {}
        asks: list[Ask] = []
        digest = hashlib.sha256()
        for name, records in found.items():
            going = sorted(each.id for each in records if not each.stays)
            why: dict[str, int] = {}
            for each in records:
                if each.stays:
                    why[each.stays] = why.get(each.stays, 0) + 1
            if why:
                stays[name] = why
            if name in self._asked:
                asks += [Ask(name, each) for each in records if not each.stays]
                continue
            goes[name] = len(going)
            digest.update(msgspec.json.encode([name, going]))
        return Plan(goes, stays, digest.hexdigest()[:32], asks[:ASKED_MAX])


def _but_held(found: Mapping[str, Sequence[Found]], subject: Subject, holding: Holding) -> dict[str, list[Found]]:
    """The same records; those that are held stay, and say so."""
    whole = holding.on(subject) is not None
    return {
        name: [
            each._replace(stays=each.stays or (HELD if whole or holding.holds(name, each) else "")) for each in records
        ]
        for name, records in found.items()
    }


def _nobody(_: Sequence[str]) -> None:
    """Nobody holds any in memory."""
