"""Checks of what a scenario file says of loads and of planted faults. Each error names the file, the line, and what
would be right."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from protocols.settings import Document, duration
from simulators.plans_energy import PlantedPlan
from simulators.plans_modbus import MeterPlan
from simulators.world.shapes import SHAPES

CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
DAYS_MAX = 700


def check_loads(document: Document, meters: Sequence[MeterPlan]) -> None:
    """Shapes and parents of meters."""
    shaped = {meter.id: meter for meter in meters if meter.shape}
    for index, meter in enumerate(meters):
        if meter.shape and meter.shape not in SHAPES:
            raise document.fail(("meter", index, "shape"), f"no shape {meter.shape!r}", ", ".join(SHAPES))
        if not meter.parent:
            continue
        if meter.id not in shaped or meter.parent not in shaped:
            raise document.fail(
                ("meter", index, "parent"), f"no meter {meter.parent!r} with a shape, or none here", "both have a shape"
            )
        above, seen = meter.parent, {meter.id}
        while above:
            if above in seen:
                raise document.fail(("meter", index, "parent"), f"{meter.id} feeds itself", "a tree")
            seen.add(above)
            above = shaped[above].parent if above in shaped else ""


def check_planted(
    document: Document, planted: Sequence[PlantedPlan], meters: Sequence[MeterPlan], gateways: Collection[str]
) -> None:
    """What went wrong in the history."""
    shaped = {meter.id for meter in meters if meter.shape}
    for index, each in enumerate(planted):
        if each.kind == "outage":
            if each.gateway not in gateways:
                raise document.fail(("planted", index, "gateway"), f"no gateway {each.gateway!r}", ", ".join(gateways))
        elif each.device not in shaped:
            raise document.fail(("planted", index, "device"), f"no meter {each.device!r} with a shape")
        if not 1 <= each.days_ago <= DAYS_MAX:
            raise document.fail(("planted", index, "days_ago"), f"{each.days_ago} days", f"1 to {DAYS_MAX}")
        if not CLOCK.fullmatch(each.at):
            raise document.fail(("planted", index, "at"), f"{each.at!r} is no time of the day", '"04:20"')
        try:
            duration(each.lasting)
        except ValueError as error:
            raise document.fail(("planted", index, "lasting"), str(error)) from None
