"""`dayuan-edge scan` on a pseudo-terminal and over TCP, against devices that record what they are asked."""

from __future__ import annotations

import io
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.bus import Bus
from edge.cli import main
from edge.commissioning.scan_host import HostScan
from edge.commissioning.scan_progress import ScanProgress
from edge.commissioning.scan_serial import SerialScan
from edge.commissioning.scan_site_file import site_file
from edge.commissioning.scan_target import Host, SerialSettings
from edge.commissioning.scan_unit import Asking
from edge.drivers.modbus import open_bus
from edge.settings import BusSettings, load_site
from edge.site_warnings import warnings
from protocols.clock import Clock
from tests.edge.areas_line import AreasLine, at, text_words
from tests.edge.hasty_clock import HastyClock
from tests.edge.test_scan_model import catalog, device
from tests.peers.libmodbus import serving_tcp

DEVICES = {
    1: device("eastron-sdm630", holding={0xFC02: 112, **at(0xFC00, [0x0012, 0xD687])}),
    2: device("carlo-gavazzi-em340", input={11: 341} | at(0x5000, text_words("BW2240011234X", 7))),
    7: device("acrel-dtsd1352"),
    9: {"coil": dict.fromkeys(range(8), 0), "discrete": dict.fromkeys(range(8), 1)},
}
QUICK = (SerialSettings(9600, "N"), SerialSettings(19200, "E"))


def asking(*units: int, timeout_s: float = 0.05) -> tuple[Asking, io.StringIO]:
    said = io.StringIO()
    clock = HastyClock()
    return Asking(units, timeout_s, False, catalog, bus_of(clock), clock, ScanProgress(said, clock)), said


def bus_of(clock: Clock) -> Callable[[BusSettings], Bus]:
    return lambda settings: open_bus(settings, clock, random.Random(1))


