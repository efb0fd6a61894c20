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

ACCEPTED, NOT_FINITE, TOO_MANY_SERIES = 0, 1, 2
REFUSALS = ("", "not_finite", "too_many_series")

_FIELD_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NUMBER_MAX = 2**63


def refusals(columns: Columns, quality_book: QualityBook) -> Codes | None:
    """For each reading ACCEPTED or why not; None when all are accepted, as almost always."""
    series, _, value, quality = columns
    if not len(series):
        return None
    if series.min() != NO_SERIES and np.isfinite(value).all():
        return None
    codes = np.zeros(len(series), np.uint8)
    bad = np.isin(quality, [code for code in np.unique(quality).tolist() if quality_book.is_bad(code)])
    codes[~np.isfinite(value) & ~bad] = NOT_FINITE
    codes[series == NO_SERIES] = TOO_MANY_SERIES
    return codes if codes.any() else None


def reason_word(reason: str) -> str:
    """A sender's reason as it is stored: ``other`` when it is no word."""
    return reason if not reason or _FIELD_PATTERN.fullmatch(reason) else "other"


def _is_text(text: str) -> bool:
    """False for half of a surrogate pair, which JSON can carry and nothing can store."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def refuse_event(event: Event) -> str | None:
    """Why an event is not stored, None when it is.

    An unknown kind is stored: a newer gateway may know more kinds than we do. What is not bounded is not.
    """
    if not is_id(event.device) or not POINT_PATTERN.fullmatch(event.kind):
        return "event_name"
    if not -_NUMBER_MAX <= event.at < _NUMBER_MAX:
        return "event_size"
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
