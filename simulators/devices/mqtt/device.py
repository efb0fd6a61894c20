"""A simulated MQTT device: a dialect, a wire, a timetable of occasions, and a place for a fault.

Occasions have instants of their own, and a device acts as of them however late the machine is: with one seed two runs
say the same, also when the world runs faster than the machine's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from protocols.clock import Clock
from simulators.devices.mqtt import misbehaviour as bad
from simulators.devices.mqtt.dialect import GRANTING, Dialect
from simulators.devices.mqtt.said import MS, Moment, Said
from simulators.devices.mqtt.strike import Strike
from simulators.faults import NO_FAULT, Fault
from simulators.ledger import Ledger
from simulators.wires.mqtt import WillMessage
from simulators.wires.mqtt_device import DeviceWire
from simulators.world.driver import Driver
from simulators.world.people import Person, new_card
from simulators.world.rooms import Room

IDLE_S = 3600.0
STRANGERS = 0.08
"""How many of those who hold a card to a reader are unknown to it."""
REPORT, TAP, OPEN, CLOSE, HELD, FORCED = "report", "tap", "open", "close", "held", "forced"
PUSH, PUSH_S = "push", 1.2
"""Somebody who held a card to the reader of a door with a strike pushes the door a moment later."""
LISTS_S = 6.0
"""Nobody comes to such a door before its gateway can have a list."""
BREAK, MEND = "break", "mend"
HELD_S, BORNE_S = 70.0, 45.0
"""How long a door is held open, and how long of it the reader bears that."""


class PlannedFault(NamedTuple):
    """A fault with its place in the scenario's time; ``until_ms`` None: to the end."""

    from_ms: int
    until_ms: int | None
    fault: Fault


class _Occasion(NamedTuple):
    at_ms: int
    number: int
    what: str
    fault: Fault = NO_FAULT


