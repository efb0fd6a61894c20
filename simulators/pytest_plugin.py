"""Fixtures for people who test something against our simulated hardware. Found by pytest where this is installed.

    def test_my_reader(modbus_meter):
        meter = modbus_meter("eastron/sdm630", unit=7)
        ...                                  # read it at meter.host, meter.port with whatever is under test
        assert meter.served("active_power_total") == [...]

The hardware runs in a thread of its own, so the tests may be of any kind, with or without asyncio.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Loaded in every run of pytest: what the fixtures need is imported when one of them is used.
if TYPE_CHECKING:
    from protocols.clock import ManualClock
    from simulators.scenario import Scenario
    from simulators.wires.mqtt import BrokerAccount
    from simulators.workshop import SimulatedHardware, SimulatedMeter, Workshop


@pytest.fixture
def fake_clock() -> ManualClock:
    """A clock that the test moves."""
    from protocols.clock import ManualClock

    return ManualClock()


@pytest.fixture
def simulated_hardware_workshop() -> Iterator[Workshop]:
    """The thread in which the other fixtures' hardware lives."""
    from simulators.workshop import Workshop

    workshop = Workshop()
    yield workshop
    workshop.close()


@pytest.fixture
def broker(tmp_path: Path, simulated_hardware_workshop: Workshop) -> Iterator[BrokerAccount]:
    """A broker on a free loopback port, and an account that may use every topic."""
    from protocols.clock import SystemClock
    from simulators.workshop import TESTER, open_broker

    made = open_broker(tmp_path / "broker")
    simulated_hardware_workshop.do(lambda: made.start(SystemClock()))
    yield made.account(TESTER)
    simulated_hardware_workshop.do(made.child.stop)


@pytest.fixture
def play_scenario(tmp_path: Path, simulated_hardware_workshop: Workshop) -> Iterator[Callable[..., SimulatedHardware]]:
    """``play_scenario(path_or_scenario, broker=None)`` starts its devices; they end with the test."""
    from simulators.scenario import Scenario, load_scenario
    from simulators.workshop import SimulatedHardware

    playing: list[SimulatedHardware] = []

    def play(
        scenario: Scenario | Path | str, *, broker: BrokerAccount | None = None, talk: bool = True
    ) -> SimulatedHardware:
        plan = scenario if isinstance(scenario, Scenario) else load_scenario(Path(scenario))
        folder = tmp_path / f"hardware-{len(playing)}"
        playing.append(SimulatedHardware(simulated_hardware_workshop, plan, folder, broker, talk=talk))
        return playing[-1]

    yield play
    for hardware in playing:
        hardware.close()


@pytest.fixture
def modbus_meter(play_scenario: Callable[..., SimulatedHardware]) -> Callable[..., SimulatedMeter]:
    """``modbus_meter(model, unit=1, wire="modbus-tcp", watts=..., phases=3)`` makes a meter that answers."""
    from simulators.scenario import LinePlan, MeterPlan, Scenario
    from simulators.workshop import SimulatedMeter

    def make(model: str, *, unit: int = 1, wire: str = "modbus-tcp", **more: Any) -> SimulatedMeter:
        line = LinePlan(name="line", kind=wire, baud=115200)  # type: ignore[arg-type]  # checked by the hardware
        meter = MeterPlan(id="meter", model=model, line="line", unit=unit, **more)
        hardware = play_scenario(Scenario(line=[line], meter=[meter]))
        return SimulatedMeter(hardware, "meter", hardware.addresses["line"])

    return make


@pytest.fixture
def door(play_scenario: Callable[..., SimulatedHardware], broker: BrokerAccount) -> Callable[[str], SimulatedHardware]:
    """``door(topic)`` makes an ESP-RFID door named "door" that speaks only when its ``swipe`` is called."""
    from simulators.scenario import BrokerPlan, DoorPlan, Scenario

    def make(topic: str) -> SimulatedHardware:
        plan = Scenario(broker=BrokerPlan(), door=[DoorPlan(id="door", topic=topic)])
        return play_scenario(plan, broker=broker, talk=False)

    return make


@pytest.fixture
def vehicle(
    play_scenario: Callable[..., SimulatedHardware], broker: BrokerAccount
) -> Callable[[str], SimulatedHardware]:
    """``vehicle(topic)`` makes an OwnTracks vehicle named "vehicle" that speaks only when ``report`` is called."""
    from simulators.scenario import BrokerPlan, Scenario, VehiclePlan

    def make(topic: str) -> SimulatedHardware:
        plan = Scenario(broker=BrokerPlan(), vehicle=[VehiclePlan(id="vehicle", topic=topic)])
        return play_scenario(plan, broker=broker, talk=False)

    return make
