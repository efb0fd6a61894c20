"""Sealed batches on their way up: two lanes, one window, and acks that let the buffer forget.

Live lane: what was committed just now, events before telemetry. Backlog lane: everything older, oldest first, in the
part of the window that the live lane leaves. A batch is on its way from its first publish until the collector's ack
names it; unanswered, it is published again byte for byte the same.

`serve` runs once per link. The buffer's writer (`edge/intake.py`) hands over new batches with `offer` and fetches what
may be deleted with `take_done`; this module only reads from the buffer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

from edge.buffer import Buffer, EpochPlaces, KeptBatch, Rejected
from edge.contract import FailPoint, Link
from edge.failpoint import never
from edge.lanes import Lane, Lanes
from edge.resend import Resend, ResendFigures
from edge.window import RESEND_S_MAX, Flight, Released, Window
from protocols.ack import Ack, Rejection
from protocols.clock import Clock
from protocols.errors import BadPayload, StoreDamaged, StoreUnavailable, WireLost

log = logging.getLogger(__name__)

SENDS_MAX = 6
"""After so many unanswered sends, while others are acked, a batch gives its place in the window to the next."""

HOLD_S = 300.0
IN_FLIGHT_BYTES_MAX = 4 * 1024 * 1024
LIVE_SHARE = 0.25
"""Of the window, kept free for the live lane."""

TICK_S = 0.5
SILENCE_FACTOR_MAX = 8


class Done(NamedTuple):
    """What the buffer's writer may do now: delete places, set rejected batches apart."""

    release: list[tuple[int, int]]
    rejected: list[Rejected]


class UplinkFigures(NamedTuple):
    """Lanes and counters since the start."""

    live_in_flight: int
    backlog_in_flight: int
    live_waiting: int
    acked_batches: int
    resent_batches: int
    rejected_batches: int
    held_batches: int
    released: Released
    silent_s: float
    again: ResendFigures


