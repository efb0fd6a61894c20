"""What a site decides about its dispatch: limits of the clocks, weights of the cost, who must approve what.

Kept per site in the registry and changed by API while the collector runs; what nobody set is the default here.
"""

from typing import Annotated, Literal

import msgspec

from cloud.dispatch.request import Kind, Tier

MINUTE, HOUR = 60.0, 3600.0

Seconds = Annotated[float, msgspec.Meta(ge=1, le=30 * 86_400)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1000)]
Text = Annotated[str, msgspec.Meta(max_length=100)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long each step of one tier may take."""

    acknowledge_s: Seconds
    assign_s: Seconds
    approve_s: Seconds


class Tiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"h4": "4h", "h24": "24h"}):
    """The limits by tier."""

    real_time: Limits = Limits(60, 2 * MINUTE, 10 * MINUTE)
    h4: Limits = Limits(10 * MINUTE, 30 * MINUTE, HOUR)
    h24: Limits = Limits(2 * HOUR, 12 * HOUR, 8 * HOUR)

    def of(self, tier: Tier) -> Limits:
        return {"real_time": self.real_time, "4h": self.h4, "24h": self.h24}[tier]


class Ladder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At how many percent of a clock what happens. An alarm escalates when it is late by that much more."""

    colour: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    note: Annotated[int, msgspec.Meta(ge=1, le=100)] = 80
    escalate: Annotated[int, msgspec.Meta(ge=100, le=1000)] = 200


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cost in minutes: what one unit of each term weighs (see ``cost.py``)."""

    eta: Weight = 1.0
    late: Weight = 3.0
    empty: Weight = 0.5
    fair: Weight = 0.5
    switch: Weight = 1.0
    overqualified: Weight = msgspec.field(name="class", default=1.0)
    wait: Annotated[float, msgspec.Meta(ge=1, le=100_000)] = 600.0
    """What leaving the request waiting costs, once per batch."""


class ApprovalRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request of this kind (any when empty) needs approval when the condition holds."""

    when: Literal["always", "out_of_town", "after_hours"]
    kind: Kind | Literal[""] = ""


class DispatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of one site."""

    tiers: Tiers = Tiers()
    ladder: Ladder = Ladder()
    weights: Weights = Weights()
    approval: Annotated[tuple[ApprovalRule, ...], msgspec.Meta(max_length=20)] = ()
    """Empty: nothing needs approval."""
    emergency_approve_s: Seconds = 24 * HOUR
    """An emergency is served first; by then it must be approved."""
    office_hours: Annotated[tuple[Text, ...], msgspec.Meta(max_length=10)] = ("workday 07:30-19:00",)
    out_of_town_km: Annotated[float, msgspec.Meta(gt=0, le=5000)] = 40.0
    automatic: Annotated[tuple[Tier, ...], msgspec.Meta(max_length=3)] = ()
    """Tiers in which the suggestion is assigned without a dispatcher. None by default."""
    batch_s: Annotated[float, msgspec.Meta(ge=2, le=60)] = 3.0
    soon_free_s: Annotated[float, msgspec.Meta(ge=0, le=4 * HOUR)] = 30 * MINUTE
    """Who is free within so long is a candidate already."""
    look_ahead_s: Annotated[float, msgspec.Meta(ge=0, le=4 * HOUR)] = 10 * MINUTE
    """Booked requests join the real-time batch so long before their window."""
    arrive_slack_s: Seconds = 3 * MINUTE
    """Added to the estimate of arrival: a real-time request is late after it."""
    arrival_radius_m: Annotated[float, msgspec.Meta(ge=10, le=2000)] = 80.0
    expire_after_s: Seconds = HOUR
    """A request that nobody was sent to expires so long after its window."""
    drive_max_s: Seconds = 4 * HOUR
    rest_s: Seconds = 20 * MINUTE
    """After ``drive_max_s`` of work without such a rest a driver gets no further trip."""
    vehicle_kmh: Annotated[float, msgspec.Meta(gt=0, le=200)] = 25.0
    walking_kmh: Annotated[float, msgspec.Meta(gt=0, le=50)] = 5.0
    road_factor: Annotated[float, msgspec.Meta(ge=1, le=5)] = 1.35
    start_s: Annotated[float, msgspec.Meta(ge=0, le=HOUR)] = MINUTE
    """From the word to the wheels turning."""
    evaluation_under: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3
    """Rooms and parts of the console used for a smaller share of the time are marked for evaluation."""


DEFAULTS = DispatchSettings()
