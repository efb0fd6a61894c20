"""What the fleet of a site goes by. Each has a default that holds without anybody setting it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Metres = Annotated[float, Meta(gt=0, le=100_000)]
Seconds = Annotated[float, Meta(gt=0, le=604_800)]
Minutes = Annotated[float, Meta(gt=0, le=10_080)]
Schedule = Annotated[tuple[Annotated[str, Meta(max_length=60)], ...], Meta(max_length=16)]


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A period in which vehicles stay in (a long holiday). Times ms. Without vehicles it holds for all."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    since: Annotated[int, Meta(ge=0)]
    until: Annotated[int, Meta(ge=0)]
    vehicles: Annotated[tuple[Annotated[str, Meta(max_length=32)], ...], Meta(max_length=1000)] = ()

    def holds(self, vehicle: str, at: int) -> bool:
        return self.since <= at < self.until and (not self.vehicles or vehicle in self.vehicles)


class FleetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thresholds of one site."""

    # Which fixes count.
    accuracy_max_m: Metres = 50.0
    speed_max_m_s: Annotated[float, Meta(gt=0, le=400)] = 60.0
    future_max_s: Seconds = 60.0
    reorder_s: Annotated[float, Meta(ge=0, le=60)] = 3.0

    # Trips and stops.
    trip_distance_m: Metres = 200.0
    stop_duration_s: Seconds = 180.0
    stop_duration_ignition_off_s: Seconds = 60.0
    stop_gap_s: Seconds = 3600.0
    rest_radius_m: Metres = 50.0

    # Mileage by satellite.
    anchor_m: Metres = 25.0
    anchor_accuracies: Annotated[float, Meta(gt=0, le=10)] = 2.0

    # Fences.
    exit_margin_m: Metres = 20.0
    exit_fixes: Annotated[int, Meta(ge=1, le=100)] = 3
    exit_s: Seconds = 60.0
    crossing_gap_s: Seconds = 600.0

    # Rules.
    orders: Literal["dispatched", "always", "never"] = "dispatched"
    """Who needs an order to move: vehicles that had one in the last 7 days, all, none."""
    grace_min: Minutes = 15.0
    movement_s: Seconds = 60.0
    hours: Schedule = ()
    """When vehicles may be used that have no hours of their own; empty for always."""
    overnight: Schedule = ("daily 23:00-05:00",)
    overnight_after_min: Minutes = 30.0
    parking_after_min: Minutes = 15.0
    sensitive_after_min: Minutes = 5.0
    seals: Annotated[tuple[Seal, ...], Meta(max_length=100)] = ()

    # What is shown.
    stale_s: Seconds = 900.0
    """Without word for so long while it drives, a vehicle is not contactable."""
    stale_parked_s: Seconds = 21_600.0
    available_after_s: Seconds = 300.0
    """Standing so long without work, a vehicle is available again."""
