"""What is known of access at all sites, in RAM; on disk first, whoever changes it."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

import msgspec

from cloud.access.checks import MAX, faults_of, used_by
from cloud.access.contract import (
    TYPES,
    AccessChange,
    AccessFault,
    BadRecord,
    ChangedMeanwhile,
    Credential,
    Permission,
    PlannedOnOld,
    Record,
    RecordKey,
    SiteAccess,
    key_of,
)
from cloud.registry.access_book import AccessBook, WrittenElsewhere
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
TRIES = 5
"""To write, while another process writes too."""
FAULTS_MAX = 50

Watcher = Callable[[str], None]
"""Told of the site where something changed. Must not raise."""
HasDoor = Callable[[str, str], bool]
"""Whether a site has a door of that id."""


class AccessRegister:
    """``open`` first. ``run`` notices what the command line wrote beside us."""

    def __init__(self, book: AccessBook, has_door: HasDoor, clock: Clock) -> None:
        self._book, self._has_door, self._clock = book, has_door, clock
        self._sites: dict[str, SiteAccess] = {}
        self._revs: dict[tuple[str, RecordKey], int] = {}
        self._changes = 0
        self._order = asyncio.Lock()
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> None:
        """Tell of changes from now on."""
        self._watchers.append(watcher)

    def site(self, site: str) -> SiteAccess:
        """What is known of a site."""
        return self._sites.get(site, SiteAccess())

    def sites(self) -> set[str]:
        """Sites of which anything is known."""
        return set(self._sites)

    def rev(self, site: str, key: RecordKey) -> int:
        """How often a record was written; 0 for what is not there."""
        return self._revs.get((site, key), 0)

    async def open(self) -> None:
        """Read what was written down."""
        await self._take_over(await self._book.changes())

    async def apply(self, change: AccessChange, *, on: SiteAccess | None = None) -> None:
        """All of it or nothing; what hangs on a removed holder goes along. What another process wrote meanwhile is
        taken over first. Raises BadRecord with everything that is wrong, ChangedMeanwhile, StoreUnavailable, and
        PlannedOnOld when the site is not any more what the change was planned ``on``."""
        async with self._order:
            before = dict(self._sites)
            try:
                for _ in range(TRIES):
                    try:
                        return await self._write(change, on)
                    except WrittenElsewhere:
                        await self._take_over(await self._book.changes())
                raise StoreUnavailable("other processes change access all the time; try again")
            finally:
                self._tell_since(before)

    def check(self, change: AccessChange) -> None:
        """Raises BadRecord when ``apply`` would."""
        self._planned(change)

    async def reload(self) -> bool:
        """Take over what another process wrote; returns whether there was anything."""
        async with self._order:
            changes = await self._book.changes()
            if changes == self._changes:
                return False
            before = dict(self._sites)
            await self._take_over(changes)
            self._tell_since(before)
        return True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            try:
                if await self.reload():
                    log.info("access was changed by another process; taken over")
            except StoreUnavailable as error:
                log.warning("it is not known whether access was changed: %s", error)

    async def _write(self, change: AccessChange, on: SiteAccess | None) -> None:
        if on is not None and on != self.site(change.site):
            raise PlannedOnOld(f"access of {change.site} was changed meanwhile")
        for key, rev in change.expect.items():
            if self.rev(change.site, key) != rev:
                raise ChangedMeanwhile(key, self.rev(change.site, key))
        change, after = self._planned(change)
        if not change.put and not change.removed:
            return
        self._changes = await self._book.write(change, seen=self._changes)
        self._sites[change.site] = after
        for key in change.removed:
            self._revs.pop((change.site, key), None)
        for record in change.put:
            name = change.site, key_of(record)
            self._revs[name] = self._revs.get(name, 0) + 1

    def _planned(self, change: AccessChange) -> tuple[AccessChange, SiteAccess]:
        there = self.site(change.site)
        put = {key_of(each): each for each in change.put if there.of(key_of(each).kind).get(each.id) != each}
        removed = [key for key in dict.fromkeys(change.removed) if key.id in there.of(key.kind) and key not in put]
        for key in list(removed):
            if key.kind == "holder":
                _let_go(key.id, there, put, removed)
        after = _with(there, put.values(), removed)
        faults = [
            AccessFault(key.kind, key.id, "id", f"still used by {user.kind} {user.id}; change that first")
            for key in removed
            if (user := used_by(key, after)) is not None
        ]
        for kind, most in MAX.items():
            if len(after.of(kind)) > max(most, len(there.of(kind))):
                faults.append(AccessFault(kind, "", "", f"{len(after.of(kind))} of them at this site, at most {most}"))
        for record in put.values():
            faults += faults_of(record, after, lambda door: self._has_door(change.site, door))
            if len(faults) >= FAULTS_MAX:
                break
        if faults:
            raise BadRecord(faults[:FAULTS_MAX])
        return msgspec.structs.replace(change, put=tuple(put.values()), removed=tuple(removed)), after

    async def _take_over(self, changes: int) -> None:
        """``changes`` was read before: what is written between counts as unseen."""
        await self._take_all()
        self._changes = changes

    async def _take_all(self) -> None:
        found: dict[str, dict[str, dict[str, Record]]] = {}
        revs = {}
        for site, record, rev, _, _ in await self._book.records():
            key = key_of(record)
            found.setdefault(site, {kind: {} for kind in TYPES})[key.kind][key.id] = record
            revs[site, key] = rev
        self._sites = {site: _site(kinds) for site, kinds in found.items()}
        self._revs = revs

    def _tell_since(self, before: Mapping[str, SiteAccess]) -> None:
        for site in before.keys() | self._sites.keys():
            if before.get(site) != self._sites.get(site):
                for watcher in self._watchers:
                    watcher(site)


def _site(kinds: Mapping[str, Mapping[str, Record]]) -> SiteAccess:
    return SiteAccess(**{f"{kind}s": records for kind, records in kinds.items()})  # type: ignore[arg-type]


def _with(there: SiteAccess, put: Iterable[Record], removed: Iterable[RecordKey]) -> SiteAccess:
    kinds = {kind: dict(there.of(kind)) for kind in TYPES}
    for key in removed:
        kinds[key.kind].pop(key.id, None)
    for record in put:
        key = key_of(record)
        kinds[key.kind][key.id] = record
    return _site(kinds)


def _let_go(holder: str, there: SiteAccess, put: dict[RecordKey, Record], removed: list[RecordKey]) -> None:
    """A holder that goes takes along what is theirs alone, and leaves the groups."""
    mine: list[Credential | Permission] = [*there.credentials.values(), *there.permissions.values()]
    removed += [key_of(each) for each in mine if each.holder == holder and key_of(each) not in put]
    for group in there.groups.values():
        key = RecordKey("group", group.id)
        now = put.get(key, group)
        members = getattr(now, "members", ())
        if key not in removed and holder in members:
            put[key] = msgspec.structs.replace(now, members=tuple(each for each in members if each != holder))
