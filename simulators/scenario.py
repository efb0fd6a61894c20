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
from simulators.plans import FaultPlan, GatewayPlan, Row
from simulators.plans_energy import PlantedPlan
from simulators.plans_modbus import LineKind, LinePlan, MeterPlan, ModulePlan
from simulators.plans_mqtt import BrokerPlan, DevicePlan, DoorPlan, VehiclePlan
from simulators.scenario_energy import check_loads, check_planted
from simulators.scenario_modbus import check_fault, check_lines, check_units
from simulators.scenario_mqtt import check_devices, check_mqtt_fault

__all__ = [
    "BrokerPlan",
    "DevicePlan",
    "DoorPlan",
    "FaultPlan",
    "GatewayPlan",
    "LineKind",
    "LinePlan",
    "MeterPlan",
    "ModulePlan",
    "PlantedPlan",
    "Scenario",
    "VehiclePlan",
    "load_scenario",
]


SPEED_MAX = 5000.0


class Scenario(Row, frozen=True, kw_only=True):
    """A whole scenario file.

    speed: seconds of its world in one of the machine's. duration: of its world, "" without end; needed with a speed.
    time_zone: of devices that tell the time without one.
    """

    site: str = "east-compound"
    site_name: str = "East Compound"
    seed: int = 1
    speed: float = 1.0
    duration: str = ""
    time_zone: str = "Asia/Shanghai"
    people: int = 80
    broker: BrokerPlan = BrokerPlan()
    gateway: list[GatewayPlan] = msgspec.field(default_factory=list)
    line: list[LinePlan] = msgspec.field(default_factory=list)
    meter: list[MeterPlan] = msgspec.field(default_factory=list)
    module: list[ModulePlan] = msgspec.field(default_factory=list)
    door: list[DoorPlan] = msgspec.field(default_factory=list)
    vehicle: list[VehiclePlan] = msgspec.field(default_factory=list)
    device: list[DevicePlan] = msgspec.field(default_factory=list)
    fault: list[FaultPlan] = msgspec.field(default_factory=list)
    planted: list[PlantedPlan] = msgspec.field(default_factory=list)


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario file; raises BadSettings with file, line, key and what is allowed."""
    document = load_toml(path)
    scenario = decode(document, Scenario)
    _check(document, scenario)
    return scenario


def _check(document: Document, scenario: Scenario) -> None:
    ids: set[str] = set()
    tables: dict[str, Sequence[MeterPlan | ModulePlan | DoorPlan | VehiclePlan | DevicePlan]] = {
        "meter": scenario.meter,
        "module": scenario.module,
        "door": scenario.door,
        "vehicle": scenario.vehicle,
        "device": scenario.device,
    }
    for kind, rows in tables.items():
        for index, row in enumerate(rows):
            if not is_id(row.id):
                raise document.fail((kind, index, "id"), f"{row.id!r} is no device id", ID_RULE)
            if row.id in ids:
                raise document.fail((kind, index, "id"), f"{row.id!r} stands here twice")
            ids.add(row.id)
    check_lines(document, scenario.line)
    check_units(document, scenario.line, scenario.meter, scenario.module)
    check_loads(document, scenario.meter)
    check_planted(document, scenario.planted, scenario.meter, {gateway.id for gateway in scenario.gateway})
    check_devices(document, scenario.device)
    _check_pace(document, scenario)
    lines = {line.name for line in scenario.line}
    meters = {meter.id for meter in scenario.meter}
    units = meters | {module.id for module in scenario.module}
    for index, fault in enumerate(scenario.fault):
        if fault.device in ids - units:
            check_mqtt_fault(document, index, fault)
        else:
            check_fault(document, index, fault, lines, units, meters)
    _check_durations(document, scenario)


def _check_pace(document: Document, scenario: Scenario) -> None:
    if not 1 <= scenario.speed <= SPEED_MAX:
        raise document.fail(("speed",), f"{scenario.speed:g} times the pace of time", f"1 to {SPEED_MAX:g}")
    if scenario.speed > 1 and not scenario.duration:
        raise document.fail(("speed",), "a world that runs faster needs an end", 'a duration, like "1 h"')
    if scenario.duration:
        try:
            duration(scenario.duration)
        except ValueError as error:
            raise document.fail(("duration",), str(error)) from None


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
