"""What happened to one thing, device or gateway, as one list: the journal, changes of its state, its alarms and what
was done to them, and events of its devices."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from cloud.assets.contract import AssetKey, Roster
from cloud.live.state_log import StateLog
from cloud.registry.alarm_book import Deed, StoredAlarm
from cloud.registry.journal_book import JournalBook
from cloud.registry.state_book import Body, StateBook
from cloud.store.contract import EventsQuery, SeriesStore
from protocols.events import GATEWAY_DEVICE


class Entry(NamedTuple):
    """One line. source: ``journal``, ``state`` (``kind`` is then ``changed`` or ``gone``), ``event`` or ``alarm`` (its
    kind; ``facts.what`` is ``raised``, ``ended`` or what somebody did)."""

    at: int
    source: str
    kind: str
    facts: Mapping[str, object]


class Part(NamedTuple):
    """Some entries, oldest first. ``next``: older ones are those before it; None when there are none."""

    entries: list[Entry]
    next: int | None


class Alarms(Protocol):
    """Alarms as they are written down."""

    async def of(self, source: str, since: int, until: int, limit: int) -> Sequence[StoredAlarm]: ...

    async def deeds(self, alarms: Sequence[int]) -> Sequence[Deed]: ...


class Timeline:
    """Merges the sources. Reads only. Which gateways news come through is nothing that happened to the thing: a change
    of that alone is no entry."""

    def __init__(
        self,
        journal: JournalBook,
        state_log: StateLog,
        book: StateBook,
        store: SeriesStore,
        roster: Roster,
        alarms: Alarms,
        write_alarms: Callable[[], Awaitable[None]],
    ) -> None:
        self._journal, self._log, self._book, self._store, self._roster = journal, state_log, book, store, roster
        self._alarms, self._write_alarms = alarms, write_alarms

    async def of(self, entity: str, since: int, until: int, limit: int) -> Part:
        """The newest of ``entity`` with ``since <= at < until``; about ``limit``. Raises StoreUnavailable."""
        await self._log.flush()
        more = limit + 1
        notes = await self._journal.of(entity, since, until, limit=more)
        states = await self._book.of(entity, since, until, limit=more)
        parts = [
            [Entry(note.at, "journal", note.kind, note.facts) for note in notes],
            [_state(at, body) for at, body in states],
            await self._alarms_of(entity.replace("/@", "/"), since, until, more),
            *[await self._events(site, device, since, until, more) for site, device in self._devices(entity)],
        ]
        return _newest(parts, limit, more)

    async def _alarms_of(self, source: str, since: int, until: int, limit: int) -> list[Entry]:
        await self._write_alarms()
        alarms = {alarm.id: alarm for alarm in await self._alarms.of(source, since, until, limit)}
        found = []
        for alarm in alarms.values():
            facts = {"alarm": alarm.id, "priority": alarm.priority}
            found.append(Entry(alarm.since, "alarm", alarm.kind, {**facts, "what": "raised", "args": alarm.args}))
            if alarm.ended_at is not None:
                found.append(Entry(alarm.ended_at, "alarm", alarm.kind, {**facts, "what": "ended"}))
        for deed in await self._alarms.deeds(list(alarms)):
            did = {"alarm": deed.alarm, "what": deed.action, "by": deed.by, "text": deed.text}
            found.append(Entry(deed.at, "alarm", alarms[deed.alarm].kind, did))
        of_period = [entry for entry in found if since <= entry.at < until]
        return sorted(of_period, key=lambda entry: entry.at)[-limit:]

    def _devices(self, entity: str) -> Sequence[tuple[str, str]]:
        """Those whose events belong to the entity: those bound to it, or itself."""
        key = AssetKey.of_entity(entity)
        if key is None:
            site, _, device = entity.partition("/")
            return [(site, GATEWAY_DEVICE if device.startswith("@") else device)]
        asset = self._roster.find(key)
        return sorted({(key.site, each.device) for each in asset.bindings}) if asset is not None else []

    async def _events(self, site: str, device: str, since: int, until: int, limit: int) -> list[Entry]:
        query = EventsQuery(from_at=since, to_at=until, site=site, device=device, limit=limit, newest_first=True)
        page = await self._store.events(query)
        found = []
        for row in reversed(page.rows):
            event = dict(zip(page.columns, row, strict=True))
            data = event["data"]
            assert isinstance(data, dict)
            at, kind = event["at"], event["kind"]
            assert isinstance(at, int)
            found.append(Entry(at, "event", str(kind), {**data, "device": device, "gateway": event["gateway"]}))
        return found


def _state(at: int, body: Body | None) -> Entry:
    if body is None:
        return Entry(at, "state", "gone", {})
    facts: dict[str, object] = {name: value for name, value in body.attributes.items() if name != "gateways"}
    facts |= {name: value for name, value in (("name", body.name), ("quality", body.quality)) if value is not None}
    return Entry(at, "state", "whole" if body.kind else "changed", facts)


def _newest(parts: Sequence[Sequence[Entry]], limit: int, asked: int) -> Part:
    """Merged, and cut where a page can go on: never between two entries of one instant, unless all are of one."""
    # A source that gave all it was asked for may have more, older than its first.
    floor = max((part[0].at for part in parts if len(part) >= asked), default=None)
    merged = sorted((entry for part in parts for entry in part), key=lambda entry: entry.at)
    if floor is not None:
        merged = [entry for entry in merged if entry.at >= floor]
    if len(merged) <= limit:
        return Part(_said(merged), None)
    cut = merged[-limit - 1].at
    kept = [entry for entry in merged if entry.at > cut] or merged
    return Part(_said(kept), kept[0].at)


def _said(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.facts or (entry.source, entry.kind) != ("state", "changed")]
