"""What one collector of a group must know of the commits of the others. See ``ledger_shared.py``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cloud.store.contract import BatchRow, CommitWork, FenceRow, GatewayKey, QualityWord, SeriesKey


class Head(NamedTuple):
    """How far the ledger is: the newest numbers of batches and of what lies in quarantine; how many names there are.

    Equal ``commits``: nothing was committed between two heads.
    """

    commits: int = -1
    batch: int = 0
    series: int = 0
    gateways: int = 0
    qualities: int = 0
    fences: int = 0
    quarantined: int = 0
    folded: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What was committed after some head, by anybody, up to ``head``. ``fences`` None: they are as they were.

    ``gap``: retention took away what was to be read here; who asked must read everything anew.
    """

    head: Head
    batches: Sequence[BatchRow] = ()
    series: Sequence[tuple[int, SeriesKey]] = ()
    gateways: Sequence[tuple[int, GatewayKey]] = ()
    qualities: Sequence[tuple[int, QualityWord]] = ()
    fences: Sequence[FenceRow] | None = None
    quarantined: Sequence[tuple[int, str]] = ()
    gap: bool = False

    def touches(self, work: CommitWork) -> bool:
        """True when ``work``, which was prepared without knowing this, may be wrong by it."""
        if self.gap or self.fences is not None:
            return True
        if (self.series and work.new_series) or (self.gateways and work.new_gateways):
            return True
        if (self.qualities and work.new_qualities) or (self.quarantined and work.quarantined):
            return True
        stored = {(row.gateway, row.epoch, row.seq) for row in self.batches}
        return any((row.gateway, row.epoch, row.seq) in stored for row in work.batches)
