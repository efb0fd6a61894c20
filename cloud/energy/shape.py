"""What is typical of a quarter of an hour: the median of the same slot on the last days of the same kind."""

import numpy as np

from cloud.energy.contract import BASE_MS, Intervals, Longs, Source
from cloud.energy.days import DAY_MS, SLOTS, IsWorkday, local_grid, workdays
from cloud.energy.intervals import Shape, floor

LOOK_BACK_MS = 28 * DAY_MS
DAYS_MOST = 8
HALF_A_DAY = SLOTS // 2


def shape_of(history: Intervals, gap_since: int, zone: str, is_workday: IsWorkday) -> Shape:
    """The shape of a gap that begins at ``gap_since``, from what was measured in the 28 days before.

    Only what was measured counts, so that no estimate is made of estimates. A kind of day (people work, or not) that
    was not measured is taken from the other; with nothing measured there is no shape.
    """
    profiles = _profiles(history.between(floor(gap_since) - LOOK_BACK_MS, floor(gap_since)), zone, is_workday)

    def shape(since: int, until: int) -> Longs | None:
        if profiles is None:
            return None
        grid = local_grid(zone, since, until)
        weights: Longs = profiles[workdays(grid.day, is_workday), grid.slot]
        return weights

    return shape


def _profiles(history: Intervals, zone: str, is_workday: IsWorkday) -> Longs | None:
    """Typical amounts by kind of day (0 nobody works, 1 people work) and slot; None when nothing was measured."""
    measured = (history.source == Source.MEASURED) & (history.covered_ms == BASE_MS)
    if not measured.any():
        return None
    grid = local_grid(zone, history.first, history.end)
    working = workdays(grid.day, is_workday)
    profiles = np.zeros((2, SLOTS), np.int64)
    known = [False, False]
    for kind in (0, 1):
        mine = measured & (working == kind)
        found = _profile(grid.day[mine], grid.slot[mine], history.micro[mine])
        if found is not None:
            profiles[kind], known[kind] = found, True
    if not any(known):
        return None
    for kind in (0, 1):
        if not known[kind]:
            profiles[kind] = profiles[1 - kind]
    return profiles


def _profile(day: Longs, slot: Longs, micro: Longs) -> Longs | None:
    days, counts = np.unique(day, return_counts=True)
    chosen = days[counts >= HALF_A_DAY][-DAYS_MOST:]
    if not len(chosen):
        chosen = days[-DAYS_MOST:]
    taken = np.isin(day, chosen)
    if not taken.any():
        return None
    profile = np.full(SLOTS, -1, np.int64)
    for each in range(SLOTS):
        here = taken & (slot == each)
        if here.any():
            profile[each] = int(np.median(micro[here]))
    profile[profile < 0] = int(np.mean(micro[taken]))
    return profile
