"""What an anomaly is, and the thresholds people may set."""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from cloud.analysis.local_series import LocalSeries
from cloud.energy.contract import BASE_MS, Doubles, Longs

AnomalyKind = Literal["frozen", "spike", "night_load", "step", "schedule_waste"]


class Anomaly(NamedTuple):
    """Something that somebody should look at.

    kind: ``frozen`` (the same figure again and again), ``spike`` (more than was ever usual), ``night_load`` (nights of
    days off take more than they need), ``step`` (a new level since ``since``), ``schedule_waste`` (load outside of
    working hours above what stands idle). extra: for each interval of it, by ``starts``, what was used beyond what was
    to be expected (kWh; below 0 for less); it is what money is worked out from. facts: figures that explain it.
    """

    kind: AnomalyKind
    since: int
    until: int
    starts: Longs
    extra: Doubles
    facts: dict[str, float]

    @property
    def kwh(self) -> float:
        return float(self.extra.sum())


class AnomalyRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each has a default that holds without anybody setting it."""

    frozen_hours: Annotated[float, Meta(ge=1, le=720)] = 6.0
    rated_kw: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    """Above it is a spike for sure."""

    spike_sigmas: Annotated[float, Meta(ge=3, le=100)] = 8.0
    spike_share: Annotated[float, Meta(ge=0.05, le=100)] = 0.5
    """And above what was to be expected by this share of it, or of the usual load when that is more."""

    spike_weekly: Annotated[float, Meta(ge=0, le=1000)] = 2.0
    """What comes more often is how the load runs, and no spike; above ``rated_kw`` it always is one."""

    night_from: Annotated[int, Meta(ge=0, le=23)] = 0
    night_until: Annotated[int, Meta(ge=1, le=24)] = 5
    night_ratio: Annotated[float, Meta(ge=0.05, le=1)] = 0.5
    """Night load of days off above this share of the workdays' usual load by day is worth a look."""

    night_steady: Annotated[float, Meta(ge=0.05, le=100)] = 0.7
    """From this share on the load runs at all hours, or by night: it is held against its own nights only."""

    night_growth: Annotated[float, Meta(ge=0.02, le=10)] = 0.25
    """Or grown by this share over the nights before, ..."""

    night_sigmas: Annotated[float, Meta(ge=1, le=50)] = 4.0
    """... and by more than those strayed."""

    night_count: Annotated[int, Meta(ge=2, le=60)] = 4
    """Nights that make the level of now."""

    step_sigmas: Annotated[float, Meta(ge=1, le=50)] = 3.0
    step_days: Annotated[int, Meta(ge=3, le=60)] = 7
    step_share: Annotated[float, Meta(ge=0.01, le=5)] = 0.2
    waste_share: Annotated[float, Meta(ge=0.02, le=10)] = 0.15
    """Load outside of working hours above idle by this share of the mean load in working hours."""

    waste_sigmas: Annotated[float, Meta(ge=1, le=50)] = 4.0
    """And above what it takes at that time on like days by so much more than it usually strays."""

    waste_kwh: Annotated[float, Meta(ge=0, le=1_000_000)] = 5.0
    """Less in a day is not told."""


def anomaly_of(kind: AnomalyKind, series: LocalSeries, here: Longs, extra: Doubles, facts: dict[str, float]) -> Anomaly:
    """An anomaly of these intervals of the series (by place)."""
    starts = series.starts[here]
    return Anomaly(kind, int(starts[0]), int(starts[-1]) + BASE_MS, starts, extra, facts)
