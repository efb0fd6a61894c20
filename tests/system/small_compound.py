"""A compound small enough for a test: four meters on two wires, two doors, two vehicles, one gateway."""

from pathlib import Path

from protocols.clock import SystemClock
from simulators.compound import Compound
from simulators.free_port import free_port
from simulators.scenario import DoorPlan, GatewayPlan, LinePlan, MeterPlan, Scenario, VehiclePlan
from tests.waiting import until

GATEWAY = "gw"
TALKERS = {"door-1", "door-2", "car-1", "car-2"}


def small_scenario() -> Scenario:
    def meter(name: str, line: str, unit: int) -> MeterPlan:
        return MeterPlan(id=name, model="eastron/sdm120", line=line, unit=unit, phases=1, every="1 s")

    return Scenario(
        site="test-site",
        gateway=[GatewayPlan(id=GATEWAY)],
        line=[
            LinePlan(name="tcp", kind="modbus-tcp", gateway=GATEWAY),
            LinePlan(name="rs485", kind="modbus-rtu", gateway=GATEWAY, baud=115200),
        ],
        meter=[meter("m1", "tcp", 1), meter("m2", "tcp", 2), meter("m3", "rs485", 1), meter("m4", "rs485", 2)],
        door=[DoorPlan(id=f"door-{n}", topic=f"doors/door-{n}", gateway=GATEWAY, swipe_every="1 s") for n in (1, 2)],
        vehicle=[
            VehiclePlan(id=f"car-{n}", topic=f"owntracks/fleet/car-{n}", gateway=GATEWAY, moving_every="1 s")
            for n in (1, 2)
        ],
    )


def small_compound(folder: Path, *, embedded_broker: bool = False, collector_settings: str = "") -> Compound:
    return Compound(
        folder,
        small_scenario(),
        SystemClock(),
        say=print,
        http_port=free_port(),
        embedded_broker=embedded_broker,
        collector_settings=collector_settings,
    )


async def produces(compound: Compound, *, answers: int, messages: int = 4) -> None:
    """Wait until so many more answers and messages were given, and every device was heard of."""
    before = compound.ledger.counts()

    def enough() -> bool:
        now = compound.ledger.counts()
        more = now[0] - before[0] >= answers and now[1] - before[1] >= messages
        return more and {message.device for message in compound.ledger.published()} >= TALKERS

    await until(enough, within_s=60, what=f"{answers} answers and {messages} messages")


async def is_verified(compound: Compound) -> bool:
    """Drain and compare; the verdict is printed, for the case that a test fails."""
    assert await compound.drain(60)
    verdict = await compound.verify()
    for line in verdict.lines():
        print(line)
    return verdict.ok
