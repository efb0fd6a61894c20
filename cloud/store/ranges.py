"""Sets of sequence numbers as closed ranges."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence


class SeqRanges:
    """A set of integers, small as long as it has few holes. Adding at the end is constant time."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(ranges):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(self._lasts[-1], last)
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __contains__(self, seq: int) -> bool:
        place = bisect_right(self._firsts, seq) - 1
        return place >= 0 and seq <= self._lasts[place]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __len__(self) -> int:
        """How many ranges, not how many numbers."""
        return len(self._firsts)

    def add(self, seq: int) -> None:
        """Add one number; adding it again changes nothing."""
        place = bisect_right(self._firsts, seq) - 1
        if place >= 0 and seq <= self._lasts[place]:
            return
        joins_left = place >= 0 and self._lasts[place] == seq - 1
        joins_right = place + 1 < len(self._firsts) and self._firsts[place + 1] == seq + 1
        if joins_left and joins_right:
            self._lasts[place] = self._lasts.pop(place + 1)
            del self._firsts[place + 1]
        elif joins_left:
            self._lasts[place] = seq
        elif joins_right:
            self._firsts[place + 1] = seq
        else:
            self._firsts.insert(place + 1, seq)
            self._lasts.insert(place + 1, seq)

    def holes(self, first: int, last: int) -> list[tuple[int, int]]:
        """The parts of first..last that are not in the set, ascending."""
        found: list[tuple[int, int]] = []
        place = bisect_left(self._lasts, first)
        while first <= last and place < min(len(self._firsts), len(self._lasts)) and self._firsts[place] <= last:
            if first < self._firsts[place]:
                found.append((first, self._firsts[place] - 1))
            first = self._lasts[place] + 1
            place += 1
        return [*found, (first, last)] if first <= last else found

    def lowest(self) -> int | None:
        """The smallest number, None in an empty set."""
        return self._firsts[0] if self._firsts else None

    def count(self) -> int:
        """How many numbers."""
        return sum(last - first + 1 for first, last in self)


def without(spans: Sequence[tuple[int, int]], others: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """What of ``spans`` is in none of ``others``, ascending."""
    covered = SeqRanges(others)
    return [hole for first, last in sorted(spans) for hole in covered.holes(first, last)]
