"""The compound of the demo."""

from __future__ import annotations

from simulators import door_people
from simulators.plans import GatewayPlan
from simulators.plans_energy import PlantedPlan
from simulators.plans_modbus import LinePlan, MeterPlan, ModulePlan
from simulators.plans_mqtt import DevicePlan, DoorPlan, VehiclePlan
from simulators.scenario import Scenario

SLOWER = {"abb/b23": "10 s", "carlo-gavazzi/em340": "10 s"}
"""Models that want silence between requests: asked half as often, so that their lines are not full."""


PLANT, GATE = "b3-plant-room", "gatehouse"
STRIKES = {f"{PLANT}-strikes": "B3 door strikes", f"{GATE}-strikes": "Gatehouse door strikes"}
"""The modules that pulse the strikes of a gateway's doors."""
FAIL_SAFE = ("b1-lobby-door", "b2-lobby-door", "b3-lobby-door")
"""Doors with a magnet: without power they stand open."""
ZONES = {"b3-server-door": "server-room"}
"""Doors that know on which side somebody is."""
WANDERER = "car-24"
"""With people, the one vehicle that drives although nobody ordered it."""


def east_compound(seed: int = 1, *, people: bool = False) -> Scenario:
    """The demo: 40 meters of four models on six lines, 24 vehicles, 15 rooms, 6 guards, two gateways, and 12 doors with
    the modules that open them.

    people: somebody tells vehicles where to drive and rooms who meets there; without, vehicles go by a timetable.
    """
    return Scenario(
        seed=seed,
        gateway=[GatewayPlan(id=PLANT, name="B3 plant room"), GatewayPlan(id=GATE, name="Gatehouse")],
        line=[
            LinePlan(name="tcp-b3-risers", kind="modbus-tcp", gateway=PLANT),
            LinePlan(name="tcp-b3-main", kind="modbus-tcp", gateway=PLANT),
            LinePlan(name="rs485-b3", kind="modbus-rtu", gateway=PLANT),
            LinePlan(name="tcp-b1", kind="modbus-tcp", gateway=GATE),
            LinePlan(name="tcp-b2", kind="modbus-tcp", gateway=GATE),
            LinePlan(name="rs485-b2", kind="modbus-rtu", gateway=GATE),
            *(
                LinePlan(name=f"tcp-{name}", kind="modbus-tcp", gateway=name.removesuffix("-strikes"))
                for name in STRIKES
            ),
        ],
        meter=_meters(),
        module=[
            ModulePlan(id=name, model="waveshare/relay-d", line=f"tcp-{name}", unit=1, name=text, every="5 s")
            for name, text in STRIKES.items()
        ],
        planted=PLANTED,
        door=_doors(),
        vehicle=_vehicles(people=people),
        device=[*_rooms(people=people), *_guards()],
    )


PLANTED = [
    PlantedPlan(kind="outage", gateway=PLANT, days_ago=9, at="04:20", lasting="250 min"),
    PlantedPlan(kind="meter_change", device="b3-pumps", days_ago=16, at="10:12"),
    PlantedPlan(kind="night_load", device="b1-floor-3", days_ago=20, at="19:00"),
    PlantedPlan(kind="reversed_ct", device="b2-canteen", days_ago=30, at="14:30"),
]
"""What went wrong before the demo began; somebody who looks at the energy pages finds it."""


