"""Readings from both places they may rest at: the engine, and the blocks that are not surely there yet."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cloud.store.contract import Samples, SeriesKey
from cloud.store.ledger_void import Void
from cloud.store.pending_blocks import PendingBlocks, Snapshot
from cloud.store.readings_engine import EngineRows, NewestRow, ReadingsEngine, no_rows
from cloud.store.rollup import DAY_MS

FIRST_SPAN_MS = DAY_MS
SPAN_MAX_MS = 64 * DAY_MS


class LedgerReadings:
    """Blocking. Raises StoreUnavailable when the engine is away: half an answer would look like a whole one."""

    def __init__(
        self,
        engine: ReadingsEngine,
        pending: PendingBlocks,
        names: Callable[[], Sequence[SeriesKey]],
        number_of: Callable[[SeriesKey], int | None],
    ) -> None:
        self.engine = engine
        self.void = Void()
        self.pending = pending
        self._names, self._number_of = names, number_of

    def between(self, wanted: Sequence[SeriesKey], from_at: int, to_at: int) -> EngineRows:
        """All readings in a period, by series, time and order of commits."""
        snapshot = self.pending.snapshot()  # before the engine is asked: what rests there meanwhile is here
        rested = self.engine.rows(wanted, from_at, to_at)
        return _sorted(self._earlier(rested, snapshot), snapshot.rows(self._numbers(wanted), from_at, to_at))

    def first(
        self, wanted: Sequence[SeriesKey], from_at: int, to_at: int, rows: int, bounds: tuple[int, int] | None
    ) -> EngineRows:
        """The same, but no more of the period than is needed for so many rows."""
        if bounds is None:
            return no_rows()
        begin, end = max(from_at, bounds[0]), min(to_at, bounds[1] + 1)
        parts: list[EngineRows] = []
        count, span = 0, FIRST_SPAN_MS
        while begin < end and count < rows:
            part = self.between(wanted, begin, min(end, begin + span))
            parts.append(part)
            count += len(part.at)
            begin, span = begin + span, min(2 * span, SPAN_MAX_MS)
        return _sorted(*parts)

    def samples(self, wanted: Sequence[tuple[SeriesKey, int]], to_at: int) -> Samples:
        """For those who work series out anew: each from its own beginning."""
        known = [
            (place, key, from_at) for place, (key, from_at) in enumerate(wanted) if self._number_of(key) is not None
        ]
        parts = []
        # Asked together where they begin on the same day.
        for day in sorted({from_at // DAY_MS for _, _, from_at in known}):
            mine = [each for each in known if each[2] // DAY_MS == day]
            keys = list(dict.fromkeys(key for _, key, _ in mine))
            found = self.between(keys, min(from_at for _, _, from_at in mine), to_at)
            for place, key, from_at in mine:
                here = (found.place == keys.index(key)) & (found.at >= from_at)
                parts.append((np.full(int(here.sum()), place, np.int32), found.at[here], found.value[here],
                              found.quality[here], found.batch[here]))  # fmt: skip
        if not parts:
            nothing = no_rows()
            return Samples(place=nothing.place, at=nothing.at, value=nothing.value, quality=nothing.quality)
        columns = [np.concatenate([part[n] for part in parts]) for n in range(5)]
        order = np.lexsort((columns[4], columns[1], columns[0]))
        return Samples(
            place=columns[0][order], at=columns[1][order], value=columns[2][order], quality=columns[3][order]
        )

    def newest(self, wanted: Sequence[int] | None, since_at: int, at: int) -> Mapping[int, NewestRow]:
        """By number of the series: the newest reading with since_at <= observed_at <= at."""
        names = self._names()
        snapshot = self.pending.snapshot()
        keys = None if wanted is None else [names[number] for number in wanted]
        found: dict[int, NewestRow] = {}
        for key, row in self._known_newest(self.engine.newest(keys, since_at, at), since_at).items():
            number = self._number_of(key)
            if number is not None and row.batch < snapshot.from_batch:
                found[number] = row
        # Where the engine's newest is of a block that may still be lost there, what stood before it is here or there.
        numbers = np.arange(len(names), dtype=np.int64) if wanted is None else np.array(wanted, np.int64)
        here = snapshot.rows(numbers, since_at, at + 1)
        order = np.lexsort((here.batch, here.at, here.place))
        last = order[np.flatnonzero(np.append(np.diff(here.place[order]) != 0, True))] if len(order) else order
        for place in last.tolist():
            row = NewestRow(
                int(here.at[place]), float(here.value[place]), int(here.quality[place]), int(here.batch[place])
            )
            number = int(numbers[here.place[place]])
            if number not in found or (found[number].at, found[number].batch) < (row.at, row.batch):
                found[number] = row
        return found

    def _known_newest(self, rows: Mapping[SeriesKey, NewestRow], since_at: int) -> Mapping[SeriesKey, NewestRow]:
        """The same, where a row is of a void batch the newest before it that is not."""
        if not self.void or not rows:
            return rows
        known = self.void.known(np.array([row.batch for row in rows.values()], np.int64)).tolist()
        found = {key: row for (key, row), is_known in zip(rows.items(), known, strict=True) if is_known}
        left = {key: row for key, row in rows.items() if key not in found}
        end, span = max((row.at for row in left.values()), default=since_at) + 1, FIRST_SPAN_MS
        while left and end > since_at:
            begin = max(since_at, end - span)
            keys = list(left)
            part = self.engine.rows(keys, begin, end)
            for n in np.flatnonzero(self.void.known(part.batch)).tolist():
                key = keys[int(part.place[n])]
                row = NewestRow(int(part.at[n]), float(part.value[n]), int(part.quality[n]), int(part.batch[n]))
                if key not in found or (found[key].at, found[key].batch) < (row.at, row.batch):
                    found[key] = row
            left = {key: row for key, row in left.items() if key not in found}
            end, span = begin, min(2 * span, SPAN_MAX_MS)
        return found

    def _earlier(self, rows: EngineRows, snapshot: Snapshot) -> EngineRows:
        kept = (rows.batch < snapshot.from_batch) & self.void.known(rows.batch)
        return EngineRows(
            place=rows.place[kept], at=rows.at[kept], value=rows.value[kept], quality=rows.quality[kept],
            batch=rows.batch[kept],
        )  # fmt: skip

    def _numbers(self, wanted: Sequence[SeriesKey]) -> "np.typing.NDArray[np.int64]":
        numbers = (self._number_of(key) for key in wanted)
        return np.array([-1 if number is None else number for number in numbers], np.int64)


def _sorted(*parts: EngineRows) -> EngineRows:
    if not parts:
        return no_rows()
    place, at, value, quality, batch = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("place", "at", "value", "quality", "batch")
    )
    order = np.lexsort((batch, at, place))
    return EngineRows(place=place[order], at=at[order], value=value[order], quality=quality[order], batch=batch[order])
