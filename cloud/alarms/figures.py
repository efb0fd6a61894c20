"""What alarms look like from afar: how many an hour, floods, what comes most often. Pure, over what is remembered."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cloud.alarms.flood import Flood, floods
from cloud.alarms.titles import title_of
from cloud.registry.alarm_book import Begun

HOUR_MS = 3_600_000
MOST = 10


class Frequent(NamedTuple):
    """A source that raises the same alarm again and again; ``share`` of all in the period."""

    kind: str
    source: str
    times: int
    share: float
    title: dict[str, str]
    """The kind in a few words, by language."""


class AlarmFigures(NamedTuple):
    """Of a period. ``hours``: (beginning of the hour, alarms that began in it), without empty ones."""

    total: int
    by_priority: dict[int, int]
    per_hour: float
    hours: list[tuple[int, int]]
    floods: list[Flood]
    in_floods: int
    frequent: list[Frequent]


def figures(
    begun: Sequence[Begun], since: int, until: int, title: Callable[[str], dict[str, str]] = title_of
) -> AlarmFigures:
    """``begun``: what began in [since, until), the oldest first. ``title``: a kind in a few words."""
    hours = Counter(one.since // HOUR_MS * HOUR_MS for one in begun)
    sources = Counter((one.kind, one.source) for one in begun)
    found = floods((one.since for one in begun), until)
    return AlarmFigures(
        total=len(begun),
        by_priority={priority: sum(one.priority == priority for one in begun) for priority in (1, 2, 3)},
        per_hour=round(len(begun) / ((until - since) / HOUR_MS), 2),
        hours=sorted(hours.items()),
        floods=found,
        in_floods=sum(flood.alarms for flood in found),
        frequent=[
            Frequent(kind, source, count, round(count / len(begun), 3), title(kind))
            for (kind, source), count in sorted(sources.items(), key=lambda item: (-item[1], item[0]))[:MOST]
        ],
    )
