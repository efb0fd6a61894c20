"""The fixtures that others use in their own tests, used as they would use them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import simulators
from simulators import broker as broker_module
from simulators.ledger import Expectation, Ledger
from simulators.pytest_plugin import needs
from simulators.workshop import Workshop
from simulators.workshop_broker import LocalBroker, NoBroker
from simulators.workshop_port import ClaimedPort
from simulators.workshop_verdict import PartOfLedger

TESTS = """
import json
import struct
import subprocess

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient


def float32(registers):
    return struct.unpack(">f", struct.pack(">2H", *registers))[0]


def test_a_meter_over_tcp(modbus_meter):
    meter = modbus_meter("eastron/sdm630", unit=7)
    client = ModbusTcpClient(meter.host, port=meter.port, retries=0, timeout=1)
    client.connect()
    answer = client.read_input_registers(52, count=2, device_id=7)
    assert meter.served("active_power_total") == [float32(answer.registers)]
    meter.breaks("refusing", code=6)
    assert client.read_input_registers(52, count=2, device_id=7).exception_code == 6
    meter.mends()
    assert not client.read_input_registers(52, count=2, device_id=7).isError()
    client.close()


def test_a_meter_on_a_serial_line(modbus_meter):
    meter = modbus_meter("eastron/sdm120", unit=3, wire="rtu", phases=1)
    client = ModbusSerialClient(meter.path, baudrate=9600, retries=0, timeout=1)
    client.connect()
    answer = client.read_input_registers(0, count=2, device_id=3)
    assert meter.served("voltage_l1_n") == [float32(answer.registers)]
    client.close()


def test_a_bus_with_two_units_and_a_fault_of_one(modbus_bus):
    bus = modbus_bus({1: "eastron/sdm630", 2: "abb/b23"})
    with ModbusTcpClient(bus.host, port=bus.port, retries=0, timeout=1) as client:
        bus[2].breaks("refusing", code=4)
        assert not client.read_input_registers(0, count=2, device_id=1).isError()
        assert client.read_holding_registers(0x5B00, count=2, device_id=2).exception_code == 4
    assert [(each.unit, each.function, each.quantity, each.outcome) for each in bus.asked] == [
        (1, 4, 2, "ok"), (2, 3, 2, "exception 4")]
    assert [each.first for each in bus[2].asked] == [0x5B00]


def test_a_line_that_garbles_every_answer(modbus_bus):
    bus = modbus_bus({1: "eastron/sdm630"})
    bus.breaks("refusing")
    with ModbusTcpClient(bus.host, port=bus.port, retries=0, timeout=1) as client:
        assert client.read_input_registers(0, count=2, device_id=1).isError()
        bus.mends()
        assert not client.read_input_registers(0, count=2, device_id=1).isError()


def test_a_relay_is_switched_and_what_was_written_is_known(io_module):
    module = io_module("waveshare/relay-d", follows={"digital_input_1": "relay_1"})
    with ModbusTcpClient(module.host, port=module.port, retries=0, timeout=1) as client:
        assert not client.write_coil(0, True, device_id=1).isError()
        assert client.read_coils(0, count=1, device_id=1).bits[0]
    module.wait_relay(1, True)
    assert [(each.function, each.address, each.refused) for each in module.written] == [(5, 0, 0)]
    module.set_input(1, True)
    assert module.input_on(1) and not module.relay_on(2)


