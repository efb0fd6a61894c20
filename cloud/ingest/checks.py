"""Which readings and events of a good batch are refused all the same. The rest of the batch is stored."""

import math
import re

import numpy as np

from cloud.ingest.decode import Columns
from cloud.store.contract import Codes
from cloud.store.series_book import NO_SERIES, QualityBook
from protocols.batch import POINT_PATTERN
from protocols.events import FIELDS_MAX, TEXT_MAX
from protocols.reading import Event, is_id

EARLIEST_MS = 946_684_800_000
"""2000-01-01: nothing we read is older."""
FUTURE_MAX_MS = 86_400_000
"""A gateway's clock may be wrong by less than a day; what claims to be later still is refused."""

ACCEPTED, NOT_FINITE, CLOCK, TOO_MANY_SERIES = 0, 1, 2, 3
REFUSALS = ("", "not_finite", "clock", "too_many_series")

_FIELD_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NUMBER_MAX = 2**63


def refusals(columns: Columns, received_at: int, quality_book: QualityBook) -> Codes | None:
    """For each reading ACCEPTED or why not; None when all are accepted, as almost always.

    ``received_at`` may be the earliest of several batches: then the clock check is too strict by what lies between.
    """
    series, at, value, quality = columns
    if not len(series):
        return None
    latest = received_at + FUTURE_MAX_MS
    sound = series.min() != NO_SERIES and at.min() >= EARLIEST_MS and at.max() <= latest
    if sound and np.isfinite(value).all():
        return None
    codes = np.zeros(len(series), np.uint8)
    bad = np.isin(quality, [code for code in np.unique(quality).tolist() if quality_book.is_bad(code)])
    codes[~np.isfinite(value) & ~bad] = NOT_FINITE
    codes[(at < EARLIEST_MS) | (at > latest)] = CLOCK
    codes[series == NO_SERIES] = TOO_MANY_SERIES
    return codes if codes.any() else None


def _is_text(text: str) -> bool:
    """False for half of a surrogate pair, which JSON can carry and nothing can store."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def refuse_event(event: Event, received_at: int) -> str | None:
    """Why an event is not stored, None when it is.

    An unknown kind is stored: a newer gateway may know more kinds than we do. What is not bounded is not.
    """
    if not is_id(event.device) or not POINT_PATTERN.fullmatch(event.kind):
        return "event_name"
    if not EARLIEST_MS <= event.at <= received_at + FUTURE_MAX_MS:
        return "clock"
    if len(event.data) > FIELDS_MAX:
        return "event_size"
    for field, value in event.data.items():
        if not _FIELD_PATTERN.fullmatch(field):
            return "event_name"
        if isinstance(value, str):
            if len(value) > TEXT_MAX:
                return "event_size"
            if not _is_text(value):
                return "event_text"
        if isinstance(value, float) and not math.isfinite(value):
            return "not_finite"
        if isinstance(value, int) and not -_NUMBER_MAX <= value < _NUMBER_MAX:
            return "event_size"
    return None
