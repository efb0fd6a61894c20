"""What is simulated: lines and the meters on them, doors, vehicles, and what goes wrong when. One struct, one file.

`load_scenario` reads a TOML file (see ``deploy/samples``). The rows of its tables: `plans`, `plans_modbus`,
`plans_mqtt`. The compound of the demo is built in `east_compound`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from protocols.reading import ID_RULE, is_id
from protocols.settings import Document, decode, duration, load_toml
from simulators.devices.models import MODELS
from simulators.faults import KINDS
from simulators.plans import FaultPlan, GatewayPlan, Row
from simulators.plans_modbus import LineKind, LinePlan, MeterPlan
from simulators.plans_mqtt import BrokerPlan, DoorPlan, VehiclePlan

__all__ = [
    "BrokerPlan",
    "DoorPlan",
    "FaultPlan",
    "GatewayPlan",
    "LineKind",
    "LinePlan",
    "MeterPlan",
    "Scenario",
    "VehiclePlan",
    "load_scenario",
]


class Scenario(Row, frozen=True, kw_only=True):
    """A whole scenario file."""

    site: str = "east-compound"
    site_name: str = "East Compound"
    seed: int = 1
    people: int = 80
    broker: BrokerPlan = BrokerPlan()
    gateway: list[GatewayPlan] = msgspec.field(default_factory=list)
    line: list[LinePlan] = msgspec.field(default_factory=list)
    meter: list[MeterPlan] = msgspec.field(default_factory=list)
    door: list[DoorPlan] = msgspec.field(default_factory=list)
    vehicle: list[VehiclePlan] = msgspec.field(default_factory=list)
    fault: list[FaultPlan] = msgspec.field(default_factory=list)


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario file; raises BadSettings with file, line, key and what is allowed."""
    document = load_toml(path)
    scenario = decode(document, Scenario)
    _check(document, scenario)
    return scenario


def _check(document: Document, scenario: Scenario) -> None:
    lines = {line.name for line in scenario.line}
    ids: set[str] = set()
    tables: dict[str, Sequence[MeterPlan | DoorPlan | VehiclePlan]] = {
        "meter": scenario.meter,
        "door": scenario.door,
        "vehicle": scenario.vehicle,
    }
    for kind, rows in tables.items():
        for index, row in enumerate(rows):
            if not is_id(row.id):
                raise document.fail((kind, index, "id"), f"{row.id!r} is no device id", ID_RULE)
            if row.id in ids:
                raise document.fail((kind, index, "id"), f"{row.id!r} stands here twice")
            ids.add(row.id)
    for index, meter in enumerate(scenario.meter):
        if meter.model not in MODELS:
            raise document.fail(("meter", index, "model"), f"{meter.model!r} is not simulated", ", ".join(MODELS))
        if meter.line not in lines:
            raise document.fail(("meter", index, "line"), f"no line {meter.line!r}", ", ".join(sorted(lines)) or "none")
        if not 1 <= meter.unit <= 247:
            raise document.fail(("meter", index, "unit"), f"{meter.unit} is no unit id", "1 to 247")
    meters = {meter.id for meter in scenario.meter}
    for index, fault in enumerate(scenario.fault):
        if fault.kind not in KINDS:
            raise document.fail(("fault", index, "kind"), f"{fault.kind!r} is no fault", ", ".join(KINDS))
        if fault.device not in meters:
            raise document.fail(("fault", index, "device"), f"no meter {fault.device!r}")
    _check_durations(document, scenario)


def _check_durations(document: Document, scenario: Scenario) -> None:
    keys: dict[str, tuple[Sequence[Row], tuple[str, ...]]] = {
        "door": (scenario.door, ("swipe_every",)),
        "vehicle": (scenario.vehicle, ("moving_every", "parked_every")),
        "fault": (scenario.fault, ("after", "lasting", "delay")),
        "gateway": (scenario.gateway, ("every", "max_silence")),
    }
    for table, (rows, names) in keys.items():
        for index, row in enumerate(rows):
            for name in names:
                try:
                    duration(getattr(row, name))
                except ValueError as error:
                    raise document.fail((table, index, name), str(error)) from None
