"""Readings and events stamped by a clock that cannot be right: stored at the best time there is, and flagged.

What a gateway with such a clock sealed is moved by how far that clock is off, which the difference of ``sealed_at`` and
the arrival tells; the order and the spacing of its readings stay. Where the gateway's clock is right and a time is not
(a device with a clock of its own, a step between stamping and sealing) the seal is the time. Called by the ingest
worker, before every other check, so that roll-ups and live state know only the corrected time.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from cloud.ingest.decode import Columns
from cloud.ingest.identity import Stream
from cloud.store.series_book import NO_SERIES, QualityBook, SeriesBook
from protocols.batch import Batch
from protocols.clock import TRUST_FLOOR_MS
from protocols.reading import TIME_UNCERTAIN, Event

EARLIEST_MS = 946_684_800_000
"""2000-01-01: nothing we read is older."""
FUTURE_MAX_MS = 86_400_000
"""A clock may be wrong by less than a day unnoticed; what claims to be later still is moved."""
FAR_MS = 4_102_444_800_000
"""2100-01-01: what a store can hold at all."""
JITTER_MS = 60_000
"""Differences of arrival up to this are the network's; the least of them tells best how far the clock is off."""
BACKLOG_MAX_MS = 7 * FUTURE_MAX_MS
"""An older batch that arrives so much later than newer ones may have waited; beyond it the clock was another."""
STREAMS_KEPT = 1_000
SERIES_KEPT = 200_000


class Moved(NamedTuple):
    """What a batch holds instead: ``off_ms`` is how far the clock was off, of ``device``, or of the gateway ("")."""

    columns: Columns
    events: list[Event]
    items: int
    off_ms: int
    device: str


class _Known(NamedTuple):
    """Of a stream: its newest batch that was moved, and by how much."""

    seq: int
    shift_ms: int


