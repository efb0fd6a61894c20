"""The modules of relays and inputs: what each has at which address. Addresses are those on the wire, from 0."""

from __future__ import annotations

from collections.abc import Iterable

from simulators.devices.io_module import IoMap, Kind, Signal
from simulators.devices.unit import (
    READ_COILS,
    READ_DISCRETES,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
)

_Table = dict[tuple[int, int], Signal]
_COIL_WRITES, _WORD_WRITES, _WORD_READS = (WRITE_COIL, WRITE_COILS), (WRITE_REGISTER, WRITE_REGISTERS), (3, 4)


def _row(functions: Iterable[int], at: int, kind: Kind, count: int, *, step: int = 1) -> _Table:
    """``count`` signals, numbered from 1, from an address on."""
    return {(code, at + n * step): Signal(kind, n + 1) for code in functions for n in range(count)}


def _one(functions: Iterable[int], at: int, kind: Kind, number: int = 0) -> _Table:
    return {(code, at): Signal(kind, number) for code in functions}


def _waveshare(profile: str, inputs: int) -> IoMap:
    """The time of a flash is the value field of function 5: no boolean, and no library's "write coil"."""
    return IoMap(
        profile=profile,
        relays=8,
        inputs=inputs,
        toggles=True,
        reads=_row([READ_COILS], 0, "relay", 8)
        | _row([READ_DISCRETES], 0, "input", inputs)
        | _one([READ_HOLDING], 0x4000, "setting", 1)
        | _one([READ_HOLDING], 0x2000, "setting", 0x0001)
        | _one([READ_HOLDING], 0x8000, "fixed", 200),
        writes=_row(_COIL_WRITES, 0, "relay", 8)
        | _one([WRITE_COIL], 0x00FF, "all")
        | _one([WRITE_COIL], 0x01FF, "all")
        | _row([WRITE_COIL], 0x0200, "flash on", 8)
        | _row([WRITE_COIL], 0x0400, "flash off", 8)
        | _one([WRITE_REGISTER], 0x4000, "setting", 1)
        | _one([WRITE_REGISTER], 0x2000, "setting", 1),
    )


def _advantech(profile: str, inputs: int, relays: int, words: _Table) -> IoMap:
    """Inputs are coils here, and relays the coils from 16 on."""
    return IoMap(
        profile=profile,
        relays=relays,
        inputs=inputs,
        reads=_row([READ_COILS], 0, "input", inputs) | _row([READ_COILS], 16, "relay", relays) | words,
        writes=_row(_COIL_WRITES, 16, "relay", relays),
    )