def _meters() -> list[MeterPlan]:
    meters: list[MeterPlan] = []

    def add(
        line: str, model: str, ids: list[str], watts: float, shape: str, parent: str = "", *, phases: int = 3,
        exports: bool = True,
    ) -> None:  # fmt: skip
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
                    shape=shape,
                    parent=parent,
                    phases=phases,
                    exports=exports,
                )
            )

    # Watts of a main are what it feeds without another meter: stairs, emergency lights, losses.
    for name, watts, shape in (
        ("b3-main", 1_500, "corridor"),
        ("b3-lifts", 14_000, "lifts"),
        ("b3-kitchen", 38_000, "kitchen"),
        ("b3-pumps", 15_000, "pumps"),
    ):
        parent = "b3-main" if name != "b3-main" else ""
        add("tcp-b3-main", "abb/b23", [name], watts, shape, parent, exports=False)
    add("tcp-b3-risers", "eastron/sdm630", [f"b3-floor-{n}" for n in range(1, 9)], 9_500, "office", "b3-main")
    add("rs485-b3", "carlo-gavazzi/em340", [f"b3-chiller-{n}" for n in range(1, 5)], 28_000, "chiller", "b3-main")
    add("rs485-b3", "eastron/sdm120", [f"b3-server-{n}" for n in range(1, 5)], 2_200, "server", "b3-main", phases=1)
    add("tcp-b1", "eastron/sdm630", ["b1-main"], 700, "corridor")
    add("tcp-b1", "eastron/sdm630", [f"b1-floor-{n}" for n in range(1, 6)], 11_000, "office", "b1-main")
    add("tcp-b2", "abb/b23", ["b2-main"], 500, "corridor")
    add("tcp-b2", "abb/b23", ["b2-canteen"], 33_000, "kitchen", "b2-main")
    add("tcp-b2", "abb/b23", ["b2-boiler"], 20_000, "boiler", "b2-main")
    add("tcp-b2", "carlo-gavazzi/em340", ["garage-main"], 2_000, "corridor")
    add("tcp-b2", "carlo-gavazzi/em340", ["garage-chargers"], 36_000, "chargers", "garage-main")
    add("rs485-b2", "eastron/sdm120", [f"b2-floor-{n}" for n in range(1, 7)], 3_100, "office", "b2-main", phases=1)
    add("rs485-b2", "carlo-gavazzi/em340", ["yard-lights"], 4_000, "lights")
    add("rs485-b2", "carlo-gavazzi/em340", ["gate-main", "guard-main"], 3_000, "guard")
    return meters


def _doors() -> list[DoorPlan]:
    regulars = door_people.REGULARS
    doors = {
        PLANT: ["b3-lobby-door", "b3-plant-door", "b3-server-door", "b3-roof-door"],
        GATE: [
            "gate-north", "gate-south", "gate-east", "b1-lobby-door", "b1-archive-door",
            "b2-lobby-door", "b2-canteen-door", "garage-door",
        ],
    }  # fmt: skip
    found = [
        DoorPlan(
            id=name,
            topic=f"doors/{name}",
            name=name.replace("-", " "),
            gateway=gateway,
            by_the_clock=True,
            misuse=0.02,
            strike=f"{gateway}-strikes/relay_{number}",
            lock="fail-safe" if name in FAIL_SAFE else "fail-secure",
            zone=ZONES.get(name, ""),
            regulars=regulars.get(name, regulars[""]),
        )
        for gateway, names in doors.items()
        for number, name in enumerate(names, 1)
    ]
    inside = "b3-server-exit"
    exit_reader = DoorPlan(
        id=inside, topic=f"doors/{inside}", name="b3 server exit", gateway=PLANT, by_the_clock=True,
        exit_of="b3-server-door", regulars=regulars["b3-server-door"],
    )  # fmt: skip
    return [*found, exit_reader]


def _vehicles(*, people: bool) -> list[VehiclePlan]:
    return [
        VehiclePlan(
            id=f"car-{number:02d}",
            topic=f"owntracks/fleet/car-{number:02d}",
            name=f"Car {number:02d}",
            gateway=GATE,
            drives=f"car-{number:02d}" == WANDERER if people else number % 3 != 0,
        )
        for number in range(1, 25)
    ]


def _rooms(*, people: bool) -> list[DevicePlan]:
    return [
        DevicePlan(
            id=f"room-{floor}{number:02d}",
            dialect="chirpstack/vs34x",
            topic=f"application/7/device/24e124{floor}{number:02d}000000a",
            name=f"Room {floor}{number:02d}",
            gateway=GATE,
            every="15 s",
            meets=people,
        )
        for floor in (2, 3, 4)
        for number in range(1, 6)
    ]


def _guards() -> list[DevicePlan]:
    return [
        DevicePlan(
            id=f"guard-{number}",
            dialect="owntracks/phone",
            topic=f"owntracks/guards/guard-{number}",
            name=f"Guard {number}",
            gateway=GATE,
            every="10 s",
            parked_every="10 s",
        )
        for number in range(1, 7)
    ]
