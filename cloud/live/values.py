"""The newest reading of every series, in arrays by series id: a commit of 100,000 readings is a few array steps."""

import numpy as np
import numpy.typing as npt

from cloud.store.contract import Codes, Doubles, Ints, Longs

NEVER = np.iinfo(np.int64).min
UNSEEN, HIDDEN = -2, -1
"""Values of ``entity``: a series that was not looked at yet; one that belongs to nothing that is shown."""

Mask = npt.NDArray[np.bool_]


class SeriesValues:
    """Arrays that grow. ``emitted`` is the cursor's seq at which the value last went out, 0 for never."""

    def __init__(self, capacity: int = 1024) -> None:
        self.at: Longs = np.full(capacity, NEVER, np.int64)
        self.value: Doubles = np.full(capacity, np.nan, np.float64)
        self.quality: Codes = np.zeros(capacity, np.uint8)
        self.received_at: Longs = np.zeros(capacity, np.int64)
        self.emitted: Longs = np.zeros(capacity, np.int64)
        self.entity: Ints = np.full(capacity, UNSEEN, np.int32)
        self.pending: Mask = np.zeros(capacity, np.bool_)

    def make_room(self, series: int) -> None:
        """Grow the arrays so that they hold this id."""
        have = len(self.at)
        if series < have:
            return
        more = max(have, series + 1 - have)
        self.at = np.concatenate([self.at, np.full(more, NEVER, np.int64)])
        self.value = np.concatenate([self.value, np.full(more, np.nan, np.float64)])
        self.quality = np.concatenate([self.quality, np.zeros(more, np.uint8)])
        self.received_at = np.concatenate([self.received_at, np.zeros(more, np.int64)])
        self.emitted = np.concatenate([self.emitted, np.zeros(more, np.int64)])
        self.entity = np.concatenate([self.entity, np.full(more, UNSEEN, np.int32)])
        self.pending = np.concatenate([self.pending, np.zeros(more, np.bool_)])

    def take(self, series: Ints, at: Longs, value: Doubles, quality: Codes, received_at: Longs) -> bool:
        """Keep what is at least as new as what is known; the newest of each series wins, of equal ones the last.

        The caller has made room. Returns whether anything changed; what did is marked ``pending``.
        """
        newer = at >= self.at[series]
        if not newer.all():
            if not newer.any():
                return False
            series, at, value = series[newer], at[newer], value[newer]
            quality, received_at = quality[newer], received_at[newer]
        if (at[1:] < at[:-1]).any():
            order = np.argsort(at, kind="stable")
            series, at, value = series[order], at[order], value[order]
            quality, received_at = quality[order], received_at[order]
        # Where an index comes more than once, numpy keeps what was assigned last: here the newest.
        self.at[series] = at
        self.value[series] = value
        self.quality[series] = quality
        self.received_at[series] = received_at
        self.pending[series] = True
        return True