class MqttDevice:
    """Lives while `run` runs; `report`, `tap` and `turn` make it act at once. One occasion at a time."""

    def __init__(
        self,
        device: str,
        dialect: Dialect,
        make_wire: Callable[[Callable[[], WillMessage | None], Callable[[], None]], DeviceWire],
        ledger: Ledger,
        clock: Clock,
        wire_clock: Clock,
        *,
        rng: random.Random,
        people: Sequence[Person] = (),
        every_s: float = 0.0,
        tap_every_s: float = 40.0,
        begins_ms: int | None = None,
        ends_ms: int | None = None,
        faults: Sequence[PlannedFault] = (),
        qos: int | None = None,
        retain: bool | None = None,
        misuse: float = 0.0,
        busy: Callable[[int], float] | None = None,
    ) -> None:
        self.driver: Driver | None = None
        self.room: Room | None = None
        self.strike: Strike | None = None
        self._misuse, self._busy = misuse, busy
        self.device, self.dialect = device, dialect
        self._ledger, self._clock, self._wire_clock = ledger, clock, wire_clock
        self._rng, self._people = rng, people
        self._every_s, self._tap_every_s = every_s or dialect.report_s, tap_every_s
        self._begins_ms = clock.now_ms() if begins_ms is None else begins_ms
        self._ends_ms, self._faults = ends_ms, faults
        self._qos, self._retain = qos, retain
        self._tapped_s = 0
        self._last_ms = self._begins_ms
        self._greets = asyncio.Event()
        self._has_greeted, self._one_at_a_time = False, asyncio.Lock()
        self._occasions: list[_Occasion] = []
        self._number = self._garbled = 0
        self._flapping: asyncio.Task[None] | None = None
        self._fault = NO_FAULT
        self._stuck_ms = self._reset_ms = 0
        self.wire = make_wire(lambda: dialect.will(self.moment()), self._greets.set)

    @property
    def fault(self) -> Fault:
        return self._fault

    def break_down(self, fault: Fault, at_ms: int | None = None) -> None:
        """Misbehave from now on, or as of ``at_ms``. To be called where the device lives."""
        self.mend()
        self._fault = fault
        self._stuck_ms = self._clock.now_ms() if at_ms is None else at_ms
        if fault.kind == bad.COUNTER_RESET:
            self.dialect.reset_counters(self._stuck_ms)
        if fault.kind == bad.FLAPPING:
            self._flapping = asyncio.create_task(self._flap(fault.delay_s or bad.FLAP_S), name=f"flap[{self.device}]")

    def mend(self) -> None:
        self._fault = NO_FAULT
        if self._flapping is not None:
            self._flapping.cancel()
            self._flapping = None
            self.wire.come_back()

    def moment(self, at_ms: int | None = None) -> Moment:
        """Now, or another instant, as this device lives it."""
        at_ms = self._clock.now_ms() if at_ms is None else at_ms
        uptime_s = max(0.0, (at_ms - self._begins_ms) / MS)
        kind, clock_ms, right = self._fault.kind, at_ms, True
        if kind == bad.CLOCK_WRONG:
            offset_s = self._fault.offset_s
            right = bad.clock_believed(offset_s)
            clock_ms = at_ms + round(offset_s * MS) if offset_s else round(uptime_s * MS)
        return Moment(
            at_ms=at_ms,
            clock_ms=clock_ms,
            sensed_ms=self._stuck_ms if kind == bad.STUCK else at_ms,
            uptime_s=uptime_s,
            clock_right=right,
            has_fix=kind != bad.LOST_FIX,
        )

    async def run(self, halt: asyncio.Event) -> None:
        """Live until told to halt; an occasion that was begun is finished."""
        await self._connected(halt)
        if not self._occasions:
            self._plan_first()
        while not halt.is_set():
            if self._greets.is_set():
                await self._greet(self._greeting_ms())
                continue
            due = self._occasions[0] if self._occasions else None
            if due is None or (self._ends_ms is not None and due.at_ms > self._ends_ms):
                if self._ends_ms is not None:
                    return
                await self._rest(IDLE_S, halt)
                continue
            wait_s = (due.at_ms - self._clock.now_ms()) / MS
            if wait_s > 0:
                await self._rest(wait_s, halt)
                continue
            heapq.heappop(self._occasions)
            await self._live(due)

    async def report(self, at_ms: int | None = None) -> None:
        """Say what it would say by itself every so often, now or as of another instant."""
        now = self.moment(at_ms)
        await self._say(self.dialect.report(now), now)

    async def tap(self, person: Person, at_ms: int | None = None, *, known: bool = True) -> None:
        """Somebody holds a card to the reader."""
        while at_ms is None and self.dialect.whole_seconds and self._clock.now_ms() // MS <= self._tapped_s:
            await self._clock.sleep(0.05)
        now = self.moment(at_ms)
        self._tapped_s = now.at_ms // MS
        await self._say(self.dialect.tap(now, person, known=known), now)

    async def turn(self, is_open: bool, at_ms: int | None = None) -> None:
        """The door is opened or closed."""
        now = self.moment(at_ms)
        self.dialect.is_open = is_open
        await self._say(self.dialect.turn(now, is_open), now)

    async def swipe(self, halt: asyncio.Event, person: Person | None = None) -> None:
        """A tap; when the card is accepted the door is opened and closed again."""
        person = person or self._rng.choice(self._people)
        await self.tap(person)
        if self.dialect.opens and person.access in GRANTING:
            await self.turn(True)
            await pause(self._clock, self._rng.uniform(1.5, 4.0), halt)
            await self.turn(False)

    async def greet(self, at_ms: int | None = None) -> None:
        """Wait for the connection, and say what it says then. Needs the wire to run."""
        await self.wire.wait_connected()
        await self._greet(self._clock.now_ms() if at_ms is None else at_ms)

    async def _connected(self, halt: asyncio.Event) -> None:
        await _first(self.wire.wait_connected(), halt.wait())

    async def _rest(self, wait_s: float, halt: asyncio.Event) -> None:
        """Until the next occasion, or until the connection was made anew."""
        until = self._clock.monotonic() + wait_s
        await _first(self._clock.sleep_until(until), self._greets.wait(), halt.wait())

    def _greeting_ms(self) -> int:
        """The first greeting has its nominal instant, like every occasion; a connection that is made anew has none."""
        first, self._has_greeted = not self._has_greeted, True
        now_ms = self._clock.now_ms() if self._ends_ms is None else min(self._clock.now_ms(), self._ends_ms)
        return self._last_ms if first else max(self._last_ms, now_ms)

    async def _greet(self, at_ms: int) -> None:
        self._greets.clear()
        now = self.moment(at_ms)
        await self._say(self.dialect.hello(now), now)

    def _plan_first(self) -> None:
        for planned in self._faults:
            self._plan(BREAK, planned.from_ms, 0.0, planned.fault)
            if planned.until_ms is not None:
                self._plan(MEND, planned.until_ms, 0.0)
        if self.dialect.reports:
            self._plan(REPORT, self._begins_ms, self._rng.uniform(0.0, min(4.0, self._every_s)))
        if self.dialect.taps:
            waits_s = LISTS_S if self.strike is not None else 0.0
            self._plan(TAP, self._begins_ms, waits_s + self._rng.uniform(0.5, min(8.0, self._tap_every_s)))
        elif self.dialect.opens:
            self._plan(OPEN, self._begins_ms, self._rng.uniform(0.5, min(8.0, self._tap_every_s)))

    def _plan(self, what: str, from_ms: int, after_s: float, fault: Fault = NO_FAULT) -> None:
        self._number += 1
        heapq.heappush(self._occasions, _Occasion(from_ms + round(after_s * MS), self._number, what, fault))

    async def _live(self, due: _Occasion) -> None:
        """One occasion, and what follows from it. The dice fall the same whether anybody hears it or not."""
        self._last_ms = due.at_ms
        if due.what == BREAK:
            self.break_down(due.fault, due.at_ms)
        elif due.what == MEND:
            self.mend()
        else:
            await self._act(due)

    async def _act(self, due: _Occasion) -> None:
        now = self.moment(due.at_ms)
        rng, said = self._rng, list[Said]()
        if due.what == REPORT:
            said = self.dialect.report(now)
            self._plan(REPORT, due.at_ms, self.dialect.pause_s(now, self._every_s))
        elif due.what == TAP:
            said = self._somebody_taps(now)
            pace = self._busy(due.at_ms) if self._busy else 1.0
            self._plan(TAP, due.at_ms, 1.0 + rng.expovariate(pace / self._tap_every_s))
            if self._misuse and rng.random() < self._misuse / 2:
                self._plan(FORCED, due.at_ms, 8.0)
        elif due.what == HELD:
            said = self.dialect.held(now)
        elif due.what == PUSH and self.strike is not None:
            if self.strike.gives_way() and self.dialect.opens and not self.dialect.is_open:
                self._plan(OPEN, due.at_ms, 0.0)
            return
        elif due.what == FORCED and self.dialect.is_open:
            return
        else:
            is_open = due.what in (OPEN, FORCED)
            self.dialect.is_open = is_open
            said = self.dialect.turn(now, is_open)
            if is_open and self._misuse and due.what == OPEN and rng.random() < self._misuse / 2:
                self._plan(HELD, due.at_ms, BORNE_S)
                self._plan(CLOSE, due.at_ms, HELD_S)
            elif is_open:
                self._plan(CLOSE, due.at_ms, rng.uniform(1.5, 4.0))
            elif not self.dialect.taps:
                self._plan(OPEN, due.at_ms, 1.0 + rng.expovariate(1 / self._tap_every_s))
        await self._say(said, now)

    def _somebody_taps(self, now: Moment) -> list[Said]:
        if self.strike is not None:
            someone = self.strike.somebody(self._rng, self._people)
            if someone is None:
                return []
            self._plan(PUSH, now.at_ms, PUSH_S)
            return self.dialect.tap(now, someone, known=someone.access in GRANTING)
        stranger = self._rng.random() < STRANGERS or not self._people
        person = Person("Unknown", new_card(self._rng), "Denied") if stranger else self._rng.choice(self._people)
        if self.dialect.opens and not self.dialect.is_open and not stranger and person.access in GRANTING:
            self._plan(OPEN, now.at_ms, 0.6)
        return self.dialect.tap(now, person, known=not stranger)

    async def _say(self, said: Sequence[Said], now: Moment) -> None:
        kind = self._fault.kind
        if kind == bad.SILENT:
            return
        async with self._one_at_a_time:
            for message in map(self._as_set_up, said):
                if kind == bad.GARBAGE:
                    message = bad.mangled(message, self._garbled)
                    self._garbled += 1
                elif kind == bad.RETAINED_OLD:
                    message = message._replace(retain=True)
                if kind == bad.DUPLICATE:
                    await self._twice(message, now)
                else:
                    await self._publish(message, now)

    def _as_set_up(self, message: Said) -> Said:
        qos = message.qos if self._qos is None else self._qos
        retain = message.retain if self._retain is None else self._retain
        return message._replace(qos=qos, retain=retain)

    async def _twice(self, message: Said, now: Moment) -> None:
        self._garbled += 1
        if message.qos and message.once and self._garbled % 2 == 0:
            self.wire.lose_next_puback()
            await self._publish(message, now)
            return
        for copy in bad.copies(message):
            await self._publish(copy, now)

    async def _publish(self, message: Said, now: Moment) -> None:
        """Into the ledger first; then sent, with QoS 1 until confirmed. QoS 0 without a connection is lost unsaid."""
        ledger, clock = self._ledger, self._wire_clock
        if not message.qos and not self.wire.connected:
            return
        number = ledger.publishing(
            self.device,
            now.at_ms,
            message.topic,
            message.payload,
            message.expected,
            qos=message.qos,
            retain=message.retain,
        )
        await self.wire.publish(
            message.topic,
            message.payload,
            qos=message.qos,
            retain=message.retain,
            on_attempt=lambda: ledger.attempted(number, clock.now_ms()),
        )
        ledger.confirmed(number, clock.now_ms())

    async def _flap(self, seconds: float) -> None:
        while True:
            self.wire.go_away()
            await self._wire_clock.sleep(seconds / 2)
            self.wire.come_back()
            await self._wire_clock.sleep(seconds)


async def pause(clock: Clock, seconds: float, halt: asyncio.Event) -> bool:
    """Wait ``seconds``, or less when told to halt; True while the device should go on."""
    # From now, not from when a task begins: in a fast world that may be a minute later.
    await _first(clock.sleep_until(clock.monotonic() + seconds), halt.wait())
    return not halt.is_set()


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Until one of them is done; the others are given up."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
