"""What may be changed from afar: devices and how they are read; nothing that widens what may be done in a building."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.config_check import Verdict, judge, judge_apart
from edge.site_file import RemoteRow
from tests.edge.test_commands import RELAYS

BOX = """
[gateway]
site = "east"
id = "b3"
profile_dirs = ["profiles"]
[uplink]
url = "mqtts://collector:8883"
window = 64
[buffer]
path = "buffer.db"
max_size = "64 MiB"
[remote_config]
enabled = true
[sparkplug]
url = "mqtt://host:1883"
[[bus]]
name = "doors"
kind = "modbus-tcp"
host = "10.0.0.5"
[[bus]]
name = "meters"
kind = "modbus-tcp"
host = "10.0.0.6"
[[bus]]
name = "radio"
kind = "mqtt"
url = "mqtt://10.0.0.7:1883"
username = "dayuan"
password_file = "radio.password"
[[device]]
id = "gate"
profile = "t/relays"
bus = "doors"
unit = 1
[device.remote]
relay_1 = { actions = ["pulse"], min = 1, max = 5 }
[[device]]
id = "meter"
profile = "eastron/sdm630"
bus = "meters"
unit = 1
"""
ALLOWED = [
    (
        'kind = "modbus-tcp"\nhost = "10.0.0.6"',
        'kind = "modbus-rtu"\nport = "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0"',
    ),
    ('kind = "modbus-tcp"\nhost = "10.0.0.6"', 'kind = "modbus-rtu"\nport = "/dev/ttyUSB0"'),
    ("window = 64", "window = 32"),
    ('unit = 1\n"""', 'unit = 2\n"""'),
    ('host = "10.0.0.6"', 'host = "10.0.0.66"'),
    ('id = "b3"\n', 'id = "b3"\nname = "B3 plant room"\ntime_zone = "Europe/Berlin"\n'),
    ('max_size = "64 MiB"', 'max_size = "64 MiB"\nflush_every = "2 s"'),
    ('[sparkplug]\nurl = "mqtt://host:1883"\n', ""),
    ("max = 5 }", "max = 3 }"),
    ('[device.remote]\nrelay_1 = { actions = ["pulse"], min = 1, max = 5 }\n', ""),
    (
        '[[device]]\nid = "meter"',
        '[[device]]\nid = "meter-2"\nprofile = "eastron/sdm630"\nbus = "meters"\nunit = 9\n[[device]]\nid = "meter"',
    ),
    ('[[device]]\nid = "meter"', '[defaults]\nevery = "5 s"\n[[device]]\nid = "meter"'),
]
REFUSED = [
    ('site = "east"', 'site = "west"', "gateway.site"),
    ('id = "b3"', 'id = "b4"', "gateway.id"),
    ('profile_dirs = ["profiles"]', 'profile_dirs = ["profiles", "/tmp"]', "gateway.profile_dirs"),
    ('id = "b3"\n', 'id = "b3"\ncard_key_file = "/etc/hostname"\n', "gateway.card_key_file"),
    ('id = "b3"\n', 'id = "b3"\nidentity_dir = "/tmp/other"\n', "gateway.identity_dir"),
    ("collector:8883", "elsewhere:8883", "uplink.url"),
    ("window = 64", 'ca_file = "other.pem"', "uplink.ca_file"),
    ('path = "buffer.db"', 'path = "other.db"', "buffer.path"),
    ("64 MiB", "1 MiB", "buffer.max_size"),
    ("enabled = true", "enabled = true\nmay_allow_commands = true", "remote_config"),
    ("enabled = true", "enabled = false", "remote_config"),
    ("mqtt://host:1883", "mqtt://elsewhere:1883", "sparkplug.url"),
    ("[sparkplug]", '[home_assistant]\nurl = "mqtt://elsewhere:1883"\n[sparkplug]', "home_assistant"),
    ("10.0.0.7", "10.6.6.6", "bus[2].password_file"),
    ("radio.password", "../../etc/hostname", "bus[2].password_file"),
    ('username = "dayuan"', 'username = "root"', "bus[2].password_file"),
    ('kind = "modbus-tcp"\nhost = "10.0.0.6"', 'kind = "modbus-rtu"\nport = "/etc/passwd"', "bus[1].port"),
    (
        'kind = "modbus-tcp"\nhost = "10.0.0.6"',
        'kind = "modbus-rtu"\nport = "/dev/serial/by-id/../../sda"',
        "bus[1].port",
    ),
    ("max = 5 }", "max = 50 }", "device[0].remote.relay_1"),
    ("max = 5 }", 'max = 5 }\nrelay_2 = { actions = ["on"] }', "device[0].remote.relay_2"),
    ('["pulse"]', '["pulse", "on"]', "device[0].remote.relay_1"),
    ('bus = "doors"\nunit = 1', 'bus = "doors"\nunit = 2', "device[0].unit"),
    ('bus = "doors"\nunit = 1', 'bus = "meters"\nunit = 2', "device[0].bus"),
    ("10.0.0.5", "10.0.0.55", "device[0].bus"),
]
COMMANDS_ONLY = REFUSED[-6:]


RULE = {"actions": ["pulse"], "min": 1, "max": 5, "rate": "3 in 10 min", "second_person": True}
LOOSER: dict[str, list[object]] = {
    "actions": [["pulse", "on"], ["set"]],
    "min": [0.5],
    "max": [50],
    "rate": [None, "", "4 in 10 min", "3 in 9 min", "1 in 1 s"],
    "second_person": [None, False],
}
TIGHTER: dict[str, list[object]] = {
    "min": [2],
    "max": [3],
    "rate": ["3 in 600 s", "2 in 10 min", "3 in 1 h"],
}


@pytest.fixture
def box(tmp_path: Path) -> Path:
    (tmp_path / "profiles" / "t").mkdir(parents=True)
    (tmp_path / "profiles" / "t" / "relays.toml").write_text(RELAYS, encoding="utf-8")
    path = tmp_path / "site.toml"
    path.write_text(BOX, encoding="utf-8")
    return path


def changed(old: str, new: str) -> bytes:
    assert old in BOX or '"""' in old
    text = BOX[: BOX.rindex("unit = 1")] + "unit = 2\n" if '"""' in old else BOX.replace(old, new, 1)
    assert text != BOX
    return text.encode()


