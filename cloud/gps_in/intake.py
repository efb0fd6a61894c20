"""The one worker that brings phones' positions to the store.

Natural batching, as in the ingest path: all requests that wait become one batch for each site, so a thousand phones
cost a commit and not a thousand. One worker, so that the same position in two requests at once is stored once.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cloud.gps_in.announcing import Announcing
from cloud.gps_in.contract import TOO_OLD, Overloaded, Position, Refused, Taken, TooFast, fault_of, readings_of
from cloud.gps_in.known_times import KnownTimes
from cloud.ingest.contract import OWN_GATEWAY
from cloud.ingest.fading import FadingAlarms
from cloud.ingest.wrong_clocks import spell_off
from cloud.store.contract import GatewayKey, SeriesStore
from protocols.alive import stop_if_cancelled
from protocols.batch import seal
from protocols.clock import TRUST_FLOOR_MS, Clock
from protocols.errors import StoreUnavailable
from protocols.reading import Reading

log = logging.getLogger(__name__)

EPOCH = "http"
"""Of a collector that is alone. One of a group has its name in it: no two may ever seal under one epoch."""
WAITING_MAX = 256
GROUP_POSITIONS_MAX = 4_000
DURABLE_WITHIN_S = 8.0
"""Apps give up after ten or fifteen seconds; what is stored later is a repetition when it comes again."""
TELL_EVERY_S = 10.0
"""A gateway that is silent for half a minute may count as offline."""
BURST, PER_S = 5_000.0, 20.0
"""Positions a tracker may send at once, and on the long run: a month's backlog passes, a loop does not."""
TRACKERS_COUNTED = 10_000
EXPIRY_MARGIN_MS = 60_000
"""What is about to be too old is told as such, so that none that was told as stored is left out at the commit."""


class OwnBatches(Protocol):
    """The ingest path's door for batches that the collector seals itself."""

    @property
    def own_full(self) -> bool:
        """Whether it takes none now: too much waits, or the store does not take commits."""
        ...

    def positions_from(self, now_ms: int) -> int:
        """Positions observed before this instant are too old to be kept."""
        ...

    def next_own_seq(self, key: GatewayKey, epoch: str) -> int:
        """One more than the highest that is stored."""
        ...

    async def store_own(self, key: GatewayKey, epoch: str, seq: int, payload: bytes) -> None:
        """Returns when it is durable. Raises StoreUnavailable when it was not stored."""
        ...


class _Waiting(NamedTuple):
    site: str
    device: str
    positions: Sequence[Position]
    received_at: int
    done: "asyncio.Future[Taken]"


