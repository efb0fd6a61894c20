"""The buffer without a disk: the same contract, for tests of what stands on it and as a second voice in its suite."""

from __future__ import annotations

from edge.buffer import (
    CHUNK_BATCHES,
    ORIGINS_KEPT,
    Change,
    Chunk,
    Committed,
    EpochPlaces,
    Figures,
    KeptBatch,
    Opened,
    Rejected,
    Retiming,
    Seal,
)
from edge.ranges import Ranges
from edge.sealer import Places, retimed, seal_all
from protocols.batch import open_batch
from protocols.errors import StoreUnavailable


class MemoryBuffer:
    """`refuse` set to a text makes every write fail with it; `write_log` keeps what was committed, in order."""

    def __init__(
        self, seal: Seal, *, epoch: str = "memory01", max_bytes: int = 1 << 30, keeps_acked: bool = False
    ) -> None:
        self._keeps_acked = keeps_acked
        self.acked = Ranges()
        """Kept although it was released."""
        self._seal = seal
        self._max_bytes = max_bytes
        self._places = Places(0, epoch, 0)
        self.rows: dict[int, KeptBatch] = {}
        self.quarantine: dict[int, tuple[KeptBatch, str]] = {}
        self._untimed: list[tuple[str, int, int, bytes]] = []
        self._origins: dict[bytes, None] = {}
        self._session = 0
        self._deferred: int | None = None
        self.refuse = ""
        self.write_log: list[Committed] = []
        self.reads = 0

    async def open(self) -> Opened:
        boots: dict[str, int] = {}
        for boot, first_ms, _, _ in self._untimed:
            boots[boot] = min(first_ms, boots.get(boot, first_ms))
        newest = max(self.rows, default=0)
        last_good = self.rows[newest].sealed_at if newest else 0
        return Opened(self._places.epoch, min(self.rows, default=1), newest, last_good, boots, None)

    async def close(self) -> None:
        return None

    async def commit(self, change: Change) -> Committed:
        self._check()
        releases = list(change.release)
        if self._deferred is not None:
            releases.append((self._deferred, self._deferred))
            self._deferred = None
        for first, last in releases:
            if self._keeps_acked:
                self.acked.add(first, last)
                continue
            for place in [each for each in self.rows if first <= each <= last]:
                if place == self._places.last and not change.drafts:
                    self._deferred = place
                else:
                    del self.rows[place]
        for rejected in change.rejected:
            self._isolate(rejected)
        sealed, refused = seal_all(change.drafts, self._places, self._seal, change.sealed_at)
        for each in sealed:
            self.rows[each.batch.place] = each.batch
        for draft in change.untimed:
            for each in seal_all([draft], Places(0, change.boot, len(self._untimed)), self._seal, 0)[0]:
                items = each.batch.readings + each.batch.events
                self._untimed.append((change.boot, each.from_at, items, each.batch.payload))
        for origin in change.origins:
            self._origins[origin] = None
        for old in list(self._origins)[:-ORIGINS_KEPT]:
            del self._origins[old]
        committed = Committed([each.batch for each in sealed], refused)
        self.write_log.append(committed)
        return committed

    async def retime(self, retiming: Retiming, *, sealed_at: int) -> Committed:
        self._check()
        mine = [row for row in self._untimed if row[0] == retiming.boot]
        if not mine:
            return Committed([])
        self._untimed = [row for row in self._untimed if row[0] != retiming.boot]
        drafts = retimed([open_batch(row[3]) for row in mine], retiming)
        sealed, _ = seal_all(drafts, self._places, self._seal, sealed_at)
        for each in sealed:
            self.rows[each.batch.place] = each.batch
        return Committed([each.batch for each in sealed], retimed=len(mine))

    async def read(self, first: int, last: int, *, sealed_at: int) -> Chunk:
        self.reads += 1
        places = sorted(place for place in self.rows if first <= place <= last)
        return Chunk([self.rows[place] for place in places[:CHUNK_BATCHES]], [])

    async def next_session(self, at_least: int) -> int:
        self._check()
        self._session = max(self._session + 1, at_least)
        return self._session

    def has_origin(self, origin: bytes) -> bool:
        return origin in self._origins

    def places_of(self, epoch: str) -> EpochPlaces | None:
        return EpochPlaces(0) if epoch == self._places.epoch else None

    def kept(self, first: int, last: int) -> list[tuple[int, int]]:
        return [part for part in self.acked.meet(first, last) if any(part[0] <= each <= part[1] for each in self.rows)]

    def figures(self) -> Figures:
        rows = [row for place, row in self.rows.items() if place != self._deferred and place not in self.acked]
        payload = sum(len(row.payload) for row in rows)
        return Figures(
            epoch=self._places.epoch,
            batches=len(rows),
            readings=sum(row.readings for row in rows),
            events=sum(row.events for row in rows),
            payload_bytes=payload,
            used_bytes=payload,
            max_bytes=self._max_bytes,
            oldest_sealed_at=self.rows[min(self.rows)].sealed_at if self.rows else 0,
            untimed=sum(row[2] for row in self._untimed),
            quarantined=len(self.quarantine),
            dropped_readings=0,
            dropped_events=0,
            error=self.refuse,
        )

    def _isolate(self, rejected: Rejected) -> None:
        row = self.rows.pop(rejected.place, None)
        if row is not None:
            self.quarantine[rejected.place] = (row, rejected.reason)

    def _check(self) -> None:
        if self.refuse:
            raise StoreUnavailable(self.refuse)
