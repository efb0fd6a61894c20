"""Telling the journal what was worked out, when late data may change what was told before.

A feature works out a whole stretch of time from all it knows, in event time. The chronicle compares this with what it
told last: what only grew at its end is noted, anything else replaces what stood there.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cloud.assets.contract import Journal


class Entry(NamedTuple):
    """Something that happened to a thing."""

    at: int
    kind: str
    facts: Mapping[str, object]


class Chronicle:
    """What the journal holds of one thing, by stretches of time that do not overlap."""

    def __init__(self, journal: Journal, site: str, entity: str, kinds: Sequence[str]) -> None:
        self._journal, self._site, self._entity, self._kinds = journal, site, entity, tuple(kinds)
        self._told: dict[int, list[Entry]] = {}
        """By the beginning of the stretch."""

    def tell(self, since: int, until: int, entries: Sequence[Entry], *, same: int = 0) -> None:
        """All that happened in [since, until), by time; the first ``same`` of them are as told before.

        The first time, it replaces what an earlier process wrote.
        """
        told = self._told.get(since)
        if told is None:
            self._told[since] = list(entries)
            self._replace(since, until, entries)
            return
        while same < min(len(told), len(entries)) and told[same] == entries[same]:
            same += 1
        kept, grown, gone = same, list(entries[same:]), told[same:]
        told[kept:] = grown
        if not gone:
            for entry in grown:
                self._journal.note(self._site, self._entity, entry.kind, entry.at, entry.facts)
            return
        alike = _alike_at_the_end(gone, grown)
        changed = [*gone[: len(gone) - alike], *grown[: len(grown) - alike]]
        if not changed:
            return
        first = min(entry.at for entry in changed)
        end = grown[-alike].at if alike else until
        while same and entries[same - 1].at >= first:
            same -= 1
        self._replace(first, end, entries[same : len(entries) - alike])

    def move_base(self, since: int, later: int) -> None:
        """The stretch begins later now; what was told of the time before stays as it is."""
        told = self._told.pop(since, None)
        if told is not None:
            self._told[later] = [entry for entry in told if entry.at >= later]

    def forget_before(self, since: int) -> None:
        """Stretches that begin earlier will not be told again from memory."""
        for beginning in [each for each in self._told if each < since]:
            del self._told[beginning]

    def _replace(self, since: int, until: int, entries: Sequence[Entry]) -> None:
        rows = [(entry.kind, entry.at, entry.facts) for entry in entries]
        self._journal.replace(self._site, self._entity, self._kinds, since, until, rows)


def _alike_at_the_end(gone: Sequence[Entry], grown: Sequence[Entry]) -> int:
    """How many of the last entries stand in both, at instants at which nothing else changed."""
    alike = 0
    while alike < min(len(gone), len(grown)) and gone[-1 - alike] == grown[-1 - alike]:
        alike += 1
    changed = [each[-1 - alike].at for each in (gone, grown) if len(each) > alike]
    while alike and changed and grown[-alike].at <= max(changed):
        alike -= 1
    return alike