class Intake:
    """``take`` from any request; ``run`` and ``look_after`` are its tasks."""

    def __init__(
        self,
        path: OwnBatches,
        store: SeriesStore,
        announcing: Announcing,
        alarms: FadingAlarms,
        clock: Clock,
        *,
        epoch: str = EPOCH,
    ) -> None:
        self._epoch = epoch
        self._path, self._announcing, self._alarms, self._clock = path, announcing, alarms, clock
        self._known = KnownTimes(store)
        # When it is full requests are refused, and the apps keep what they have.
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING_MAX)
        self._held: _Waiting | None = None
        self._rates: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._seqs: dict[GatewayKey, int] = {}
        self.stored = self.repeated = self.refused = self.expired = 0

    async def take(self, site: str, device: str, positions: Sequence[Position]) -> Taken:
        """Returns when all that can be stored is durable. Raises TooFast, Overloaded."""
        self._spend(site, device, len(positions))
        now = self._clock.now_ms()
        if now < TRUST_FLOOR_MS:  # every true instant would look like one of the future
            raise Overloaded("the collector's own clock is not set")
        if self._path.own_full:
            raise Overloaded("the store does not take positions now")
        done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait(_Waiting(site, device, positions, now, done))
        except asyncio.QueueFull:
            raise Overloaded("too many positions wait already") from None
        try:
            async with asyncio.timeout(DURABLE_WITHIN_S):
                return await done
        except TimeoutError:
            raise Overloaded("not stored in time; it may be later, and the same again is taken once") from None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            first = self._held or await self._waiting.get()
            group, self._held = self._gather(first)
            try:
                await self._store(group)
            except Exception as error:  # task top: whatever it is, who waits must hear, and the next ones are served
                if not isinstance(error, StoreUnavailable | Overloaded):
                    log.exception("positions of phones were not stored")
                for one in group:
                    self._forget(one)
                    if not one.done.done():
                        one.done.set_exception(Overloaded(f"not stored: {error}"))
                stop_if_cancelled()

    async def look_after(self) -> None:
        """Until cancelled: say that the trackers' gateway lives, also while the store is away; let alarms fade."""
        while True:
            self._alarms.fade()
            await self._tell()
            await self._clock.sleep(TELL_EVERY_S)

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], _Waiting | None]:
        """All that wait, up to a group's size; the one that is over it comes first next time."""
        group, count = [first], len(first.positions)
        while not self._waiting.empty():
            one = self._waiting.get_nowait()
            if count + len(one.positions) > GROUP_POSITIONS_MAX:
                return group, one
            group.append(one)
            count += len(one.positions)
        return group, None

    async def _store(self, group: list[_Waiting]) -> None:
        if not all(self._announcing.knows(one.site, one.device) for one in group):
            await self._tell()
        taken: list[Taken] = []
        readings: dict[str, list[Reading]] = {}
        for one in group:
            taken.append(await self._sort(one, readings.setdefault(one.site, [])))
        for site, made in readings.items():
            if made:
                await self._seal(GatewayKey(site, OWN_GATEWAY), made)
        for one, counted in zip(group, taken, strict=True):
            self._count(one, counted)
            if not one.done.done():
                one.done.set_result(counted)

    async def _sort(self, one: _Waiting, readings: list[Reading]) -> Taken:
        """Readings of what is new; the rest is counted."""
        fresh = repeated = expired = 0
        kept_from = self._path.positions_from(one.received_at) + EXPIRY_MARGIN_MS
        refused: list[Refused] = []
        for position in one.positions:
            at = position.at if position.at is not None else one.received_at
            fault = fault_of(at, one.received_at)
            if fault:
                refused.append(Refused(at, fault))
                continue
            if at < kept_from:
                refused.append(Refused(at, TOO_OLD))
                expired += 1
                continue
            known = await self._known.of(one.site, one.device, at)
            if at in known:
                repeated += 1
                continue
            known.add(at)
            readings += readings_of(one.device, position, at)
            fresh += 1
        return Taken(fresh, repeated, tuple(refused), expired)

    async def _seal(self, key: GatewayKey, readings: list[Reading]) -> None:
        seq = self._seqs.get(key) or self._path.next_own_seq(key, self._epoch)
        self._seqs[key] = seq + 1
        payload = seal(self._epoch, seq, readings, [], gateway=key.gateway, sealed_at=self._clock.now_ms())
        await self._path.store_own(key, self._epoch, seq, payload)

    def _count(self, one: _Waiting, taken: Taken) -> None:
        self.stored += taken.stored
        self.repeated += taken.repeated
        self.refused += len(taken.refused) - taken.expired
        self.expired += taken.expired
        for refused in [each for each in taken.refused if each.why != TOO_OLD][:1]:
            args = {"device": one.device, "off": spell_off(refused.at - one.received_at)}
            self._alarms.happened("device_clock_wrong", f"{one.site}/{OWN_GATEWAY}", args)

    def _forget(self, one: _Waiting) -> None:
        for position in one.positions:
            self._known.forget(one.site, one.device, position.at if position.at is not None else one.received_at)

    def _spend(self, site: str, device: str, count: int) -> None:
        now = self._clock.monotonic()
        left, since = self._rates.pop((site, device), (BURST, now))
        left = min(BURST, left + (now - since) * PER_S)
        allowed = count <= left
        self._rates[site, device] = (left - count if allowed else left, now)
        if len(self._rates) > TRACKERS_COUNTED:
            self._rates.popitem(last=False)
        if not allowed:
            raise TooFast((count - left) / PER_S)

    async def _tell(self) -> None:
        try:
            await self._announcing.tell()
        except StoreUnavailable as error:
            log.warning("trackers were not announced: %s", error)
        except Exception:  # task top: positions are stored, whoever failed at what their devices are called
            log.exception("trackers were not announced")
            stop_if_cancelled()
