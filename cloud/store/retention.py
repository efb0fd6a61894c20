"""What is old enough to go: cutoffs, without a database."""

from typing import NamedTuple

from cloud.store.keeping import Retention
from cloud.store.rollup import DAY_MS


class Cutoffs(NamedTuple):
    """Before which instant each level goes; None keeps it. Whole UTC days."""

    raw: int | None
    m15: int | None
    h1: int | None
    d1: int | None
    events: int | None
    quarantine: int | None
    batches: int | None
    """By ``received_at``. A reading is at most a day later than its batch was received: no kept row needs these."""


def cutoffs(retention: Retention, now_ms: int) -> Cutoffs:
    """The cutoffs of a day. A coarser level is never kept shorter than the one it is made from."""

    def before(days: int | None) -> int | None:
        return None if days is None else (now_ms - days * DAY_MS) // DAY_MS * DAY_MS

    raw = before(retention.raw_days)
    m15 = _older(raw, before(retention.m15_days))
    h1 = _older(m15, before(retention.h1_days))
    events = before(retention.events_days)
    oldest = None if raw is None or events is None else min(raw, events) - 2 * DAY_MS
    return Cutoffs(
        raw=raw,
        m15=m15,
        h1=h1,
        d1=_older(h1, before(retention.d1_days)),
        events=events,
        quarantine=before(retention.quarantine_days),
        batches=oldest,
    )


def _older(finer: int | None, wanted: int | None) -> int | None:
    if finer is None or wanted is None:
        return None
    return min(finer, wanted)
