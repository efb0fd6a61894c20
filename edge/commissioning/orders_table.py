"""What an unknown block could mean, as text for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from edge.commissioning.orders import Orders, Sight
from edge.modbus_frames import EXCEPTIONS
from protocols.modbus.registers import TYPES

SHOWN_EACH = 3
ORDER_WORDS = {
    "big": "high word first",
    "little": "low word first",
    "big-swapped": "high word first, bytes swapped",
    "little-swapped": "low word first, bytes swapped",
}


def table(
    found: Orders, words: Mapping[int, int], refused: Mapping[int, int], silent: Sequence[int], *, everything: bool
) -> str:
    """The most plausible reading of the block, then every address; ``everything``: also what is not plausible."""
    return "\n".join(_lines(found, words, refused, silent, everything))


def _lines(
    found: Orders, words: Mapping[int, int], refused: Mapping[int, int], silent: Sequence[int], everything: bool
) -> Iterator[str]:
    if found.order:
        yield f"word order: most likely {found.order} ({ORDER_WORDS[found.order]})"
        yield ""
    if found.likely or found.texts:
        yield "most plausible"
        rows = [(sight.at, *_cells(sight, words)) for sight in found.likely]
        rows += [(text.at, _hex(text.at, text.registers, words), "text", repr(text.text), "") for text in found.texts]
        yield from _aligned([(_address(at), *cells) for at, *cells in sorted(rows)])
        yield ""
    yield "every address" if everything else "every address, what could be a value (--all: every type and order)"
    for at, sights in found.sights.items():
        yield from _aligned([(_address(at), f"{words[at]:04x}", *_told(sights, everything))])
    yield from _refusals(refused, silent)


def _told(sights: Sequence[Sight], everything: bool) -> Iterator[str]:
    plain = next(sight for sight in sights if sight.type == "uint16" and sight.word_order == "big")
    shown = sights if everything else [sight for sight in _distinct(sights) if sight.score >= 1][:SHOWN_EACH]
    texts = [_short(sight) for sight in shown] or [_short(plain)]
    yield "   ".join(texts)


def _distinct(sights: Sequence[Sight]) -> Iterator[Sight]:
    """Without signed numbers that say the same as the unsigned ones."""
    for sight in sights:
        signed = sight.type.startswith("int") and sight.value is not None and sight.value >= 0
        if not signed:
            yield sight


def _short(sight: Sight) -> str:
    hint = f" ({sight.hint})" if sight.hint else ""
    return f"{_name(sight)} {_number(sight.value)}{hint}"


def _name(sight: Sight) -> str:
    if TYPES[sight.type].words == 1:
        return sight.type if sight.word_order == "big" else f"{sight.type} swapped"
    return f"{sight.type} {sight.word_order}"


def _cells(sight: Sight, words: Mapping[int, int]) -> tuple[str, str, str, str]:
    return _hex(sight.at, TYPES[sight.type].words, words), _name(sight), _number(sight.value), sight.hint


def _hex(at: int, registers: int, words: Mapping[int, int]) -> str:
    shown = " ".join(f"{words[at + place]:04x}" for place in range(min(registers, 4)) if at + place in words)
    return shown + (" ..." if registers > 4 else "")


def _address(at: int) -> str:
    return f"{at:>5} 0x{at:04X}"


def _number(value: float | int | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.7g}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        yield ("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))).rstrip()


def _refusals(refused: Mapping[int, int], silent: Sequence[int]) -> Iterator[str]:
    for code in sorted(set(refused.values())):
        at = [address for address, each in sorted(refused.items()) if each == code]
        yield f"refused with exception {code} ({EXCEPTIONS.get(code, 'not in the specification')}): {spans(at)}"
    if silent:
        yield f"no answer: {spans(sorted(silent))}"


def spans(addresses: Sequence[int]) -> str:
    """``0-5, 8, 10-12``."""
    parts = []
    for _, run in groupby(enumerate(addresses), key=lambda item: item[1] - item[0]):
        places = [address for _, address in run]
        parts.append(str(places[0]) if len(places) == 1 else f"{places[0]}-{places[-1]}")
    return ", ".join(parts)
