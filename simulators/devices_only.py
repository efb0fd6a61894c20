"""``dayuan-sim run``: the devices of a scenario file and nothing else, for a gateway that somebody else runs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from protocols.clock import Clock
from protocols.errors import BadSettings
from simulators.accounts import talkers_accounts
from simulators.broker import Account, Broker
from simulators.free_port import free_port
from simulators.hardware import Hardware
from simulators.layout import FolderInUse, Layout
from simulators.ledger import Ledger
from simulators.scenario import Scenario
from simulators.wires.mqtt import BrokerAccount

DONE, WRONG = 0, 2
READER = "reader"


async def run_devices(
    scenario: Scenario, data: Path, clock: Clock, *, for_s: float | None, out: Callable[[str], None]
) -> int:
    """Serve the devices until Ctrl-C or for so long; prints where they are found."""
    layout = Layout(data)
    try:
        layout.lock()
    except FolderInUse as error:
        out(f"dayuan-sim: {error}; end it first, or choose another folder with --data")
        return WRONG
    state = layout.state()
    state = {"origin_ms": state.get("origin_ms", clock.now_ms()), "runs": int(state.get("runs", 0)) + 1}
    layout.keep(state)
    ledger = Ledger(layout.ledger)
    broker = await _broker(scenario, layout, clock, out)
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
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        addresses = await hardware.start_lines()
        for name, where in addresses.items():
            place = f"{where.host}:{where.port}" if where.port else where.path
            units = ", ".join(f"{meter.unit} {meter.id}" for meter in scenario.meter if meter.line == name)
            out(f"{where.kind:11} {place}  units: {units}")
        hardware.start_talking()
        out(f"ledger      {layout.ledger}")
        out("Ctrl-C ends the devices.")
        try:
            async with asyncio.timeout(for_s):
                await ended.wait()
        except TimeoutError:
            pass
        await hardware.halt()
        answers, messages = ledger.counts()
        out(f"answered {answers} reads, published {messages} messages")
        return DONE
    finally:
        await hardware.close()
        if broker is not None:
            await broker.child.stop()
        ledger.close()
        layout.unlock()


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
