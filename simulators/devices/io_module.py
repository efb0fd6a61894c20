"""A simulated module of relays and inputs, as its register table has it.

What a model has at which address is an `IoMap` (see `models.modules`); every address is bound to a `Signal`. Time is
the module's own: a pulse ends when it is over, also when nobody asks, and a watchdog trips by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from simulators.devices.relay import Relay
from simulators.devices.unit import (
    BIT_READS,
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    WRITE_COIL,
    WRITE_COILS,
    Answer,
    Refusal,
)
from simulators.faults import NO_FAULT, STUCK, Fault

COIL_ON, COIL_OFF, COIL_TOGGLE = 0xFF00, 0x0000, 0x5500
TENTH_MS = 100

Kind = Literal[
    "relay",  # read: how it stands; write: switch it
    "input",
    "count",  # low word of how often an input went on; write of a bit: back to zero
    "overload",
    "safe",  # what a relay goes to when the watchdog trips
    "setting",  # a word or bit that is kept and has no effect; number: as delivered
    "fixed",  # cannot be written
    "all",  # every relay at once
    "word",  # every relay as one word, relay 1 lowest
    "flash on",  # function 5: the value is a time in tenths of a second
    "flash off",
    "pulse",  # as long as the module is configured for
    "code",  # a register per relay: 0x0100 on, 0x0200 off, 0x0300 turn over
    "timed",  # function 16: two registers, what (2 on, 4 off) and tenths of a second
    "watchdog time",  # in tenths of a second
    "watchdog on",
    "watchdog start",
    "watchdog stop",  # two words that mean it
    "watchdog mode",  # 1: the next write to an output clears a trip
    "watchdog state",  # 0 off, 1 running, 2 tripped
    "tripped",  # read: 1 after a trip; write 1: clear it
]


class Signal(NamedTuple):
    """What an address means. ``number``: which relay or input; for settings and fixed words their value."""

    kind: Kind
    number: int = 0


Places = Mapping[tuple[int, int], Signal]
"""(function, address) to what is read or written there."""


@dataclass(frozen=True)
class IoMap:
    """One model. reads and writes: see `Places`.

    toggles: takes 0x5500 of function 5. pulse_ms: the width its own configuration gives a pulse. watchdog_ms: 0 off.
    locks: after a trip outputs cannot be written until the trip is cleared.
    """

    profile: str
    relays: int
    inputs: int
    reads: Places
    writes: Places
    toggles: bool = False
    pulse_ms: int = 500
    watchdog_ms: int = 0
    locks: bool = False


class IoModule:
    """One module. An input that follows a relay is a door contact behind its strike: it moves a moment later."""

    FOLLOW_MS = 200

    def __init__(self, device: str, model: IoMap, *, unit: int, follows: Mapping[int, int] | None = None) -> None:
        self.device, self.map, self.unit = device, model, unit
        self.model, self.silence_s = model.profile, 0.0
        self.fault: Fault = NO_FAULT
        self.relays = {number: Relay() for number in range(1, model.relays + 1)}
        self.inputs = {number: Relay() for number in range(1, model.inputs + 1)}
        self._follows = dict(follows or {})
        self._counted_from: dict[int, int] = {}
        self._settings: dict[tuple[str, int], int] = {}
        self._safe: dict[int, bool] = {}
        self._next_clears = False
        self._at_ms = 0
        self._stopped_ms: int | None = None
        self._fed_ms: int | None = None
        self._watchdog_ms = model.watchdog_ms
        self._watchdog_on = model.watchdog_ms > 0
        self.tripped = False

    def misbehave(self, fault: Fault, at_ms: int) -> None:
        """From now on so."""
        self._now(at_ms)
        self.fault = fault
        self._stopped_ms = self._at_ms if fault.kind == STUCK else None

    def relay_on(self, number: int, at_ms: int) -> bool:
        """How a relay stands; what nobody on the wire needs to ask."""
        return self.relays[number].on(self._now(at_ms))

    def set_input(self, number: int, on: bool, at_ms: int) -> None:
        """Somebody opens a door or pushes a button."""
        self._follows.pop(number, None)
        self.inputs[number].switch(on, self._now(at_ms))

    def input_on(self, number: int, at_ms: int) -> bool:
        """How an input stands."""
        relay = self._follows.get(number)
        if relay is not None:
            return self.relays[relay].on(at_ms - self.FOLLOW_MS)
        return self.inputs[number].on(at_ms)

    def _now(self, at_ms: int) -> int:
        """Let the module's own clock run to this instant."""
        self._at_ms = max(self._at_ms, at_ms)
        if self._watchdog_on and self._fed_ms is not None and not self.tripped:
            ends_ms = self._fed_ms + self._watchdog_ms
            if self._watchdog_ms and self._at_ms >= ends_ms:
                self.tripped = True
                for number, relay in self.relays.items():
                    relay.switch(self._safe.get(number, False), ends_ms)
        return self._at_ms

    def read(self, function: int, first: int, count: int, at_ms: int) -> Answer | Refusal:
        """Bits or words as they stand at ``at_ms``."""
        now = self._now(at_ms)
        self._fed_ms = now
        if not any(area == function for area, _ in self.map.reads):
            return Refusal(ILLEGAL_FUNCTION)
        found = [self.map.reads.get((function, address)) for address in range(first, first + count)]
        looked = now if self._stopped_ms is None else self._stopped_ms
        words: list[int] = []
        points: dict[str, float] = {}
        for address, signal in enumerate(found, first):
            if signal is None:
                return Refusal(ILLEGAL_ADDRESS)
            words.append(self._word(function, address, signal, looked))
            name = POINTS.get(signal.kind)
            if name is not None:
                points[f"{name}_{signal.number}"] = float(words[-1])
            elif signal.kind in ("tripped", "watchdog state"):
                points["failsafe_tripped"] = float(self.tripped)
        return Answer(tuple(words), tuple(points), tuple(points.values()))

    def write(self, function: int, first: int, values: tuple[int, ...], at_ms: int) -> Refusal | None:
        """Take a write wholly, or refuse it and change nothing."""
        now = self._now(at_ms)
        self._fed_ms = now
        if not any(area == function for area, _ in self.map.writes):
            return Refusal(ILLEGAL_FUNCTION)
        places = [self.map.writes.get((function, address)) for address in range(first, first + len(values))]
        jobs: list[tuple[int, Signal, int]] = []
        for address, (signal, value) in enumerate(zip(places, values, strict=True), first):
            if signal is None:
                return Refusal(ILLEGAL_ADDRESS)
            if not self._takes(function, signal, value):
                return Refusal(ILLEGAL_VALUE)
            jobs.append((address, signal, value))
        if self.tripped and self.map.locks and any(signal.kind in _OUTPUTS for _, signal, _ in jobs):
            if not self._next_clears:
                return Refusal(DEVICE_FAILURE)
            self.tripped = False
        if self._watchdog_on and any(signal.kind == "watchdog time" for _, signal, _ in jobs):
            return Refusal(DEVICE_FAILURE)
        if jobs[0][1].kind == "timed":
            return self._timed(jobs, now)
        for address, signal, value in jobs:
            self._do(function, address, signal, value, now)
        return None

    def _takes(self, function: int, signal: Signal, value: int) -> bool:
        if function == WRITE_COIL and not signal.kind.startswith("flash"):
            return value in (COIL_ON, COIL_OFF) or (value == COIL_TOGGLE and self.map.toggles)
        if signal.kind == "code":
            return value in (0x0100, 0x0200, 0x0300)
        if signal.kind == "watchdog stop":
            return value in (0xAA55, 0x55AA)
        return signal.kind != "fixed"

    def _timed(self, jobs: list[tuple[int, Signal, int]], now: int) -> Refusal | None:
        if len(jobs) != 2 or jobs[0][2] not in (2, 4):
            return Refusal(ILLEGAL_VALUE)
        self.relays[jobs[0][1].number].pulse(jobs[0][2] == 2, now, jobs[1][2] * TENTH_MS)
        return None

    def _do(self, function: int, address: int, signal: Signal, value: int, now: int) -> None:
        kind, number = signal
        on = value in (1, COIL_ON)
        if kind == "relay":
            self.relays[number].switch(not self.relays[number].on(now) if value == COIL_TOGGLE else on, now)
        elif kind == "all":
            for relay in self.relays.values():
                relay.switch(not relay.on(now) if value == COIL_TOGGLE else on, now)
        elif kind == "word":
            for place, relay in self.relays.items():
                relay.switch(bool(value >> (place - 1) & 1), now)
        elif kind in ("flash on", "flash off"):
            self.relays[number].pulse(kind == "flash on", now, value * TENTH_MS)
        elif kind == "pulse":
            if on:
                self.relays[number].pulse(True, now, self.map.pulse_ms)
            else:
                self.relays[number].switch(False, now)
        elif kind == "code":
            self.relays[number].switch(not self.relays[number].on(now) if value == 0x0300 else value == 0x0100, now)
        elif kind == "count":
            self._counted_from[number] = self._count(number, now, whole=True)
        elif kind == "safe":
            self._safe[number] = on
        elif kind == "setting":
            self._settings["bit" if function in _BITS else "word", address] = value
        else:
            self._set_watchdog(kind, value, on)

    def _set_watchdog(self, kind: Kind, value: int, on: bool) -> None:
        if kind == "watchdog time":
            self._watchdog_ms = value * TENTH_MS
        elif kind in ("watchdog on", "watchdog start", "watchdog stop"):
            self._watchdog_on = bool(value) if kind == "watchdog start" else on and kind == "watchdog on"
            self.tripped = False
            self._fed_ms = self._at_ms
        elif kind == "watchdog mode":
            self._next_clears = on
        elif kind == "tripped" and on:
            self.tripped = False

    def _count(self, number: int, now: int, *, whole: bool = False) -> int:
        relay = self._follows.get(number)
        if relay is None:
            seen = self.inputs[number].closings(now)
        else:
            seen = self.relays[relay].closings(now - self.FOLLOW_MS)
        return seen if whole else (seen - self._counted_from.get(number, 0)) & 0xFFFF

    def _word(self, function: int, address: int, signal: Signal, now: int) -> int:
        kind, number = signal
        if kind in ("relay", "code"):
            return int(self.relays[number].on(now))
        if kind == "input":
            return int(self.input_on(number, now))
        if kind == "count":
            return self._count(number, now)
        if kind == "word":
            return sum(relay.on(now) << (place - 1) for place, relay in self.relays.items())
        if kind == "fixed":
            return number
        if kind == "watchdog time":
            return self._watchdog_ms // TENTH_MS
        if kind == "watchdog state":
            return 2 if self.tripped else int(self._watchdog_on)
        if kind == "setting":
            return self._settings.get(("bit" if function in BIT_READS else "word", address), number)
        states = {
            "watchdog on": self._watchdog_on,
            "watchdog mode": self._next_clears,
            "tripped": self.tripped,
            "safe": self._safe.get(number, False),
        }
        return int(states.get(kind, False))


POINTS: Mapping[str, str] = {
    "relay": "relay",
    "code": "relay",
    "input": "digital_input",
    "count": "input_count",
    "overload": "output_overload",
}
"""The point that a signal is read as."""
_OUTPUTS = frozenset({"relay", "all", "word", "flash on", "flash off", "pulse", "code", "timed"})
_BITS = (WRITE_COIL, WRITE_COILS)
