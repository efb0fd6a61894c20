"""The oracle of a simulated day: what was made, what was promised, what is stored, and what is wrong with that.

A reading's value names it: the n-th of a point of a device. An event carries its number. A promise is made by the
gateway (a wait for the commit returned) and by the collector (an ack left it).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from edge.buffer import KeptBatch
from protocols.batch import Identity, open_batch
from protocols.clock import TRUST_FLOOR_MS
from protocols.reading import Event, Quality, Reading

Name = tuple[str, str, float]
"""(device, point, value) of a reading; ("event", device, number) of an event."""

TIME_ERROR_MS = 2_000
UNTIMED_REASON = "clock"


class Made(NamedTuple):
    """When it was true, and how wrong the gateway's clock was then."""

    true_ms: int
    offset_ms: int


class Row(NamedTuple):
    """One stored reading or event."""

    identity: Identity
    at: int
    quality: str
    reason: str


class Truth:
    """See the module. Violations are collected in words, each as soon as it is seen."""

    def __init__(self) -> None:
        self.made: dict[Name, Made] = {}
        self.promised: set[Name] = set()
        self.sealed: dict[Identity, bytes] = {}
        self.acked: set[Identity] = set()
        self.rows: dict[Name, Row] = {}
        self.batches: dict[Identity, int] = {}
        self.gaps: list[Event] = []
        self.refused = 0
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self._clocks: list[tuple[int, int]] = [(0, 0)]
        self._names: dict[Identity, set[Name]] = {}

    def violated(self, what: str) -> None:
        if len(self.violations) < 50:
            self.violations.append(what)

    # The gateway's side

    def make(self, names: Sequence[Name], made: Made) -> None:
        for name in names:
            if name in self.made:
                raise AssertionError(f"{name} is made twice")
            self.made[name] = made

    def promise(self, names: Sequence[Name]) -> None:
        self.promised.update(names)

    def committed(self, batches: Sequence[KeptBatch]) -> None:
        """These are on the gateway's disk, or may be."""
        for batch in batches:
            known = self.sealed.setdefault(batch.identity, batch.payload)
            if known is not batch.payload and known != batch.payload:
                self.violated(f"I2: {batch.identity} has two contents")

    def deleted(self, identity: Identity) -> None:
        """The gateway forgets a batch because it was acked."""
        if identity not in self.batches:
            self.violated(f"I5: the gateway deletes {identity}, which is not stored")
        if identity not in self.acked:
            self.violated(f"I5: the gateway deletes {identity}, for which no ack has left the collector")

    def published(self, identity: Identity, payload: bytes) -> None:
        if self.sealed.get(identity) != payload:
            self.violated(f"I5: {identity} is sent, and is not what was committed")

    # The collector's side

    def ack_leaves(self, epoch: str, first: int, last: int) -> None:
        for seq in range(first, last + 1):
            identity = Identity(epoch, seq)
            if identity not in self.batches:
                self.violated(f"I5: an ack for {identity} leaves, and it is not stored")
            self.acked.add(identity)

    def stored(self, identity: Identity, readings: Sequence[Reading], events: Sequence[Event], refused: int) -> None:
        """One batch is in the store now."""
        if identity in self.batches:
            self.violated(f"I2: {identity} is stored twice")
            return
        self.batches[identity] = len(readings) + len(events)
        self.refused += refused
        payload = self.sealed.get(identity)
        if payload is None:
            self.violated(f"I3: {identity} is stored, and was never on the gateway's disk")
        for reading in readings:
            self._take_reading(identity, reading)
        for event in events:
            if event.kind == "gap":
                self.gaps.append(event)
            elif event.device != "gateway" and "detail" in event.data:
                name = ("event", event.device, float(str(event.data["detail"])))
                quality = Quality.UNCERTAIN if event.reason else Quality.GOOD
                self._take(name, Row(identity, event.at, quality.value, event.reason))

    def _take_reading(self, identity: Identity, reading: Reading) -> None:
        if reading.value is None:
            self.violated(f"I3: {identity} holds a reading of {reading.device} without a value")
            return
        name = (reading.device, reading.point, reading.value)
        self._take(name, Row(identity, reading.observed_at, reading.quality.value, reading.reason))

    def _take(self, name: Name, row: Row) -> None:
        made = self.made.get(name)
        if made is None:
            self.violated(f"I3: {name} is stored in {row.identity}, and was never made")
            return
        if name in self.rows:
            self.violated(f"I2: {name} is stored in {self.rows[name].identity} and in {row.identity}")
            return
        self.rows[name] = row
        self._look_at_time(name, row, made)

    def clock_set(self, true_ms: int, offset_ms: int) -> None:
        """From now on the gateway's wall clock is so far off."""
        self._clocks.append((true_ms, offset_ms))

    def _offsets(self, made: Made) -> list[tuple[int, int, int]]:
        """(since, until, offset) of the gateway's clock, from the making of a reading until now."""
        ends = [since for since, _ in self._clocks[1:]] + [2**62]
        spans = [(since, until, offset) for (since, offset), until in zip(self._clocks, ends, strict=True)]
        return [span for span in spans if span[1] >= made.true_ms]

    def _look_at_time(self, name: Name, row: Row, made: Made) -> None:
        error = abs(row.at - made.true_ms)
        is_flagged = row.quality == Quality.UNCERTAIN.value and row.reason == UNTIMED_REASON
        # The clock that gave it its time may have been believed, and wrong, at any instant until it was sent.
        allowed = TIME_ERROR_MS + max(
            (abs(offset) for since, until, offset in self._offsets(made) if since + offset >= TRUST_FLOOR_MS), default=0
        )
        self.counts["readings with an uncertain time"] += is_flagged
        if error > TIME_ERROR_MS and not is_flagged:
            self.counts["stored with a wrong time, unflagged"] += 1
            self.counts["of them events"] += name[0] == "event"
        if error > allowed and not is_flagged and name[0] != "event":
            self.violated(f"time: {name} is stored {error} ms off, with a clock that was {made.offset_ms} ms off")

    # The end of the day

    def missing(self) -> set[Name]:
        """Promised, not stored, and not told lost."""
        missing = self.promised - self.rows.keys()
        return missing - self._told_lost(missing) if missing else missing

    def _told_lost(self, missing: set[Name]) -> set[Name]:
        told: set[Name] = set()
        for gap in self.gaps:
            epoch, first, last = (gap.data.get(key) for key in ("epoch", "from_seq", "to_seq"))
            if isinstance(epoch, str) and isinstance(first, int) and isinstance(last, int):
                for seq in range(first, last + 1):
                    told |= self._contents(Identity(epoch, seq)) & missing
        return told

    def _contents(self, identity: Identity) -> set[Name]:
        if identity not in self._names:
            payload = self.sealed.get(identity)
            names: set[Name] = set()
            if payload is not None:
                batch = open_batch(payload)
                names = {(r.device, r.point, r.value) for r in batch.readings() if r.value is not None}
                for event in batch.events:
                    if "detail" in event.data and event.device != "gateway":
                        names.add(("event", event.device, float(str(event.data["detail"]))))
            self._names[identity] = names
        return self._names[identity]

    def close(self) -> None:
        """Everything that holds over the whole day."""
        missing = self.missing()
        for name in sorted(missing)[:5]:
            self.violated(f"I1: {name} was promised and is nowhere ({len(missing)} such)")
        lost = self.promised - self.rows.keys() - missing
        told = sum(int(str(gap.data.get("readings", 0))) + int(str(gap.data.get("events", 0))) for gap in self.gaps)
        if told < len(lost):
            self.violated(f"I1: {len(lost)} are lost by policy, and gap records tell of {told}")
        self.counts["told lost by gap records"] += len(lost)
        self.counts["gap records"] += len(self.gaps)
        if self.refused:
            self.violated(f"I1: the collector refused {self.refused} readings or events")
        for identity, payload in self.sealed.items():
            if identity in self.batches and self.batches[identity] != _items(payload):
                self.violated(f"I3: of {identity} {self.batches[identity]} items of {_items(payload)} are stored")
        self._look_at_order()
        self._look_at_counters()

    def _look_at_order(self) -> None:
        """I4: in the order of seq, what a device made comes in the order in which it was made."""
        series: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for (device, point, number), row in self.rows.items():
            if device != "event":
                series.setdefault((device, point), []).append((row.identity.seq, number))
        for key, rows in series.items():
            numbers = [number for _, number in sorted(rows, key=lambda pair: pair[0])]
            for before, after in itertools.pairwise(numbers):
                if after <= before:
                    self.violated(f"I4: {key}: {after} comes after {before}")
                    break

    def _look_at_counters(self) -> None:
        """I8: none of these meters ever fell or jumped."""
        for name, row in self.rows.items():
            if row.reason in ("counter_fell", "counter_jumped"):
                self.violated(f"I8: {name} is marked {row.reason}")
                break


def _items(payload: bytes) -> int:
    batch = open_batch(payload)
    return batch.count + len(batch.events)
