"""What a round of retention leaves of a class, as it is held; asked by everything that forgets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, not_

from cloud.privacy.holding import Holding


class Kept(NamedTuple):
    """What stays although it is old: of these sites, and what holds one of these words."""

    sites: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    plates: frozenset[str] = frozenset()
    """Plain."""


def kept_of(holding: Holding, kept: str) -> Kept | None:
    """What stays of a class; None: all of it. Who is held with a site is held at the others, too."""
    parts = [each for each in holding.parts if each.kept in ("", kept)]
    if any(not each.site and each.person is None for each in parts):
        return None
    people = [each.person for each in parts if each.person is not None]
    return Kept(
        frozenset(each.site for each in parts if each.person is None),
        frozenset(word for each in people for word in each.words | each.lent.cards),
        frozenset(plain for each in people for plain in each.plain_plates),
    )


def of_others(table: Any, kept: Kept, *columns: Any) -> ColumnElement[bool]:
    """Rows of a table with sites on which nobody has a hold."""
    parts: Sequence[ColumnElement[bool]] = [table.site.not_in(sorted(kept.sites))]
    held = [not_(column.contains(word, autoescape=True)) for column in columns for word in sorted(kept.words)]
    return and_(*parts, *held)
