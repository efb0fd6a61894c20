"""Which checkpoints somebody is at: by a card at a reader, a tag at a device that is carried, or a position."""

import bisect
from collections.abc import Iterable, Iterator

from cloud.assets.contract import AssetKey, SiteMap
from cloud.geo.earth import Spot, distance_m, inside
from cloud.patrol.routes import Checkpoint, Route
from cloud.patrol.runs import Run, Scan

NEAR_M = 30.0


class Checkpoints:
    """The checkpoints of the routes of a site that something stands for."""

    def __init__(self, site_map: SiteMap) -> None:
        self._map = site_map

    def at_reader(self, routes: Iterable[Route], device: str, named: str) -> Iterator[Checkpoint]:
        """``named``: the checkpoint that the thing with the reader says it is."""
        return (
            each for each in _all(routes) if (each.reader and each.reader == device) or (named and each.id == named)
        )

    def with_tag(self, routes: Iterable[Route], tag: str) -> Iterator[Checkpoint]:
        return (each for each in _all(routes) if tag and each.tag == tag)

    def at_spot(self, routes: Iterable[Route], site: str, spot: Spot) -> Iterator[Checkpoint]:
        return (each for each in _all(routes) if each.place and self._is_at(site, spot, each.place))

    def _is_at(self, site: str, spot: Spot, name: str) -> bool:
        for fence in self._map.fences(site):
            if name in (fence.id, fence.name):
                if fence.centre is not None and fence.radius_m:
                    return distance_m(spot, fence.centre) <= fence.radius_m
                return bool(fence.ring) and inside(spot, fence.ring)
        place = self._map.place(site, name)
        return place is not None and distance_m(spot, place.spot) <= NEAR_M


class Scans:
    """Who was where, of the days in memory, each site's sorted."""

    def __init__(self) -> None:
        self.late: dict[str, set[Scan]] = {}
        """Of runs that are not in memory, until they are judged anew."""
        self.changed: set[tuple[str, int]] = set()
        """Site and instant of scans that came since runs were judged."""
        self._known: dict[str, list[Scan]] = {}

    def take(self, person: AssetKey, checkpoints: Iterable[Checkpoint], at: int, first: int) -> None:
        """Somebody was there. ``first``: what was before is not in memory."""
        for each in checkpoints:
            scan = Scan(at, each.id, person.id)
            if at < first:
                self.late.setdefault(person.site, set()).add(scan)
            else:
                self.put(person.site, scan)

    def put(self, site: str, scan: Scan) -> None:
        """The same one twice counts once."""
        known = self._known.setdefault(site, [])
        where = bisect.bisect_left(known, scan)
        if where == len(known) or known[where] != scan:
            known.insert(where, scan)
            self.changed.add((site, scan.at))

    def between(self, site: str, since: int, until: int) -> list[Scan]:
        """Those in [since, until)."""
        known = self._known.get(site, [])
        at = [bisect.bisect_left(known, each, key=lambda scan: scan.at) for each in (since, until)]
        return known[at[0] : at[1]]

    def forget_before(self, site: str, first: int) -> None:
        """They are needed in memory no longer."""
        known = self._known.get(site, [])
        del known[: bisect.bisect_left(known, first, key=lambda scan: scan.at)]


def scans_of(run: Run) -> list[Scan]:
    """What a run that was written down knows; with later scans it is judged as if all were known."""
    return [Scan(point.at, point.id, point.guard) for point in run.checkpoints if point.at is not None]


def _all(routes: Iterable[Route]) -> Iterator[Checkpoint]:
    for route in routes:
        yield from route.checkpoints
