"""What a measurement returns, and how the table of them looks."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One measured number. ``reach`` is what it should be, as text; ``met`` None where nothing was promised."""

    name: str
    value: str
    reach: str = ""
    met: bool | None = None
    note: str = ""


def median(numbers: Sequence[float]) -> float:
    """The middle of several runs, which a noisy machine moves least."""
    return statistics.median(numbers)


def percentile(numbers: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; ``share`` 0 to 1."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def table(figures: Sequence[Figure]) -> str:
    """The figures as text, a row each."""
    marks = {True: "yes", False: "NO", None: ""}
    rows = [("figure", "measured", "reach", "met", "note")]
    rows += [(f.name, f.value, f.reach, marks[f.met], f.note) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + "  " + row[4] for row in rows
    ]
    lines.insert(1, "-" * max(len(line.rstrip()) for line in lines))
    return "\n".join(line.rstrip() for line in lines)
