"""What several meters used together, interval by interval, kept in memory until something of it changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple, Protocol

from cloud.energy.contract import Intervals, missing
from cloud.energy.redo import Redone
from cloud.energy.virtual import combine

KEPT_MAX = 400
KEPT_INTERVALS_MAX = 4_200
"""Six weeks and a day; longer stretches are asked for seldom and are not kept."""


class Asked(NamedTuple):
    """The sum of meters in [since, until), on the grid."""

    meters: tuple[str, ...]
    since: int
    until: int


class Amounts(Protocol):
    """``cloud.energy.feature.Energy``."""

    async def intervals_of(
        self, site: str, meters: Sequence[str], since: int, until: int
    ) -> Mapping[str, Intervals]: ...


class SiteLoad:
    """``of`` answers; whatever the reckoner works out anew must be told to ``redone``."""

    def __init__(self, amounts: Amounts) -> None:
        self._amounts = amounts
        self._kept: OrderedDict[tuple[str, int, Asked], Intervals] = OrderedDict()
        self._changes = 0

    def redone(self, done: Redone) -> None:
        """A stretch of a meter was worked out anew; a virtual meter may be made of it, so the site's go."""
        self._changes += 1
        for key in [
            each
            for each in self._kept
            if each[0] == done.site and done.since < each[2].until and done.until > each[2].since
        ]:
            del self._kept[key]

    async def of(self, site: str, rev: int, meters: Sequence[str], since: int, until: int) -> Intervals:
        """One sum; see ``all``."""
        asked = Asked(tuple(meters), since, until)
        return (await self.all(site, rev, [asked]))[asked]

    async def all(self, site: str, rev: int, asked: Iterable[Asked]) -> dict[Asked, Intervals]:
        """Each sum, read at once; ``rev``: of the structure. Do not change what you get.

        Nothing is known where one of them is missing: what is left would be a wrong number. Of no meters, nothing.
        """
        found: dict[Asked, Intervals] = {}
        lacking = []
        for each in dict.fromkeys(asked):
            known = self._kept.get((site, rev, each))
            if known is None:
                lacking.append(each)
            else:
                self._kept.move_to_end((site, rev, each))
                found[each] = known
        if not lacking:
            return found
        before = self._changes
        names = list(dict.fromkeys(meter for each in lacking for meter in each.meters))
        since, until = min(each.since for each in lacking), max(each.until for each in lacking)
        parts = await self._amounts.intervals_of(site, names, since, until) if names else {}
        made = await asyncio.to_thread(lambda: {each: _sum(each, parts) for each in lacking})
        if before == self._changes:
            self._keep(site, rev, made)
        return found | made

    def _keep(self, site: str, rev: int, made: Mapping[Asked, Intervals]) -> None:
        for each, intervals in made.items():
            if len(intervals) <= KEPT_INTERVALS_MAX:
                self._kept[site, rev, each] = intervals
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)


def _sum(asked: Asked, parts: Mapping[str, Intervals]) -> Intervals:
    if not asked.meters:
        return missing(asked.since, asked.until)
    if len(asked.meters) == 1:
        return parts[asked.meters[0]].between(asked.since, asked.until)
    weights = dict.fromkeys(asked.meters, Fraction(1))
    return combine(weights, parts, asked.since, asked.until)
