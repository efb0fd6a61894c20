"""Simulated hardware that runs in a thread of its own, for tests of any kind: what the fixtures of
`simulators.pytest_plugin` are made of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from protocols.clock import SystemClock
from simulators.broker import Account, Broker
from simulators.faults import NO_FAULT, Fault
from simulators.free_port import free_port
from simulators.hardware import Hardware, LineAddress
from simulators.ledger import Ledger
from simulators.scenario import Scenario
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


def open_broker(folder: Path) -> Broker:
    """A broker on a free loopback port with one account that may use every topic; not started yet."""
    account = Account(TESTER, publish=("#",), subscribe=("#",))
    broker = Broker(folder, port=free_port(), accounts=(account,))
    broker.prepare()
    return broker
