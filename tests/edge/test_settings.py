"""The site file: what is right is read, what is wrong is named with file, line, key and what is allowed."""

from pathlib import Path

import pytest

from edge.settings import Deadband, Site, load_site
from edge.site_warnings import warnings
from protocols.errors import BadSettings
from protocols.mqtt_url import MqttUrl

HEAD = """\
[gateway]
site = "east-compound"
id = "b3-plant-room"

[uplink]
url = "mqtt://127.0.0.1:1883"
"""

WHOLE = (
    HEAD
    + """
[buffer]
path = "data/buffer.db"
max_size = "512 MiB"
flush_every = "1 s"

[[bus]]
name = "rs485-1"
kind = "modbus-rtu"
port = "/dev/ttyUSB0"
baud = 9600

[[device]]
id = "b3-main"
name = "B3 main"
profile = "eastron/sdm630"
bus = "rs485-1"
unit = 1
every = "10 s"
deadband = { active_power_total = 5, voltage_l1_n = "1 %" }

[[bus]]
name = "local-mqtt"
kind = "mqtt"
url = "mqtt://127.0.0.1:1884"

[[device]]
id = "gate-north-reader"
profile = "esp-rfid/reader"
bus = "local-mqtt"
topic = "gate-north"

[[bus]]
name = "panel"
kind = "modbus-tcp"
host = "192.168.1.20"

[[device]]
id = "b3-sub"
profile = "eastron/sdm630"
bus = "panel"
unit = 1
every = "2 s"
"""
)


def read(folder: Path, text: str) -> Site:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return load_site(path)


def refused(folder: Path, text: str) -> BadSettings:
    with pytest.raises(BadSettings) as caught:
        read(folder, text)
    return caught.value


def test_a_whole_site_file_is_read(tmp_path: Path) -> None:
    site = read(tmp_path, WHOLE)
    assert (site.gateway.site, site.gateway.id, site.gateway.time_zone) == (
        "east-compound",
        "b3-plant-room",
        "Asia/Shanghai",
    )
    assert site.uplink.url == MqttUrl("127.0.0.1", 1883, False)
    assert (site.uplink.window, site.uplink.ack_timeout_s, site.uplink.dead_after_s) == (64, 10.0, 60.0)
    assert site.buffer.path == tmp_path.resolve() / "data" / "buffer.db"
    assert (site.buffer.max_bytes, site.buffer.flush_every_s) == (512 << 20, 1.0)
    assert site.gateway.card_key_file == tmp_path.resolve() / "data" / "card.key"
    rtu, mqtt, tcp = site.buses
    assert (rtu.serial_port, rtu.baud, rtu.parity, rtu.stop_bits) == ("/dev/ttyUSB0", 9600, "N", 1)
    assert mqtt.url == MqttUrl("127.0.0.1", 1884, False)
    assert (tcp.host, tcp.tcp_port) == ("192.168.1.20", 502)
    main, reader, _ = site.devices
    assert (main.unit, main.every_s, main.max_silence_s, main.kind) == (1, 10.0, 300.0, "meter")
    assert main.deadband == {"active_power_total": Deadband(absolute=5.0), "voltage_l1_n": Deadband(percent=1.0)}
    assert (reader.topic, reader.every_s, reader.kind) == ("gate-north", 0.0, "door")
    assert set(site.profiles) == {"eastron/sdm630", "esp-rfid/reader"}
    assert site.devices_of(rtu) == (main,)


def test_a_comment_leaves_the_hash_alone_and_a_value_changes_it(tmp_path: Path) -> None:
    first = read(tmp_path, WHOLE).config_hash
    assert read(tmp_path, "# hello\n" + WHOLE).config_hash == first
    assert read(tmp_path, WHOLE.replace('"2 s"', '"3 s"')).config_hash != first


def test_a_profile_of_the_site_may_lie_beside_its_file(tmp_path: Path) -> None:
    own = tmp_path / "profiles" / "own" / "bell.toml"
    own.parent.mkdir(parents=True)
    own.write_text(
        '[profile]\nid = "own/bell"\nvendor = "o"\nmodel = "b"\nkind = "door"\nprotocol = "mqtt"\n'
        '[[message]]\ntopic = "{topic}"\npayload = "text"\nevent = [{ kind = "button" }]\n'
    )
    text = WHOLE.replace("esp-rfid/reader", "own/bell")
    assert read(tmp_path, text).profiles["own/bell"].kind == "door"
    own.write_text(own.read_text().replace("button", "buttom"))
    error = refused(tmp_path, text)
    assert (error.file, error.line, error.key) == (
        str(tmp_path.resolve() / "profiles/own/bell.toml"),
        10,
        "message[0].event[0].kind",
    )


