"""What the site file says of orders: [device.remote]."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.introduce import birth
from edge.settings import Rate, RemoteRule, load_site
from protocols.birth import RemoteBirth
from protocols.errors import BadSettings
from tests.edge.test_commands import RELAYS

SITE = """
[gateway]
site = "east"
id = "b3"
[uplink]
url = "mqtt://127.0.0.1:1883"
[[bus]]
name = "doors"
kind = "modbus-tcp"
host = "127.0.0.1"
[[device]]
id = "gate"
profile = "t/relays"
bus = "doors"
unit = 1
[device.remote]
"""


def rules(folder: Path, text: str) -> dict[str, RemoteRule]:
    (folder / "profiles" / "t").mkdir(parents=True, exist_ok=True)
    (folder / "profiles" / "t" / "relays.toml").write_text(RELAYS, encoding="utf-8")
    path = folder / "site.toml"
    path.write_text(SITE + text, encoding="utf-8")
    return load_site(path).devices[0].remote


def test_what_may_be_ordered_stands_in_the_site_file_and_nothing_is_there_by_itself(tmp_path: Path) -> None:
    assert rules(tmp_path, "") == {}
    text = 'relay_1 = { actions = ["pulse"], min = 1, max = 5 }\nrelay_2 = { actions = ["on", "off"] }\n'
    found = {"relay_1": RemoteRule(("pulse",), 1.0, 5.0), "relay_2": RemoteRule(("on", "off"))}
    assert rules(tmp_path, text) == found


def test_the_birth_tells_what_may_be_ordered_and_by_how_many(tmp_path: Path) -> None:
    text = 'relay_1 = { actions = ["pulse"], min = 1, max = 5, rate = "3 in 10 min", second_person = true }\n'
    rules(tmp_path, text)
    (device,) = birth(load_site(tmp_path / "site.toml"), session=1, started_at=1).devices
    pulse = RemoteBirth(point="relay_1", actions=["pulse"], least=1, most=5, second_person=True, rate=3, rate_s=600)
    assert device.remote == [pulse]
    rules(tmp_path, "")
    (device,) = birth(load_site(tmp_path / "site.toml"), session=1, started_at=1).devices
    assert device.remote == []


def test_a_rate_and_a_second_person_are_read(tmp_path: Path) -> None:
    text = 'relay_2 = { actions = ["on"], rate = "3 in 10 min", second_person = true }\n'
    assert rules(tmp_path, text) == {"relay_2": RemoteRule(("on",), None, None, Rate(3, 600.0), True)}


@pytest.mark.parametrize(
    "rate", ["3", "0 in 1 min", "1001 in 1 min", "-1 in 1 min", "3 in", "3 in 0 s", "3 in 2 d", "three in 1 min"]
)
def test_a_rate_that_is_none_is_named(tmp_path: Path, rate: str) -> None:
    with pytest.raises(BadSettings, match="is no rate"):
        rules(tmp_path, f'relay_2 = {{ actions = ["on"], rate = "{rate}" }}')


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ('relay_9 = { actions = ["on"] }', "remote.relay_9", "cannot be written"),
        ("relay_1 = { actions = [] }", "remote.relay_1.actions", "empty"),
        ('relay_1 = { actions = ["pulse"] }', "remote.relay_1", "need min and max"),
        ('relay_1 = { actions = ["pulse"], min = 1 }', "remote.relay_1", "need min and max"),
        ('relay_1 = { actions = ["pulse"], min = 5, max = 1 }', "remote.relay_1", "need min and max"),
        ('relay_1 = { actions = ["pulse"], min = nan, max = inf }', "remote.relay_1", "need min and max"),
        ('relay_1 = { actions = ["on"], max = 1 }', "remote.relay_1", "mean nothing"),
        ('relay_1 = { actions = ["burn"] }', "remote.relay_1", "burn"),
    ],
)
def test_a_rule_that_cannot_be_is_named(tmp_path: Path, text: str, key: str, said: str) -> None:
    with pytest.raises(BadSettings) as refused:
        rules(tmp_path, text)
    assert key in refused.value.key
    assert said in str(refused.value)
