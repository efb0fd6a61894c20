"""The fixtures that others use in their own tests, used as they would use them."""

import os
import subprocess
import sys
from pathlib import Path

import simulators

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
    assert [(each.unit, each.function, each.quantity) for each in bus.asked] == [(1, 4, 2), (2, 3, 2)]
    assert [each.first for each in bus[2].asked] == [0x5B00]


def listen(broker, topic, count):
    return subprocess.Popen(
        ["mosquitto_sub", "-h", broker.host, "-p", str(broker.port), "-u", broker.username, "-P", broker.password(),
         "-t", topic, "-C", str(count), "-W", "10", "-q", "1", "-i", "tester", "-c"], stdout=subprocess.PIPE)


def subscribe_once(broker, topic):
    # A kept session: what is published from now on waits for the listener.
    subprocess.run(["mosquitto_sub", "-h", broker.host, "-p", str(broker.port), "-u", broker.username,
                    "-P", broker.password(), "-t", topic, "-q", "1", "-i", "tester", "-c", "-E"], check=True)


def test_a_door(door, broker):
    subscribe_once(broker, "doors/#")
    gate = door("doors/gate")
    gate.swipe("04A1B2C3D4E5F6")
    out, _ = listen(broker, "doors/#", 3).communicate()
    said = [json.loads(line) for line in out.splitlines()]
    assert said[0]["uid"] == "04a1b2c3d4e5f6" and said[0]["isKnown"] == "true"
    assert [each["desc"] for each in said[1:]] == ["Door Open", "Door Closed"]
    assert gate.published() == 3


def test_a_vehicle(vehicle, broker):
    subscribe_once(broker, "owntracks/#")
    vehicle("owntracks/fleet/car").report()
    out, _ = listen(broker, "owntracks/#", 1).communicate()
    assert json.loads(out)["_type"] == "location"


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


def test_a_wrong_word_is_answered_with_the_right_ones(modbus_meter):
    with pytest.raises(ValueError, match="eastron/sdm630"):
        modbus_meter("eastron/sdm631")
    with pytest.raises(ValueError, match="tcp, rtu"):
        modbus_meter("eastron/sdm630", wire="usb")
    with pytest.raises(ValueError, match="silent"):
        modbus_meter("eastron/sdm630").breaks("tired")


def test_a_clock(fake_clock):
    before = fake_clock.now_ms()
    fake_clock.step(5000)
    assert fake_clock.now_ms() == before + 5000
"""

ENDS_BADLY = """
import os


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
    assert "8 passed" in done.stdout


def test_nothing_stays_behind_when_a_test_fails(tmp_path):
    (tmp_path / "test_bad_end.py").write_text(ENDS_BADLY)
    pids = tmp_path / "pids"
    done = run_pytest(tmp_path, PIDS=str(pids))
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert "nothing stays behind" in done.stdout
    assert not Path(f"/proc/{int(pids.read_text())}").exists()
