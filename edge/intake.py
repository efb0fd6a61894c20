"""The sink of all drivers and the buffer's only writer.

Events are committed at once (those that come while a commit runs go together into the next), readings every flush
interval, and with them goes the deletion of what the collector has acked. When the disk refuses, nothing is reported
as stored: readings stay in the bounded tail, events stay unanswered, and the writer tries again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from edge.buffer import Buffer, Change, Damage, Draft, Kind, Opened, Retiming, gap_event
from edge.lull import Lull
from edge.pipeline import Pipeline
from edge.retime import Step, Timing
from edge.tail import READINGS_EARLY, Load, Tail, WaitingEvent
from edge.uplink import Done, Uplink
from protocols.clock import Clock
from protocols.errors import BadPayload, StoreDamaged, StoreUnavailable
from protocols.events import GATEWAY_DEVICE, check_event
from protocols.reading import Event, Reading, Scalar

log = logging.getLogger(__name__)

RELEASE_EVERY_S = 10.0
"""Acked batches are deleted with the next flush; when nothing new comes, after this long."""

EXPIRE_EVERY_S = 600.0
"""What was kept for long enough goes with a flush, and at a quiet gateway after this long."""

TICK_S_MAX = 1.0
"""Whoever waits for `committed` waits no longer than this for the flush, whatever the interval."""

RETRY_S = (0.2, 5.0)


class _Retime(NamedTuple):
    """Untimed items that can get their time: of this boot (`retiming` None) or of an earlier one."""

    retiming: Retiming | None
    step: Step | None


class Intake:
    """See the module. Call order: `open`, `run` (until `close`); the sink's methods work from `open` on."""

    def __init__(
        self,
        *,
        buffer: Buffer,
        uplink: Uplink,
        pipeline: Pipeline,
        timing: Timing,
        clock: Clock,
        flush_every_s: float,
    ) -> None:
        self._buffer = buffer
        self._uplink = uplink
        self._pipeline = pipeline
        self._timing = timing
        self._clock = clock
        self._flush_every_s = flush_every_s
        uplink.heard_time = timing.hear
        self.tail = Tail()
        self._wake = asyncio.Event()
        self._due = False
        self._closing = False
        self._retimes: list[_Retime] = []
        self._damage: Damage | None = None
        self._judged = False
        self._lull = Lull(lambda: self.tail.messages_waiting, self._flush_soon)
        self.last_commit_at: float | None = None
        """Monotonic."""

    # For drivers: edge.contract.Sink

    async def readings(
        self, readings: Sequence[Reading], *, origin: bytes | None = None, redelivered: bool = False
    ) -> None:
        """See `Sink`."""
        if redelivered and origin is not None and self._has(origin):
            return
        self._watch_clock()
        passed = self._pipeline(readings)
        if passed:
            self.tail.add(*self._timing.split(passed), origin)
            if self.tail.readings_waiting >= READINGS_EARLY:
                self._flush_soon()
            elif origin is not None:
                self._lull.heard()

    async def event(self, event: Event, *, origin: bytes | None = None, redelivered: bool = False) -> bool:
        """See `Sink`. Raises BadPayload for an event that is not as `protocols.events` declares it."""
        wrong = check_event(event)
        if wrong:
            raise BadPayload("event", wrong)
        if redelivered and origin is not None:
            if self._buffer.has_origin(origin):
                return False
            waiting = self.tail.waiting_origin(origin)
            if waiting is not None:
                await asyncio.shield(waiting.stored)
                return False
        return await asyncio.shield(self._take(event, origin).stored)

    async def committed(self) -> None:
        """See `Sink`."""
        stored = self.tail.stored()
        if stored is not None:
            await stored

    # For the gateway

    def note(self, kind: str, **data: Scalar) -> None:
        """Take an event about the gateway itself, without waiting for its commit."""
        try:
            self._take(Event(GATEWAY_DEVICE, kind, self._clock.now_ms(), data), None)
        except StoreUnavailable as error:
            log.error("event %s is lost: %s", kind, error)

    async def open(self) -> None:
        """Open the buffer, however long the disk takes; then judge the clock and load the backlog."""
        pause_s = RETRY_S[0]
        told = ""
        while True:
            try:
                self._adopt(await self._buffer.open())
                return
            except StoreUnavailable as error:
                if str(error) != told:
                    told = str(error)
                    log.error("%s; trying again", error)
                await self._clock.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S[1])

    async def run(self) -> None:
        """Write until `close` was called and everything is on disk."""
        loop = asyncio.get_running_loop()
        helpers = [
            loop.create_task(self._tick(), name="intake-tick"),
            loop.create_task(self._watch_damage(), name="intake-damage"),
        ]
        try:
            await self._write()
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    def close(self) -> None:
        """Let `run` flush what is there and end."""
        self._closing = True
        self._wake.set()

    # The writer

    async def _write(self) -> None:
        pause_s = RETRY_S[0]
        while True:
            while not self._has_work:
                self._wake.clear()
                await self._wake.wait()
            try:
                await self._retime()
                await self._commit()  # nothing between: what is sealed is newer than all that was given its time
                pause_s = RETRY_S[0]
                if self._closing and not (self.tail or self._uplink.has_done):
                    return
            except StoreUnavailable:
                if self._closing:
                    log.error("closing while the disk refuses: %d readings and events are lost", len(self.tail))
                    return
                await self._clock.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S[1])
            except StoreDamaged as error:
                log.error("%s", error)
                await self._reopen()

    @property
    def _has_work(self) -> bool:
        return bool(self._due or self.tail.events_waiting or self._retimes or self._damage or self._closing)

    async def _commit(self) -> None:
        flushes, self._due = self._due or self._closing, False
        load = self.tail.take(readings=flushes)
        done = self._uplink.take_done() if flushes else Done([], [])
        change = self._change(load, done)
        try:
            committed = await self._buffer.commit(change)
        except BaseException as error:
            self.tail.put_back(load)
            self._due = self._due or flushes
            if isinstance(error, StoreUnavailable):
                done = await self._release_alone(done)
            self._uplink.give_back(done)
            raise
        self.last_commit_at = self._clock.monotonic()
        if change.damage_told:
            self._damage = None
        self._uplink.offer(committed.batches)
        self.tail.settle(load, committed.refused, BadPayload("too_large", "no batch can carry this event"))

    async def _release_alone(self, done: Done) -> Done:
        """The disk takes nothing new, but what was acked can still go, and makes room; what is left to be done."""
        if not done.release:
            return done
        change = Change(sealed_at=self._timing.now_ms(), release=done.release, pinned=self._uplink.pinned())
        try:
            await self._buffer.commit(change)
        except (StoreUnavailable, StoreDamaged) as error:
            log.debug("not even what was acked can be deleted: %s", error)
            return done
        return done._replace(release=[])

    def _change(self, load: Load, done: Done) -> Change:
        now_ms = self._timing.now_ms()
        told: list[Event] = []
        if load.lost.readings:
            span: dict[str, Scalar] = {}
            if load.lost.to_at:
                span = {"from_at": load.lost.from_at, "to_at": load.lost.to_at}
            told.append(gap_event(now_ms, "disk_refused", readings=load.lost.readings, **span))
        if self._damage is not None:
            path, salvaged, lost, detail = self._damage
            data: dict[str, Scalar] = {"path": path, "salvaged": salvaged, "lost": lost, "detail": detail}
            told.append(Event(GATEWAY_DEVICE, "buffer_damaged", now_ms, data))
        timed, untimed = self._timed(load.events)
        drafts = [
            Draft(Kind.GAPS, events=told),
            Draft(Kind.EVENTS, events=timed),
            Draft(Kind.TELEMETRY, readings=load.readings),
        ]
        return Change(
            sealed_at=now_ms,
            drafts=[draft for draft in drafts if draft.readings or draft.events],
            origins=[*load.origins, *(each.origin for each in load.events if each.origin is not None)],
            untimed=[Draft(Kind.TELEMETRY, load.untimed, untimed)] if load.untimed or untimed else [],
            boot=self._timing.boot,
            release=done.release,
            rejected=done.rejected,
            pinned=self._uplink.pinned(),
            damage_told=self._damage is not None,
        )

    def _timed(self, waiting: list[WaitingEvent]) -> tuple[list[Event], list[Event]]:
        timed: list[Event] = []
        untimed: list[Event] = []
        for each in waiting:
            if not each.timed and self._timing.known:
                at = each.event.at + self._timing.retiming().shift_ms
                each.event, each.timed = msgspec.structs.replace(each.event, at=at), True
            (timed if each.timed else untimed).append(each.event)
        return timed, untimed

    async def _retime(self) -> None:
        """Before anything newer is sealed, what waited for its time gets it."""
        self._watch_clock()
        while self._retimes:
            job = self._retimes[0]
            before = self._buffer.figures().untimed
            retiming = job.retiming or self._timing.retiming()
            while True:
                committed = await self._buffer.retime(retiming, sealed_at=self._timing.now_ms())
                self._uplink.offer(committed.batches)
                if not committed.retimed:
                    break
            self._retimes.pop(0)
            items = before - self._buffer.figures().untimed
            log.warning("%d readings and events have their time now", items)
            if job.step is not None:
                self.note("clock_set", retimed=items, step_ms=job.step.step_ms)
            self._watch_clock()

    async def _reopen(self) -> None:
        """The file was found damaged while running: open sets it aside and saves what reads."""
        try:
            self._adopt(await self._buffer.open())
        except StoreUnavailable as error:
            log.error("%s; trying again", error)
            await self._clock.sleep(RETRY_S[1])
            self._uplink.found_damage.set()

    def _adopt(self, opened: Opened) -> None:
        if not self._judged:
            self._judged = True
            self._timing.start(opened.last_good_at)
        self._damage = opened.damage
        self._uplink.load(opened.first, opened.last, opened.kept)
        for boot, first_ms in opened.untimed.items():
            if boot != self._timing.boot:
                self._retimes.append(_Retime(self._timing.earlier(boot, first_ms), None))
            elif self._timing.known:
                self._retimes.append(_Retime(None, None))
        self._wake.set()

    def _has(self, origin: bytes) -> bool:
        """True when the readings of this device message are on disk, or will be."""
        return self._buffer.has_origin(origin) or self.tail.holds_readings_of(origin)

    # What wakes the writer

    def _take(self, event: Event, origin: bytes | None) -> WaitingEvent:
        self._watch_clock()
        waiting = self.tail.add_event(*self._timing.place_event(event), origin)
        self._wake.set()
        return waiting

    def _flush_soon(self) -> None:
        self._due = True
        self._wake.set()

    async def _tick(self) -> None:
        """Flush every interval; sooner when somebody waits for it."""
        pause_s = min(self._flush_every_s, TICK_S_MAX)
        flushed_at = released_at = self._clock.monotonic()
        while True:
            await self._clock.sleep(pause_s)
            self._watch_clock()
            now = self._clock.monotonic()
            is_time = now - flushed_at >= self._flush_every_s - pause_s / 2
            if self.tail.readings_waiting and (is_time or self.tail.is_awaited):
                flushed_at = released_at = now
                self._flush_soon()
            elif (
                self._uplink.has_done and now - released_at >= RELEASE_EVERY_S
            ) or now - released_at >= EXPIRE_EVERY_S:
                released_at = now
                self._flush_soon()

    async def _watch_damage(self) -> None:
        while True:
            await self._uplink.found_damage.wait()
            self._uplink.found_damage.clear()
            await self._reopen()

    def _watch_clock(self) -> None:
        step = self._timing.observe()
        if step is None:
            return
        if step.became_known:
            self._retimes.append(_Retime(None, step))
            self.tail.give_time(self._timing.retiming().shift_ms)
            self._wake.set()
        else:
            self.note("clock_stepped", step_ms=step.step_ms, reason="the wall clock was set")
