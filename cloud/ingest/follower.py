"""At the desk of a group: what all of its collectors committed reaches the handlers, in the order of commits."""

import logging
from collections.abc import Callable

import numpy as np

from cloud.ingest.commit import GroupCommit
from cloud.ingest.contract import AlarmSink, Committed, CommittedBatch
from cloud.ingest.counting import COUNTED
from cloud.ingest.prepare import Preparer
from cloud.ingest.shared import SharedCommit
from cloud.store.contract import ReadingColumns
from cloud.store.ledger_desk import Followed, LedgerDesk, MemberSeen, ToldAlarm
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.05
RETRY_S = 1.0
TOLD_EVERY_S = 1.0
SILENT_MS = 30_000


class GroupFollower:
    """``open`` once, then ``run``. What it changes is changed in the one worker thread of ``GroupCommit``."""

    def __init__(self, store: LedgerDesk, preparer: Preparer, alarms: AlarmSink, clock: Clock) -> None:
        self._store, self._preparer, self._alarms, self._clock = store, preparer, alarms, clock
        self.commit = SharedCommit(preparer, store.shared)
        self.commit.learned = store.learned
        self.current_at = 0.0
        """Everything that was committed up to this instant (monotonic) is known."""
        self._silent: set[str] = set()
        self._told: list[ToldAlarm] = []
        self._members: list[MemberSeen] = []

    def open(self) -> None:
        """Take up what is committed. Blocking. Raises StoreUnavailable."""
        self._know(self.commit.open)

    async def run(self, commit: GroupCommit) -> None:
        """Follow until cancelled. Raises DeskTaken when another collector took the desk."""
        told_at, failing = 0.0, ""
        while True:
            try:
                followed = await commit.in_worker(self.step)
                if self._clock.monotonic() >= told_at:
                    told_at = self._clock.monotonic() + TOLD_EVERY_S
                    await commit.in_worker(self._hear)
                    self._pass_on()
                if failing:
                    failing = ""
                    log.warning("the group's ledger can be followed again")
            except StoreUnavailable as error:
                if str(error) != failing:
                    failing = str(error)
                    log.error("the group's ledger cannot be followed: %s", error)
                await self._clock.sleep(RETRY_S)
                continue
            if followed.batches:
                await commit.hand_on(followed)
            else:
                await self._clock.sleep(LOOK_EVERY_S)

    def step(self) -> Committed:
        """The next batches. Blocking. Raises StoreUnavailable, DeskTaken."""
        self._know(self.commit.catch_up)
        followed = self._store.follow(self.commit.known.batch)
        return Committed([self._committed(one) for one in followed])

    def _know(self, learn: Callable[[], None]) -> None:
        began = self._clock.monotonic()
        learn()
        self.current_at = began

    def _committed(self, one: Followed) -> CommittedBatch:
        row, columns = one.row, one.readings or _NOTHING
        key = self._preparer.gateways.name(row.gateway)
        newest = max([int(columns.at.max()) if len(columns.at) else 0, *(event.at for event in one.events)])
        latency_ms = float(one.stored_at - newest) if newest else 0.0
        self._preparer.counters.last_batch(row.gateway, row.received_at, latency_ms)
        self._preparer.series_seen.setdefault(row.gateway, set()).update(columns.series.tolist())
        return CommittedBatch(
            site=key.site,
            gateway=key.gateway,
            epoch=row.epoch,
            seq=row.seq,
            received_at=row.received_at,
            stored_at=one.stored_at,
            series=columns.series,
            at=columns.at,
            value=columns.value,
            quality=columns.quality,
            events=one.events,
            refused=0,
            wire_bytes=0,
        )

    def _hear(self) -> None:
        self._preparer.counters.put({key: n for key, n in self._store.counted().items() if key[1] not in COUNTED})
        self._told = self._store.told()
        self._members = self._store.members()

    def _pass_on(self) -> None:
        for told in self._told:
            source = told.source if told.source != "collector" else f"collector {told.member}"
            if told.raised:
                self._alarms.raise_alarm(told.kind, source, told.args)
            else:
                self._alarms.clear_alarm(told.kind, source)
        self._told = []
        now = self._clock.now_ms()
        for member in self._members:
            source = f"collector {member.name}"
            if now - member.seen_at > SILENT_MS and member.name not in self._silent:
                self._silent.add(member.name)
                log.warning("collector %s of the group is silent", member.name)
                self._alarms.raise_alarm("member_silent", source, {"member": member.name})
            elif now - member.seen_at <= SILENT_MS and member.name in self._silent:
                self._silent.discard(member.name)
                log.warning("collector %s of the group is back", member.name)
                self._alarms.clear_alarm("member_silent", source)


_NOTHING = ReadingColumns(
    series=np.empty(0, np.int32), at=np.empty(0, np.int64), value=np.empty(0), quality=np.empty(0, np.uint8),
    batch=np.empty(0, np.int64),
)  # fmt: skip
