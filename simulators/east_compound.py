"""The compound of the demo."""

from __future__ import annotations

from simulators.plans import GatewayPlan
from simulators.plans_modbus import LinePlan, MeterPlan
from simulators.plans_mqtt import DoorPlan, VehiclePlan
from simulators.scenario import Scenario

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