class Uplink:
    """See the module."""

    def __init__(
        self,
        buffer: Buffer,
        clock: Clock,
        *,
        topic: str,
        window: int = 32,
        ack_timeout_s: float = 10.0,
        dead_after_s: float = 60.0,
        fail_point: FailPoint = never,
    ) -> None:
        self._buffer = buffer
        self._clock = clock
        self._topic = topic
        self._window = Window(window, ack_timeout_s)
        self._backlog_max = max(1, window - max(1, int(window * LIVE_SHARE)))
        self._ack_timeout_s = ack_timeout_s
        self._dead_after_s = dead_after_s
        self._fail_point = fail_point
        self._lanes = Lanes(2 * window)
        self._again = Resend(buffer, window)
        self._wake = asyncio.Event()
        self._former_epoch = ""
        self._hungry = asyncio.Event()
        self._rejected: list[Rejected] = []
        self._rejections = 0
        self._paused_until = 0.0
        self._probing = False
        self._probes = 0
        self._probe_at = 0.0
        self._silence_factor = 1
        self._held_at_start: int | None = None
        self._newest_acked = -1
        self.heard_time: Callable[[int], None] = lambda _: None
        """Told the collector's time, ms, of every ack that says it."""
        self.found_damage = asyncio.Event()
        """Set when the buffer's file cannot be read; the writer opens it anew and calls `load`."""

    # For the buffer's writer

    def load(self, first: int, last: int, acked: Iterable[tuple[int, int]] = ()) -> None:
        """Everything the buffer holds (places first..last) waits to be sent, except what is on its way or `acked`."""
        if self._held_at_start is None:
            self._held_at_start = last
        self._lanes.load(first, last, self._window.flights, acked)
        self._again.clear()
        self.found_damage.clear()
        self._hungry.set()
        self._wake.set()

    def offer(self, batches: Iterable[KeptBatch]) -> None:
        """Batches that were committed just now; they go up at once when there is a link and room."""
        self._lanes.offer(batches)
        self._wake.set()

    @property
    def has_done(self) -> bool:
        """True when `take_done` has something to give."""
        return bool(self._window.released) or bool(self._rejected)

    def take_done(self) -> Done:
        """Hand over what was acked and rejected; give it back with `give_back` when the commit fails."""
        done = Done(self._window.take_released(), self._rejected)
        self._rejected = []
        return done

    def give_back(self, done: Done) -> None:
        """The commit failed: keep for the next one."""
        for first, last in done.release:
            self._window.released.add(first, last)
        self._rejected = [*done.rejected, *self._rejected]

    def pinned(self) -> set[int]:
        """Places on their way, not to be dropped when room is made."""
        return self._lanes.in_memory() | set(self._window.flights)

    @property
    def acked_since_start(self) -> bool:
        """True when the collector acked a batch that was sealed since this process began."""
        return self._held_at_start is not None and self._newest_acked > self._held_at_start

    # For the session

    async def serve(self, link: Link) -> None:
        """Send over one link until it is lost or no ack comes for too long; raises WireLost. Cancel to stop."""
        self._window.begin(self._clock.monotonic())
        self._end_probing()
        self._lanes.open()
        self._hungry.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._refill(), name="uplink-refill")
                group.create_task(self._tick(), name="uplink-tick")
                while True:
                    self._wake.clear()
                    self._check_liveness()
                    for flight in self._pick():
                        flight.publishing = True
                        group.create_task(self._publish(link, flight), name=f"uplink-publish[{flight.batch.place}]")
                    await self._wake.wait()
        except* WireLost as lost:
            raise _first(lost) from None
        finally:
            self._lanes.close()
            self._again.close()

    def take_ack(self, ack: Ack) -> None:
        """Release what the collector has stored; set apart or hold what it rejected."""
        self._fail_point("before_ack")
        if ack.at:
            self.heard_time(ack.at)
        places = self._buffer.places_of(ack.epoch) if ack.epoch else None
        if places is not None:
            for span in filter(None, (places.of(*each) for each in ack.stored)):
                self._take_stored(*span)
        elif ack.stored and ack.epoch != self._former_epoch:
            self._former_epoch = ack.epoch
            log.warning("an ack for epoch %r, which is not of this buffer, is ignored", ack.epoch[:64])
        for rejection in ack.rejected:
            self._take_rejection(rejection, places)
        if ack.missing and places is not None:
            self._fail_point("asked_again")
            spans = filter(None, (places.of(*each) for each in ack.missing))
            self._again.ask(spans, self._window.flights)
            self._hungry.set()
        self._fail_point("after_ack")
        self._wake.set()

    def figures(self) -> UplinkFigures:
        """Now, from memory."""
        return UplinkFigures(
            live_in_flight=self._window.count(Lane.LIVE),
            backlog_in_flight=self._window.count(Lane.BACKLOG),
            live_waiting=self._lanes.live_waiting,
            acked_batches=self._window.acked,
            resent_batches=self._window.resent,
            rejected_batches=self._rejections,
            held_batches=len(self._lanes.held),
            released=self._window.released_sums,
            silent_s=self._window.silent_s(self._clock.monotonic()) if self._lanes.is_open else 0.0,
            again=self._again.figures(self._window.count(Lane.AGAIN), self._window.again),
        )

    # Sending

    def _pick(self) -> list[Flight]:
        """What to publish now, in order: live events, live telemetry, what is overdue, backlog."""
        now = self._clock.monotonic()
        if now < self._paused_until:
            return []
        window = self._window
        overdue = window.overdue(now)
        live_max = window.size
        if any(flight.sends and not window.was_answered_since(flight) for flight in overdue):
            self._probing = True
            window.narrow()
        free = window.free()
        if self._probing:
            # Nobody answers: ask with one old and one new batch now and then, instead of filling the broker's queue.
            overdue = self._probe(overdue, now)
            live_max, free = min(live_max, len(window.flights) + len(overdue)), window.size
        room = IN_FLIGHT_BYTES_MAX - window.payload_bytes()
        picked: list[Flight] = []
        while len(window.flights) < live_max and len(picked) < free and room > 0:
            batch = self._lanes.next_live()
            if batch is None:
                break
            picked.append(window.launch(batch, Lane.LIVE))
            room -= len(batch.payload)
        free -= len(picked)
        for flight in overdue:
            free -= not flight.sends
            if flight.sends or free >= 0:
                picked.append(flight)
        while not self._probing and len(window.flights) < self._backlog_max and free > 0 and room > 0:
            batch = self._lanes.next_backlog()
            if batch is None:
                break
            picked.append(window.launch(batch, Lane.BACKLOG))
            free, room = free - 1, room - len(batch.payload)
        if not self._probing and self._lanes.is_idle:
            picked += self._pick_again(free, room)
        if not self._lanes.chunk:
            self._hungry.set()
        return picked

    def _pick_again(self, free: int, room: int) -> list[Flight]:
        """What was acked before and is asked for, while nothing else is to be sent."""
        picked: list[Flight] = []
        while len(self._window.flights) < self._again.most and free > 0 and room > 0:
            batch = self._again.next()
            if batch is None:
                break
            picked.append(self._window.launch(batch, Lane.AGAIN))
            free, room = free - 1, room - len(batch.payload)
        return picked

    def _probe(self, overdue: list[Flight], now: float) -> list[Flight]:
        """The batch to ask with, or none before it is time; each time another one, later and later."""
        if now < self._probe_at or not overdue:
            return []
        self._probe_at = now + min(self._ack_timeout_s * 2**self._probes, RESEND_S_MAX)
        self._probes += 1
        return [min(overdue, key=lambda flight: (flight.sends, flight.batch.place))]

    async def _publish(self, link: Link, flight: Flight) -> None:
        self._window.note_publish(flight, self._clock.monotonic())
        try:
            await link.publish(self._topic, flight.batch.payload)
        except BadPayload as error:
            self._set_apart(flight.batch.place, error.reason, error.detail)
        finally:
            flight.publishing = False
        self._fail_point("after_publish")
        if flight.sends >= SENDS_MAX and self._window.was_answered_since(flight):
            self._hold(flight.batch.place)

    async def _refill(self) -> None:
        """Keep the backlog lane fed, a chunk of batches per read and never one read per batch."""
        lanes = self._lanes
        while True:
            await self._hungry.wait()
            self._hungry.clear()
            lanes.free_held(self._clock.monotonic())
            span = lanes.unsent.lowest()
            is_again = span is None and self._again.is_hungry
            span = self._again.wanted.lowest() if is_again else span
            if span is None or lanes.chunk:
                continue
            try:
                found = await self._buffer.read(*span, sealed_at=self._clock.now_ms())
            except StoreUnavailable as error:
                log.debug("the backlog cannot be read now: %s", error)  # the buffer itself tells it once
                continue
            except StoreDamaged as error:
                log.error("the backlog cannot be read: %s", error)
                self.found_damage.set()
                continue
            (self._again if is_again else lanes).refill(span, found.batches)
            lanes.offer(found.gaps)
            self._wake.set()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(TICK_S)
            if self._window.flights or self._again.wanted or not self._lanes.is_empty:
                self._hungry.set()
                self._wake.set()

    # Answers

    def _take_stored(self, first: int, last: int) -> None:
        stored = self._window.release(first, last)
        for start, end in stored:
            self._lanes.forget(start, end)
            self._again.forget(start, end)
            self._newest_acked = max(self._newest_acked, end)
        if not stored:
            return
        now = self._clock.monotonic()
        self._note_answer(now)
        self._paused_until = 0.0
        if self._probing:
            self._end_probing()
            self._window.hurry(now)

    def _end_probing(self) -> None:
        self._probing = False
        self._probes = 0
        self._probe_at = 0.0

    def _note_answer(self, now: float) -> None:
        self._window.note_answer(now)
        self._silence_factor = 1

    def _take_rejection(self, rejection: Rejection, places: EpochPlaces | None) -> None:
        place = self._window.find(rejection, places)
        if place is None:
            return
        now = self._clock.monotonic()
        self._note_answer(now)
        if rejection.hold:
            if now >= self._paused_until:
                log.warning("the collector does not take our batches now: %s %s", rejection.reason, rejection.detail)
            self._hold(place)
            self._paused_until = now + RESEND_S_MAX
        else:
            self._set_apart(place, rejection.reason, rejection.detail)

    def _set_apart(self, place: int, reason: str, detail: str) -> None:
        log.error("the batch at place %d is rejected and goes to quarantine: %s %s", place, reason, detail)
        self._window.drop(place, was_sent=False)
        self._rejections += 1
        self._rejected.append(Rejected(place, reason, detail))

    def _hold(self, place: int) -> None:
        flight = self._window.flights.get(place)
        if flight is not None and flight.lane is Lane.AGAIN:
            self._window.drop(place, was_sent=True)  # whoever still misses it asks once more
        elif self._window.drop(place, was_sent=True):
            self._lanes.hold(place, self._clock.monotonic() + HOLD_S)

    def _check_liveness(self) -> None:
        """The age of the oldest unanswered batch says whether the link is alive, not MQTT's ping."""
        silent_s = self._window.silent_s(self._clock.monotonic())
        if silent_s > self._dead_after_s * self._silence_factor:
            # A collector that is down is no better after a new connection: try that more and more rarely.
            self._silence_factor = min(self._silence_factor * 2, SILENCE_FACTOR_MAX)
            raise WireLost(f"no ack from the collector for {silent_s:.0f} s")


def _first(lost: BaseExceptionGroup[WireLost]) -> WireLost:
    found: BaseException = lost
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, WireLost)
    return found
