"""The tree of a query, and what can be wrong with one."""

from typing import NamedTuple, TypeAlias

from protocols.errors import Permanent


class BadQuery(Permanent):
    """A query that cannot be answered; the message says what would be. ``kind``: Prometheus' own word for it."""

    def __init__(self, message: str, kind: str = "bad_data") -> None:
        self.kind = kind
        super().__init__(message)


class Matcher(NamedTuple):
    """``operator``: ``=``, ``!=``, ``=~`` or ``!~``."""

    label: str
    operator: str
    value: str


class Number(NamedTuple):
    value: float


class Select(NamedTuple):
    """Series; with ``range_ms`` their readings of so long."""

    matchers: tuple[Matcher, ...]
    range_ms: int = 0


class Call(NamedTuple):
    """A function over readings of a range."""

    name: str
    of: Select


class Aggregate(NamedTuple):
    """``labels`` are those that stay (``without`` False) or go; none and not ``without``: all into one."""

    name: str
    labels: tuple[str, ...]
    without: bool
    of: "Node"


class Binary(NamedTuple):
    """Arithmetic with at least one number."""

    operator: str
    left: "Node"
    right: "Node"


Node: TypeAlias = Number | Select | Call | Aggregate | Binary

RANGE_FUNCTIONS = (
    "avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "last_over_time",
    "increase", "rate",
)  # fmt: skip
AGGREGATIONS = ("sum", "avg", "min", "max", "count")