WRONG = [
    ('id = "b3-plant-room"', 'id = "B3 Plant"', 3, "gateway.id", "a-z"),
    ('site = "east-compound"', 'site = ""', 2, "gateway.site", "a-z"),
    ('id = "b3-plant-room"', 'id = "b3"\ntime_zone = "Asia/Peking"', 4, "gateway.time_zone", "Asia/Shanghai"),
    ('id = "b3-plant-room"', 'id = "b3"\ntime_zone = "../../etc/passwd"', 4, "gateway.time_zone", "Asia/Shanghai"),
    ('id = "b3-plant-room"', 'id = "b3"\ncolour = "red"', 4, "gateway.colour", "time_zone"),
    ('url = "mqtt://127.0.0.1:1883"', 'url = "http://127.0.0.1"', 6, "uplink.url", ""),
    ('url = "mqtt://127.0.0.1:1883"', 'url = "mqtt://me:secret@127.0.0.1"', 6, "uplink.url", ""),
    ('url = "mqtt://127.0.0.1:1883"', 'url = ""', 6, "uplink.url", "mqtts://"),
    ('url = "mqtt://127.0.0.1:1883"', 'url = "mqtt://a"\nwindow = 0', 7, "uplink.window", "1 to 1000"),
    ('url = "mqtt://127.0.0.1:1883"', 'url = "mqtt://a"\npassword_file = "x"', 7, "uplink.password_file", "username"),
    ('url = "mqtt://127.0.0.1:1883"', 'url = "mqtt://a"\nack_timeout = "10"', 7, "uplink.ack_timeout", ""),
    ('max_size = "512 MiB"', 'max_size = "12 KiB"', 10, "buffer.max_size", "1 MiB"),
    ('max_size = "512 MiB"', 'keep_acked = "31 d"', 10, "buffer.keep_acked", "0 s to 2.592e+06 s"),
    ('max_size = "512 MiB"', "max_size = 512", 10, "buffer.max_size", ""),
    ('flush_every = "1 s"', 'flush_every = "1 h"', 11, "buffer.flush_every", "300 s"),
    ('kind = "modbus-rtu"', 'kind = "modbus"', 15, "bus[0].kind", "modbus-tcp"),
    ('port = "/dev/ttyUSB0"', "port = 502", 16, "bus[0].port", "/dev/ttyUSB0"),
    ("baud = 9600", "baud = 9601", 17, "bus[0].baud", "9600"),
    ("baud = 9600", 'host = "a"', 17, "bus[0].host", "baud"),
    ('id = "b3-main"', 'id = "gateway"', 20, "device[0].id", ""),
    ('id = "b3-main"', 'id = "b3-sub"', 45, "device[2].id", "one of each"),
    ('profile = "eastron/sdm630"', 'profile = "eastron/sdm63"', 22, "device[0].profile", "eastron/sdm630"),
    ('bus = "rs485-1"', 'bus = "rs485-2"', 23, "device[0].bus", "rs485-1, local-mqtt, panel"),
    ('bus = "rs485-1"', 'bus = "local-mqtt"', 23, "device[0].bus", "modbus-rtu"),
    ("unit = 1\nevery = \"10 s\"", "unit = 255\nevery = \"10 s\"", 24, "device[0].unit", "1 to 254"),
    ("unit = 1\nevery = \"10 s\"", 'every = "10 s"', 19, "device[0].unit", "1 to 254"),
    ('every = "10 s"', 'every = "0 s"', 25, "device[0].every", "0.1 s"),
    ('every = "10 s"', 'topic = "x"', 25, "device[0].topic", "leave it out"),
    ("active_power_total = 5", "active_power = 5", 26, "device[0].deadband.active_power", "active_power_total"),
    ('"1 %"', '"1"', 26, "device[0].deadband.voltage_l1_n", "1 %"),
    ("active_power_total = 5", "active_power_total = -5", 26, "device[0].deadband.active_power_total", "above 0"),
    ("active_power_total = 5", "active_power_total = nan", 26, "device[0].deadband.active_power_total", "above 0"),
    ('topic = "gate-north"', 'topic = "gate/#"', 37, "device[1].topic", "without +"),
    ('topic = "gate-north"', "", 33, "device[1].topic", "without +"),
    ('topic = "gate-north"', 'topic = "g"\ncard = "base64"', 38, "device[1].card", "wiegand26"),
    ('topic = "gate-north"', 'topic = "g"\nunit = 3', 38, "device[1].unit", "leave it out"),
    ('topic = "gate-north"', 'topic = "g"\ndeadband.door_open = 1', 38, "device[1].deadband.door_open", "leave it out"),
    ('host = "192.168.1.20"', "", 39, "bus[2].host", "192.168.1.20"),
    ('host = "192.168.1.20"', 'host = "a"\nport = "502"', 43, "bus[2].port", "65535"),
    ('name = "panel"', 'name = "rs485-1"', 40, "bus[2].name", "one of each"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("right", "wrong", "line", "key", "allowed"), WRONG, ids=[f"{row[3]}-{n}" for n, row in enumerate(WRONG)]
)
def test_a_mistake_is_named_with_line_key_and_what_is_allowed(
    tmp_path: Path, right: str, wrong: str, line: int, key: str, allowed: str
) -> None:
    assert right in WHOLE
    error = refused(tmp_path, WHOLE.replace(right, wrong, 1))
    assert error.key == key
    assert error.line == line
    assert allowed in error.allowed
    assert str(error).startswith(f"{tmp_path / 'site.toml'}:{line}: {key}: ")


def test_a_unit_id_twice_on_a_bus_is_refused_and_on_another_bus_is_fine(tmp_path: Path) -> None:
    error = refused(tmp_path, WHOLE.replace('bus = "panel"', 'bus = "rs485-1"'))
    assert (error.key, "b3-main" in error.message) == ("device[2].unit", True)


def test_a_topic_twice_needs_idents(tmp_path: Path) -> None:
    second = '\n[[device]]\nid = "gate-two"\nprofile = "esp-rfid/reader"\nbus = "local-mqtt"\ntopic = "gate-north"\n'
    assert refused(tmp_path, WHOLE + second).key == "device[3].topic"
    assert len(read(tmp_path, WHOLE + second + 'ident = "gate-two"\n').devices) == 4


def test_two_buses_on_one_line_are_refused(tmp_path: Path) -> None:
    for second in (
        '\n[[bus]]\nname = "x"\nkind = "modbus-tcp"\nhost = "192.168.1.20"\n',
        '\n[[bus]]\nname = "x"\nkind = "modbus-rtu"\nport = "/dev/ttyUSB0"\n',
    ):
        assert refused(tmp_path, WHOLE + second).key in ("bus[3].host", "bus[3].port")


@pytest.mark.parametrize("text", ["", "[gateway", "a = 1\na = 2", "[gateway]\nsite = 1", "bus = 3\n" + HEAD, "\x00"])
def test_what_is_no_site_file_is_refused(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text).file == str(tmp_path / "site.toml")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be read"):
        load_site(tmp_path / "nowhere.toml")


def test_a_site_without_devices_is_read_and_warned_of(tmp_path: Path) -> None:
    assert warnings(read(tmp_path, HEAD)) == ["no [[device]]: the gateway has nothing to read"]


def test_a_sound_site_has_no_warnings(tmp_path: Path) -> None:
    assert warnings(read(tmp_path, WHOLE)) == []


def test_a_line_that_is_too_busy_is_warned_of(tmp_path: Path) -> None:
    busy = WHOLE.replace('every = "10 s"', 'every = "1 s"').replace("baud = 9600", "baud = 2400")
    found = warnings(read(tmp_path, busy))
    assert any("b3-main: one reading takes about" in line and "cannot be kept" in line for line in found)
    assert any("rs485-1: about" in line and "split the line" in line for line in found)


def test_a_password_in_clear_over_the_network_is_warned_of(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o644)
    login = 'username = "u"\npassword_file = "secret"\n'
    text = HEAD.replace("127.0.0.1:1883", "broker.example:1883") + login
    found = warnings(read(tmp_path, text))
    assert any("travel in clear" in line for line in found)
    assert any("chmod 600" in line for line in found)
    secret.unlink()
    assert any("No such file" in line for line in warnings(read(tmp_path, text)))
    secret.touch(0o600)
    quiet = warnings(read(tmp_path, text.replace("mqtt://", "mqtts://")))
    assert not any("clear" in line or "chmod" in line for line in quiet)


def test_a_bus_nobody_uses_is_warned_of(tmp_path: Path) -> None:
    found = warnings(read(tmp_path, WHOLE + '\n[[bus]]\nname = "spare"\nkind = "modbus-tcp"\nhost = "10.0.0.9"\n'))
    assert found == ["bus spare: no device uses it"]
