"""One reading of everything, for a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.commissioning.read_once import as_json, as_table, read_devices
from edge.settings import load_site
from protocols.clock import SystemClock
from protocols.errors import BadSettings
from tests.edge.areas_line import at, text_words
from tests.peers.pymodbus_server import serving
from tests.protocols.modbus.register_case import CASES, read_case


def site(folder: Path, port: int, *, extra: str = "") -> Path:
    path = folder / "site.toml"
    path.write_text(
        f"""
[gateway]
site = "s"
id = "g"
[uplink]
url = "mqtt://127.0.0.1:1883"
[[bus]]
name = "net"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
timeout = "300 ms"
[[bus]]
name = "local"
kind = "mqtt"
url = "mqtt://127.0.0.1:1884"
[[device]]
id = "main"
profile = "schneider/iem3155"
bus = "net"
unit = 1
extended = true
{extra}
""",
        encoding="utf-8",
    )
    return path


DEAD = '[[device]]\nid = "dead"\nprofile = "eastron/sdm120"\nbus = "net"\nunit = 9\n'


async def test_every_point_is_shown_with_value_unit_quality_and_registers(tmp_path: Path) -> None:
    case = read_case(CASES / "schneider-iem3155" / "readings.toml")
    async with serving({1: case.registers["holding"]}) as port:
        rows = await read_devices(load_site(site(tmp_path, port, extra=DEAD)), None, SystemClock())
    main = {row.point: row for row in rows if row.device == "main" and row.point}
    assert set(main) == set(case.expected)
    assert main["active_power_total"].value == pytest.approx(case.expected["active_power_total"])
    assert main["active_power_total"].unit == "W"
    assert main["active_power_total"].registers == "4067 9db2"
    (dead,) = [row for row in rows if row.device == "dead"]
    assert "unit 9" in dead.error
    table = as_table(rows, registers=True)
    assert "main  (schneider/iem3155)" in table
    assert "error: unit 9" in table
    assert any(
        line.split()[:1] == ["active_power_total"] and "W" in line.split() and "4067 9db2" in line
        for line in table.splitlines()
    )
    decoded = json.loads(as_json(rows))
    assert {row["point"] for row in decoded if row["device"] == "main" and row["point"]} == set(case.expected)


async def test_what_the_device_says_of_itself_is_shown(tmp_path: Path) -> None:
    case = read_case(CASES / "schneider-iem3155" / "readings.toml")
    held = case.registers["holding"] | at(49, text_words("iEM3155", 20)) | at(129, [0x0012, 0xD687])
    async with serving({1: held}) as port:
        rows = await read_devices(load_site(site(tmp_path, port)), "main", SystemClock())
    table = as_table(rows)
    assert "serial number 1234567" in table.splitlines()[0]
    assert "note:" not in table


async def test_a_device_that_answers_like_another_model_is_told(tmp_path: Path) -> None:
    case = read_case(CASES / "schneider-iem3155" / "readings.toml")
    held = case.registers["holding"] | at(49, text_words("PM5320", 20))
    async with serving({1: held}) as port:
        rows = await read_devices(load_site(site(tmp_path, port)), "main", SystemClock())
    (note,) = [row.note for row in rows if row.note]
    assert "answers like another model" in note
    assert "PM5320" in note


async def test_registers_that_are_not_there_are_shown_as_bad(tmp_path: Path) -> None:
    case = read_case(CASES / "schneider-iem3155" / "readings.toml")
    held = {address: word for address, word in case.registers["holding"].items() if address not in (3059, 3060)}
    async with serving({1: held}) as port:
        rows = await read_devices(load_site(site(tmp_path, port)), "main", SystemClock())
    (missing,) = [row for row in rows if row.point and row.value is None]
    assert (missing.point, missing.quality, missing.reason) == ("active_power_total", "bad", "device_error")


async def test_a_device_that_is_not_in_the_site_file_is_refused_with_the_ones_that_are(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"no device 'b9'.*allowed: main"):
        await read_devices(load_site(site(tmp_path, 502)), "b9", SystemClock())


async def test_a_device_on_mqtt_cannot_be_read(tmp_path: Path) -> None:
    extra = '[[device]]\nid = "gate"\nprofile = "esp-rfid/reader"\nbus = "local"\ntopic = "gate"\n'
    with pytest.raises(BadSettings, match="reports by itself over MQTT"):
        await read_devices(load_site(site(tmp_path, 502, extra=extra)), "gate", SystemClock())
