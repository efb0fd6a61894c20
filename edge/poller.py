"""When each device of a bus is read: the earliest deadline first, the failing ones alone and rarely.

A device that fails is asked once more as soon as those that are waiting have been served, then after 2 s, 4 s, ...
5 min, while the others keep their pace; several that fail share one allowance of the line's time. When the line itself
is down, all its devices wait for the line and nobody's back-off grows.
"""

import asyncio
import logging
import random
import statistics
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from edge.bus import Answer, Bus
from edge.contract import Sink
from edge.device_reader import DeviceReader
from edge.device_refusals import NotYet
from edge.modbus_frames import Garbled
from protocols.clock import Clock
from protocols.errors import DeviceSilent, Retryable, StoreUnavailable, WireLost
from protocols.modbus.decode import BlockDecoder
from protocols.modbus.plan import Block
from protocols.reading import Event, Reading
from protocols.status import DeviceReport, DeviceState

BACKOFF_MIN_S = 2.0
BACKOFF_MAX_S = 300.0
PROBES_SHARE = 0.1
"""Of the line's time, for asking devices that fail, when there are several and others are well."""
LOST_AFTER = 3
"""Failures in a row after which a device is lost, if they lasted LOST_AFTER_S too: a short restart is no loss."""
LOST_AFTER_S = 5.0
PENDING_EVENTS_MAX = 1000

log = logging.getLogger(__name__)


