"""What the site file says of doors: [[door]]."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.introduce import birth
from edge.settings import DoorSettings, StrikeSettings, load_site
from protocols.birth import DoorBirth
from protocols.errors import BadSettings

SITE = """
[gateway]
site = "east"
id = "b3"
[uplink]
url = "mqtt://127.0.0.1:1883"
[[bus]]
name = "io"
kind = "modbus-tcp"
host = "127.0.0.1"
[[bus]]
name = "local"
kind = "mqtt"
url = "mqtt://127.0.0.1:1884"
[[device]]
id = "relays"
profile = "waveshare/relay-8"
bus = "io"
unit = 1
[device.remote]
relay_1 = { actions = ["pulse"], min = 1, max = 5 }
[[device]]
id = "plain"
profile = "kmtronic/relay-8"
bus = "io"
unit = 2
extended = true
[[device]]
id = "r-in"
profile = "esp-rfid/reader"
bus = "local"
topic = "r-in"
[[device]]
id = "r-out"
profile = "esp-rfid/reader"
bus = "local"
topic = "r-out"
[[device]]
id = "plug"
profile = "zigbee2mqtt/plug"
bus = "local"
topic = "zigbee2mqtt/plug"
"""
NORTH = """
[[door]]
id = "north"
name = "北门"
lock = "fail-secure"
reader_in = ["r-in"]
strike = { device = "relays", point = "relay_1", pulse = "3 s" }
"""


def doors(folder: Path, text: str) -> tuple[DoorSettings, ...]:
    path = folder / "site.toml"
    path.write_text(SITE + text, encoding="utf-8")
    return load_site(path).doors


def test_a_door_has_a_reader_and_a_strike_and_says_how_it_locks(tmp_path: Path) -> None:
    assert doors(tmp_path, "") == ()
    (found,) = doors(tmp_path, NORTH)
    assert found == DoorSettings(
        id="north",
        name="北门",
        lock="fail-secure",
        reader_in=("r-in",),
        strike=StrikeSettings("relays", "relay_1", 3.0),
    )


FIXED = """
[[device]]
id = "moxa"
profile = "moxa/iologik-e1214"
bus = "io"
unit = 3
[device.remote]
relay_1 = { actions = ["pulse"] }
"""


def test_a_door_whose_module_holds_the_length_of_its_pulse_may_be_opened_from_afar(tmp_path: Path) -> None:
    door = NORTH.replace('device = "relays"', 'device = "moxa"').replace(', pulse = "3 s"', "")
    doors(tmp_path, FIXED + door)
    site = load_site(tmp_path / "site.toml")
    (told,) = birth(site, session=1, started_at=0).doors
    assert (told.device, told.pulse_s, told.remote) == ("moxa", 0.0, True)
    with pytest.raises(BadSettings, match=r"set in the module.*leave min and max out"):
        doors(tmp_path, FIXED.replace('"pulse"] }', '"pulse"], min = 1, max = 5 }') + door)


def test_a_door_with_two_sides(tmp_path: Path) -> None:
    more = 'reader_out = ["r-out"]\nzone_in = "inside"\nzone_out = "yard"\nlevel = "proven"\n'
    more += 'contact = "relays"\nclock_unknown = "ignore-times"\n'
    (found,) = doors(tmp_path, NORTH + more)
    assert (found.reader_out, found.zone_in, found.zone_out, found.level) == (("r-out",), "inside", "yard", 2)
    assert (found.contact, found.clock_unknown) == ("relays", "ignore-times")


def test_the_birth_tells_of_doors_and_whether_an_order_may_open_them(tmp_path: Path) -> None:
    doors(tmp_path, NORTH)
    site = load_site(tmp_path / "site.toml")
    assert birth(site, session=1, started_at=0).doors == [
        DoorBirth(
            id="north",
            name="北门",
            lock="fail-secure",
            readers=["r-in"],
            device="relays",
            point="relay_1",
            pulse_s=3.0,
            remote=True,
        )
    ]
    for other in (NORTH.replace("3 s", "6 s"), NORTH.replace("relay_1", "relay_2")):
        doors(tmp_path, other)
        assert not birth(load_site(tmp_path / "site.toml"), session=1, started_at=0).doors[0].remote


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ('id = "north"', 'id = "North Gate"', "id", "no id"),
        ('lock = "fail-secure"\n', "", "lock", "lock"),
        ('"fail-secure"', '"locked"', "lock", "fail-secure"),
        ('reader_in = ["r-in"]\n', "", "reader_in", "without a reader"),
        ('["r-in"]', '["r-9"]', "reader_in", "no device 'r-9'"),
        ('["r-in"]', '["plug"]', "reader_in", "reads no cards"),
        ('["r-in"]', '["r-in", "r-in"]', "reader_in", "already reads"),
        ('["r-in"]', '["r-in"]\nreader_out = ["r-in"]', "reader_out", "already reads"),
        ('device = "relays"', 'device = "relay"', "strike.device", "no device 'relay'"),
        ('device = "relays"', 'device = "plug"', "strike.point", "cannot be written"),
        ('"relay_1"', '"relay_9"', "strike.point", "relay_1, relay_2"),
        ('device = "relays"', 'device = "plain"', "strike.point", "cannot end a pulse by itself"),
        (', pulse = "3 s"', "", "strike.pulse", "must be said"),
        ('"3 s"', '"90 s"', "strike.pulse", "0.1 s to 60 s"),
        ('"3 s"', '"soon"', "strike.pulse", "soon"),
        ('lock = "fail-secure"', 'lock = "fail-secure"\nzone_in = "a"', "zone_out", "both sides"),
        ('lock = "fail-secure"', 'lock = "fail-secure"\nzone_in = "a"\nzone_out = "a"', "zone_out", "same zone"),
        ('lock = "fail-secure"', 'lock = "fail-secure"\nzone_in = "A B"\nzone_out = "a"', "zone_in", "no id"),
        ('lock = "fail-secure"', 'lock = "fail-secure"\ncontact = "x"', "contact", "no device 'x'"),
        ('lock = "fail-secure"', 'lock = "fail-secure"\nwhen_unknown = "open"', "when_unknown", "when_unknown"),
    ],
)
def test_a_door_that_cannot_be_is_named_with_its_line(tmp_path: Path, old: str, new: str, key: str, said: str) -> None:
    with pytest.raises(BadSettings) as caught:
        doors(tmp_path, NORTH.replace(old, new))
    assert key in caught.value.key
    assert said in str(caught.value)
    assert caught.value.line > SITE.count("\n")


def test_two_doors_share_neither_id_nor_reader_nor_strike(tmp_path: Path) -> None:
    south = NORTH.replace('"north"', '"south"').replace("r-in", "r-out")
    with pytest.raises(BadSettings, match="stands twice"):
        doors(tmp_path, NORTH + NORTH)
    with pytest.raises(BadSettings, match="relay_1 of relays already opens 'north'"):
        doors(tmp_path, NORTH + south)
    with pytest.raises(BadSettings, match="'r-in' already reads for door 'north'"):
        doors(tmp_path, NORTH + south.replace("r-out", "r-in").replace("relay_1", "relay_2"))
    assert len(doors(tmp_path, NORTH + south.replace("relay_1", "relay_2"))) == 2
