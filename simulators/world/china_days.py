"""Which days people of the simulated world work: weekends, holidays and make-up workdays (调休) of mainland China.

Written down from the yearly notices of the State Council, apart from the table the collector uses: a mistake made
twice must not hide. A year that is not here has weekends only.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

_HOLIDAYS = {
    2024: "0101 0210-0217 0404-0406 0501-0505 0610 0915-0917 1001-1007",
    2025: "0101 0128-0204 0404-0406 0501-0505 0531-0602 1001-1008",
    2026: "0101-0103 0215-0223 0404-0406 0501-0505 0619-0621 0925-0927 1001-1007",
}
_MAKEUPS = {
    2024: "0204 0218 0407 0428 0511 0914 0929 1012",
    2025: "0126 0208 0427 0928 1011",
    2026: "0104 0214 0228 0509 0920 1010",
}


def is_off(day: date) -> bool:
    """Nobody works: a holiday, or a weekend that is not worked to make up for one."""
    if day in _days(day.year, "holiday"):
        return True
    return day.weekday() >= 5 and day not in _days(day.year, "makeup")


@cache
def _days(year: int, kind: str) -> frozenset[date]:
    text = (_HOLIDAYS if kind == "holiday" else _MAKEUPS).get(year, "")
    found: set[date] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        day, end = _day(year, first), _day(year, last or first)
        while day <= end:
            found.add(day)
            day += timedelta(days=1)
    return frozenset(found)


def _day(year: int, text: str) -> date:
    return date(year, int(text[:2]), int(text[2:]))
