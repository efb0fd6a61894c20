"""What an engine for readings promises: the part of a store that may stand on a server and take its own time.

The ledger (``ledger.py``) has every commit first; a block of readings goes to the engine afterwards, as often as
needed. An engine therefore takes the same block twice without counting it twice, and tells by ``mark`` whether what
it took may have been lost meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from cloud.store.contract import Codes, Doubles, Ints, Longs, ReadingColumns, SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRows:
    """Readings of some series, in no promised order. ``place`` is the index of the series asked for; NaN: no value."""

    place: Ints
    at: Longs
    value: Doubles
    quality: Codes
    batch: Longs


class NewestRow(NamedTuple):
    """The newest reading of a series. ``value`` is NaN where it has none."""

    at: int
    value: float
    quality: int
    batch: int


class ReadingsEngine(Protocol):
    """All calls block and may come from several threads. All raise StoreUnavailable when the engine is away."""

    name: str
    """How messages name it, with its address."""
    hold_s: float
    """So long after it took a block, the engine has it on its disk, unless ``mark`` changed."""

    def check(self, raw_days: int | None) -> None:
        """Ask whether it keeps readings as long as the settings say. Raises BadSettings when it does not."""
        ...

    def mark(self) -> str:
        """Changes when the engine was started again: blocks it took before and had not on disk may be lost."""
        ...

    def write(self, columns: ReadingColumns, names: Sequence[SeriesKey]) -> None:
        """Take readings; ``columns.series`` are indices of ``names``. Taking the same again changes nothing."""
        ...

    def rows(self, wanted: Sequence[SeriesKey], from_at: int, to_at: int) -> EngineRows:
        """All readings with from_at <= at < to_at."""
        ...

    def newest(self, wanted: Sequence[SeriesKey] | None, since_at: int, at: int) -> Mapping[SeriesKey, NewestRow]:
        """Of each series (None: all) the newest reading with since_at <= observed_at <= at."""
        ...

    def count_old(self, points: Sequence[str], sites: Sequence[str], before: int) -> int:
        """How many readings of these points of these sites ``forget_old`` would take away."""
        ...

    def forget_old(self, points: Sequence[str], sites: Sequence[str], before: int) -> int:
        """Take away what was observed before this instant of points that say where somebody was (``TRACK_POINTS``),
        or of as many whole days as lie before it; how many readings went. Nothing else is touched."""
        ...

    def close(self) -> None:
        """Let go of connections. May be called again."""
        ...


def no_rows() -> EngineRows:
    """Nothing."""
    return EngineRows(
        place=np.empty(0, np.int32),
        at=np.empty(0, np.int64),
        value=np.empty(0, np.float64),
        quality=np.empty(0, np.uint8),
        batch=np.empty(0, np.int64),
    )