class Polled:
    """One device with its schedule and its record."""

    def __init__(self, reader: DeviceReader, every_s: float, due: float) -> None:
        self.reader, self.every_s, self.due = reader, every_s, due
        self.state: DeviceState = "waiting"
        self.misses = 0
        self.polls = self.failures = self.overruns = 0
        self.last_ok_at: int | None = None
        self.failing_since = 0.0
        self.waits_for_line = False
        self.again_for: float | None = None
        """Asked a second time, for the poll that was due then."""
        self.last_error = ""
        self.told_absent: frozenset[str] = frozenset()
        self.told_texts: dict[str, str] = {}
        self._answered: deque[float] = deque(maxlen=10)

    def answered(self, now: float, now_ms: int) -> None:
        """Note a complete poll and plan the next; periods that passed meanwhile are skipped and counted."""
        if self.misses:
            self.due = now
            self._answered.clear()
        elif self.again_for is not None:
            self.due = self.again_for
        self.again_for = None
        self._answered.append(now)
        self.misses = 0
        self.last_ok_at = now_ms
        self.due += self.every_s
        if self.due < now:
            skipped = int((now - self.due) // self.every_s) + 1
            self.overruns += skipped
            self.due += skipped * self.every_s

    def loudness(self, level: int) -> int:
        """A line that is down is told once, by the bus, not by each of its devices."""
        return logging.DEBUG if self.waits_for_line else level

    def ask_again(self, now: float) -> None:
        """Not a failure yet: due again as soon as those that are waiting have been served."""
        self.again_for, self.due = self.due, now

    def missed(self, error: str, due: float) -> None:
        self.misses += 1
        self.failures += 1
        self.again_for = None
        self.last_error = error[:400]
        self.due = due

    def report(self) -> DeviceReport:
        times = list(self._answered)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        return DeviceReport(
            id=self.reader.device,
            state=self.state,
            every_s=self.every_s,
            achieved_s=round(statistics.median(gaps), 3) if gaps else None,
            last_ok_at=self.last_ok_at,
            last_error=(self.reader.introduction.note if self.state == "ok" else "") or self.last_error,
            polls=self.polls,
            failures=self.failures,
            overruns=self.overruns,
            refused=len(self.reader.absent),
        )


class Poller:
    """Polls the devices of one bus, one after the other."""

    def __init__(self, bus: Bus, devices: Sequence[Polled], sink: Sink, clock: Clock, rng: random.Random) -> None:
        self._bus, self._devices = bus, tuple(devices)
        self._sink, self._clock, self._rng = sink, clock, rng
        # A full queue drops its oldest: the newest change of a device is the one that counts.
        self._events: deque[Event] = deque(maxlen=PENDING_EVENTS_MAX)
        self._probed: Polled | None = None
        self._others_not_before = 0.0
        self._backoff_min_s, self._backoff_max_s, self._lost_after_s = BACKOFF_MIN_S, BACKOFF_MAX_S, LOST_AFTER_S

    async def run(self) -> None:
        """Poll until cancelled; returns at once when there is nothing to poll."""
        while self._devices:
            device = min(self._devices, key=self._due)
            await self._clock.sleep_until(self._due(device))
            await self._poll(device)
            await self._send_events()

    def reports(self) -> list[DeviceReport]:
        """Every device now, in the order given."""
        return [device.report() for device in self._devices]

    def _due(self, device: Polled) -> float:
        if device.misses == 0 or device is self._probed or not any(each.misses == 0 for each in self._devices):
            return device.due
        return max(device.due, self._others_not_before)

    async def _poll(self, device: Polled) -> None:
        device.polls += 1
        began = self._clock.monotonic()
        readings: list[Reading] = []
        seen: set[str] = set()

        def take(decoder: BlockDecoder, block: Block, answer: Answer) -> None:
            readings.extend(decoder.readings(answer.payload, answer.observed_at))
            seen.update(point.name for point in block.points)

        try:
            await device.reader.read(take, known_silent=device.misses > 0 or device.again_for is not None)
        except asyncio.CancelledError:
            # A stop in the middle of a poll: what was answered is kept; taking readings does not wait.
            await self._sink.readings(readings)
            raise
        except NotYet as error:
            log.debug("%s: %s", device.reader.device, error)
            device.due = error.until
            await self._sink.readings(readings)
        except WireLost as error:
            await self._line_down(device, error, readings, seen)
        except Retryable as error:
            now = self._clock.monotonic()
            if _may_be_chance(device, error):
                log.debug("%s: will be asked again: %s", device.reader.device, error)
                device.ask_again(now)
                await self._sink.readings(readings)
                return
            if device.misses:
                self._probed, self._others_not_before = device, now + (now - began) * (1 / PROBES_SHARE - 1)
            delay = min(self._backoff_max_s, self._backoff_min_s * 2 ** min(device.misses, 10))
            due = now + delay * self._rng.uniform(0.9, 1.1)
            await self._miss(device, error, due, readings, seen)
        else:
            await self._hit(device, readings, seen)

    async def _hit(self, device: Polled, readings: list[Reading], seen: set[str]) -> None:
        now, now_ms = self._clock.monotonic(), self._clock.now_ms()
        absent = device.reader.absent
        if absent != device.told_absent:
            device.told_absent = absent
            readings += device.reader.missing(seen, now_ms)
        was = device.state
        device.answered(now, now_ms)
        device.state = "ok"
        if was in {"failing", "lost"}:
            log.log(device.loudness(logging.INFO), "%s: answers again", device.reader.device)
        if was == "lost":
            data = {"lost_s": round(now - device.failing_since, 3)}
            self._events.append(Event(device.reader.device, "device_back", now_ms, dict(data)))
        await self._sink.readings(readings)
        if not device.reader.introduction.done:
            await self._introduce(device)

    async def _introduce(self, device: Polled) -> None:
        """Ask what has not been said yet; tell it when it is something new."""
        introduction = device.reader.introduction
        await introduction.go_on()
        texts = introduction.texts | ({"note": introduction.note} if introduction.note else {})
        if introduction.done and texts and texts != device.told_texts:
            device.told_texts = texts
            self._events.append(Event(device.reader.device, "device_identified", self._clock.now_ms(), dict(texts)))

    async def _miss(
        self, device: Polled, error: Retryable, due: float, readings: list[Reading], seen: set[str]
    ) -> None:
        now_ms = self._clock.now_ms()
        device.missed(str(error), due)
        device.waits_for_line = isinstance(error, WireLost)
        loud = device.loudness(logging.WARNING)
        if device.misses == 1:
            log.log(loud, "%s: %s", device.reader.device, error)
            readings += device.reader.missing(seen, now_ms)
            device.state = "failing"
            device.failing_since = self._clock.monotonic()
        elif self._is_lost(device):
            log.log(loud, "%s: lost after %d tries: %s", device.reader.device, device.misses, error)
            device.state = "lost"
            device.reader.forget()
            data = {"error": device.last_error, "last_ok_at": device.last_ok_at}
            self._events.append(Event(device.reader.device, "device_lost", now_ms, dict(data)))
        if readings:
            await self._sink.readings(readings)

    def _is_lost(self, device: Polled) -> bool:
        lasted_s = self._clock.monotonic() - device.failing_since
        return device.state == "failing" and device.misses >= LOST_AFTER and lasted_s >= self._lost_after_s

    async def _line_down(self, polled: Polled, error: WireLost, readings: list[Reading], seen: set[str]) -> None:
        """Nobody can be asked: every device misses once, and all are due when the line may be tried again."""
        due = max(self._bus.retry_at, self._clock.monotonic())
        await self._miss(polled, error, due, readings, seen)
        for device in self._devices:
            if device is not polled:
                await self._miss(device, error, due, [], set())

    async def _send_events(self) -> None:
        while self._events:
            try:
                await self._sink.event(self._events[0])
            except StoreUnavailable as error:
                log.debug("event waits: %s", error)
                return
            self._events.popleft()


def _may_be_chance(device: Polled, error: Retryable) -> bool:
    """One lost or garbled answer of a device that was well is no failure."""
    return device.misses == 0 and device.again_for is None and isinstance(error, (DeviceSilent, Garbled))