def test_a_door_is_heard_by_a_client_that_is_not_ours(door, broker):
    broker.publish("doors/ready", "{}", retain=True)
    argv = ["mosquitto_sub", "-h", broker.host, "-p", str(broker.port), "-u", broker.username, "-P", broker.password(),
            "-t", "doors/#", "-W", "10", "-C", "5"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as listener:
        assert listener.stdout.readline().strip() == b"{}"  # now it listens
        door("doors/gate").swipe("04A1B2C3D4E5F6")
        boot, *said = [json.loads(line) for line in listener.stdout]
    assert boot["type"] == "boot"
    assert said[0]["uid"] == "04a1b2c3d4e5f6" and said[0]["isKnown"] == "true"
    assert [each["desc"] for each in said[1:]] == ["Door Open", "Door Closed"]


def test_a_vehicle(vehicle, broker):
    heard = broker.listen("owntracks/#")
    vehicle("owntracks/fleet/car").report()
    assert json.loads(heard.messages(at_least=1)[-1].payload)["_type"] == "location"


@pytest.mark.parametrize("dialect", ["esp-rfid", "tasmota", "esphome", "ha-tag"])
def test_a_card_reader_of_each_kind_tells_a_tap(card_reader, broker, dialect):
    heard = broker.listen("#")
    reader = card_reader(dialect, "readers/gate")
    before = reader.published()
    reader.tap("04:a1:b2:c3:d4:e5:f6")
    assert reader.published() > before
    said = b" ".join(message.payload for message in heard.messages(at_least=reader.published()))
    assert b"04A1B2C3D4E5F6" in said.replace(b"-", b"").upper()


def test_a_reader_that_tells_every_tap_twice(card_reader, broker):
    heard = broker.listen("tags/gate")
    reader = card_reader("esphome", "tags/gate")
    reader.breaks("duplicate")
    reader.tap("04A1B2C3D4E5F6")
    assert len({message.payload for message in heard.messages(at_least=2)}) == 1


def test_what_is_published_is_heard_and_an_outage_is_over_when_it_is(broker):
    listener = broker.listen("site/#")
    broker.publish("site/one", "1")
    assert [message.payload for message in listener.messages(at_least=1)] == [b"1"]
    broker.kill()
    assert not broker.running
    broker.start()
    broker.publish("site/two", b"2", retain=True)
    retained = broker.listen("site/two").messages(at_least=1)
    assert [(message.payload, message.retain) for message in retained] == [(b"2", True)]


SCENARIO = '''
seed = 7
speed = 600
duration = "10 min"
[[device]]
id = "lobby"
dialect = "esphome/tag"
topic = "tags/lobby"
tap_every = "20 s"
'''


def test_ten_minutes_of_a_scenario_pass_in_a_second(play_scenario, broker, tmp_path):
    (tmp_path / "scenario.toml").write_text(SCENARIO)
    heard = broker.listen("tags/lobby")
    first = play_scenario(tmp_path / "scenario.toml", broker=broker)
    first.lived()
    count = first.published("lobby")
    assert count > 10
    assert len({message.payload for message in heard.messages(at_least=count)}) > 5


def test_a_wrong_word_is_answered_with_the_right_ones(modbus_meter):
    with pytest.raises(ValueError, match="eastron/sdm630"):
        modbus_meter("eastron/sdm631")
    with pytest.raises(ValueError, match="tcp, rtu"):
        modbus_meter("eastron/sdm630", wire="usb")
    with pytest.raises(ValueError, match="io_module"):
        modbus_meter("waveshare/relay-d")
    with pytest.raises(ValueError, match="wats"):
        modbus_meter("eastron/sdm630", wats=3)
    with pytest.raises(ValueError, match="silent"):
        modbus_meter("eastron/sdm630").breaks("tired")


def test_a_wrong_word_of_a_talker_too(card_reader, mqtt_device, vehicle):
    with pytest.raises(ValueError, match="esp-rfid"):
        card_reader("rfid", "readers/gate")
    with pytest.raises(ValueError, match="zigbee2mqtt/lock"):
        mqtt_device("zigbee/lock", "locks/one")
    with pytest.raises(ValueError, match="reads no cards"):
        vehicle("owntracks/fleet/car").tap("04A1B2C3")
    with pytest.raises(ValueError, match="no card number"):
        card_reader("esphome", "tags/gate").tap("Tester")
    with pytest.raises(ValueError, match="duplicate"):
        card_reader("esphome", "tags/gate").breaks("slow")


def test_a_clock(fake_clock):
    before = fake_clock.now_ms()
    fake_clock.step(5000)
    assert fake_clock.now_ms() == before + 5000
"""

ENDS_BADLY = """
import os


def test_a_relay_is_pulsed_through_the_gateway(io_module, gateway):
    module = io_module("waveshare/relay-d", unit=3)
    box = gateway()
    assert box.write(module.id, "relay_1", "pulse", lasting="1s")["ok"] is True
    module.wait_relay(1, False)
    pulses = [each for each in module.written if each.function == 5]
    assert [(each.address, each.values) for each in pulses] == [(0x0200, (10,))]
    assert box.write(module.id, "relay_9", "on")["ok"] is False


def test_a_site_file_of_my_own(modbus_meter, gateway, broker, tmp_path):
    meter = modbus_meter("eastron/sdm630", unit=9)
    site = tmp_path / "site.toml"
    site.write_text(f'''
[gateway]
site = "mine"
id = "box"
[uplink]
url = "{broker.url}"
username = "{broker.username}"
password_file = "{broker.password_file}"
[buffer]
path = "buffer.db"
[[bus]]
name = "line"
kind = "modbus-tcp"
host = "{meter.host}"
port = {meter.port}
[[device]]
id = "main"
profile = "eastron/sdm630"
bus = "line"
unit = 9
every = "200 ms"
''')
    box = gateway(site_file=site)
    assert box.wait_device("main", "ok")["polls"] > 0
    with open(os.environ["PIDS"], "w") as file:
        print(box.pid, file=file)
    raise RuntimeError("this test ends badly, and nothing stays behind")
"""


def run_pytest(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder as a stranger would, with the plugin of this checkout."""
    root = Path(simulators.__file__).parent.parent
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "simulators.pytest_plugin", "-p", "no:cacheprovider",
         "--rootdir", str(folder), "-c", "/dev/null", *options, str(folder)],
        cwd=root, capture_output=True, text=True, timeout=110, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_a_stranger_s_tests_run_with_our_hardware(tmp_path):
    (tmp_path / "test_theirs.py").write_text(TESTS)
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "17 passed" in done.stdout


