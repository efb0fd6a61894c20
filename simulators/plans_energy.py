"""The rows of a scenario file that say what went wrong with meters in the past that is told of them."""

from __future__ import annotations

from typing import Literal

from simulators.plans import Row

PlantedKind = Literal["outage", "meter_change", "reversed_ct", "night_load"]


class PlantedPlan(Row, frozen=True, kw_only=True):
    """A fault in the history of meters, so many local days before its end, at a time of that day.

    outage: nothing of the meters of ``gateway`` arrived for ``lasting``; on a working day. meter_change: ``device`` was
    exchanged, and nobody recorded it. reversed_ct: one of its three transformers is turned from then on. night_load:
    something is left on by night from then on.
    """

    kind: PlantedKind
    device: str = ""
    gateway: str = ""
    days_ago: int
    at: str = "00:00"
    lasting: str = "0 s"
