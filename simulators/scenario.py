"""What is simulated: lines and the meters on them, doors, vehicles, and what goes wrong when. One struct, one file.

`load_scenario` reads a TOML file (see ``deploy/samples``); `east_compound` is the compound of the demo.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from protocols.reading import ID_RULE, is_id
from protocols.settings import Document, decode, duration, load_toml
from simulators.devices.models import MODELS
from simulators.faults import KINDS

LineKind = Literal["modbus-tcp", "modbus-rtu"]


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class LinePlan(_Row, frozen=True, kw_only=True):
    """A Modbus address space: a TCP port (several units behind it: a TCP gateway) or a line on a pseudo-terminal."""

    name: str
    kind: LineKind
    gateway: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    path: str = ""
    baud: int = 38400


class MeterPlan(_Row, frozen=True, kw_only=True):
    """A meter. ``exports`` false: this variant does not measure exported energy and says so with its own "no value"."""

    id: str
    model: str
    line: str
    unit: int
    name: str = ""
    every: str = ""
    watts: float = 8_000.0
    phases: int = 3
    exports: bool = True


class DoorPlan(_Row, frozen=True, kw_only=True):
    id: str
    topic: str
    name: str = ""
    gateway: str = ""
    swipe_every: str = "40 s"


class VehiclePlan(_Row, frozen=True, kw_only=True):
    id: str
    topic: str
    name: str = ""
    gateway: str = ""
    drives: bool = True
    moving_every: str = "5 s"
    parked_every: str = "30 s"
    retain: bool = True


class FaultPlan(_Row, frozen=True, kw_only=True):
    """A meter misbehaves ``after`` so long and ``lasting`` so long ("0 s": to the end)."""

    device: str
    kind: str
    after: str = "0 s"
    lasting: str = "0 s"
    delay: str = "2 s"
    code: int = 4


class GatewayPlan(_Row, frozen=True, kw_only=True):
    """A gateway of the demo. ``every``: poll interval of its meters."""

    id: str
    name: str = ""
    every: str = "5 s"
    max_silence: str = "30 s"


class BrokerPlan(_Row, frozen=True, kw_only=True):
    """Where doors and vehicles publish; without ``host`` a broker is started."""

    host: str = ""
    port: int = 0
    username: str = ""
    password_file: str = ""


class Scenario(_Row, frozen=True, kw_only=True):
    """A whole scenario file."""

    site: str = "east-compound"
    site_name: str = "East Compound"
    seed: int = 1
    people: int = 80
    broker: BrokerPlan = BrokerPlan()
    gateway: list[GatewayPlan] = []
    line: list[LinePlan] = []
    meter: list[MeterPlan] = []
    door: list[DoorPlan] = []
    vehicle: list[VehiclePlan] = []
    fault: list[FaultPlan] = []


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
    keys: dict[str, tuple[Sequence[_Row], tuple[str, ...]]] = {
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


SLOWER = {"abb/b23": "10 s", "carlo-gavazzi/em340": "10 s"}
"""Models that want silence between requests: asked half as often, so that their lines are not full."""


def east_compound(seed: int = 1) -> Scenario:
    """The demo: 40 meters of four models on six lines, 12 doors, 24 vehicles, two gateways."""
    plant, gate = "b3-plant-room", "gatehouse"
    lines = [
        LinePlan(name="tcp-b3-risers", kind="modbus-tcp", gateway=plant),
        LinePlan(name="tcp-b3-main", kind="modbus-tcp", gateway=plant),
        LinePlan(name="rs485-b3", kind="modbus-rtu", gateway=plant),
        LinePlan(name="tcp-b1", kind="modbus-tcp", gateway=gate),
        LinePlan(name="tcp-b2", kind="modbus-tcp", gateway=gate),
        LinePlan(name="rs485-b2", kind="modbus-rtu", gateway=gate),
    ]
    meters: list[MeterPlan] = []

    def add(line: str, model: str, ids: list[str], watts: float, *, phases: int = 3, exports: bool = True) -> None:
        first = sum(meter.line == line for meter in meters) + 1
        for unit, name in enumerate(ids, first):
            load = watts * (1 + 0.07 * (unit % 5))
            meters.append(
                MeterPlan(
                    id=name,
                    model=model,
                    line=line,
                    unit=unit,
                    name=name.replace("-", " ").upper().replace("FLOOR", "floor"),
                    every=SLOWER.get(model, ""),
                    watts=round(load),
                    phases=phases,
                    exports=exports,
                )
            )

    add("tcp-b3-main", "abb/b23", ["b3-main", "b3-lifts", "b3-kitchen", "b3-pumps"], 52_000, exports=False)
    add("tcp-b3-risers", "eastron/sdm630", [f"b3-floor-{n}" for n in range(1, 9)], 9_500)
    add("rs485-b3", "carlo-gavazzi/em340", [f"b3-chiller-{n}" for n in range(1, 5)], 28_000)
    add("rs485-b3", "eastron/sdm120", [f"b3-server-{n}" for n in range(1, 5)], 2_200, phases=1)
    add("tcp-b1", "eastron/sdm630", ["b1-main", *(f"b1-floor-{n}" for n in range(1, 6))], 11_000)
    add("tcp-b2", "abb/b23", ["b2-main", "b2-canteen", "b2-boiler"], 33_000)
    add("tcp-b2", "carlo-gavazzi/em340", ["garage-main", "garage-chargers"], 18_000)
    add("rs485-b2", "eastron/sdm120", [f"b2-floor-{n}" for n in range(1, 7)], 3_100, phases=1)
    add("rs485-b2", "carlo-gavazzi/em340", ["yard-lights", "gate-main", "guard-main"], 4_000)
    door_names = {
        plant: ["b3-lobby-door", "b3-plant-door", "b3-server-door", "b3-roof-door"],
        gate: [
            "gate-north", "gate-south", "gate-east", "b1-lobby-door", "b1-archive-door",
            "b2-lobby-door", "b2-canteen-door", "garage-door",
        ],
    }  # fmt: skip
    doors = [
        DoorPlan(id=name, topic=f"doors/{name}", name=name.replace("-", " "), gateway=gateway)
        for gateway, names in door_names.items()
        for name in names
    ]
    vehicles = [
        VehiclePlan(
            id=f"car-{number:02d}",
            topic=f"owntracks/fleet/car-{number:02d}",
            name=f"Car {number:02d}",
            gateway=gate,
            drives=number % 3 != 0,
        )
        for number in range(1, 25)
    ]
    return Scenario(
        seed=seed,
        gateway=[GatewayPlan(id=plant, name="B3 plant room"), GatewayPlan(id=gate, name="Gatehouse")],
        line=lines,
        meter=meters,
        door=doors,
        vehicle=vehicles,
    )
