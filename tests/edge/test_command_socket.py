"""Commands to a running gateway: over its socket to the device, and on record."""

from __future__ import annotations

import asyncio
import random
import stat
from pathlib import Path

from edge.command_desk import CommandDesk
from edge.command_socket import CommandSocket, send_command, socket_path
from edge.commands import Command, CommandOutcome, DeviceWriter
from edge.drivers.modbus import open_bus
from edge.gateway import Gateway
from edge.settings import BusSettings, load_site
from protocols.clock import SystemClock
from protocols.errors import StoreUnavailable
from protocols.events import check_event
from tests.edge.collecting_sink import CollectingSink
from tests.edge.modbus_line import ModbusLine
from tests.edge.mosquitto import free_port
from tests.edge.test_commands import RELAYS, relays
from tests.waiting import until

SITE = """
[gateway]
site = "east-compound"
id = "b3"
profile_dirs = ["profiles"]
[uplink]
url = "mqtt://127.0.0.1:{broker}"
[buffer]
path = "buffer.db"
[[bus]]
name = "doors"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {modbus}
timeout = "0.2 s"
[[device]]
id = "front-door"
profile = "t/relays"
bus = "doors"
unit = 1
every = "1 s"
"""


async def test_a_command_reaches_a_door_of_a_running_gateway(tmp_path: Path) -> None:
    line = ModbusLine({1: {0: 0, 1: 0}})
    (tmp_path / "profiles" / "t").mkdir(parents=True)
    (tmp_path / "profiles" / "t" / "relays.toml").write_text(RELAYS, encoding="utf-8")
    async with line.on_tcp() as port:
        site = tmp_path / "site.toml"
        site.write_text(SITE.format(broker=free_port(), modbus=port), encoding="utf-8")
        gateway = Gateway(load_site(site), clock=SystemClock(), rng=random.Random(1))
        buffer = tmp_path / "buffer.db"
        assert send_command(buffer, Command("front-door", "relay_1", "on")) is None
        running = asyncio.create_task(gateway.run(), name="gateway")
        try:
            await until(socket_path(buffer).exists)
            assert stat.S_IMODE(socket_path(buffer).stat().st_mode) == 0o600
            answer = await asyncio.to_thread(send_command, buffer, Command("front-door", "relay_1", "pulse", 3.0))
            assert answer == {"ok": True, "detail": "relay_1 pulse of 3 s: confirmed by the device", "value": None}
            answer = await asyncio.to_thread(send_command, buffer, Command("back-door", "relay_1", "on"))
            assert answer is not None
            assert answer["detail"] == "no device 'back-door' that takes commands; those that do: front-door"
            assert len(line.written) == 1
        finally:
            gateway.close()
            await running
        assert not socket_path(buffer).exists()


TOLD = frozenset({"relay_1", "relay_2"})


async def served(tmp_path: Path, line: ModbusLine, port: int, sink: CollectingSink) -> CommandDesk:
    clock = SystemClock()
    settings = BusSettings(name="b", kind="modbus-tcp", timeout_s=0.05, host="127.0.0.1", tcp_port=port)
    writer = DeviceWriter("door", 1, relays(), open_bus(settings, clock, random.Random(1)), clock, TOLD)
    return CommandDesk({"door": writer}, sink, clock)


async def test_every_command_that_reaches_a_device_is_on_record_with_its_outcome(tmp_path: Path) -> None:
    line = ModbusLine({1: {0: 0, 1: 0}})
    sink = CollectingSink()
    async with line.on_tcp() as port:
        desk = await served(tmp_path, line, port, sink)
        await desk.obey(Command("door", "relay_1", "on"))
        line.fault = lambda asked: "unanswered" if asked.function == 5 else ""
        await desk.obey(Command("door", "relay_1", "pulse", 3.0))
        await desk.obey(Command("door", "relay_9", "on"))
        line.fault = lambda asked: "silent"
        await desk.obey(Command("door", "relay_1", "pulse", 3.0))
    assert [(event.device, event.kind, event.data["command"], event.data["ok"]) for event in sink.events] == [
        ("door", "command_result", "relay_1 on", True),
        ("door", "command_result", "relay_1 pulse 3", None),
    ]
    assert [check_event(event) for event in sink.events] == [None, None]
    assert [(reading.point, reading.value) for reading in sink.taken] == [("relay_1", 1.0)]


async def test_a_full_disk_keeps_no_door_shut(tmp_path: Path) -> None:
    line = ModbusLine({1: {0: 0, 1: 0}})
    sink = CollectingSink()
    sink.refusal = StoreUnavailable("disk full")
    async with line.on_tcp() as port:
        outcome = await (await served(tmp_path, line, port, sink)).obey(Command("door", "relay_1", "on"))
    assert outcome.ok is True


async def test_what_is_no_command_is_answered_and_who_says_nothing_is_let_go(tmp_path: Path) -> None:
    obeyed: list[Command] = []

    async def obey(command: Command) -> CommandOutcome:
        obeyed.append(command)
        return CommandOutcome(True, "done")

    path = tmp_path / "b.command"
    serving = asyncio.create_task(CommandSocket(path, obey).run(), name="serving")
    await until(path.exists)
    answers = []
    for line in (b'{"device":"d","point":"p","action":"on"}', b'{"device":"d"}', b"rubbish", b'{"devic\xe5":"d"}'):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line + b"\n")
        answers.append(await reader.readline())
        writer.close()
    assert answers[0] == b'{"ok": true, "detail": "done", "value": null}\n'
    assert all(answer.startswith(b'{"ok": false, "detail": "not a command: ') for answer in answers[1:])
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"x" * 10000)
    assert await reader.read() == b""
    writer.close()
    assert obeyed == [Command("d", "p", "on")]
    serving.cancel()
