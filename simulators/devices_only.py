"""``dayuan-sim run``: the devices of a scenario file and nothing else, for a gateway that somebody else runs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec

from protocols.clock import Clock
from protocols.errors import BadSettings
from protocols.settings import duration
from simulators.accounts import talkers_accounts
from simulators.broker import Account, Broker
from simulators.devices.mqtt.device import pause
from simulators.fault_socket import FaultSocket
from simulators.free_port import free_port
from simulators.hardware import Hardware
from simulators.layout import FolderInUse, Layout
from simulators.ledger import Ledger
from simulators.scenario import MeterPlan, ModulePlan, Scenario
from simulators.wires.mqtt import BrokerAccount
from simulators.world_clock import began_ms, world_of

DONE, WRONG = 0, 2
READER = "reader"


async def run_devices(
    scenario: Scenario, data: Path, machine: Clock, *, for_s: float | None, out: Callable[[str], None]
) -> int:
    """Serve the devices until Ctrl-C or for so long; prints where they are found.

    ``for_s``, else the scenario's duration, is in the world's time: with a speed it is over so much sooner, and ends in
    the present.
    """
    if for_s is not None:
        scenario = msgspec.structs.replace(scenario, duration=f"{for_s:g} s")
    lasting_s = duration(scenario.duration) if scenario.duration else None
    layout = Layout(data)
    try:
        layout.lock()
    except FolderInUse as error:
        out(f"dayuan-sim: {error}; end it first, or choose another folder with --data")
        return WRONG
    clock = world_of(machine, speed=scenario.speed, lasting_s=lasting_s)
    began_at_ms = began_ms(clock)
    state = layout.state()
    state = {"origin_ms": state.get("origin_ms", began_at_ms), "runs": int(state.get("runs", 0)) + 1}
    layout.keep(state)
    ledger = Ledger(layout.ledger)
    broker = await _broker(scenario, layout, machine, out)
    account = _account(scenario, broker)
    hardware = Hardware(
        scenario,
        ledger,
        clock,
        directory=layout.root,
        origin_ms=state["origin_ms"],
        run=state["runs"],
        account=account,
    )
    ended = asyncio.Event()
    faults: asyncio.Task[None] | None = None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        addresses = await hardware.start_lines()
        for name, where in addresses.items():
            place = f"{where.host}:{where.port}" if where.port else where.path
            rows: list[MeterPlan | ModulePlan] = [*scenario.meter, *scenario.module]
            units = ", ".join(f"{row.unit} {row.id}" for row in rows if row.line == name)
            out(f"{where.kind:14} {place}  units: {units}")
        hardware.start_talking()
        out(f"ledger      {layout.ledger}")
        out(f"break one   dayuan-sim fault {data} DEVICE KIND   (dayuan-sim fault --list)")
        out("Ctrl-C ends the devices.")
        faults = asyncio.create_task(FaultSocket(layout.root, hardware, machine, out).run(), name="fault-socket")
        if not await _until(clock, None if lasting_s is None else began_at_ms + round(lasting_s * 1000), ended):
            await hardware.lived()
        await hardware.halt()
        answers, messages = ledger.counts()
        out(f"answered {answers} reads, published {messages} messages")
        return DONE
    finally:
        if faults is not None:
            faults.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await faults
        await hardware.close()
        if broker is not None:
            await broker.child.stop()
        ledger.close()
        layout.unlock()


async def _until(clock: Clock, end_ms: int | None, ended: asyncio.Event) -> bool:
    """Wait for the end of the world's time; True when somebody wanted it earlier."""
    if end_ms is None:
        await ended.wait()
        return True
    return not await pause(clock, (end_ms - clock.now_ms()) / 1000, ended)


async def _broker(scenario: Scenario, layout: Layout, clock: Clock, out: Callable[[str], None]) -> Broker | None:
    """A broker for everything that publishes, when the scenario has some of it and names none."""
    if scenario.broker.host or not (scenario.door or scenario.vehicle or scenario.device):
        return None
    talkers = talkers_accounts(scenario)
    everything = tuple(topic for account in talkers for topic in account.publish)
    accounts = (*talkers, Account(READER, publish=(), subscribe=everything))
    broker = Broker(layout.broker, port=free_port(scenario.broker.port), accounts=accounts)
    broker.prepare()
    try:
        await broker.start(clock)
    except RuntimeError as error:
        raise BadSettings(str(error), file=str(layout.broker)) from None
    reader = broker.account(READER)
    out(f"mqtt        {reader.host}:{reader.port}  user {READER}, password in {reader.password_file}")
    return broker


def _account(scenario: Scenario, broker: Broker | None) -> Callable[[str], BrokerAccount] | None:
    if broker is not None:
        return broker.account
    given = scenario.broker
    if not given.host:
        return None
    where = BrokerAccount(
        host=given.host,
        port=given.port or 1883,
        username=given.username,
        password_file=Path(given.password_file) if given.password_file else None,
    )
    return lambda _: where