# A pulse is as long as the module's own settings say. A channel that went to its safe state must be cleared.
_MOXA = IoMap(
    profile="moxa/iologik-e1214",
    relays=6,
    inputs=6,
    pulse_ms=3000,
    locks=True,
    reads=_row([READ_COILS], 0, "relay", 6)
    | _row([READ_COILS], 0x0010, "fixed", 0)
    | _row([READ_DISCRETES], 0, "input", 6)
    | {(READ_INPUT, 16 + 2 * n): Signal("fixed", 0) for n in range(6)}
    | _row([READ_INPUT], 17, "count", 6, step=2)
    | _row([READ_COILS], 0x1010, "tripped", 6),
    writes=_row(_COIL_WRITES, 0, "relay", 6)
    | _row(_COIL_WRITES, 0x0010, "pulse", 6)
    | _row(_COIL_WRITES, 0x0110, "count", 6)
    | _row(_COIL_WRITES, 0x1020, "tripped", 6),
)
# Outputs are written from 0 and read back from 512; reads from 0 are inputs.
_WAGO = IoMap(
    profile="wago/750-352",
    relays=8,
    inputs=8,
    reads=_row([READ_COILS, READ_DISCRETES], 0, "input", 8)
    | _row([READ_COILS, READ_DISCRETES], 512, "relay", 8)
    | _one(_WORD_READS, 0x1000, "watchdog time")
    | _one(_WORD_READS, 0x1001, "setting", 0xFFFF)
    | _one(_WORD_READS, 0x1002, "setting", 0xFFFF)
    | _one(_WORD_READS, 0x1006, "watchdog state"),
    writes=_row(_COIL_WRITES, 0, "relay", 8)
    | _one(_WORD_WRITES, 0x1000, "watchdog time")
    | _one(_WORD_WRITES, 0x1001, "setting")
    | _one(_WORD_WRITES, 0x1002, "setting")
    | _one(_WORD_WRITES, 0x1003, "watchdog start")
    | _one(_WORD_WRITES, 0x1007, "watchdog start")
    | _one(_WORD_WRITES, 0x1008, "watchdog stop"),
    locks=True,
)
_ICP_DAS = IoMap(
    profile="icpdas/tm-r5",
    relays=5,
    inputs=0,
    locks=True,
    reads=_row([READ_COILS], 0, "relay", 5)
    | _row([READ_COILS], 128, "safe", 5)
    | {(READ_COILS, 160 + n): Signal("setting") for n in range(5)}
    | _one([READ_COILS], 259, "watchdog mode")
    | _one([READ_COILS], 260, "watchdog on")
    | _one([READ_COILS], 269, "tripped")
    | _one([READ_HOLDING], 488, "watchdog time"),
    writes=_row(_COIL_WRITES, 0, "relay", 5)
    | _row(_COIL_WRITES, 128, "safe", 5)
    | {(code, 160 + n): Signal("setting") for code in _COIL_WRITES for n in range(5)}
    | _one(_COIL_WRITES, 259, "watchdog mode")
    | _one(_COIL_WRITES, 260, "watchdog on")
    | _one(_COIL_WRITES, 269, "tripped")
    | _one(_WORD_WRITES, 488, "watchdog time"),
)
_BRAINBOXES = IoMap(
    profile="brainboxes/ed-588",
    relays=8,
    inputs=8,
    reads=_row([READ_DISCRETES], 0, "input", 8)
    | _row([READ_COILS], 0, "relay", 8)
    | _row([READ_COILS], 0x0020, "input", 8)
    | _row([READ_DISCRETES], 0x0400, "overload", 8)
    | _row(_WORD_READS, 0, "count", 8)
    | _one([READ_HOLDING], 0x0020, "word"),
    writes=_row(_COIL_WRITES, 0, "relay", 8)
    | _row(_COIL_WRITES, 0x0200, "count", 8)
    | _one(_WORD_WRITES, 0x0020, "word"),
)
_KMTRONIC = IoMap(
    profile="kmtronic/relay-8",
    relays=8,
    inputs=0,
    reads=_row([READ_COILS], 0, "relay", 8),
    writes=_row([WRITE_COIL], 0, "relay", 8),
)
# A timed switch is one write of two registers: what to do, and for how many tenths of a second.
_LC_TECH = IoMap(
    profile="lctech/8r-d7",
    relays=8,
    inputs=8,
    reads=_row([READ_COILS], 0, "relay", 8)
    | _row([READ_DISCRETES], 0, "input", 8)
    | _one([READ_HOLDING], 1000, "setting", 3),
    writes=_row(_COIL_WRITES, 0, "relay", 8)
    | _row([WRITE_REGISTERS], 3, "timed", 8, step=5)
    | _row([WRITE_REGISTERS], 4, "timed", 8, step=5)
    | _one([WRITE_REGISTERS], 1000, "setting"),
)
_STM8 = IoMap(
    profile="stm8/relay-4",
    relays=4,
    inputs=0,
    reads=_row([READ_HOLDING], 1, "code", 4) | _one([READ_HOLDING], 0x4000, "setting", 1),
    writes=_row([WRITE_REGISTER], 1, "code", 4) | _one([WRITE_REGISTER], 0x4000, "setting"),
)

MODULES: dict[str, IoMap] = {
    module.profile: module
    for module in (
        _waveshare("waveshare/relay-8", 0),
        _waveshare("waveshare/relay-d", 8),
        _waveshare("waveshare/poe-eth-relay-b", 8),
        _MOXA,
        _WAGO,
        _ICP_DAS,
        _advantech("advantech/adam-6060", 6, 6, {}),
        _advantech(
            "advantech/adam-4150",
            7,
            8,
            _one(_WORD_READS, 210, "fixed", 0x4150)
            | _one([READ_HOLDING], 214, "setting")
            | _one([READ_HOLDING], 215, "tripped"),
        ),
        _BRAINBOXES,
        _KMTRONIC,
        _LC_TECH,
        _STM8,
    )
}