@pytest.mark.parametrize(("old", "new"), ALLOWED)
def test_what_may_be_changed_from_afar(box: Path, old: str, new: str) -> None:
    found = judge(box, changed(old, new))
    assert found.ok, found
    assert {"gate", "meter"} <= set(found.devices)


@pytest.mark.parametrize(("old", "new", "key"), REFUSED)
def test_what_only_the_box_may_say(box: Path, old: str, new: str, key: str) -> None:
    found = judge(box, changed(old, new))
    assert (found.ok, found.key) == (False, key), found
    assert found.line > 0 or found.key == "remote_config"
    assert found.allowed


@pytest.mark.parametrize(("old", "new", "key"), COMMANDS_ONLY)
def test_the_box_may_allow_more_commands(box: Path, old: str, new: str, key: str) -> None:
    del key
    allows = "enabled = true\nmay_allow_commands = true"
    box.write_text(BOX.replace("enabled = true", allows), encoding="utf-8")
    found = judge(box, changed(old, new).replace(b"enabled = true", allows.encode()))
    assert found.ok, found


def with_rule(**changed: object) -> str:
    """The site file with one rule; what is None is left out of it."""
    said = {key: value for key, value in {**RULE, **changed}.items() if value is not None}
    row = ", ".join(f"{key} = {json.dumps(value)}" for key, value in said.items())
    return BOX.replace('{ actions = ["pulse"], min = 1, max = 5 }', f"{{ {row} }}")


@pytest.mark.parametrize("key", RemoteRow.__struct_fields__)
def test_no_key_of_a_rule_can_be_widened_from_afar(box: Path, key: str) -> None:
    box.write_text(with_rule(), encoding="utf-8")
    assert LOOSER[key], "a key of a rule that nobody tried to widen"
    for value in LOOSER[key]:
        found = judge(box, with_rule(**{key: value}).encode())
        assert (found.ok, found.key) == (False, "device[0].remote.relay_1"), (value, found)
        assert found.message.endswith(f"relay_1: {key}")


@pytest.mark.parametrize("key", TIGHTER)
def test_keys_of_a_rule_can_be_narrowed_from_afar(box: Path, key: str) -> None:
    box.write_text(with_rule(), encoding="utf-8")
    for value in TIGHTER[key]:
        found = judge(box, with_rule(**{key: value}).encode())
        assert found.ok, (value, found)


def test_a_rate_and_a_second_person_can_be_added_from_afar(box: Path) -> None:
    assert judge(box, with_rule().encode()).ok


def test_a_key_of_a_rule_nobody_thought_of_is_the_boxs() -> None:
    from edge.config_policy import _wider

    assert _wider({**RULE, "hours": "day"}, {**RULE, "hours": "day"}) is None
    assert _wider({**RULE, "hours": "any"}, {**RULE, "hours": "day"}) == "hours"
    assert _wider(RULE, {**RULE, "hours": "day"}) == "hours"


def test_a_table_nobody_thought_of_is_the_boxs(box: Path) -> None:
    from edge.config_policy import _locked

    assert list(_locked({"door": [{"id": "a"}]}, {})) == [("door",)]
    assert list(_locked({}, {"door": [{"id": "a"}]})) == [("door",)]
    assert list(_locked({"door": [1]}, {"door": [True]})) == [("door",)]


def test_a_device_that_a_locked_table_names_stays_where_it_is() -> None:
    from edge.config_policy import _widened

    box = {"door": [{"strike": "relay"}], "bus": [], "device": [{"id": "relay", "bus": "a", "profile": "x", "unit": 1}]}
    wanted = {**box, "device": [{"id": "relay", "bus": "a", "profile": "x", "unit": 2}]}
    assert [key for key, _, _ in _widened(wanted, box)] == [("device", 0, "unit")]


def test_an_error_names_line_key_and_what_is_right(box: Path) -> None:
    text = BOX.replace('profile = "eastron/sdm630"', 'profile = "eastron/sdm999"').encode()
    found = judge_apart(box, text)
    assert not found.ok
    assert found.line == text[: text.index(b"sdm999")].count(b"\n") + 1
    assert found.key == "device[1].profile"
    assert "eastron/sdm630" in found.allowed


@pytest.mark.parametrize("text", [b"", b"\xff", b"a = " + b"[" * 100_000, b"#" * 300_000, b"x" * 200_000])
def test_texts_that_are_none_are_refused_in_a_process_apart(box: Path, text: bytes) -> None:
    found = judge_apart(box, text)
    assert not found.ok
    assert found.message


def test_a_reader_that_takes_too_long_is_a_refusal(box: Path) -> None:
    assert judge_apart(box, BOX.encode(), wait_s=0.001) == Verdict(
        ok=False, message="reading it took longer than 0.001 s"
    )
