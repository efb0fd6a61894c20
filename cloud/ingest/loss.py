"""What was acked, is not stored and is on no gateway any more: an alarm while it is news.

Gap records and rejections account for what never was to come; what they say is no loss of the collector. They may come
later than what they explain, and a loss is news for so long only: what is told is judged anew every hour.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cloud.ingest.contract import AlarmSink
from cloud.store.batch_dates import DatesBatches
from cloud.store.contract import EventsQuery, GatewayKey, SeriesStore
from cloud.store.ranges import without
from protocols.clock import Clock
from protocols.errors import StoreUnavailable
from protocols.events import GATEWAY_DEVICE

log = logging.getLogger(__name__)

EXPLAINED_AT_ONCE = 1_000
PAGES_MAX = 100
"""Of gap records of a site, newest first, until everything is explained."""
TOLD_MS = 7 * 86_400_000
"""A loss is an alarm for so long after its last instant."""
JUDGED_EVERY_S = 3600.0

Span = tuple[int, int]
Holes = dict[str, list[Span]]
"""By epoch; ascending and disjoint."""


@dataclass(slots=True)
class _Judged:
    """Of one gateway. ``lost`` None: nothing since the start, an alarm of before may stand."""

    lost: Holes | None = None
    since_ms: int = 0
    again_at: float = 0.0


class Loss:
    """Raises and clears ``batches_lost`` of each gateway."""

    def __init__(self, store: SeriesStore, alarms: AlarmSink, zone: Callable[[str], str], clock: Clock) -> None:
        """``zone``: the time zone of a site."""
        self._store, self._alarms, self._zone, self._clock = store, alarms, zone, clock
        self._gateways: dict[GatewayKey, _Judged] = {}

    async def look(self, key: GatewayKey, lost: Holes) -> None:
        """These are nowhere: raise or clear. Where the store cannot be asked now, the next call does."""
        judged = self._gateways.setdefault(key, _Judged())
        is_same = lost == judged.lost
        if is_same and (not lost or self._clock.monotonic() < judged.again_at):
            return
        since_ms = judged.since_ms if is_same else self._clock.now_ms()
        try:
            told = await self._to_tell(key, lost, since_ms)
        except StoreUnavailable as error:
            log.warning("what %s/%s lost cannot be looked up now: %s", *key, error)
            return
        judged.lost, judged.since_ms = lost, since_ms
        judged.again_at = self._clock.monotonic() + JUDGED_EVERY_S
        source = f"{key.site}/{key.gateway}"
        if told is None:
            self._alarms.clear_alarm("batches_lost", source)
            return
        if not is_same:
            log.error("%s: %s batches that were acked are nowhere any more", source, told["count"])
        self._alarms.raise_alarm("batches_lost", source, told)

    async def _to_tell(self, key: GatewayKey, lost: Holes, since_ms: int) -> dict[str, str | int] | None:
        """What is told of holes; None when there is nothing. ``since_ms``: when they were first seen."""
        count = 0
        instants: list[int] = []
        for epoch, spans in (await self._not_explained(key, lost)).items():
            before, after = await self._received_around(key, epoch, (spans[0][0], spans[-1][1]))
            if self._clock.now_ms() - (after or since_ms) > TOLD_MS:
                continue
            count += sum(last - first + 1 for first, last in spans)
            instants += filter(None, (before, after))
        if not count:
            return None
        instants.sort()
        zone = ZoneInfo(self._zone(key.site))
        spoken = [f"{datetime.fromtimestamp(at / 1000, zone):%Y-%m-%d %H:%M:%S}" for at in instants]
        return {"count": count, "from": spoken[0] if spoken else "?", "to": spoken[-1] if spoken else "?"}

    async def _not_explained(self, key: GatewayKey, lost: Holes) -> Holes:
        """What no gap record and no rejection accounts for."""
        if not lost:
            return {}
        rejected = (await self._store.quarantine(limit=EXPLAINED_AT_ONCE)).rows
        left = _less(lost, [(row[4], row[5], row[5]) for row in rejected if (row[1], row[2]) == key])
        following: str | None = None
        for _ in range(PAGES_MAX):
            if not left:
                break
            query = EventsQuery(
                from_at=0, to_at=2**62, site=key.site, device=GATEWAY_DEVICE, kind="gap", limit=EXPLAINED_AT_ONCE,
                next=following, newest_first=True,
            )  # fmt: skip
            page = await self._store.events(query)
            told = [row[4] for row in page.rows if row[5] == key.gateway and isinstance(row[4], dict)]
            left = _less(left, [(data.get("epoch"), data.get("from_seq"), data.get("to_seq")) for data in told])
            following = page.next
            if following is None:
                break
        return left

    async def _received_around(self, key: GatewayKey, epoch: str, span: Span) -> tuple[int, int]:
        if not isinstance(self._store, DatesBatches):
            return 0, 0
        return await self._store.received_around(key, epoch, *span)


def _less(holes: Holes, explained: list[tuple[Any, Any, Any]]) -> Holes:
    """What of these no (epoch, first, last) covers."""
    found: Holes = {}
    for epoch, spans in holes.items():
        of_epoch = [
            (first, last)
            for of, first, last in explained
            if of == epoch and isinstance(first, int) and isinstance(last, int) and first <= last
        ]
        if rest := without(spans, of_epoch):
            found[epoch] = rest
    return found
