"""Times of the day as a tariff writes them, and the day they make together: 1440 minutes, each in one band."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from cloud.tariffs.contract import BANDS, Band

DAY_MIN = 1440
SPAN_RULE = '"08:30-11:00", "22:00-24:00" or "22:00-05:00" (over midnight)'
DAYS_RULE = '"holiday:春节", "holiday:国庆节:1-3", "2026-10-01", "sun", "workday", "weekend", "holiday" or "makeup"'

_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")
_HOLIDAY = re.compile(r"holiday:([^:\s][^:]*)(?::([1-9]\d?)-([1-9]\d?))?")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class SpanFault(ValueError):
    """Says what is wrong with the times of a day."""


class Pick(NamedTuple):
    """Days that a special names: by date, by holiday (some or all of its days), by weekday, or by kind."""

    day: date | None = None
    holiday: str = ""
    first: int = 1
    last: int = 99
    weekday: int | None = None
    kind: str = ""


def read_span(text: str) -> list[tuple[int, int]]:
    """Minutes of the day [since, until); two pieces when it passes midnight."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise SpanFault(f"{text!r} is no time of the day; write it like {SPAN_RULE}")
    hour, minute, to_hour, to_minute = (int(part) for part in found.groups())
    since, until = hour * 60 + minute, to_hour * 60 + to_minute
    if minute > 59 or to_minute > 59 or since >= DAY_MIN or until > DAY_MIN:
        raise SpanFault(f"{text!r} is no time of the day; write it like {SPAN_RULE}")
    if since == until:
        raise SpanFault(f"{text!r} is empty; the whole day is 00:00-24:00")
    if until > since:
        return [(since, until)]
    return [(since, DAY_MIN), (0, until)] if until else [(since, DAY_MIN)]


def lay(bands: Mapping[Band, Sequence[str]]) -> list[Band | None]:
    """The band of each minute of the day, None where none is named. Raises SpanFault where two are."""
    day: list[Band | None] = [None] * DAY_MIN
    for band in BANDS:
        for text in bands.get(band, ()):
            for since, until in read_span(text):
                for minute in range(since, until):
                    before = day[minute]
                    if before is not None:
                        both = f"{before} and {band}" if before != band else f"{band} twice"
                        raise SpanFault(f"{clock(minute)} is in {both}; each minute is in one band")
                    day[minute] = band
    return day


def whole(bands: Mapping[Band, Sequence[str]]) -> tuple[Band, ...]:
    """The same for bands that cover the day. Raises SpanFault that names the first time in no band."""
    day = lay(bands)
    full = tuple(band for band in day if band is not None)
    if len(full) != DAY_MIN:
        since = day.index(None)
        until = next((minute for minute in range(since, DAY_MIN) if day[minute] is not None), DAY_MIN)
        raise SpanFault(f"{clock(since)}-{clock(until)} is in no band; every minute of the day needs one")
    return full


def read_days(text: str) -> Pick:
    """Days of a special. Raises SpanFault that says how to write them."""
    text = text.strip()
    if text in _WEEKDAYS:
        return Pick(weekday=_WEEKDAYS.index(text))
    if text in ("workday", "weekend", "holiday", "makeup"):
        return Pick(kind=text)
    found = _HOLIDAY.fullmatch(text)
    if found is not None:
        first, last = int(found[2] or 1), int(found[3] or 99)
        if first <= last:
            return Pick(holiday=found[1].strip(), first=first, last=last)
    else:
        try:
            return Pick(day=date.fromisoformat(text))
        except ValueError:
            pass
    raise SpanFault(f"{text!r} names no days; write them like {DAYS_RULE}")


def clock(minute: int) -> str:
    """``08:30`` of a minute of the day."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
