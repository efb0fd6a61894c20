"""`dayuan-edge watch`: the table, the terminal, lines and JSON, from devices and from a running gateway."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import random
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from edge.commissioning.watch_table import WatchTable
from edge.gateway import Gateway
from edge.latest import LatestSink, Values, ask
from edge.settings import Site, load_site
from protocols.clock import SystemClock
from protocols.reading import Quality, Reading
from protocols.status import BusReport, DeviceReport
from tests.edge.test_scan_model import device
from tests.peers.libmodbus import serving_tcp
from tests.waiting import until

EM340 = device("carlo-gavazzi-em340")
AT = 1_795_294_746_479


def site_file(folder: Path, port: int, *, every: str = "1 s") -> Path:
    path = folder / "site.toml"
    path.write_text(
        f"""
[gateway]
site = "east"
id = "b3"
name = "Plant room B3"
[uplink]
url = "mqtt://127.0.0.1:1"
[[bus]]
name = "net"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
timeout = "300 ms"
[[device]]
id = "main"
profile = "carlo-gavazzi/em340"
bus = "net"
unit = 1
every = "{every}"
[[device]]
id = "spare"
profile = "eastron/sdm120"
bus = "net"
unit = 2
every = "{every}"
""",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return load_site(site_file(tmp_path, 502))


def values(*readings: Reading, at: int = AT, state: str = "ok", error: str = "") -> Values:
    return Values(
        at=at,
        buses=[BusReport(name="net", kind="modbus-tcp", state="up", busy_share=0.41, requests=1200, timeouts=2)],
        devices=[
            DeviceReport(id="main", state=state, every_s=1, achieved_s=1.0, last_error=error)  # type: ignore[arg-type]
        ],
        readings=list(readings),
    )


def text(table: WatchTable, now: Values) -> str:
    return "\n".join(line.text for line in table.lines(now))


def test_the_table_shows_values_units_ages_and_the_bus(site: Site) -> None:
    shown = text(WatchTable(site, None, "x"), values(Reading("main", "frequency", 50.02, AT - 2000)))
    assert "bus net (modbus-tcp): up, busy 41%, 1,200 requests, 2 timeouts" in shown
    (line,) = [line for line in shown.splitlines() if line.strip().startswith("frequency")]
    assert line.split() == ["frequency", "50.02", "Hz", "good", "2", "s", "ago"]
    assert "nothing yet" in shown


def test_what_is_wrong_is_said_in_words(site: Site) -> None:
    table = WatchTable(site, "main", "x")
    bad = Reading("main", "frequency", None, AT, Quality.BAD, "device_error")
    old = Reading("main", "voltage_l1_n", 230.0, AT - 3_600_000)
    odd = Reading("main", "current_l1", 9e5, AT, Quality.UNCERTAIN, "out_of_range")
    lines = table.lines(values(bad, old, odd, state="lost", error="no answer"))
    said = {line.text.split()[0]: line for line in lines if line.text}
    assert "BAD device_error" in said["frequency"].text
    assert "STALE" in said["voltage_l1_n"].text
    assert "uncertain out_of_range" in said["current_l1"].text
    assert "LOST: no answer" in said["main"].text
    assert said["frequency"].mood == "bad"


def test_a_device_is_told_once_per_poll(site: Site) -> None:
    table = WatchTable(site, None, "x")
    told: dict[str, int] = {}
    first = values(Reading("main", "frequency", 50.0, AT), Reading("main", "current_l1", 1.0, AT - 5))
    assert [len(readings) for _, readings in table.polls(first, told)] == [2]
    assert list(table.polls(first, told)) == []
    later = values(Reading("main", "frequency", 50.1, AT + 1000), Reading("main", "current_l1", 1.0, AT - 5))
    assert [len(readings) for _, readings in table.polls(later, told)] == [1]


def program(site: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "edge.cli", "watch", str(site), *words]


def test_lines_come_where_there_is_no_terminal_and_json_on_request(tmp_path: Path) -> None:
    with serving_tcp(inputs=EM340["input"]) as port:
        path = site_file(tmp_path, port)
        with subprocess.Popen(program(path, "main"), stdout=subprocess.PIPE, text=True) as plain:
            assert plain.stdout is not None
            line = plain.stdout.readline()
            plain.terminate()
        with subprocess.Popen(program(path, "main", "--json"), stdout=subprocess.PIPE, text=True) as made:
            assert made.stdout is not None
            whole = json.loads(made.stdout.readline())
            made.terminate()
    assert "main  voltage_l1_n 230.1 V" in line
    assert "\x1b" not in line
    assert whole["device"] == "main"
    assert whole["points"]["voltage_l1_n"]["value"] == 230.1
    assert whole["points"]["voltage_l1_n"]["unit"] == "V"


@pytest.mark.parametrize("no_colour", ["", "1"])
def test_a_terminal_is_drawn_on_cut_to_its_size_and_put_back(tmp_path: Path, no_colour: str) -> None:
    with serving_tcp(inputs=EM340["input"]) as port:
        path = site_file(tmp_path, port)
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
        before = termios.tcgetattr(theirs)
        environment = {**os.environ, "TERM": "xterm", "NO_COLOR": no_colour}
        environment.pop("COLUMNS", None)
        environment.pop("LINES", None)
        with subprocess.Popen(
            program(path), stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=environment
        ) as shown:
            seen = _until(ours, b"voltage_l2_n")
            os.write(ours, b"q")
            seen += _until(ours, b"\x1b[?1049l")
            assert shown.wait(timeout=10) == 0
            assert shown.stderr is not None
            assert shown.stderr.read() == b""
        assert termios.tcgetattr(theirs) == before
        os.close(ours)
        os.close(theirs)
    assert seen.startswith(b"\x1b[?1049h")
    frames = seen.decode().split("\x1b[H")[1:]
    assert all(len(frame.splitlines()) <= 2 * 12 for frame in frames)
    assert "more lines" in frames[-1]
    assert ("\x1b[1m" in seen.decode()) is not bool(no_colour)


def _until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        seen += os.read(terminal, 65536)
    return seen


async def test_a_running_gateway_is_asked_and_its_devices_are_left_alone(tmp_path: Path) -> None:
    with serving_tcp(inputs=EM340["input"]) as port:
        path = site_file(tmp_path, port)
        site = load_site(path)
        gateway = Gateway(site, clock=SystemClock(), rng=random.Random(1))
        running = asyncio.create_task(gateway.run(), name="gateway")

        def known() -> bool:
            now = ask(site.buffer.path)
            return now is not None and any(reading.value is not None for reading in now.readings)

        async def has_values() -> bool:
            return await asyncio.to_thread(known)

        await until(has_values, within_s=10)
        watching = await asyncio.create_subprocess_exec(
            *program(path, "main", "--json", "--for", "1s"), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await watching.communicate()
        gateway.close()
        await running
    assert json.loads(out.splitlines()[0])["points"]["voltage_l1_n"]["value"] == 230.1
    assert not (tmp_path / "buffer.db.latest").exists()


def test_no_gateway_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    assert ask(tmp_path / "buffer.db") is None


async def test_what_is_remembered_is_passed_on() -> None:
    last = LatestSink(SystemClock())
    first = LatestSink(SystemClock(), last)
    await first.readings([Reading("main", "frequency", 50.0, 1)])
    await first.readings([Reading("main", "frequency", 50.1, 2)])
    assert [reading.value for reading in first.values().readings] == [50.1]
    assert last.values().readings == first.values().readings


def test_an_unknown_device_is_refused_with_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edge.cli import main

    assert main(["watch", str(site_file(tmp_path, 502)), "b9"]) == 2
    assert "allowed: main, spare" in capsys.readouterr().err