def saved(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


async def test_a_serial_line_is_found_named_and_never_written_to(tmp_path: Path) -> None:
    line = AreasLine(DEVICES, framing="rtu")
    question, said = asking(1, 2, 3, 7, 9)
    async with line.on_pty() as port:
        scan = SerialScan(port, QUICK, question)
        await scan.run()
    assert line.functions <= {1, 2, 3, 4}
    models = {found.unit: found.model for found in scan.found}
    assert set(models) == {1, 2, 7, 9}
    assert models[1] is not None
    assert models[1].profile == "eastron/sdm630"
    assert "unit   2  carlo-gavazzi/em340" in said.getvalue()
    text = site_file(scan.found, scan.notes, command="dayuan-edge scan", at_ms=0)
    site = load_site(saved(tmp_path, text))
    assert {each.unit: each.profile for each in site.devices} == {1: "eastron/sdm630", 2: "carlo-gavazzi/em340"}
    assert "could be acrel/dtsd1352" in text
    assert "--orders" in text
    assert any("change-me" in warning for warning in warnings(site))


async def test_a_unit_is_found_at_the_first_setting_only_and_asked_no_more() -> None:
    line = AreasLine({33: DEVICES[1]}, framing="rtu")
    question, _ = asking(1, 33, 254)
    async with line.on_pty() as port:
        scan = SerialScan(port, QUICK, question)
        await scan.run()
    assert [found.where for found in scan.found] == [f"{port} at 9600 8N1"]


async def test_bytes_that_cannot_be_read_are_told_and_no_unit_is_made_of_them() -> None:
    line = AreasLine({4: DEVICES[1]}, framing="rtu")
    line.fault = lambda asked: "checksum"
    question, _ = asking(4, timeout_s=0.4)
    async with line.on_pty() as port:
        scan = SerialScan(port, QUICK[:1], question)
        await scan.run()
    assert not scan.found
    assert "Two devices with this unit id" in scan.notes[0]


async def test_a_gateway_with_units_behind_it_is_scanned_over_one_connection() -> None:
    line = AreasLine(DEVICES, gateway=True)
    question, _ = asking(*range(1, 12), timeout_s=1.0)
    async with line.on_tcp() as port:
        scan = HostScan([Host("127.0.0.1", port)], question)
        await scan.run()
    assert [found.unit for found in scan.found] == [1, 2, 7, 9]
    assert line.connections <= 8  # it is opened again after three refusals of the gateway in a row
    assert line.functions <= {1, 2, 3, 4}


async def test_a_serial_server_that_passes_rtu_frames_on_is_scanned_and_hinted_at() -> None:
    line = AreasLine(DEVICES, framing="rtu")
    question, _ = asking(1, 2)
    async with line.on_tcp() as port:
        wrong = HostScan([Host("127.0.0.1", port)], question)
        await wrong.run()
        right = HostScan([Host("127.0.0.1", port)], question, kind="modbus-rtu-tcp")
        await right.run()
    assert not wrong.found
    assert "--rtu-over-tcp" in wrong.notes[0]
    assert [found.unit for found in right.found] == [1, 2]
    assert right.found[0].bus.kind == "modbus-rtu-tcp"


async def test_hosts_that_are_not_there_do_not_stop_the_others() -> None:
    line = AreasLine({1: DEVICES[1]}, gateway=True)
    question, _ = asking(1, timeout_s=1.0)
    async with line.on_tcp() as port:
        scan = HostScan([Host("127.0.0.9", 1), Host("127.0.0.1", port)], question)
        await scan.run()
    assert [found.where for found in scan.found] == [f"127.0.0.1:{port}"]
    assert not scan.notes


async def test_a_host_that_answers_for_every_unit_is_one_device() -> None:
    """libmodbus' server, as many meters, does not look at the unit id."""
    question, _ = asking(1, 255, 0, 2, 3, timeout_s=1.0)
    with serving_tcp(inputs=DEVICES[1]["input"], holding={0xFC02: 112}) as port:
        scan = HostScan([Host("127.0.0.1", port)], question)
        await scan.run()
    (only,) = scan.found
    assert only.unit == 1
    assert only.model is not None
    assert only.model.profile == "eastron/sdm630"
    assert "every unit id" in scan.notes[0]


async def test_the_patience_for_a_gateway_is_learned_from_its_first_refusal() -> None:
    line = AreasLine({3: DEVICES[1]}, gateway=True)
    line.fault = lambda asked: "late 1.1" if asked.unit == 1 else ""
    said = io.StringIO()
    clock = HastyClock()
    question = Asking((1, 3), None, False, catalog, bus_of(clock), clock, ScanProgress(said, clock, quiet=True))
    async with line.on_tcp() as port:
        scan = HostScan([Host("127.0.0.1", port)], question)
        await scan.run()
    assert [found.unit for found in scan.found] == [3]


def test_ctrl_c_prints_what_was_found_so_far(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge.cli", "scan", "127.0.0.1:{port}", "--units", "1,100-247", "--timeout", "5s"]
    with serving_tcp(inputs={}, holding={}) as port:
        # Every unit answers; a scan of them is long enough to be interrupted after the first find.
        command[4] = f"127.0.0.1:{port}"
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        assert process.stderr is not None
        for line in process.stderr:
            if "unit 1 " in line:
                break
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode in (130, 0, 1)
    assert "[[bus]]" in out


def test_nothing_found_is_said_with_what_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "127.0.0.1:1", "--units", "1", "--timeout", "50ms"]) == 1
    told = capsys.readouterr()
    assert "Connection refused" in told.err
    assert told.out == ""


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = saved(tmp_path, "mine")
    assert main(["scan", "127.0.0.1:1", "--save", str(mine)]) == 2
    assert "not overwritten" in capsys.readouterr().err
    assert mine.read_text("utf-8") == "mine"


@pytest.mark.parametrize("words", [["nowhere/"], ["127.0.0.1", "--units", "300"], ["/dev/null", "--baud", "9601"]])
def test_wrong_words_are_an_error_with_what_would_be_right(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", *words]) == 2
    assert capsys.readouterr().err.strip()


def test_json_holds_units_and_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    with serving_tcp(inputs=DEVICES[1]["input"], holding={0xFC02: 112}) as port:
        assert main(["scan", f"127.0.0.1:{port}", "--units", "1", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["found"]
    assert found["unit"] == 1
    assert found["model"]["profile"] == "eastron/sdm630"
    assert "0xFC02 = 112" in found["model"]["evidence"][0]
