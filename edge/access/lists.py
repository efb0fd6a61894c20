"""The grant list the doors go by: taken from the collector, kept, and watched as it grows old.

A new list holds from the instant it was verified, on disk or not: a full disk must not keep a lost card alive. Events:
``grants_held``, ``grants_refused``, ``grants_expiring`` a day before the end, ``grants_expired``.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable

from edge.access.decider import Held
from edge.access.grant_store import GrantStore
from edge.access.records import Records
from edge.contract import LinkMessage
from protocols.clock import MS_PER_S, Clock
from protocols.errors import BadGrants, StoreUnavailable
from protocols.events import GATEWAY_DEVICE
from protocols.grants import PACKED_MAX, GrantList
from protocols.reading import Event, Scalar
from protocols.status import GrantsReport

log = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
WARN_MS = 24 * 3600 * MS_PER_S
TEXT_MAX = 400


class Lists:
    """`hear` takes messages of the channel ``grants``; `run` verifies and keeps. Of messages that come faster than they
    can be looked at the newest is enough: a list replaces the one before as a whole."""

    def __init__(self, store: GrantStore, records: Records, clock: Clock, clock_known: Callable[[], bool]) -> None:
        self._store, self._records, self._clock, self._clock_known = store, records, clock, clock_known
        self._waiting: bytes | None = None
        self._wake = asyncio.Event()
        self._unkept: tuple[GrantList, bytes] | None = None
        self._told: set[tuple[str, int]] = set()
        self._refused_last = b""
        self.held: Held | None = None
        self.refused = 0
        self.last_error = ""

    async def hear(self, message: LinkMessage) -> None:
        """Take one message; never waits."""
        self._waiting = message.payload[: PACKED_MAX + 1]
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._load()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick(), name="grant-lists-tick")
            group.create_task(self._work(), name="grant-lists-work")

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self._wake.set()

    async def _work(self) -> None:
        while True:
            self._watch()
            await self._wake.wait()
            self._wake.clear()
            payload, self._waiting = self._waiting, None
            if payload is not None:
                await self._take(payload)
            await self._keep()

    def fill(self, decisions: int, left_out: int) -> GrantsReport:
        """For the status."""
        grants = None if self.held is None else self.held.grants
        return GrantsReport(
            number=0 if grants is None else grants.number,
            cards=0 if grants is None else len(grants.cards),
            issued_at=0 if grants is None else grants.issued_at,
            expires_at=0 if grants is None else grants.expires_at,
            refused=self.refused,
            last_error=self.last_error[:TEXT_MAX],
            decisions=decisions,
            left_out=left_out,
        )

    async def _load(self) -> None:
        if self.held is not None:
            return  # started again after a defect
        grants = await asyncio.to_thread(self._store.load)
        for fault in self._store.faults:
            log.error("grant list: %s", fault)
            self._refuse("stored", fault)
        if grants is not None:
            self._adopt(grants)

    async def _take(self, payload: bytes) -> None:
        try:
            grants = await asyncio.to_thread(self._store.check, payload)
        except BadGrants as error:
            digest = hashlib.sha256(payload).digest()
            if digest != self._refused_last:  # a retained message comes again with every session
                self._refused_last = digest
                log.warning("a grant list is refused: %s", error)
                self._refuse(error.reason, error.detail)
            return
        if grants is None:
            return
        self._store.hold(grants, payload)
        self._unkept = (grants, payload)
        self._adopt(grants)
        self.last_error = ""

    async def _keep(self) -> None:
        if self._unkept is None:
            return
        try:
            await asyncio.to_thread(self._store.keep, *self._unkept)
        except StoreUnavailable as error:
            if not self.last_error:
                log.error("the grant list holds, but is not on disk: %s", error)
            self.last_error = str(error)
            return
        self._unkept = None
        self.last_error = ""

    def _adopt(self, grants: GrantList) -> None:
        self.held = Held(grants)
        log.info("grant list %d with %d cards", grants.number, len(grants.cards))
        span = {"issued_at": grants.issued_at, "expires_at": grants.expires_at}
        self._tell("grants_held", {"number": grants.number, "cards": len(grants.cards), **span})

    def _watch(self) -> None:
        if self.held is None or not self._clock_known():
            return
        grants = self.held.grants
        left_ms = grants.expires_at - self._clock.now_ms()
        kind = "grants_expired" if left_ms <= 0 else "grants_expiring" if left_ms <= WARN_MS else ""
        if kind and (kind, grants.number) not in self._told:
            self._told = {(kind, grants.number)}
            log.warning("grant list %d %s", grants.number, "has expired" if left_ms <= 0 else "expires within a day")
            self._tell(kind, {"number": grants.number, "expires_at": grants.expires_at})

    def _refuse(self, reason: str, detail: str) -> None:
        self.refused += 1
        self.last_error = f"{reason}: {detail}"
        self._tell("grants_refused", {"reason": reason, "detail": detail[:TEXT_MAX]})

    def _tell(self, kind: str, data: dict[str, Scalar]) -> None:
        self._records.add(Event(GATEWAY_DEVICE, kind, self._clock.now_ms(), data))