def test_nothing_stays_behind_when_a_test_fails(tmp_path):
    (tmp_path / "test_bad_end.py").write_text(ENDS_BADLY)
    pids = tmp_path / "pids"
    done = run_pytest(tmp_path, f"--dayuan-keep={tmp_path / 'kept'}", PIDS=str(pids))
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "simulated hardware" in done.stdout
    assert "box.log" in done.stdout, "the failure shows how the gateway's log ends"
    kept = tmp_path / "kept" / "test_bad_end.py-test_a_site_file_of_my_own"
    assert (kept / "ledger.db").stat().st_size > 0
    assert (kept / "logs" / "box.log").exists()
    assert not list(kept.rglob("secrets"))
    assert "nothing stays behind" in done.stdout
    assert not Path(f"/proc/{int(pids.read_text())}").exists()


def without(monkeypatch, *names: str) -> None:
    """As if these modules were not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in names else find(name, *more))


def test_a_missing_part_says_what_to_install(monkeypatch):
    needs("cloud", "the fixture `collector`")
    without(monkeypatch, "duckdb", "argon2")
    with pytest.raises(pytest.fail.Exception, match=r"(?s)collector.*duckdb, argon2.*dayuan\[cloud\]"):
        needs("cloud", "the fixture `collector`")


@pytest.fixture
def workshop(tmp_path):
    workshop = Workshop(tmp_path)
    yield workshop
    workshop.close()


def test_without_mosquitto_an_embedded_broker_serves(workshop, monkeypatch):
    monkeypatch.setattr(broker_module.shutil, "which", lambda *_, **__: None)
    embedded = LocalBroker(workshop)
    try:
        embedded.start()
        heard = embedded.listen("site/#")
        embedded.publish("site/one", "1")
        assert [message.payload for message in heard.messages(at_least=1)] == [b"1"]
        assert "embedded" in embedded.software
    finally:
        embedded.close()


def test_without_any_broker_it_says_what_to_install(workshop, monkeypatch):
    monkeypatch.setattr(broker_module.shutil, "which", lambda *_, **__: None)
    without(monkeypatch, "amqtt")
    with pytest.raises(NoBroker, match=r"apt-get install mosquitto.*dayuan\[sim\]"):
        LocalBroker(workshop)


def test_a_claimed_port_is_nobody_elses():
    ports = [ClaimedPort() for _ in range(200)]
    try:
        assert len({port.number for port in ports}) == 200
    finally:
        for port in ports:
            port.release()


def test_only_what_a_gateway_could_have_heard_is_asked_of_it(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    for at in (900, 1_100):
        ledger.answered("meter", at, ["frequency"], [50.0])
        ledger.answered("of-nobody", at, ["frequency"], [50.0])
    for at, qos in ((1_100, 1), (2_100, 1), (9_500, 0), (10_500, 0), (10_500, 1), (20_000, 0)):
        number = ledger.publishing("reader", at, "tags/x", b"1", Expectation(), qos=qos)
        ledger.attempted(number, at)
        ledger.confirmed(number, at + 5)
    ledger.close()
    box = SimpleNamespace(devices=("meter", "reader"), asks_from=1_000, hears_from=2_000, deaf=[(10_000, 12_000)])
    part = PartOfLedger(tmp_path / "ledger.db", [box])
    assert [(value.device, value.served_at) for value in part.served()] == [("meter", 1_100)]
    assert [(m.sent_at, m.qos, m.confirmed_at is not None) for m in part.published()] == [
        (2_100, 1, True),
        (9_500, 0, False),
        (10_500, 0, False),
        (10_500, 1, True),
        (20_000, 0, True),
    ]
    part.close()
