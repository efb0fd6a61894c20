"""What one transaction does to the buffer's file: release, make room, seal, store. Runs in the buffer's thread."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from edge.buffer import (
    ORIGINS_KEPT,
    Change,
    Committed,
    Damage,
    Draft,
    KeptBatch,
    Kind,
    Rejected,
    Retiming,
    Seal,
    gap_event,
)
from edge.buffer_keeping import SPARE_BYTES, STORE_EVERY_MS, Keeping, oldest_waiting, store_marks
from edge.buffer_rows import ROW_BYTES, Epoch, Rows, Totals, UntimedRow, identify
from edge.contract import FailPoint
from edge.kept import NO_MARKS, Marks
from edge.sealer import Places, Sealed, retimed, seal_all
from protocols.batch import Batch, Identity, open_batch
from protocols.errors import BadBatch
from protocols.events import GATEWAY_DEVICE
from protocols.reading import Event

RETIMED_ROWS = 256
RETIMED_ITEMS = 20_000

ROOM_SHARE = 0.01
"""Room is made a hundredth of the buffer at a time, so that a full buffer does not write a gap record per batch."""

ROOM_LEAST = 8 * 1024
"""A gap record takes some hundred bytes: in a small buffer a hundredth would soon leave nothing but gap records."""


@dataclass(frozen=True)
class State:
    """What is known of the file without reading it. Replaced, never changed, when a transaction has committed."""

    epochs: list[Epoch]
    last: int
    totals: Totals
    origins: dict[bytes, int]
    untimed_id: int = 0
    untimed_items: int = 0
    quarantined: int = 0
    dropped_readings: int = 0
    dropped_events: int = 0
    first: int = 0
    """The lowest place without an ack, 0 when there is none."""
    oldest_sealed_at: int = 0
    deferred: int = 0
    """A released place that is still the newest; its row keeps the highest seq. It is in no total any more."""
    telemetry_after: int = 0
    """No telemetry older than this place is left (a hint, so that looking for the oldest stays cheap)."""
    used_bytes: int = 0
    damage: Damage | None = None
    kept: Marks = NO_MARKS
    """Acked and still there. They are in no total."""
    kept_stored: Marks = NO_MARKS
    """As the file has it, written at `kept_stored_at`, ms."""
    kept_stored_at: int = 0


@dataclass
class _Gap:
    """Neighbours that were dropped for one reason, of one epoch."""

    epoch: str
    first: int
    last: int
    totals: Totals = field(default_factory=Totals)
    from_at: int = 2**62
    to_at: int = -(2**62)

    def event(self, at: int, reason: str) -> Event:
        data: dict[str, str | int | float | bool | None] = {
            "epoch": self.epoch,
            "from_seq": self.first,
            "to_seq": self.last,
            "batches": self.totals.batches,
            "readings": self.totals.readings,
            "events": self.totals.events,
            "from_at": self.from_at,
            "to_at": self.to_at,
        }
        return gap_event(at, reason, **data)


class Transaction:
    """Between BEGIN and COMMIT; afterwards `state` is what holds."""

    def __init__(
        self, rows: Rows, state: State, seal_one: Seal, soft_bytes: int, fail_point: FailPoint, keep_ms: int = 0
    ) -> None:
        self._rows = rows
        self._keeping = Keeping(rows, keep_ms, fail_point)
        self._seal = seal_one
        self._soft_bytes = soft_bytes
        self._fail_point = fail_point
        self.state = state
        current = state.epochs[-1]
        self._places = Places(current.base, current.name, state.last)

    def apply(self, change: Change) -> Committed:
        """Do all that a change asks for."""
        newest = self.state.last
        if change.drafts or change.release or change.rejected:
            self._release(change.release, replaced=bool(change.drafts), now_ms=change.sealed_at)
        self._keep(self._keeping.expire(self.state.kept, self.state.last, change.sealed_at))
        for rejected in change.rejected:
            self._isolate(rejected)
        committed = self._store(change.drafts, change.sealed_at, change.pinned, extra=_size_hint(change.untimed))
        for draft in change.untimed:
            self._keep_untimed(draft, change.boot)
        self._note_origins(change.origins)
        if not committed.batches and any(first <= newest <= last for first, last in change.release):
            # The newest batch may be gone and nothing came after it: its number must not be given out again.
            self._rows.set_meta("last_place", newest)
        if abs(change.sealed_at - self.state.kept_stored_at) >= STORE_EVERY_MS:
            store_marks(self._rows, self.state.kept_stored, self.state.kept)
            self.state = replace(self.state, kept_stored=self.state.kept, kept_stored_at=change.sealed_at)
        if change.damage_told:
            self._rows.set_meta("damage", None)
            self.state = replace(self.state, damage=None)
        return committed

    def spare(self, wanted: int) -> Committed:
        """Nothing but room, as far as acked batches take it."""
        self._keep(self._keeping.give_up(self.state.kept, self.state.last, wanted))
        return Committed([])

    def retime(self, retiming: Retiming, sealed_at: int) -> Committed:
        """Give the oldest untimed items of one boot their time."""
        taken: list[UntimedRow] = []
        items = 0
        for row in self._rows.untimed(retiming.boot, RETIMED_ROWS):
            items += row.items
            if taken and items > RETIMED_ITEMS:
                items -= row.items
                break
            taken.append(row)
        if not taken:
            return Committed([])
        opened: list[Batch] = []
        drafts: list[Draft] = []
        for row in taken:
            try:
                opened.append(open_batch(row.payload))
            except BadBatch:
                lost = gap_event(sealed_at, "damaged", readings=row.items)
                drafts.append(Draft(Kind.GAPS, events=[lost]))
        self._rows.delete_untimed(row.id for row in taken)
        self.state = replace(self.state, untimed_items=self.state.untimed_items - items)
        drafts += retimed(opened, retiming)
        committed = self._store(drafts, sealed_at, (), extra=0)
        return committed._replace(retimed=len(taken))

    def set_apart(self, damaged: list[Rejected], sealed_at: int) -> list[KeptBatch]:
        """Quarantine batches that no longer carry what was sealed, and seal gap records for them."""
        gaps: list[Event] = []
        for rejected in damaged:
            identity = identify(self.state.epochs, rejected.place)
            found = self._isolate(rejected)
            if found is not None:
                totals, (from_at, to_at) = found
                gap = _Gap(identity.epoch, identity.seq, identity.seq, totals, from_at, to_at)
                gaps.append(gap.event(sealed_at, rejected.reason))
        return self._store([Draft(Kind.GAPS, events=gaps)], sealed_at, (), extra=0).batches if gaps else []

    def _release(self, ranges: Iterable[tuple[int, int]], *, replaced: bool, now_ms: int) -> None:
        state = self.state
        if self._keeping.keep_ms:
            marks, gone = self._keeping.mark(state.kept, ranges, state.last, now_ms)
            self.state = replace(state, totals=state.totals.minus(gone), kept=marks)
            if gone.batches:
                self._note_oldest()
            return
        newest = state.last if replaced else state.last - 1
        deferred = state.deferred
        gone = Totals()
        if deferred and deferred <= newest:
            self._rows.delete(deferred, deferred)
            deferred = 0
        for first, last in ranges:
            if first <= state.last <= last and not replaced and deferred != state.last:
                deferred = state.last
                gone = gone.plus(self._rows.totals_of(deferred, deferred))
            gone = gone.plus(self._rows.delete(first, min(last, newest)))
            self._fail_point("mid_delete")
        self.state = replace(state, totals=state.totals.minus(gone), deferred=deferred)
        if gone.batches:
            self._note_oldest()

    def _isolate(self, rejected: Rejected) -> tuple[Totals, tuple[int, int]] | None:
        if rejected.place == self.state.last:
            self._rows.set_meta("last_place", rejected.place)
        totals, span = self._rows.isolate(rejected)
        if span is None:
            return None
        state = self.state
        if state.kept.meet(rejected.place, rejected.place):
            totals, state = Totals(), replace(state, kept=state.kept.without([(rejected.place, rejected.place)]))
        if rejected.place == state.deferred:
            totals, state = Totals(), replace(state, deferred=0)
        self.state = replace(state, totals=state.totals.minus(totals), quarantined=self._rows.quarantined())
        self._note_oldest()
        return totals, span

    def _store(self, drafts: Iterable[Draft], sealed_at: int, pinned: Collection[int], extra: int) -> Committed:
        todo = list(drafts)
        sealed, refused = seal_all(todo, self._places, self._seal, sealed_at)
        need = extra + sum(len(each.batch.payload) + ROW_BYTES for each in sealed)
        gaps: list[Event] = []
        before = self.state
        if need:
            gaps = self._make_room(need, sealed_at, pinned)
        if gaps:
            more, _ = seal_all([Draft(Kind.GAPS, events=gaps)], self._places, self._seal, sealed_at)
            sealed += more
        self._insert(sealed)
        return Committed(
            [each.batch for each in sealed],
            refused,
            self.state.dropped_readings - before.dropped_readings,
            self.state.dropped_events - before.dropped_events,
        )

    def _insert(self, sealed: list[Sealed]) -> None:
        if not sealed:
            return
        added = Totals()
        state = self.state
        if not state.first:
            state = replace(state, first=sealed[0].batch.place, oldest_sealed_at=sealed[0].batch.sealed_at)
        for batch, from_at, to_at in sealed:
            self._rows.insert(batch, from_at, to_at, state.first)
            added = added.plus(Totals(1, batch.readings, batch.events, len(batch.payload)))
        self.state = replace(state, last=self._places.last, totals=state.totals.plus(added))

    def _make_room(self, need: int, at: int, pinned: Collection[int]) -> list[Event]:
        if self.state.used_bytes + need <= self._soft_bytes:
            return []
        missing = self._rows.used_bytes() + need - self._soft_bytes
        if missing > 0 and self.state.kept.segments:
            self.spare(missing + SPARE_BYTES)
            missing = self._rows.used_bytes() + need - self._soft_bytes
        if missing <= 0:
            return []
        first_time = not (self.state.dropped_readings or self.state.dropped_events)
        wanted = missing + max(ROOM_LEAST, int(self._soft_bytes * ROOM_SHARE))
        events: list[Event] = []
        for drop in (self._drop_telemetry, self._drop_untimed, self._drop_events):
            while missing > 0:
                gaps = drop(wanted, at, pinned)
                if not gaps:
                    break
                events += gaps
                missing = self._rows.used_bytes() + need - self._soft_bytes
                wanted = missing
        if events and first_time:
            detail = "the oldest telemetry is dropped to make room, events last"
            data: dict[str, str | int | float | bool | None] = {"max_bytes": self._soft_bytes, "detail": detail}
            events.append(Event(GATEWAY_DEVICE, "buffer_full", at, data))
        if events:
            self._note_oldest()
        return events

    def _drop_telemetry(self, wanted: int, at: int, pinned: Collection[int]) -> list[Event]:
        return self._drop(Kind.TELEMETRY, wanted, at, pinned, self.state.telemetry_after)

    def _drop_events(self, wanted: int, at: int, pinned: Collection[int]) -> list[Event]:
        return self._drop(Kind.EVENTS, wanted, at, pinned, 0)

    def _drop(self, kind: Kind, wanted: int, at: int, pinned: Collection[int], after: int) -> list[Event]:
        gaps: dict[str, _Gap] = {}
        doomed: list[int] = []
        keeps_hint = True
        for place, readings, events, from_at, to_at, size in self._rows.oldest(kind, after, self.state.last):
            if place in pinned or place == self.state.deferred:
                keeps_hint = False
                continue
            if wanted <= 0:
                break
            wanted -= size + ROW_BYTES
            doomed.append(place)
            if keeps_hint:
                after = place
            identity: Identity = identify(self.state.epochs, place)
            gap = gaps.setdefault(identity.epoch, _Gap(identity.epoch, identity.seq, identity.seq))
            gap.last = identity.seq
            gap.totals = gap.totals.plus(Totals(1, readings, events, size))
            gap.from_at, gap.to_at = min(gap.from_at, from_at), max(gap.to_at, to_at)
        gone = Totals()
        for first, last in _runs(doomed):
            gone = gone.plus(self._rows.delete(first, last))
        state = self.state
        self.state = replace(
            state,
            totals=state.totals.minus(gone),
            dropped_readings=state.dropped_readings + gone.readings,
            dropped_events=state.dropped_events + gone.events,
            telemetry_after=after if kind is Kind.TELEMETRY else state.telemetry_after,
        )
        return [gap.event(at, "buffer_full") for gap in gaps.values()]

    def _drop_untimed(self, wanted: int, at: int, _pinned: Collection[int]) -> list[Event]:
        doomed: list[int] = []
        lost = 0
        for row_id, items, size in self._rows.oldest_untimed():
            if wanted <= 0:
                break
            wanted -= size + ROW_BYTES
            doomed.append(row_id)
            lost += items
        if not doomed:
            return []
        self._rows.delete_untimed(doomed)
        state = self.state
        self.state = replace(
            state, untimed_items=state.untimed_items - lost, dropped_readings=state.dropped_readings + lost
        )
        return [gap_event(at, "buffer_full", readings=lost)]

    def _keep_untimed(self, draft: Draft, boot: str) -> None:
        state = self.state
        places = Places(0, boot, state.untimed_id)
        sealed, _ = seal_all([draft], places, self._seal, 0)
        for each in sealed:
            batch = each.batch
            items = batch.readings + batch.events
            self._rows.add_untimed(UntimedRow(batch.place, boot, each.from_at, items, batch.payload))
            state = replace(state, untimed_id=batch.place, untimed_items=state.untimed_items + items)
        self.state = state

    def _note_origins(self, origins: Iterable[bytes]) -> None:
        known = dict(self.state.origins)
        slot = next(reversed(known.values()), 0)
        added: list[tuple[int, bytes]] = []
        for digest in origins:
            slot += 1
            known.pop(digest, None)
            known[digest] = slot
            added.append((slot, digest))
        if not added:
            return
        self._rows.add_origins(added)
        self._rows.forget_origins(slot)
        for digest in [each for each, kept in known.items() if kept <= slot - ORIGINS_KEPT]:
            del known[digest]
        self.state = replace(self.state, origins=known)

    def _keep(self, marks: Marks) -> None:
        self.state = replace(self.state, kept=marks)

    def _note_oldest(self) -> None:
        first, sealed_at = oldest_waiting(self._rows, self.state.kept, max(self.state.first - 1, 0))
        self.state = replace(self.state, first=first, oldest_sealed_at=sealed_at)


def _size_hint(drafts: Iterable[Draft]) -> int:
    """Bytes that untimed items may take, before they are sealed."""
    return sum(400 + 8 * len(draft.readings) + 200 * len(draft.events) for draft in drafts)


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as closed ranges of neighbours."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][1] == place - 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs
