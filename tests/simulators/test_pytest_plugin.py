"""The fixtures that others use in their own tests, used as they would use them."""

import subprocess
import sys
from pathlib import Path

import simulators

TESTS = """
import json
import struct
import subprocess

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
    meter = modbus_meter("eastron/sdm120", unit=3, wire="modbus-rtu", phases=1)
    client = ModbusSerialClient(meter.path, baudrate=9600, retries=0, timeout=1)
    client.connect()
    answer = client.read_input_registers(0, count=2, device_id=3)
    assert meter.served("voltage_l1_n") == [float32(answer.registers)]
    client.close()


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
    gate.swipe("door", "04A1B2C3D4E5F6")
    out, _ = listen(broker, "doors/#", 3).communicate()
    said = [json.loads(line) for line in out.splitlines()]
    assert said[0]["uid"] == "04a1b2c3d4e5f6" and said[0]["isKnown"] == "true"
    assert [each["desc"] for each in said[1:]] == ["Door Open", "Door Closed"]
    assert gate.published() == 3


def test_a_vehicle(vehicle, broker):
    subscribe_once(broker, "owntracks/#")
    vehicle("owntracks/fleet/car").report("vehicle")
    out, _ = listen(broker, "owntracks/#", 1).communicate()
    assert json.loads(out)["_type"] == "location"


async def _read(clock):
    return clock.now_ms()


def test_a_clock(fake_clock):
    before = fake_clock.now_ms()
    fake_clock.step(5000)
    assert fake_clock.now_ms() == before + 5000
"""


def test_a_stranger_s_tests_run_with_our_hardware(tmp_path):
    (tmp_path / "test_theirs.py").write_text(TESTS)
    root = Path(simulators.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "simulators.pytest_plugin", "-p", "no:cacheprovider",
         "--rootdir", str(tmp_path), "-c", "/dev/null", str(tmp_path)],
        cwd=root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
