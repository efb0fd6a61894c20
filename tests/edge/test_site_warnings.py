"""What `dayuan-edge check` says of a site file that is legal and would still bite on site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli import main
from edge.commissioning.scan_catalog import load_catalog
from edge.settings import Site, load_site
from edge.site_warnings import hints, warnings
from protocols.errors import BadSettings

HEAD = '[gateway]\nsite = "east"\nid = "b3"\n[uplink]\nurl = "mqtt://127.0.0.1:1883"\n'
SERIAL = '[[bus]]\nname = "line"\nkind = "modbus-rtu"\nport = "/dev/ttyUSB0"\nbaud = 9600\n'
NET = '[[bus]]\nname = "line"\nkind = "modbus-tcp"\nhost = "192.168.1.20"\n'


def row(name: str, profile: str, unit: int, more: str = "") -> str:
    return f'[[device]]\nid = "{name}"\nprofile = "{profile}"\nbus = "line"\nunit = {unit}\n{more}\n'


def site(folder: Path, *parts: str) -> Site:
    path = folder / "site.toml"
    path.write_text(HEAD + "".join(parts), encoding="utf-8")
    return load_site(path)


def test_a_full_line_is_told_with_the_part_of_each_device(tmp_path: Path) -> None:
    devices = [row(f"m{unit}", "eastron/sdm630", unit, 'every = "1 s"') for unit in range(1, 4)]
    (said,) = [text for text in warnings(site(tmp_path, SERIAL, *devices)) if text.startswith("bus line")]
    assert "m1 " in said
    assert "%" in said
    assert "split the line" in said


def test_a_period_that_the_wire_cannot_keep_is_told(tmp_path: Path) -> None:
    found = warnings(site(tmp_path, SERIAL, row("m", "eastron/sdm630", 1, 'every = "200 ms"')))
    assert any("cannot be kept" in text for text in found)


def test_two_devices_with_one_unit_are_an_error_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r":21: .*unit 1 is already 'a' on bus 'line', line 15") as caught:
        site(tmp_path, SERIAL, row("a", "eastron/sdm630", 1), row("b", "eastron/sdm630", 1))
    assert caught.value.line == 21


def test_outputs_without_a_safe_state_are_told(tmp_path: Path) -> None:
    found = warnings(site(tmp_path, SERIAL, row("door", "waveshare/relay-8", 1)))
    assert any("do not go to a safe state" in text for text in found)


def test_a_profile_of_one_source_is_told(tmp_path: Path) -> None:
    single = next(each.id for each in load_catalog().profiles if not each.selected(extended=False))
    found = warnings(site(tmp_path, SERIAL, row("m", single, 1, "extended = true")))
    assert any("one source only" in text for text in found)


@pytest.mark.parametrize(
    ("bus", "unit", "said"), [(NET, 0, "unit 0"), (NET, 255, "unit 255"), (SERIAL, 254, "beyond 247")]
)
def test_unit_ids_that_not_everybody_answers_to_are_told(tmp_path: Path, bus: str, unit: int, said: str) -> None:
    assert any(said in text for text in warnings(site(tmp_path, bus, row("m", "eastron/sdm630", unit))))


def test_factory_settings_other_than_the_line_are_a_hint_and_no_warning(tmp_path: Path) -> None:
    found = site(tmp_path, SERIAL, row("lab", "eastron/sdm120", 1))
    (hint,) = hints(found)
    assert "2400 8N1" in hint
    assert "9600 8N1" in hint
    assert warnings(found) == []


def test_check_prints_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = site(tmp_path, SERIAL, row("lab", "eastron/sdm120", 254))
    assert main(["check", str(found.path)]) == 0
    told = capsys.readouterr().out
    assert "warning: device lab: unit 254" in told
    assert "hint: device lab: eastron/sdm120 leaves the factory" in told
    assert main(["check", str(found.path), "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert len(whole["warnings"]) == len(whole["hints"]) == 1
