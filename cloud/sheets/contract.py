"""A table before it is a file: columns that say what is in them, and rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["text", "number", "money", "share", "instant", "flag"]
"""money: Decimal, shown with two digits. share: 0 to 1. instant: ms since 1970 UTC. flag: True or False."""


class Column(NamedTuple):
    """``id`` heads the column for programs; ``heading`` for people, in the language of the file."""

    id: str
    heading: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. A cell that is None is empty, and never 0. ``zone``: by whose clock instants are written."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[object]]
    zone: str = "UTC"
