"""Tables as CSV that Excel opens rightly: with a byte order mark, and no text that it would take for a formula."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from cloud.store.contract import Longs

BOM = "\ufeff"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NEEDS_QUOTES = (",", '"', "\r", "\n")
DAY_MS = 86_400_000


def cell(value: object) -> str:
    """One value as RFC 4180 writes it. Text that a spreadsheet would run gets an apostrophe in front."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = "'" + value if value.startswith(FORMULA_STARTS) else value
    if any(sign in text for sign in NEEDS_QUOTES):
        return '"' + text.replace('"', '""') + '"'
    return text


def csv_bytes(header: Sequence[str], columns: Sequence[Sequence[object]]) -> bytes:
    """A table by its columns, which are equally long."""
    written: list[list[str]] = []
    for column in columns:
        known: dict[str, str] = {}
        cells = []
        for value in column:
            if isinstance(value, str):
                text = known.get(value)
                if text is None:
                    text = known[value] = cell(value)
                cells.append(text)
            else:
                cells.append("" if value is None else str(value))
        written.append(cells)
    lines = [",".join(cell(name) for name in header), *map(",".join, zip(*written, strict=True)), ""]
    return (BOM + "\r\n".join(lines)).encode()


def utc_texts(at: Longs) -> list[str]:
    """``2026-11-22T00:00:00.000Z`` for each instant."""
    return [text + "Z" for text in _texts(at)]


def local_texts(at: Longs, time_zone: str) -> list[str]:
    """``2026-11-22T08:00:00.000+08:00`` for each instant, in whatever order they are."""
    if not len(at):
        return []
    zone = ZoneInfo(time_zone)
    changes = offset_changes(zone, int(at.min()), int(at.max()))
    starts = np.array([start for start, _ in changes], np.int64)
    place = np.searchsorted(starts, at, side="right") - 1
    offsets = np.array([offset for _, offset in changes], np.int64)
    ends = [_spell_offset(offset) for _, offset in changes]
    return [text + ends[index] for text, index in zip(_texts(at + offsets[place]), place.tolist(), strict=True)]


def offset_changes(zone: ZoneInfo, first: int, last: int) -> list[tuple[int, int]]:
    """(from this ms on, offset in ms) from ``first`` to ``last``. No zone changes its offset twice within a day."""
    found = [(first, _offset(zone, first))]
    for day in range(first, last + 1, DAY_MS):
        end = min(day + DAY_MS, last)
        offset = _offset(zone, end)
        if offset == found[-1][1]:
            continue
        low, high = day, end
        while high - low > 1:
            middle = (low + high) // 2
            if _offset(zone, middle) == offset:
                high = middle
            else:
                low = middle
        found.append((high, offset))
    return found


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at // 1000, UTC).astimezone(zone).utcoffset()
    return round(offset.total_seconds() * 1000) if offset is not None else 0


def _spell_offset(offset: int) -> str:
    minutes = round(abs(offset) / 60_000)
    return f"{'-' if offset < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"


def _texts(at: Longs) -> list[str]:
    texts: list[str] = np.datetime_as_string(at.astype("datetime64[ms]"), unit="ms").tolist()
    return texts
