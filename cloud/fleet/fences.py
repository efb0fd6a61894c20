"""Who is within which fence: in at the true boundary, out only when well outside for a while, as noise never is."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from cloud.fleet.fixes import Fix
from cloud.fleet.settings import FleetSettings
from cloud.fleet.shapes import Shape, Shapes
from cloud.geo.earth import distance_m

CROSSING_MIN_S, CROSSING_MIN_M = 10.0, 20.0


class Visit(NamedTuple):
    """A vehicle is within a fence since then. entered: it has been there long enough to count.

    beyond, beyond_since: how many fixes in a row were well outside, from when on.
    """

    since: int
    entered: bool
    beyond: int = 0
    beyond_since: int = 0


class Entered(NamedTuple):
    """A vehicle came into a fence. estimated: from the straight line between two fixes outside."""

    fence: str
    at: int
    estimated: bool = False


class Left(NamedTuple):
    """A vehicle left a fence in which it was since then."""

    fence: str
    at: int
    since: int
    estimated: bool = False


Passage = Entered | Left


class Fences(msgspec.Struct, frozen=True):
    """Visits under way, by fence."""

    visits: dict[str, Visit] = {}
    last: Fix | None = None

    @property
    def inside(self) -> list[str]:
        """Fences in which the vehicle is, in order."""
        return sorted(name for name, visit in self.visits.items() if visit.entered)


def pass_fences(
    fences: Fences, fix: Fix, shapes: Shapes, settings: FleetSettings
) -> tuple[Fences, tuple[Passage, ...]]:
    """Take an accepted fix."""
    x, y = shapes.flat(fix.spot)
    holding = [shape for shape in shapes.near(x, y) if shape.holds(x, y)]
    crossings = tuple(_crossed(fences, fix, shapes, settings, holding)) if fences.last is not None else ()
    if not holding and not fences.visits:
        return Fences(fences.visits, fix), crossings
    happened: list[Passage] = list(crossings)
    visits = fences.visits
    for shape in holding:
        name = shape.fence.id
        visit = visits.get(name)
        after = _within(visit, fix, shape, happened)
        if after is not visit:
            visits = {**visits, name: after}
    held = {shape.fence.id for shape in holding}
    for name, visit in fences.visits.items():
        if name in held:
            continue
        shape_of = shapes.by_id.get(name)
        gone = _outside(visit, fix, shape_of.beyond_m(x, y) if shape_of else None, settings)
        if gone is visit:
            continue
        visits = dict(visits)
        if gone is None:
            del visits[name]
            if visit.entered:
                happened.append(Left(name, visit.beyond_since or fix.at, visit.since))
        else:
            visits[name] = gone
    return Fences(visits, fix), tuple(happened)


def _within(visit: Visit | None, fix: Fix, shape: Shape, happened: list[Passage]) -> Visit:
    if visit is None:
        visit = Visit(fix.at, shape.fence.min_dwell_s <= 0)
        if visit.entered:
            happened.append(Entered(shape.fence.id, fix.at))
        return visit
    if visit.beyond:
        visit = Visit(visit.since, visit.entered)
    if not visit.entered and fix.at - visit.since >= shape.fence.min_dwell_s * 1000:
        visit = Visit(visit.since, True)
        happened.append(Entered(shape.fence.id, visit.since))
    return visit


def _outside(visit: Visit, fix: Fix, beyond_m: float | None, settings: FleetSettings) -> Visit | None:
    """The visit after a fix outside; None when it ended. A fence that was taken off the map is left at once."""
    if beyond_m is None:
        return None
    if beyond_m <= max(settings.exit_margin_m, fix.accuracy_m or 0.0):
        return Visit(visit.since, visit.entered) if visit.beyond else visit
    since = visit.beyond_since if visit.beyond else fix.at
    if visit.beyond + 1 >= settings.exit_fixes or fix.at - since >= settings.exit_s * 1000:
        return None
    return Visit(visit.since, visit.entered, visit.beyond + 1, since)


def _crossed(
    fences: Fences, fix: Fix, shapes: Shapes, settings: FleetSettings, holding: list[Shape]
) -> Iterator[Passage]:
    """Fences between two fixes that are far apart in time: the straight line between them goes through."""
    last = fences.last
    assert last is not None
    passed_s = (fix.at - last.at) / 1000
    if not CROSSING_MIN_S <= passed_s <= settings.crossing_gap_s or distance_m(last.spot, fix.spot) < CROSSING_MIN_M:
        return
    start, end = shapes.flat(last.spot), shapes.flat(fix.spot)
    for shape in shapes.all:
        if shape in holding or shape.fence.id in fences.visits:
            continue
        shares = shape.crossed(start, end)
        if shares is None or (shares[1] - shares[0]) * passed_s < shape.fence.min_dwell_s:
            continue
        came, went = (last.at + round(share * (fix.at - last.at)) for share in shares)
        yield Entered(shape.fence.id, came, True)
        yield Left(shape.fence.id, went, came, True)
