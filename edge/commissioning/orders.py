"""Registers nobody has described, read as every type in every word order, each with what it looks like. Pure code."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec

from protocols.modbus.registers import ORDERS, TYPES, TypeName, WordOrder, swap_words

WIDE: tuple[TypeName, ...] = ("float32", "uint32", "int32", "float64", "uint64", "int64")
NARROW: tuple[TypeName, ...] = ("uint16", "int16")
TEXT_REGISTERS_MIN = 3
FACTORS = (1.0, 0.1, 0.01, 0.001)
_NAMES = {1.0: "", 0.1: " x 0.1", 0.01: " x 0.01", 0.001: " x 0.001"}
PLAIN = 2.0
"""Up to this score a number looks like nothing in particular."""
_INTEGER_SCORES = {1.0: 1.2, 0.1: 3.0, 0.01: 2.2, 0.001: 0.9}
_NO_VALUE = {0xFFFF, 0x8000, 0x7FFF, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF}
_NO_VALUE |= {0xFFFFFFFFFFFFFFFF, 0x8000000000000000, 0x7FFFFFFFFFFFFFFF}


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One address read as one type in one word order. ``hint``: what it looks like; ``score``: how much so."""

    at: int
    type: TypeName
    word_order: WordOrder
    value: float | int | None
    later: float | int | None = None
    hint: str = ""
    score: float = 0.0


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """Registers that hold letters."""

    at: int
    registers: int
    text: str
    swapped: bool = False


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a block could mean. ``sights``: by address, the most plausible first; ``likely``: the best of them
    that do not overlap; ``order``: the word order that most of them have, "" when there is none."""

    sights: dict[int, tuple[Sight, ...]]
    likely: tuple[Sight, ...]
    texts: tuple[Text, ...]
    order: str


def orders(words: Mapping[int, int], later: Mapping[int, int] | None = None) -> Orders:
    """Read ``words`` (by address) in every way; ``later`` are the same registers some time after."""
    sights = {at: list(_at(at, words, later or {})) for at in sorted(words)}
    _raise_neighbours(sights)
    first = min(words, default=0)
    order = _common_order(sights, first)
    ranked = {
        at: tuple(sorted((_weighed(sight, order, first) for sight in each), key=_rank)) for at, each in sights.items()
    }
    texts = tuple(text for text in _texts(words) if not _is_measured(text, ranked, order))
    lettered = {text.at + place for text in texts for place in range(text.registers)}
    return Orders(sights=ranked, likely=tuple(_likely(ranked, lettered)), texts=texts, order=order)


def _weighed(sight: Sight, order: str, first: int) -> Sight:
    """More plausible when it fits the word order of the others, and where a block of such values would have it."""
    if sight.score < 1 or sight.type in NARROW:
        return sight
    more = (1.0 if sight.word_order == order else -1.0 if order else 0.0) + _aligned(sight.at, first)
    return msgspec.structs.replace(sight, score=max(0.1, sight.score + more))


def _aligned(at: int, first: int) -> float:
    return 0.0 if (at - first) % 2 else 0.5


def _rank(sight: Sight) -> tuple[float, int]:
    return (-sight.score, (*WIDE[:1], *NARROW, *WIDE[1:]).index(sight.type))


def _is_measured(text: Text, ranked: Mapping[int, Sequence[Sight]], order: str) -> bool:
    """Letters that are floats of the block's order as well are no text."""
    floats = [
        sight
        for place in range(text.registers)
        for sight in ranked[text.at + place][:1]
        if sight.type == "float32" and sight.word_order == order and sight.score > 3
    ]
    return len(floats) >= text.registers / 3


def _at(at: int, words: Mapping[int, int], later: Mapping[int, int]) -> Iterator[Sight]:
    for kind in (*NARROW, *WIDE):
        places = range(at, at + TYPES[kind].words)
        if not all(place in words for place in places):
            continue
        payload = _payload(words, places)
        after = _payload(later, places) if all(place in later for place in places) else None
        for order in ORDERS:
            if kind in NARROW and order not in ("big", "big-swapped"):
                continue  # one register has no word order
            value = _value(payload, kind, order)
            second = None if after is None else _value(after, kind, order)
            hint, score = _looks_like(kind, value, second)
            if kind in NARROW and order == "big-swapped":
                score = 0.0 if score < 3 else 1.0
            yield Sight(
                at=at,
                type=kind,
                word_order=order,
                value=_finite(value),
                later=None if second is None else _finite(second),
                hint=hint,
                score=score,
            )


def _payload(words: Mapping[int, int], places: range) -> bytes:
    return b"".join(words[place].to_bytes(2, "big") for place in places)


def _value(payload: bytes, kind: TypeName, order: WordOrder) -> int | float:
    sign, swap = ORDERS[order]
    value: int | float = struct.unpack(sign + TYPES[kind].code, swap_words(payload) if swap else payload)[0]
    return value


def _finite(value: float) -> int | float | None:
    return value if math.isfinite(value) else None


def _looks_like(kind: TypeName, value: float, later: float | None) -> tuple[str, float]:
    is_float = kind.startswith("float")
    if not math.isfinite(value):
        return ("no value (NaN)", 0.5) if value != value else ("", 0.0)
    if value == 0:
        return "", 0.0
    if not is_float and int(value) % (1 << 16 * TYPES[kind].words) in _NO_VALUE:
        return "no value (all ones, or the outermost number)", 0.5
    hint, score = _float_hint(value) if is_float else _integer_hint(kind, int(value))
    if later is not None and math.isfinite(later) and later != value:
        change = later - value
        if 0 < change <= max(1000.0, 1e-4 * abs(value)) and 1e-3 < value < 1e12 and score <= PLAIN:
            return f"grew by {change:g}: a counter?", max(score, 1.6 if TYPES[kind].words == 2 else 1.2)
        if abs(change) <= 0.2 * abs(value) and score:
            return f"{hint}, moves" if hint else "moves", score + (1.0 if score > PLAIN else 0.2)
    return hint, score


