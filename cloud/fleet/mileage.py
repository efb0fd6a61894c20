"""How far a vehicle went, by each source that says so; the best one is named with the figure.

``odometer``: the vehicle's own (CAN, JT/T 808). ``device``: what its tracker counted. ``gnss``: from positions,
advanced only when the vehicle is away from the last place that counted by more than noise can be.
"""

from typing import NamedTuple

import msgspec

from cloud.fleet.fixes import Fix, Held
from cloud.fleet.settings import FleetSettings
from cloud.geo.earth import Spot, distance_m

FAST_M_S, SLACK_KM = 60.0, 1.0
AGREES, AGREES_KM = 0.7, 2.0
"""A counter that shows less than this share of what positions say (less 2 km for their noise) did not always run."""


class Totals(NamedTuple):
    """Since the beginning of the day, in whole centimetres, so that sums do not depend on their order.

    ``*_steps``: how often the counter was read after another time; ``*_resets``: how often it fell or leapt.
    """

    odometer: int = 0
    odometer_steps: int = 0
    odometer_resets: int = 0
    device: int = 0
    device_steps: int = 0
    device_resets: int = 0
    gnss: int = 0

    def since(self, before: "Totals") -> "Totals":
        """What was added since ``before``."""
        return Totals(*(now - then for now, then in zip(self, before, strict=True)))

    def plus(self, more: "Totals") -> "Totals":
        return Totals(*(now + then for now, then in zip(self, more, strict=True)))


NONE = Totals()


class Mileage(msgspec.Struct, frozen=True):
    """The last reading of each source, and what they add up to."""

    odometer: Held | None = None
    device: Held | None = None
    anchor: Spot | None = None
    totals: Totals = NONE


class Distance(NamedTuple):
    """A distance as it is shown. source: ``odometer``, ``device``, ``gnss``."""

    km: float
    source: str


def drive(mileage: Mileage, fix: Fix, still: Spot | None, settings: FleetSettings) -> Mileage:
    """Take an accepted fix. still: where the vehicle stands by the mean of its fixes; None on a trip."""
    totals = mileage.totals
    odometer, device, anchor = mileage.odometer, mileage.device, mileage.anchor
    if fix.odometer_km is not None:
        added, reset = _added(odometer, fix.odometer_km, fix.at)
        totals = totals._replace(
            odometer=totals.odometer + added,
            odometer_steps=totals.odometer_steps + (odometer is not None),
            odometer_resets=totals.odometer_resets + reset,
        )
        odometer = Held(fix.odometer_km, fix.at)
    if fix.device_km is not None:
        added, reset = _added(device, fix.device_km, fix.at)
        totals = totals._replace(
            device=totals.device + added,
            device_steps=totals.device_steps + (device is not None),
            device_resets=totals.device_resets + reset,
        )
        device = Held(fix.device_km, fix.at)
    if anchor is None:
        anchor = fix.spot
    else:
        spot = still or fix.spot
        moved_m = distance_m(anchor, spot)
        accuracy_m = fix.accuracy_m or 0.0
        if moved_m > max(settings.anchor_m, settings.anchor_accuracies * accuracy_m):
            anchor, totals = spot, totals._replace(gnss=totals.gnss + round(moved_m * 100))
    return Mileage(odometer, device, anchor, totals)


def best(totals: Totals) -> Distance:
    """The distance by the best source that can be believed."""
    enough = AGREES * totals.gnss - AGREES_KM * 100_000
    if totals.odometer_steps and not totals.odometer_resets and totals.odometer >= enough:
        return Distance(totals.odometer / 100_000, "odometer")
    if totals.device_steps and not totals.device_resets and totals.device >= enough:
        return Distance(totals.device / 100_000, "device")
    return Distance(totals.gnss / 100_000, "gnss")


def _added(before: Held | None, km: float, at: int) -> tuple[int, int]:
    """(centimetres, whether it was a reset)."""
    if before is None:
        return 0, 0
    added_km = km - before.value
    if added_km < 0 or added_km > FAST_M_S * (at - before.at) / 1_000_000 + SLACK_KM:
        return 0, 1
    return round(added_km * 100_000), 0
