"""Writing a point: the request to send and the answer that says it was done.

A pulse is made by the module, which ends it by itself: it is one request, never two. It is the one write that must not
be sent twice when no answer came.
"""

import math
import struct
from typing import Literal, NamedTuple

import msgspec

from protocols.errors import BadCommand
from protocols.modbus.profile_file import WriteKind
from protocols.modbus.registers import ORDERS, TYPES, TypeName, WordOrder, swap_words

COIL, COILS, REGISTERS = 5, 15, 16
WriteFunction = Literal[5, 6, 15, 16]


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """A pulse that the module makes: ``words`` written at ``at``, where None stands for the time.

    unit_s: what one step of the time is worth; 0 when the module has a length of its own. shortest_s, longest_s: what
    it takes.
    """

    function: Literal[5, 6, 16]
    at: int
    words: tuple[int | None, ...]
    unit_s: float = 0.0
    shortest_s: float = 0.0
    longest_s: float = 0.0


class PointWrite(msgspec.Struct, frozen=True, kw_only=True):
    """How the point ``point`` is written: a switch (``on`` and ``off`` are raw words) or a number from low to high."""

    point: str
    kind: WriteKind
    function: WriteFunction
    at: int
    on: int = 0
    off: int = 0
    type: TypeName = "uint16"
    scale: float = 1.0
    word_order: WordOrder = "big"
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    pulse: Pulse | None = None


class WritePdu(NamedTuple):
    """A request without unit and checksum. ``echo``: the normal answer, byte for byte.

    repeatable: sending it twice does what sending it once does; so of a switch and a number, not of a pulse.
    """

    pdu: bytes
    echo: bytes
    repeatable: bool
    text: str


def switch(write: PointWrite, on: bool) -> WritePdu:
    """Switch on or off; raises BadCommand when the point is no switch."""
    if write.kind != "switch":
        raise BadCommand("not_a_switch", f"{write.point} is set to {_range(write)}, not switched")
    word = write.on if on else write.off
    text = f"{write.point} {'on' if on else 'off'}"
    if write.function == COILS:
        return WritePdu(
            struct.pack(">BHHBB", COILS, write.at, 1, 1, word), struct.pack(">BHH", COILS, write.at, 1), True, text
        )
    return _of_words(write.function, write.at, (word,), True, text)


def number(write: PointWrite, value: float) -> WritePdu:
    """Set to ``value`` in the point's unit; raises BadCommand when it is none of those the point takes."""
    if write.kind != "number":
        raise BadCommand("not_a_number", f"{write.point} is a switch: on or off")
    if not (math.isfinite(value) and write.low <= value <= write.high):
        raise BadCommand(
            "out_of_range", f"{write.point} cannot be {value:g} {write.unit}".rstrip() + f"; {_range(write)}"
        )
    raw = value / write.scale
    code = TYPES[write.type].code
    order, swap = ORDERS[write.word_order]
    packed = struct.pack(order + code, raw if code in "fd" else round(raw))
    packed = swap_words(packed) if swap else packed
    words = struct.unpack(f">{len(packed) // 2}H", packed)
    return _of_words(write.function, write.at, words, True, f"{write.point} set to {value:g} {write.unit}".rstrip())


def pulse(write: PointWrite, seconds: float | None = None) -> WritePdu:
    """One pulse that the module ends by itself.

    ``seconds`` is rounded to the module's own steps; None where the length is set in the module. Raises BadCommand.
    """
    made = write.pulse
    if made is None:
        raise BadCommand(
            "no_pulse",
            f"this module cannot make a pulse on {write.point} by itself; switch it on and off, knowing that it stays"
            " on when the gateway stops in between",
        )
    if not made.unit_s:
        if seconds is not None:
            raise BadCommand(
                "no_time", f"how long the pulse on {write.point} is, is set in the module: leave the time out"
            )
        return _of_words(made.function, made.at, _words(made, 0), False, f"{write.point} pulse")
    if seconds is None:
        raise BadCommand("no_time", f"how long the pulse on {write.point} is must be said: {_times(made)}")
    if not (math.isfinite(seconds) and _not_below(seconds, made.shortest_s) and _not_below(made.longest_s, seconds)):
        raise BadCommand("out_of_range", f"{write.point} makes no pulse of {seconds:g} s; {_times(made)}")
    steps = max(1, round(seconds / made.unit_s))
    text = f"{write.point} pulse of {steps * made.unit_s:g} s"
    return _of_words(made.function, made.at, _words(made, steps), False, text)


def _words(made: Pulse, steps: int) -> tuple[int, ...]:
    return tuple(steps if word is None else word for word in made.words)


def _not_below(value: float, bound: float) -> bool:
    return value >= bound or math.isclose(value, bound)


def _of_words(function: int, at: int, words: tuple[int, ...], repeatable: bool, text: str) -> WritePdu:
    if function == REGISTERS:
        count = len(words)
        pdu = struct.pack(f">BHHB{count}H", function, at, count, 2 * count, *words)
        return WritePdu(pdu, struct.pack(">BHH", function, at, count), repeatable, text)
    pdu = struct.pack(">BHH", function, at, words[0])
    return WritePdu(pdu, pdu, repeatable, text)


def _range(write: PointWrite) -> str:
    return f"{write.low:g} to {write.high:g} {write.unit}".rstrip()


def _times(made: Pulse) -> str:
    return f"{made.shortest_s:g} s to {made.longest_s:g} s in steps of {made.unit_s:g} s"
