"""Blocks of readings that the engine does not surely have on its disk: kept in the ledger, and here for questions.

Blocks leave in the order of commits, so what is here is everything from some batch on: an answer is what the engine
has of earlier batches, and this.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cloud.store.contract import ReadingColumns
from cloud.store.readings_engine import EngineRows, no_rows

ALL = 2**62


@dataclass(slots=True)
class Pending:
    """One block. ``sent_at`` is monotonic, None while the engine has not taken it."""

    id: int
    columns: ReadingColumns
    first_batch: int
    sent_at: float | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The blocks at one moment. ``from_batch``: batches from here on are in ``blocks`` and asked of nobody else."""

    from_batch: int
    blocks: list[Pending] = field(default_factory=list)

    def rows(self, series: "np.typing.NDArray[np.int64]", from_at: int, to_at: int) -> EngineRows:
        """Readings of ``series`` (numbers; the place is their index) in a period."""
        if not self.blocks or not len(series):
            return no_rows()
        order = np.argsort(series, kind="stable")
        numbers = series[order]
        parts = []
        for block in self.blocks:
            columns = block.columns
            where = np.minimum(np.searchsorted(numbers, columns.series), len(numbers) - 1)
            mine = (numbers[where] == columns.series) & (columns.at >= from_at) & (columns.at < to_at)
            if mine.any():
                parts.append((order[where[mine]].astype(np.int32), *(c[mine] for c in _of(columns))))
        if not parts:
            return no_rows()
        joined = [np.concatenate([part[n] for part in parts]) for n in range(5)]
        return EngineRows(place=joined[0], at=joined[1], value=joined[2], quality=joined[3], batch=joined[4])


def _of(columns: ReadingColumns) -> tuple["np.typing.NDArray[np.generic]", ...]:
    return columns.at, columns.value, columns.quality, columns.batch


class PendingBlocks:
    """Used from the committing thread, the sending one and those that ask."""

    def __init__(self, most_rows: int) -> None:
        self.most_rows = most_rows
        self._lock = threading.Lock()
        self._blocks: list[Pending] = []
        self._rows = 0

    @property
    def rows(self) -> int:
        return self._rows

    @property
    def full(self) -> bool:
        """True when no more may be committed until the engine takes some."""
        return self._rows >= self.most_rows

    def add(self, number: int, columns: ReadingColumns) -> None:
        """A block is durable in the ledger."""
        with self._lock:
            self._blocks.append(Pending(number, columns, int(columns.batch.min())))
            self._rows += len(columns.series)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot(self._blocks[0].first_batch if self._blocks else ALL, list(self._blocks))

    def unsent(self, most_rows: int) -> list[Pending]:
        """The first blocks that the engine has not taken, of about so many readings together."""
        found: list[Pending] = []
        rows = 0
        with self._lock:
            for block in self._blocks:
                if block.sent_at is None:
                    if found and rows + len(block.columns.series) > most_rows:
                        break
                    found.append(block)
                    rows += len(block.columns.series)
        return found

    def sent(self, blocks: list[Pending], at: float, mark: str) -> None:
        """The engine took them."""
        with self._lock:
            for block in blocks:
                block.sent_at, block.mark = at, mark

    def recall(self, mark: str) -> int:
        """Blocks taken under another mark may be lost: they are to be sent again. How many."""
        with self._lock:
            doubted = [block for block in self._blocks if block.sent_at is not None and block.mark != mark]
            for block in doubted:
                block.sent_at = None
        return len(doubted)

    def settled(self, before: float) -> list[Pending]:
        """The first blocks, as far as all of them were taken before an instant."""
        found = []
        with self._lock:
            for block in self._blocks:
                if block.sent_at is None or block.sent_at > before:
                    break
                found.append(block)
        return found

    def forget(self, blocks: list[Pending], remove: Callable[[int], None]) -> None:
        """They are at rest. ``remove`` takes them out of the ledger, up to a number; when it raises, they stay."""
        if not blocks:
            return
        remove(blocks[-1].id)
        with self._lock:
            self._blocks = self._blocks[len(blocks) :]
            self._rows -= sum(len(block.columns.series) for block in blocks)
