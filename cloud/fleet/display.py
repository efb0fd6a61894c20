"""Vehicles on the screen: the position at once, everything else once a second when it changed."""

from cloud.assets.contract import AssetKey, ResourceState, Shown
from cloud.fleet.fixes import Fix
from cloud.fleet.line import Line
from cloud.fleet.rules import FINDINGS, Yard
from cloud.fleet.vehicles import Doing, attributes, doing, resource_of, stale_s
from cloud.geo.earth import Spot, distance_m
from cloud.registry.trip_book import StoredService

KIND = "vehicle"
PLACE_M = 20.0
"""So far a vehicle goes before it is asked anew where that is, in words."""


class Display:
    """Shows vehicles, and remembers what each was doing for dispatch."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._resources: dict[AssetKey, ResourceState] = {}
        self._doing: dict[AssetKey, Doing] = {}
        self._places: dict[AssetKey, tuple[Spot, str]] = {}

    def moved(self, line: Line, yard: Yard) -> None:
        """A newer position of a vehicle that is shown already."""
        fix = line.contact.fix
        what = self._doing.get(line.key)
        if fix is None or what is None:
            return
        self._resources[line.key] = resource_of(yard.asset, what, line.contact)
        self._show(line, yard, _position(fix))

    def refresh(self, line: Line, yard: Yard, service: StoredService | None, now: int) -> None:
        """All there is to show of a vehicle."""
        what = doing(yard, line.state, line.contact, service, now)
        before = self._doing.get(line.key)
        self._doing[line.key] = what
        self._resources[line.key] = resource_of(yard.asset, what, line.contact)
        open_ = line.state.watch.open if line.state is not None else {}
        warning = next((kind for kind in FINDINGS if kind in open_), "")
        shown = attributes(yard, line.state, line.contact, what, warning, self._place(line, yard))
        if service is not None:
            shown["out_of_service"] = service.reason
        else:
            shown["out_of_service"] = yard.asset.text("out_of_service")
        self._show(line, yard, shown, urgent=before is not None and before.state != what.state)

    def hide(self, key: AssetKey) -> None:
        """The vehicle is no asset any more."""
        self._shown.hide(key.entity)
        for known in (self._resources, self._doing, self._places):
            known.pop(key, None)

    def states(self, site: str) -> list[ResourceState]:
        """Vehicles of a site for dispatch, by id."""
        return [self._resources[key] for key in sorted(self._resources) if key.site == site]

    def _show(self, line: Line, yard: Yard, shown: dict[str, object], *, urgent: bool = False) -> None:
        contact = line.contact
        moving = line.state is not None and line.state.journey.moving
        self._shown.show(
            line.key.entity,
            KIND,
            line.key.site,
            title=yard.asset.name,
            attributes=shown,
            observed_at=contact.fix.at if contact.fix else contact.heard_at,
            received_at=contact.received_at,
            stale_after_s=stale_s(yard.asset, yard.settings, moving=moving) if yard.asset.bindings else None,
            urgent=urgent,
        )

    def _place(self, line: Line, yard: Yard) -> str:
        fix = line.contact.fix
        spot = fix.spot if fix is not None else yard.asset.spot
        if spot is None:
            return ""
        known = self._places.get(line.key)
        if known is None or distance_m(known[0], spot) > PLACE_M:
            known = self._places[line.key] = (spot, yard.map.where(line.key.site, spot))
        return known[1]


def _position(fix: Fix) -> dict[str, object]:
    return {
        "latitude": round(fix.spot.latitude, 7),
        "longitude": round(fix.spot.longitude, 7),
        "accuracy_m": fix.accuracy_m,
        "speed_kmh": fix.speed_kmh,
        "course_deg": fix.course_deg,
    }
