"""The maximum of a period as a utility's meter finds it: the largest mean power of a window of time."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from cloud.energy.contract import BASE_MS, DOUBTFUL, Intervals, Source
from cloud.tariffs.money import units

_HOUR_MS = 3_600_000


class MaxDemand(NamedTuple):
    """``kw`` and the window it was in [since, until) (ms); all None without one whole window of measured intervals.

    share: how much of the period was measured whole; of the rest no maximum is known.
    """

    kw: Decimal | None
    since: int | None
    until: int | None
    share: float


def max_demand(
    intervals: Intervals, zone: ZoneInfo, window_min: int = 15, window: Literal["fixed", "sliding"] = "fixed"
) -> MaxDemand:
    """The maximum of measured intervals. Estimated ones do not count: their total is right, their peak is a guess.

    ``fixed`` windows begin on multiples of their length by local time. ``sliding`` ones begin with any interval: with
    a window of 15 minutes that is the same, and less than a meter that slides by the minute would find.
    """
    if window_min * 60_000 % BASE_MS or _HOUR_MS % (window_min * 60_000):
        raise ValueError(f"a window of {window_min} minutes cannot be made of quarters of an hour; 15, 30 or 60 can")
    width = window_min * 60_000 // BASE_MS
    whole = (intervals.source == Source.MEASURED) & (intervals.covered_ms == BASE_MS)
    whole &= (intervals.flags & int(DOUBTFUL)) == 0
    share = float(whole.mean()) if len(intervals) else 0.0
    if len(intervals) < width:
        return MaxDemand(None, None, None, share)
    sums = np.convolve(np.where(whole, intervals.micro, 0), np.ones(width, np.int64), "valid")
    usable = np.convolve(whole.astype(np.int64), np.ones(width, np.int64), "valid") == width
    if window == "fixed" and width > 1:
        usable &= _aligned(intervals, zone, width)[: len(usable)]
    if not usable.any():
        return MaxDemand(None, None, None, share)
    place = int(np.argmax(np.where(usable, sums, -1)))
    since = intervals.first + place * BASE_MS
    return MaxDemand(units(int(sums[place]) * 60 // window_min), since, since + window_min * 60_000, share)


def _aligned(intervals: Intervals, zone: ZoneInfo, width: int) -> npt.NDArray[np.bool_]:
    """Where a window may begin: zones off by half or three quarters of an hour have hours of their own."""
    minutes = (datetime.fromtimestamp(start / 1000, zone).minute for start in intervals.starts.tolist())
    shown = np.fromiter(minutes, np.int64, len(intervals))
    return np.equal(shown % (width * BASE_MS // 60_000), 0)
