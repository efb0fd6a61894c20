"""What things were when they changed, noted as it happens and written in batches, for the time machine.

Where something is and how fast it goes is not noted: that is in the readings. A thing is noted whole when it comes up,
after some dozens of changes, and once a day, so that what is old can be forgotten.
"""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from cloud.live.entities import Entity
from cloud.live.state import LiveState
from cloud.registry.state_book import Body, LogEntry, StateBook, encode_body
from cloud.registry.write_behind import WriteBehind
from protocols.clock import Clock

OF_GATEWAYS = ("online", "announced", "software", "session", "fenced", "placed")
"""What is noted of a gateway; its counters and reports are not."""
VOLATILE = frozenset({"latitude", "longitude", "speed_kmh", "course_deg", "accuracy_m", "today_km", "km"})
"""Attributes (and parts of attributes) whose change alone is not worth a row."""
CHANGES_PER_WHOLE = 48
WHOLE_EVERY_MS = 24 * 3_600_000
LOOK_EVERY_S = 300.0
WRITE_EVERY_S = 1.0
WAITING_MAX = 50_000
"""Entries that wait while the disk takes none; beyond it the oldest are dropped, counted and logged."""

_encoder = msgspec.json.Encoder()


class _Known:
    """What was last noted of a thing."""

    __slots__ = ("changes", "parts", "whole_at")

    def __init__(self) -> None:
        self.parts: dict[str, int] = {}
        """Hash of each noted attribute, without what is volatile in it."""
        self.changes = CHANGES_PER_WHOLE
        self.whole_at = 0


class StateLog:
    """Hooked into ``Things``. ``run`` writes; ``flush`` writes what waits before somebody reads."""

    def __init__(self, live: LiveState, book: StateBook, clock: Clock) -> None:
        self._live, self._clock = live, clock
        self._known: dict[str, _Known] = {}
        self._names: dict[str, str] = {}
        """Of gateways."""
        self._waiting: WriteBehind[LogEntry] = WriteBehind(
            book.write, clock, every_s=WRITE_EVERY_S, most=WAITING_MAX, what="states of things"
        )

    @property
    def dropped(self) -> int:
        """Entries that were never written."""
        return self._waiting.dropped

    def started(self) -> None:
        """The collector starts: what is not shown from now on is not there. Gateways it knows from before."""
        self._waiting.add(LogEntry("", "", self._clock.now_ms(), True, ""))
        self._live.on_gateway = self.gateway
        for entity in self._live.shown():
            if entity.is_gateway:
                self.gateway(entity)

    def shown(self, entity: Entity, changed: Iterable[str], *, renamed: bool) -> None:
        """A thing was shown or changed. ``changed``: attributes that are different now."""
        known = self._known.get(entity.id)
        if known is None:
            known = self._known[entity.id] = _Known()
            changed = _noted(entity)
        news = {name: raw for name in changed if (raw := self._news(known, name, entity.attributes[name])) is not None}
        if not news and not renamed and known.changes < CHANGES_PER_WHOLE:
            return
        now = self._clock.now_ms()
        if known.changes >= CHANGES_PER_WHOLE:
            self._note_whole(entity, known, now)
            return
        known.changes += 1
        body = Body(
            name=entity.name if renamed else None,
            quality=entity.quality if renamed else None,
            observed_at=entity.observed_at,
            attributes=news,
        )
        self._waiting.add(LogEntry(entity.site, entity.id, now, False, encode_body(body)))

    def gateway(self, entity: Entity) -> None:
        """Something about a gateway may have changed."""
        renamed = self._names.get(entity.id, entity.name) != entity.name
        self._names[entity.id] = entity.name
        self.shown(entity, _noted(entity), renamed=renamed)

    def hidden(self, entity: Entity) -> None:
        """A thing is shown no longer."""
        if self._known.pop(entity.id, None) is not None:
            self._waiting.add(LogEntry(entity.site, entity.id, self._clock.now_ms(), False, ""))

    async def run(self) -> None:
        """Write until cancelled. Survives a disk that takes nothing."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._waiting.run(), name="state log writer")
            tasks.create_task(self._repeat(), name="state log repeater")

    async def flush(self) -> None:
        """Write what waits. Raises StoreUnavailable, and then it still waits."""
        await self._waiting.flush()

    def repeat(self) -> int:
        """Note whole what was not for a day; returns how many."""
        due_before = self._clock.now_ms() - WHOLE_EVERY_MS
        count = 0
        for name, known in self._known.items():
            if known.whole_at <= due_before and (entity := self._live.find(name)) is not None:
                self._note_whole(entity, known, self._clock.now_ms())
                count += 1
        return count

    # --- inside ---

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.repeat()

    def _news(self, known: _Known, name: str, value: object) -> msgspec.Raw | None:
        """The attribute as it is written down; None when nothing of it that counts is new."""
        if name in VOLATILE:
            return None
        counted = value
        if isinstance(value, dict) and not VOLATILE.isdisjoint(value):
            counted = {key: part for key, part in value.items() if key not in VOLATILE}
        encoded = _encoder.encode(counted)
        if known.parts.get(name) == hash(encoded):
            return None
        known.parts[name] = hash(encoded)
        return msgspec.Raw(_encoder.encode(value) if counted is not value else encoded)

    def _note_whole(self, entity: Entity, known: _Known, now: int) -> None:
        known.changes, known.whole_at = 0, now
        body = Body(
            kind=entity.kind,
            name=entity.name,
            quality=entity.quality,
            observed_at=entity.observed_at,
            stale_after_s=entity.stale_after_s,
            attributes={name: msgspec.Raw(_encoder.encode(value)) for name, value in _noted(entity).items()},
        )
        self._waiting.add(LogEntry(entity.site, entity.id, now, True, encode_body(body)))


def _noted(entity: Entity) -> Mapping[str, object]:
    """The attributes that are written down."""
    if not entity.is_gateway:
        return entity.attributes
    return {name: entity.attributes[name] for name in OF_GATEWAYS if name in entity.attributes}