class WrongClocks:
    """Remembers, of streams whose clock is wrong, by how much: all that such a clock stamped moves alike.

    What it remembers only makes the moving finer. After a restart of the collector it is learned anew.
    """

    def __init__(self, series: SeriesBook, qualities: QualityBook) -> None:
        self._series = series
        self._qualities = qualities
        self._streams: OrderedDict[Stream, _Known] = OrderedDict()
        self._newest: dict[int, int] = {}

    def correct(self, stream: Stream, seq: int, batch: Batch, columns: Columns, received_at: int) -> Moved | None:
        """The batch with possible times; None when all are, as almost always."""
        at = columns.at
        late = _latest(received_at)
        sound = not len(at) or (int(at.min()) >= EARLIEST_MS and int(at.max()) <= late)
        if sound and all(_possible(event.at, received_at) for event in batch.events):
            return None
        strange = np.flatnonzero(((at < EARLIEST_MS) | (at > late)) & (columns.series != NO_SERIES))
        times = at[strange].tolist() + [event.at for event in batch.events if not _possible(event.at, received_at)]
        if not times:
            return None
        sealed_at = batch.sealed_at
        if not sealed_at:  # its sender does not say; when nothing fits, the newest of it is from now
            sealed_at = max(times) if len(times) == len(at) + len(batch.events) else received_at
        newer = seq > self._streams[stream].seq if stream in self._streams else True
        if _possible(sealed_at, received_at):
            place = _Place(0, min(sealed_at, received_at), received_at)
        else:
            place = _Place(self._shift(stream, seq, received_at - sealed_at), None, received_at)
        self._remember(stream, seq, place.shift_ms)
        moved = self._readings(columns, strange, place, newer)
        events = [self._event(event, place) for event in batch.events]
        device, off_ms = "", sealed_at - received_at
        if place.target is not None:
            device, off_ms = self._worst(batch.events, columns, strange, place.target, received_at)
        return Moved(moved, events, len(times), off_ms, device)

    def _shift(self, stream: Stream, seq: int, own: int) -> int:
        """By how much this batch moves: as the newest one of its stream, where the same clock can have stamped both."""
        known = self._streams.get(stream)
        if known is None or known.shift_ms == 0 or own < known.shift_ms:
            return own
        waited = JITTER_MS if seq > known.seq else BACKLOG_MAX_MS
        return known.shift_ms if own - known.shift_ms <= waited else own

    def _remember(self, stream: Stream, seq: int, shift_ms: int) -> None:
        known = self._streams.get(stream)
        if known is None or seq > known.seq:
            self._streams[stream] = _Known(seq, shift_ms)
            self._streams.move_to_end(stream)
            if len(self._streams) > STREAMS_KEPT:
                self._streams.popitem(last=False)

    def _readings(self, columns: Columns, strange: np.ndarray, place: "_Place", newer: bool) -> Columns:
        """Moved readings of a series never share an instant, and keep their order."""
        if not len(strange):
            return columns
        if len(self._newest) > SERIES_KEPT:
            self._newest.clear()
        at, quality = columns.at.copy(), columns.quality.copy()
        numbers, times = columns.series[strange].tolist(), columns.at[strange].tolist()
        rest = np.setdiff1d(np.arange(len(at)), strange)
        taken = set(zip(columns.series[rest].tolist(), columns.at[rest].tolist(), strict=True))
        ends: dict[int, int] = {}
        for number, time in zip(numbers, times, strict=True):
            ends[number] = max(time, ends.get(number, time))
        last: dict[int, int] = {number: self._newest[number] for number in ends if newer and number in self._newest}
        for index, number, time in zip(strange.tolist(), numbers, times, strict=True):
            moved = max(place.of(time, ends[number]), last.get(number, 0) + 1)
            while (number, moved) in taken:
                moved += 1
            last[number] = at[index] = moved
        if newer:
            self._newest.update(last)
        flag = self._qualities.code("uncertain", TIME_UNCERTAIN)
        bad = [code for code in np.unique(quality[strange]).tolist() if self._qualities.is_bad(code)]
        quality[strange] = np.where(np.isin(quality[strange], bad), quality[strange], flag)
        return Columns(columns.series, at, columns.value, quality)

    def _event(self, event: Event, place: "_Place") -> Event:
        if _possible(event.at, place.received_at):
            return event
        at = place.of(event.at, event.at)
        return msgspec.structs.replace(event, at=at, reason=event.reason or TIME_UNCERTAIN)

    def _worst(
        self, events: Sequence[Event], columns: Columns, strange: np.ndarray, target: int, received_at: int
    ) -> tuple[str, int]:
        """(device, how far it is off) of what is off the farthest."""
        found = [(event.at - target, event.device) for event in events if not _possible(event.at, received_at)]
        for index in strange.tolist():
            off = int(columns.at[index]) - target
            if not found or abs(off) > abs(found[0][0]):
                found = [(off, self._series.name(int(columns.series[index])).device)]
        off, device = max(found, key=lambda each: abs(each[0]))
        return device, off


class _Place(NamedTuple):
    """Where impossible times go: moved by ``shift_ms``, or, with a ``target``, so that their last one is there."""

    shift_ms: int
    target: int | None
    received_at: int

    def of(self, time: int, newest: int) -> int:
        if self.target is None:
            moved = time + self.shift_ms
            return min(moved, self.received_at) if moved >= EARLIEST_MS else self.received_at
        return self.target - (newest - time) if newest - time <= FUTURE_MAX_MS else self.target


def _possible(at: int, received_at: int) -> bool:
    return EARLIEST_MS <= at <= _latest(received_at)


def _latest(received_at: int) -> int:
    """While the collector's own clock was never set, what it says of others is worth nothing."""
    return received_at + FUTURE_MAX_MS if received_at >= TRUST_FLOOR_MS else FAR_MS


def spell_off(off_ms: int) -> str:
    """``+3 d``, ``-57 y``: how far a clock is off, for a person."""
    days = abs(off_ms) / FUTURE_MAX_MS
    return f"{'-' if off_ms < 0 else '+'}" + (f"{days / 365.25:.0f} y" if days > 730 else f"{days:.1f} d")
