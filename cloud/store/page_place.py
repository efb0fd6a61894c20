"""Where a page of an answer ended, and how the next one goes on from there. Pure."""

from collections.abc import Sequence

from cloud.store.contract import PAGE_MAX, BadQuery


class Place(tuple[int, int, int]):
    """Where a page ended: (observed_at, batch, rows of exactly these already given). Printed as its ``next``."""

    __slots__ = ()

    @staticmethod
    def parse(text: str) -> "Place":
        """Read a ``next``; raises BadQuery."""
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
            raise BadQuery(f"next={text[:60]!r} was not given out by this collector")
        return Place(int(part) for part in parts)

    def __str__(self) -> str:
        return ".".join(str(number) for number in self)


def page_size(limit: int) -> int:
    """Rows of a page. Raises BadQuery."""
    if limit < 1:
        raise BadQuery(f"limit is {limit}; 1 to {PAGE_MAX}")
    return min(limit, PAGE_MAX)


def advance(rows: Sequence[Sequence[object]], size: int, batch_column: int, start: Place | None) -> Place | None:
    """The place after a page of ``size`` rows, when one more row was found."""
    if len(rows) <= size:
        return None
    last = (rows[size - 1][0], rows[size - 1][batch_column])
    same = sum(1 for row in rows[:size] if (row[0], row[batch_column]) == last)
    if start is not None and (start[0], start[1]) == last:
        same += start[2]
    return Place((int(str(last[0])), int(str(last[1])), same))
