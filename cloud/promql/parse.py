"""Text to tree: recursive descent over a small grammar.

sum   = product (("+" | "-") product)*
product = signed (("*" | "/") signed)*
signed = ["-"] atom
atom  = NUMBER | "(" sum ")" | FUNCTION "(" selector ")" | AGGREGATION [by] "(" sum ")" [by] | selector
selector = (NAME ["{" matchers "}"] | "{" matchers "}") ["[" DURATION "]"]
"""

import math
import re
from typing import NamedTuple, NoReturn

from cloud.promql.syntax import (
    AGGREGATIONS,
    RANGE_FUNCTIONS,
    Aggregate,
    BadQuery,
    Binary,
    Call,
    Matcher,
    Node,
    Number,
    Select,
)

TEXT_MAX = 4_000
DEPTH_MAX = 20
TERMS_MAX = 200
UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_TOKENS = re.compile(
    r"\s*(?:"
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|(?P<duration>(?:\d+(?:ms|[smhdwy]))+(?!\w))"
    r"|(?P<name>[a-zA-Z_:][\w:]*)"
    r'|(?P<text>"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`)'
    r"|(?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^(){}\[\],=<>@])"
    r")"
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse_duration(text: str) -> int:
    """``5m``, ``1h30m``: ms. Raises BadQuery."""
    if not _DURATION.fullmatch(text) or len(text) > 40:
        raise BadQuery(f"{text[:40]!r} is no duration, as in 30s, 5m, 1h30m, 7d")
    return sum(int(count) * UNITS_MS[unit] for count, unit in _PART.findall(text))


def parse_query(text: str) -> Node:
    """The tree of a query. Raises BadQuery that says where it is wrong, and what there is instead."""
    if len(text) > TEXT_MAX:
        raise BadQuery(f"a query of {len(text)} characters; at most {TEXT_MAX}")
    parser = _Parser(_tokens(text))
    tree = parser.sum(0)
    parser.end()
    return tree


def parse_selector(text: str) -> Select:
    """Only series, as in ``match[]``. Raises BadQuery."""
    tree = parse_query(text)
    if not isinstance(tree, Select) or tree.range_ms:
        raise BadQuery(f"{text[:80]!r} is no selector of series")
    return tree


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKENS.match(text, at)
        if match is None or match.lastgroup is None:
            raise BadQuery(f"{text[at : at + 20].strip()!r} at {at + 1} is nothing this understands")
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    if len(found) > TERMS_MAX:
        raise BadQuery(f"a query of {len(found)} words and signs; at most {TERMS_MAX}")
    return found


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._place = tokens, 0

    def sum(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise BadQuery(f"nested deeper than {DEPTH_MAX}")
        left = self._product(depth)
        while sign := self._take("+", "-"):
            left = _binary(sign, left, self._product(depth))
        return left

    def _product(self, depth: int) -> Node:
        left = self._signed(depth)
        while sign := self._take("*", "/"):
            left = _binary(sign, left, self._signed(depth))
        return left

    def _signed(self, depth: int) -> Node:
        if self._take("-"):
            return _binary("*", Number(-1.0), self._atom(depth))
        self._take("+")
        return self._atom(depth)

    def _atom(self, depth: int) -> Node:
        token = self._peek()
        if token is None:
            raise BadQuery("the query ends where a value should be")
        if token.kind == "number":
            self._place += 1
            return Number(float(token.text))
        if self._take("("):
            inner = self.sum(depth + 1)
            self._need(")")
            return inner
        if token.kind == "name" and token.text.lower() in ("inf", "nan"):
            self._place += 1
            return Number(math.inf if token.text.lower() == "inf" else math.nan)
        if token.kind == "name" and self._follows(1, "(", "by", "without"):
            self._place += 1
            return self._applied(token, depth)
        return self._selector()

    def _applied(self, token: _Token, depth: int) -> Node:
        if token.text in AGGREGATIONS:
            grouping = self._grouping()
            self._need("(")
            inner = self.sum(depth + 1)
            self._need(")")
            labels, without = grouping or self._grouping() or ((), False)
            if isinstance(inner, Select) and inner.range_ms:
                raise BadQuery(f"{token.text} takes values, not a range")
            return Aggregate(token.text, labels, without, inner)
        if token.text not in RANGE_FUNCTIONS:
            known = ", ".join((*RANGE_FUNCTIONS, *AGGREGATIONS))
            raise BadQuery(f"{token.text} at {token.at + 1}: there is no such function here; there are {known}")
        self._need("(")
        inner = self._selector()
        self._need(")")
        if not inner.range_ms:
            raise BadQuery(f"{token.text} takes a range, as in {token.text}(dayuan_active_power_total[5m])")
        return Call(token.text, inner)

    def _grouping(self) -> tuple[tuple[str, ...], bool] | None:
        word = self._take("by", "without")
        if not word:
            return None
        self._need("(")
        labels: list[str] = []
        while not self._take(")"):
            labels.append(self._kind("name", "a label").text)
            if not self._take(","):
                self._need(")")
                break
        return tuple(labels), word == "without"

    def _selector(self) -> Select:
        token = self._peek()
        matchers: list[Matcher] = []
        if token is not None and token.kind == "name":
            self._place += 1
            matchers.append(Matcher("__name__", "=", token.text))
        if self._take("{"):
            matchers += self._matchers()
        if not matchers:
            self._wrong('a metric, as in dayuan_active_power_total{site="east"}')
        range_ms = 0
        if self._take("["):
            range_ms = parse_duration(self._kind("duration", "a duration, as in 5m").text)
            self._need("]")
            if range_ms <= 0:
                raise BadQuery("a range is longer than nothing")
        return Select(tuple(matchers), range_ms)

    def _matchers(self) -> list[Matcher]:
        found: list[Matcher] = []
        while not self._take("}"):
            label = self._kind("name", "a label").text
            operator = self._take("=", "!=", "=~", "!~")
            if not operator:
                self._wrong("one of = != =~ !~")
            found.append(Matcher(label, operator, _unquoted(self._kind("text", 'a text in "quotes"').text)))
            if not self._take(","):
                self._need("}")
                break
        return found

    def end(self) -> None:
        if self._peek() is not None:
            self._wrong("the end, or one of + - * /")

    def _peek(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _follows(self, further: int, *texts: str) -> bool:
        place = self._place + further
        return place < len(self._tokens) and self._tokens[place].text in texts

    def _take(self, *texts: str) -> str:
        token = self._peek()
        if token is not None and token.kind != "text" and token.text in texts:
            self._place += 1
            return token.text
        return ""

    def _need(self, text: str) -> None:
        if not self._take(text):
            self._wrong(repr(text))

    def _kind(self, kind: str, what: str) -> _Token:
        token = self._peek()
        if token is None or token.kind != kind:
            self._wrong(what)
        self._place += 1
        return token

    def _wrong(self, wanted: str) -> NoReturn:
        token = self._peek()
        where = "the query ends" if token is None else f"{token.text[:40]!r} at {token.at + 1}"
        raise BadQuery(f"{where}: here should be {wanted}")


def _binary(operator: str, left: Node, right: Node) -> Node:
    for side in (left, right):
        if isinstance(side, Select) and side.range_ms:
            raise BadQuery(f"{operator} takes values, not a range")
    if not isinstance(left, Number) and not isinstance(right, Number):
        raise BadQuery(f"{operator} between two sets of series is not done here; one side must be a number")
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(arithmetic(operator, left.value, right.value))
    return Binary(operator, left, right)


def arithmetic(operator: str, left: float, right: float) -> float:
    """As floating point has it: a division by zero is infinite, or no number."""
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
    return left / right


def _unquoted(text: str) -> str:
    if text[0] == "`":
        return text[1:-1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
