"""Bounds on what is kept of things that were not stored, so that a sender of rubbish cannot fill the disk."""

from collections.abc import Iterable

from cloud.store.contract import QuarantineRow
from cloud.store.rollup import HOUR_MS

PAYLOAD_MAX = 64 * 1024
DETAIL_MAX = 500
BATCHES_PER_GATEWAY_MAX = 1_000
SAMPLES_PER_HOUR = 200


class Quarantine:
    """Which rejected batches already lie in quarantine: a repetition is counted, not kept again."""

    def __init__(self) -> None:
        self._digests: dict[int, set[str]] = {}

    def load(self, known: Iterable[tuple[int, str]]) -> None:
        """Start from what the store holds: (gateway, digest)."""
        for gateway, digest in known:
            self._digests.setdefault(gateway, set()).add(digest)

    def wants(self, gateway: int, digest: str, coming: set[str]) -> bool:
        """True when this batch is new and there is room for another one of its gateway.

        ``coming``: digests of the same gateway that are kept with the same commit.
        """
        known = self._digests.get(gateway, set())
        return digest not in known and digest not in coming and len(known) + len(coming) < BATCHES_PER_GATEWAY_MAX

    def keep(self, row: QuarantineRow) -> None:
        """A row is durable now."""
        self._digests.setdefault(row.gateway, set()).add(row.digest)


class SampleBudget:
    """How many refused readings of a gateway are kept for a person to see; all of them are counted."""

    def __init__(self) -> None:
        self._used: dict[int, tuple[int, int]] = {}

    def take(self, gateway: int, now_ms: int) -> bool:
        """True when one more may be kept in this hour."""
        hour = now_ms // HOUR_MS
        used_hour, used = self._used.get(gateway, (hour, 0))
        if used_hour != hour:
            used = 0
        if used >= SAMPLES_PER_HOUR:
            return False
        self._used[gateway] = (hour, used + 1)
        return True