def _float_hint(value: float) -> tuple[str, float]:
    size = abs(value)
    if 45 <= value <= 65:
        return ("looks like a frequency", 5.0) if 49 <= value <= 51 or 59 <= value <= 61 else ("a small number", 2.0)
    if 80 <= value <= 300:
        return "looks like a voltage", 4.0
    if 300 < value <= 520:
        return "looks like a voltage between lines", 3.5
    if 0.5 <= size <= 1:
        return "looks like a power factor", 2.5
    if 1e-3 <= size <= 1e8:
        return "a measured value", 2.0
    return "", 0.0


def _integer_hint(kind: TypeName, value: int) -> tuple[str, float]:
    wide = TYPES[kind].words > 1
    if kind == "int32" and -(1 << 24) < value < 0:
        return "a negative number", 1.2
    if wide and not 0 < value < 1 << (16 * TYPES[kind].words - 8):
        # The highest bits of a wide number in use: a counter at best.
        return "", 0.0
    bonus = 0.6 if wide else 0.0
    for factor in FACTORS:
        scaled = value * factor
        if 49.5 <= scaled <= 50.5 or 59.5 <= scaled <= 60.5:
            return f"frequency{_NAMES[factor]}", (1.0 if factor == 0.001 else 1.1 * _INTEGER_SCORES[factor]) + bonus
        if 205 <= scaled <= 255 or 105 <= scaled <= 130:
            return f"voltage{_NAMES[factor]}", _INTEGER_SCORES[factor] * (1.0 if scaled >= 205 else 0.5) + bonus
        if 370 <= scaled <= 430:
            return f"voltage between lines{_NAMES[factor]}", 0.8 * _INTEGER_SCORES[factor] + bonus
    return ("a number", 1.0) if kind == "uint32" else ("", 0.0)


def _raise_neighbours(sights: dict[int, list[Sight]]) -> None:
    """Three phases stand side by side: a reading whose neighbours look alike is more plausible."""
    for at, here in sights.items():
        for place, sight in enumerate(here):
            step = TYPES[sight.type].words
            alike = [_alike(sight, sights.get(at + offset * step, ())) for offset in (-2, -1, 1, 2)]
            beside = sum(1 for _ in filter(None, alike))
            if sight.score >= 2 and beside:
                here[place] = msgspec.structs.replace(sight, score=sight.score + min(beside, 2) * 0.75)


def _alike(sight: Sight, others: Sequence[Sight]) -> bool:
    return any(
        other.type == sight.type
        and other.word_order == sight.word_order
        and other.hint.partition(",")[0] == sight.hint.partition(",")[0]
        and other.value is not None
        and sight.value is not None
        and "voltage" in sight.hint
        and 0.8 < other.value / sight.value < 1.25
        for other in others
    )


def _common_order(sights: Mapping[int, Sequence[Sight]], first: int) -> str:
    """The order of the plausible wide values; "" when single registers explain the block better."""
    votes: dict[str, float] = dict.fromkeys(ORDERS, 0.0)
    narrow = 0.0
    for at, here in sights.items():
        narrow += max((sight.score for sight in here if sight.type in NARROW and sight.score >= 2.2), default=0.0)
        for sight in here:
            if sight.type in ("float32", "uint32") and sight.score >= 2.2:
                votes[sight.word_order] += sight.score * (1.0 + _aligned(at, first))
    best, second = sorted(votes, key=lambda order: -votes[order])[:2]
    return best if votes[best] > 1.1 * max(votes[second], narrow) else ""


def _likely(ranked: Mapping[int, Sequence[Sight]], lettered: set[int]) -> Iterator[Sight]:
    """The best readings that do not overlap, by address."""
    chosen: list[Sight] = []
    taken: set[int] = set()
    for sight in sorted((each[0] for each in ranked.values() if each), key=lambda sight: -sight.score):
        places = set(range(sight.at, sight.at + TYPES[sight.type].words))
        if sight.score >= 1.0 and not places & taken and not places & lettered:
            chosen.append(sight)
            taken |= places
    yield from sorted(chosen, key=lambda sight: sight.at)


def _texts(words: Mapping[int, int]) -> Iterator[Text]:
    run: list[int] = []
    addresses = sorted(words)
    for at, after in pairwise([*addresses, addresses[-1] + 2] if addresses else []):
        if _letters(words[at]) or (run and words[at] == 0 and _letters(words[run[-1]])):
            run.append(at)
        if not _letters(words[at]) or after != at + 1:
            yield from _text(run, words)
            run = []


def _letters(word: int) -> bool:
    high, low = word >> 8, word & 0xFF
    return (32 <= high < 127 and (32 <= low < 127 or low == 0)) or (high == 0 and 48 <= low < 127)


def _text(run: Sequence[int], words: Mapping[int, int]) -> Iterator[Text]:
    if len(run) < TEXT_REGISTERS_MIN:
        return
    raw = b"".join(words[at].to_bytes(2, "big") for at in run)
    text = raw.replace(b"\0", b"").decode("ascii", "replace")
    letters = sum(letter.isalnum() or letter in " .-_/" for letter in text)
    if len(text.strip()) >= 4 and letters >= 0.8 * len(text) and any(letter.isalpha() for letter in text):
        yield Text(at=run[0], registers=len(run), text=text.strip())
