"""A day that may not be over beside what such a day is like: like with like, only quarters that are known of both."""

from typing import NamedTuple

import numpy as np

from cloud.analysis.local_series import LocalSeries
from cloud.analysis.typical_day import Typical


class SoFar(NamedTuple):
    """used, typical: over the same quarters, ``share`` of those that are over; None without a typical day.

    whole: what the typical day comes to at its end.
    """

    used: float | None
    typical: float | None
    share: float
    whole: float | None

    @property
    def change(self) -> float | None:
        """``used / typical - 1``."""
        return self.used / self.typical - 1 if self.used is not None and self.typical else None


def so_far(day: LocalSeries, typical: Typical, over: int) -> SoFar:
    """``over``: how many of the day's intervals are over."""
    expected = typical.kwh[day.slot]
    both = np.isfinite(day.kwh) & np.isfinite(expected)
    both[over:] = False
    if not both.any():
        return SoFar(None, None, 0.0, _sum(expected))
    return SoFar(
        float(day.kwh[both].sum()), float(expected[both].sum()), float(both.sum()) / max(over, 1), _sum(expected)
    )


def _sum(kwh: np.typing.NDArray[np.float64]) -> float | None:
    return float(kwh.sum()) if len(kwh) and np.isfinite(kwh).all() else None
