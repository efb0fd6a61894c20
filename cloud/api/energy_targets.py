"""What a question about energy is about: the whole site, a space, a unit, or a meter; and its local days."""

from datetime import date, datetime
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import Query

from cloud.api.answers import ApiError
from cloud.energy.contract import BASE_MS, UNITS, Intervals, Source
from cloud.energy.intervals import floor
from cloud.energy.structure import Meter, Space, Structure, Unit

Of = Annotated[
    str,
    Query(
        alias="of", max_length=48, description="`meter:b3-main`, `space:b3`, `unit:office`; the whole site when empty"
    ),
]
SiteQuery = Annotated[str, Query(max_length=32)]

GRACE_MS = 1_800_000


class Target(NamedTuple):
    """``meters``: whose sum it is."""

    kind: str
    id: str
    name: str
    meters: tuple[Meter, ...]
    medium: str
    space: Space | None = None
    unit_of: Unit | None = None

    @property
    def unit(self) -> str:
        return UNITS[self.medium]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(meter.id for meter in self.meters)


def target(structure: Structure, of: str, medium: str) -> Target:
    """404 for what the site does not have."""
    kind, _, name = of.partition(":")
    if kind in ("", "site"):
        return Target("site", "", "", structure.counted(medium), medium)
    if kind == "meter" and name in structure.meter:
        meter = structure.meter[name]
        return Target("meter", name, meter.name, (meter,), meter.medium)
    if kind == "space":
        for space in structure.spaces:
            if space.id == name:
                return Target("space", name, space.name, structure.counted_in(name, medium), medium, space)
    if kind == "unit":
        for unit in structure.units:
            if unit.id == name:
                return Target("unit", name, unit.name, structure.counted_for(name, medium), medium, unit_of=unit)
    raise ApiError(404, "unknown_target", f"the site has no {of[:48]!r}", "GET /api/v1/energy/structure")


def buildings(structure: Structure, medium: str) -> list[Target]:
    """The buildings; where nobody entered any, the spaces below the topmost ones."""
    found = [each for each in structure.spaces if each.kind == "building"]
    if not found:
        tops = {each.id for each in structure.spaces if not each.parent}
        found = [each for each in structure.spaces if each.parent in tops] or list(structure.spaces)
    return [target(structure, f"space:{each.id}", medium) for each in found]


def units(structure: Structure, medium: str) -> list[Target]:
    """The units of the organisation, as they were entered."""
    return [target(structure, f"unit:{each.id}", medium) for each in structure.units]


def settled(intervals: Intervals, now: int) -> int:
    """How far a stretch up to now is over: what the last minutes brought is worked out every few, so quarter hours of
    which nothing is known yet count as over only after ``GRACE_MS``."""
    end = max(intervals.first, min(floor(now), intervals.end))
    known = np.flatnonzero(intervals.source != Source.MISSING)
    last = intervals.first + (int(known[-1]) + 1) * BASE_MS if len(known) else intervals.first
    return end if last >= end or last < floor(now) - GRACE_MS else last


def local_day(at: int, zone: ZoneInfo) -> date:
    """The day of an instant by the site's clock."""
    return datetime.fromtimestamp(at / 1000, zone).date()


def check_days(since: date, until: date, most: int) -> None:
    """422 for days that nobody can mean, or too many."""
    if not 0 < (until - since).days <= most or since.year < 1971 or until.year > 2200:
        raise ApiError(422, "bad_period", f"{since} to {until}", f"1 to {most} days from 1971 to 2200")
