"""Fixtures for people who test something against our simulated hardware: ``pytest -p simulators.pytest_plugin``.

    def test_my_reader(modbus_meter):
        meter = modbus_meter("eastron/sdm630", unit=7)
        ...                                  # read it at meter.host, meter.port with whatever is under test
        assert meter.served("active_power_total") == [...]

The hardware runs in a thread of its own, so the tests may be of any kind, with or without asyncio.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from protocols.clock import ManualClock, SystemClock
from simulators.broker import Account, Broker
from simulators.faults import NO_FAULT, Fault
from simulators.free_port import free_port
from simulators.hardware import Hardware, LineAddress
from simulators.ledger import Ledger
from simulators.scenario import BrokerPlan, DoorPlan, LinePlan, MeterPlan, Scenario, VehiclePlan, load_scenario
from simulators.wires.mqtt import BrokerAccount
from simulators.world.people import Person

T = TypeVar("T")

CALL_S = 30.0
TESTER = "tester"


class Workshop:
    """An event loop in a thread, in which the simulated hardware lives."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulated-hardware", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine there and wait for its result."""

        async def run() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(CALL_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class SimulatedHardware:
    """A playing scenario: where its lines are, what its meters served, and handles to its doors and vehicles."""

    def __init__(
        self, workshop: Workshop, scenario: Scenario, folder: Path, broker: BrokerAccount | None, *, talk: bool
    ) -> None:
        self._workshop = workshop
        self.scenario = scenario
        clock = SystemClock()

        async def begin() -> tuple[Ledger, Hardware, dict[str, LineAddress]]:
            folder.mkdir(parents=True, exist_ok=True)
            ledger = Ledger(folder / "ledger.db")
            account = None if broker is None else (lambda _: broker)
            hardware = Hardware(
                scenario, ledger, clock, directory=folder, origin_ms=clock.now_ms() - 86_400_000, account=account
            )
            addresses = await hardware.start_lines()
            hardware.connect()
            if talk:
                hardware.start_talking()
            return ledger, hardware, addresses

        self._ledger, self._hardware, self.addresses = workshop.do(begin)

    def served(self, device: str, point: str) -> list[float]:
        """Every value of a point that was put into an answer, oldest first."""

        async def look() -> list[float]:
            return [v.value for v in self._ledger.served() if (v.device, v.point) == (device, point)]

        return self._workshop.do(look)

    def published(self) -> int:
        """Messages that the broker has confirmed."""

        async def look() -> int:
            return sum(message.confirmed_at is not None for message in self._ledger.published())

        return self._workshop.do(look)

    def break_meter(self, device: str, fault: Fault = NO_FAULT) -> None:
        """Make a meter misbehave; without a fault it behaves again."""

        async def change() -> None:
            self._hardware.meters[device].fault = fault

        self._workshop.do(change)

    def swipe(self, door: str, card: str, *, access: str = "Always") -> None:
        """Hold a card to a door's reader; returns when the broker has everything the controller says of it."""
        person = Person("Tester", card.upper(), access)
        self._workshop.do(lambda: self._hardware.doors[door].swipe(asyncio.Event(), person))

    def report(self, vehicle: str) -> None:
        """Make a vehicle publish where it is; returns when the broker has it."""
        self._workshop.do(self._hardware.vehicles[vehicle].report)

    def close(self) -> None:
        async def end() -> None:
            await self._hardware.close()
            self._ledger.close()

        self._workshop.do(end)


class SimulatedMeter:
    """One meter on a line of its own. ``host`` and ``port``, or ``path`` of a serial port."""

    def __init__(self, hardware: SimulatedHardware, device: str, address: LineAddress) -> None:
        self._hardware, self.device = hardware, device
        self.host, self.port, self.path = address.host, address.port, address.path

    def served(self, point: str) -> list[float]:
        """Every value of a point that this meter put into an answer."""
        return self._hardware.served(self.device, point)

    def breaks(self, kind: str, *, delay_s: float = 2.0, code: int = 4) -> None:
        """silent, slow, wrong or refusing: see `simulators.faults`."""
        self._hardware.break_meter(self.device, Fault(kind, delay_s, code))

    def mends(self) -> None:
        self._hardware.break_meter(self.device)


@pytest.fixture
def fake_clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock()


@pytest.fixture
def simulated_hardware_workshop() -> Iterator[Workshop]:
    """The thread in which the other fixtures' hardware lives."""
    workshop = Workshop()
    yield workshop
    workshop.close()


@pytest.fixture
def broker(tmp_path: Path, simulated_hardware_workshop: Workshop) -> Iterator[BrokerAccount]:
    """A broker on a free loopback port, and an account that may use every topic."""
    account = Account(TESTER, publish=("#",), subscribe=("#",))
    made = Broker(tmp_path / "broker", port=free_port(), accounts=(account,))
    made.prepare()
    simulated_hardware_workshop.do(lambda: made.start(SystemClock()))
    yield made.account(TESTER)
    simulated_hardware_workshop.do(made.child.stop)


@pytest.fixture
def play_scenario(tmp_path: Path, simulated_hardware_workshop: Workshop) -> Iterator[Callable[..., SimulatedHardware]]:
    """``play_scenario(path_or_scenario, broker=None)`` starts its devices; they end with the test."""
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

    def make(model: str, *, unit: int = 1, wire: str = "modbus-tcp", **more: Any) -> SimulatedMeter:
        line = LinePlan(name="line", kind=wire, baud=115200)  # type: ignore[arg-type]  # checked by the hardware
        meter = MeterPlan(id="meter", model=model, line="line", unit=unit, **more)
        hardware = play_scenario(Scenario(line=[line], meter=[meter]))
        return SimulatedMeter(hardware, "meter", hardware.addresses["line"])

    return make


@pytest.fixture
def door(play_scenario: Callable[..., SimulatedHardware], broker: BrokerAccount) -> Callable[[str], SimulatedHardware]:
    """``door(topic)`` makes an ESP-RFID door named "door" that speaks only when its ``swipe`` is called."""

    def make(topic: str) -> SimulatedHardware:
        plan = Scenario(broker=BrokerPlan(), door=[DoorPlan(id="door", topic=topic)])
        return play_scenario(plan, broker=broker, talk=False)

    return make


@pytest.fixture
def vehicle(
    play_scenario: Callable[..., SimulatedHardware], broker: BrokerAccount
) -> Callable[[str], SimulatedHardware]:
    """``vehicle(topic)`` makes an OwnTracks vehicle named "vehicle" that speaks only when ``report`` is called."""

    def make(topic: str) -> SimulatedHardware:
        plan = Scenario(broker=BrokerPlan(), vehicle=[VehiclePlan(id="vehicle", topic=topic)])
        return play_scenario(plan, broker=broker, talk=False)

    return make
