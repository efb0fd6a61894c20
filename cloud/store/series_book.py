"""Small numbers for long names: series, gateways and quality words, as the store keeps them.

Only the ingest worker gives out numbers; everybody may look them up. A number given out is *pending* until the commit
that writes its name has succeeded, so names reach the store in the same transaction as the first rows that use them.
"""

import re
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np

from cloud.store.contract import GatewayKey, Ints, QualityWord, SeriesKey
from protocols.points import VOCABULARY

SERIES_MAX = 2_000_000
SERIES_PER_SITE_MAX = 200_000
GATEWAYS_MAX = 20_000
QUALITY_CODES_MAX = 250
"""Above it a reason is stored as ``other``: a sender may invent words, but not without end."""
TABLES_CACHED = 4096
NO_SERIES = -1

_REASON_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}")

GOOD_WORD = QualityWord("good", "")

K = TypeVar("K", bound=Hashable)


class _Book(Generic[K]):
    """Numbers from 0 upwards, in the order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[K, int] = {}
        self._names: list[K] = []
        self._confirmed = 0

    def __len__(self) -> int:
        return len(self._names)

    def load(self, rows: Iterable[tuple[int, K]]) -> None:
        """Take what the store remembers. Numbers must be without holes; holes would give one number two names."""
        for number, name in sorted(rows, key=lambda row: row[0]):
            if number != len(self._names):
                raise ValueError(f"number {number} follows {len(self._names) - 1}")
            self._numbers[name] = number
            self._names.append(name)
        self._confirmed = len(self._names)

    def take(self, rows: Sequence[tuple[int, K]]) -> None:
        """Names that others gave to the store, in order. What is pending here has no number any more."""
        if not rows:
            return
        self._withdraw()
        for number, name in rows:
            if number < len(self._names):
                continue
            if number != len(self._names):
                raise ValueError(f"number {number} follows {len(self._names) - 1}")
            self._give(name)
        self._confirmed = len(self._names)

    def _withdraw(self) -> None:
        for name in self._names[self._confirmed :]:
            del self._numbers[name]
        del self._names[self._confirmed :]

    def find(self, name: K) -> int | None:
        """The number of a name, None when it has none."""
        return self._numbers.get(name)

    def name(self, number: int) -> K:
        """What ``number`` stands for. Raises IndexError."""
        return self._names[number]

    def names(self) -> Sequence[K]:
        """All names; the index is the number."""
        return self._names

    def pending(self) -> list[tuple[int, K]]:
        """Names the store does not hold yet."""
        return [(number, self._names[number]) for number in range(self._confirmed, len(self._names))]

    def confirm(self, pending: Sequence[tuple[int, K]]) -> None:
        """These are durable now."""
        self._confirmed = max(self._confirmed, *(number + 1 for number, _ in pending), 0)

    def _give(self, name: K) -> int:
        number = len(self._names)
        self._names.append(name)
        self._numbers[name] = number
        return number


class GatewayBook(_Book[GatewayKey]):
    """Numbers of gateways."""

    def number(self, key: GatewayKey) -> int | None:
        """The number of a gateway, a new one when it is new; None when there are too many."""
        known = self._numbers.get(key)
        if known is None and len(self._names) < GATEWAYS_MAX:
            known = self._give(key)
        return known


class QualityBook(_Book[QualityWord]):
    """Codes of qualities and their reasons. Code 0 is good, always."""

    def __init__(self) -> None:
        super().__init__()
        self._give(GOOD_WORD)
        self._bad: set[int] = set()

    def load(self, rows: Iterable[tuple[int, QualityWord]]) -> None:
        stored = sorted(rows, key=lambda row: row[0])
        if stored:
            self._numbers.clear()
            self._names.clear()
            super().load(stored)
        self._bad = {code for code, word in enumerate(self._names) if word.quality == "bad"}

    def take(self, rows: Sequence[tuple[int, QualityWord]]) -> None:
        super().take(rows)
        self._bad = {code for code, word in enumerate(self._names) if word.quality == "bad"}

    def code(self, quality: str, reason: str) -> int:
        """The code of a quality and its reason."""
        word = QualityWord(quality, reason if not reason or _REASON_PATTERN.fullmatch(reason) else "other")
        known = self._numbers.get(word)
        if known is not None:
            return known
        if len(self._names) >= QUALITY_CODES_MAX:
            word = QualityWord(quality, "other")
            known = self._numbers.get(word)
            if known is not None:
                return known
        code = self._give(word)
        if quality == "bad":
            self._bad.add(code)
        return code

    def is_bad(self, code: int) -> bool:
        """True when readings of this code have no value."""
        return code in self._bad


class SeriesBook(_Book[SeriesKey]):
    """Numbers of series, with a cache for the tables of series that gateways send again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._tables: OrderedDict[tuple[str, bytes], Ints] = OrderedDict()
        self._per_site: dict[str, int] = {}

    def load(self, rows: Iterable[tuple[int, SeriesKey]]) -> None:
        super().load(rows)
        for key in self._names:
            self._per_site[key.site] = self._per_site.get(key.site, 0) + 1

    def take(self, rows: Sequence[tuple[int, SeriesKey]]) -> None:
        if rows:
            self._tables.clear()
            super().take(rows)
            self._per_site = {}
            for key in self._names:
                self._per_site[key.site] = self._per_site.get(key.site, 0) + 1

    def in_vocabulary(self, number: int) -> bool:
        """False when the point's name is not in ``protocols/points.toml``: unit and label are unknown."""
        return self._names[number].point in VOCABULARY

    def table(self, site: str, series: Sequence[tuple[str, str]], series_key: bytes) -> Ints:
        """The numbers of a batch's series table. ``series_key`` is equal for equal tables.

        NO_SERIES stands where a site, or everybody together, already has too many series.
        """
        cached = self._tables.get((site, series_key))
        if cached is not None:
            self._tables.move_to_end((site, series_key))
            return cached
        numbers = np.fromiter(
            (self._number(SeriesKey(site, device, point)) for device, point in series), np.int32, len(series)
        )
        if not len(numbers) or numbers.min() != NO_SERIES:
            self._tables[(site, series_key)] = numbers
            if len(self._tables) > TABLES_CACHED:
                self._tables.popitem(last=False)
        return numbers

    def _number(self, key: SeriesKey) -> int:
        known = self._numbers.get(key)
        if known is not None:
            return known
        used = self._per_site.get(key.site, 0)
        if used >= SERIES_PER_SITE_MAX or len(self._names) >= SERIES_MAX:
            return NO_SERIES
        self._per_site[key.site] = used + 1
        return self._give(key)
