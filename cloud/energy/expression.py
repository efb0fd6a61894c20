"""What a virtual meter is made of, written by a person: ``[b3-main] - [b3-hvac] - 0.5 * [b3-shared]``.

Meters stand in brackets; they may be added, subtracted, and multiplied or divided by numbers. Nothing is executed: the
text is read into a number per meter, as fractions, so that nothing is rounded before the end.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from cloud.energy.contract import EnergyFault
from protocols.reading import ID_RULE, is_id

LENGTH_MAX = 1000
DEPTH_MAX = 50
DIGITS_MAX = 12

_PART = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|\[(?P<meter>[^\[\]]*)\]|(?P<sign>[-+*/()×÷]))")
_SIGNS = {"×": "*", "÷": "/"}

Linear = dict[str, Fraction]
"""Meter -> what each unit of it counts."""


class ExpressionFault(EnergyFault):
    """The text is no expression. ``position``: of the character at which it goes wrong, from 1."""

    def __init__(self, position: int, message: str) -> None:
        self.position = position
        super().__init__(f"at character {position}: {message}")


class _Part(NamedTuple):
    kind: str
    text: str
    position: int


class _Sum(NamedTuple):
    """A value while reading: what each meter counts, and a plain number."""

    meters: Linear
    number: Fraction

    @property
    def plain(self) -> bool:
        return not self.meters


def parse(text: str) -> Linear:
    """What each meter counts; raises ExpressionFault."""
    if len(text) > LENGTH_MAX:
        raise ExpressionFault(LENGTH_MAX, f"longer than {LENGTH_MAX} characters")
    reader = _Reader(_split(text))
    found = reader.sum(0)
    rest = reader.here
    if rest.kind != "end":
        raise ExpressionFault(rest.position, f"{rest.text!r} is not expected here; + - * / join two parts")
    if found.number:
        raise ExpressionFault(
            1, f"adds {float(found.number):g} that no meter counts; numbers may only multiply or divide"
        )
    if found.plain:
        raise ExpressionFault(1, "names no meter; write them in brackets, like [b3-main] - [b3-hvac]")
    return {meter: weight for meter, weight in found.meters.items() if weight}


def _split(text: str) -> list[_Part]:
    parts: list[_Part] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _PART.match(text, place)
        if found is None:
            at = place + len(text[place:]) - len(text[place:].lstrip())
            raise _unreadable(text, at)
        kind = found.lastgroup or ""
        word, position = found.group(kind), found.start(kind) + 1
        if kind == "meter":
            word = word.strip()
            if not is_id(word):
                raise ExpressionFault(position, f"{word[:40]!r} is no meter's id: {ID_RULE}")
        if kind == "number" and len(word) > DIGITS_MAX:
            raise ExpressionFault(position, f"a number of more than {DIGITS_MAX} digits")
        parts.append(_Part(kind, _SIGNS.get(word, word), position))
        place = found.end()
    parts.append(_Part("end", "the end", end + 1))
    return parts


def _unreadable(text: str, at: int) -> ExpressionFault:
    if text[at] == "[":
        return ExpressionFault(at + 1, "this bracket is not closed")
    if text[at].isalpha():
        word = re.match(r"[\w-]+", text[at:])
        return ExpressionFault(at + 1, f"meters stand in brackets: [{word.group() if word else text[at]}]")
    return ExpressionFault(at + 1, f"{text[at]!r} means nothing here")


class _Reader:
    """Reads sums of products of parts."""

    def __init__(self, parts: list[_Part]) -> None:
        self._parts = parts
        self._place = 0

    @property
    def here(self) -> _Part:
        return self._parts[self._place]

    def _next(self) -> _Part:
        part = self.here
        self._place += 1
        return part

    def sum(self, depth: int) -> _Sum:
        left = self._product(depth)
        while self.here.text in ("+", "-") and self.here.kind == "sign":
            weight = 1 if self._next().text == "+" else -1
            right = self._product(depth)
            meters = dict(left.meters)
            for meter, value in right.meters.items():
                meters[meter] = meters.get(meter, Fraction(0)) + weight * value
            left = _Sum(meters, left.number + weight * right.number)
        return left

    def _product(self, depth: int) -> _Sum:
        left = self._single(depth)
        while self.here.text in ("*", "/") and self.here.kind == "sign":
            sign = self._next()
            right = self._single(depth)
            left = _times(left, right, sign) if sign.text == "*" else _over(left, right, sign)
        return left

    def _single(self, depth: int) -> _Sum:
        part = self._next()
        if depth > DEPTH_MAX:
            raise ExpressionFault(part.position, f"more than {DEPTH_MAX} brackets or signs within each other")
        match part.kind, part.text:
            case "number", text:
                return _Sum({}, Fraction(text))
            case "meter", text:
                return _Sum({text: Fraction(1)}, Fraction(0))
            case "sign", "-":
                return _times(_Sum({}, Fraction(-1)), self._single(depth + 1), part)
            case "sign", "(":
                inner = self.sum(depth + 1)
                close = self._next()
                if close.text != ")" or close.kind != "sign":
                    raise ExpressionFault(close.position, f"the bracket of character {part.position} is not closed")
                return inner
            case "end", _:
                raise ExpressionFault(part.position, "ends where a meter or a number is expected")
        raise ExpressionFault(part.position, f"{part.text!r} where a meter or a number is expected")


def _times(left: _Sum, right: _Sum, sign: _Part) -> _Sum:
    if not left.plain and not right.plain:
        raise ExpressionFault(sign.position, "multiplies one meter by another; only numbers can multiply")
    if left.plain:
        left, right = right, left
    return _Sum({meter: weight * right.number for meter, weight in left.meters.items()}, left.number * right.number)


def _over(left: _Sum, right: _Sum, sign: _Part) -> _Sum:
    if not right.plain:
        raise ExpressionFault(sign.position, "divides by a meter; only numbers can divide")
    if not right.number:
        raise ExpressionFault(sign.position, "divides by zero")
    return _times(left, _Sum({}, 1 / right.number), sign)
