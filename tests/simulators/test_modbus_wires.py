"""The simulated meters against a Modbus client that is not ours (pymodbus), over TCP and over a pseudo-terminal."""

import itertools
import math
import random
import struct

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from protocols.clock import SystemClock
from simulators.devices.meter import Meter
from simulators.devices.models import ABB_B23, CARLO_GAVAZZI_EM340, EASTRON_SDM120, EASTRON_SDM630
from simulators.faults import Fault
from simulators.ledger import Ledger
from simulators.wires.modbus_frames import checksum
from simulators.wires.modbus_rtu import ModbusRtuLine
from simulators.wires.modbus_tcp import ModbusTcpServer
from simulators.wires.unit_rack import UnitRack
from simulators.world.load import MeteredLoad

ORIGIN_MS = 1_790_000_000_000


def a_meter(device: str, model, *, unit: int, phases: int = 3, exports: bool = True) -> Meter:
    load = MeteredLoad(random.Random(device), watts=12_000, phases=phases, origin_ms=ORIGIN_MS, exports=exports)
    return Meter(device, model, load, unit=unit)


@pytest.fixture
def ledger():
    book = Ledger(None)
    yield book
    book.close()


@pytest.fixture
async def tcp(ledger):
    clock = SystemClock()
    meters = [
        a_meter("sdm", EASTRON_SDM630, unit=1),
        a_meter("em", CARLO_GAVAZZI_EM340, unit=2),
        a_meter("abb", ABB_B23, unit=3, exports=False),
    ]
    server = ModbusTcpServer(UnitRack(meters, ledger, clock, knows_absent=True), ledger, clock)
    await server.start()
    host, port = server.address
    client = AsyncModbusTcpClient(host, port=port, retries=0, timeout=1)
    await client.connect()
    yield client, meters
    client.close()
    await server.close()


def float32(registers: list[int]) -> float:
    return struct.unpack(">f", struct.pack(">2H", *registers))[0]


async def test_a_float_read_by_a_foreign_client_is_the_value_in_the_ledger(tcp, ledger):
    client, _ = tcp
    answer = await client.read_input_registers(52, count=2, device_id=1)
    [served] = ledger.served()
    assert (served.device, served.point) == ("sdm", "active_power_total")
    assert float32(answer.registers) == served.value
    assert 1_000 < served.value < 25_000


async def test_a_block_logs_each_point_it_wholly_contains(tcp, ledger):
    client, _ = tcp
    await client.read_input_registers(0, count=60, device_id=1)
    points = [value.point for value in ledger.served()]
    assert points[0] == "voltage_l1_n"
    assert points[-1] == "apparent_power_total"
    assert "reactive_power_total" not in points
    assert len(points) == len(set(points)) == 26


async def test_scaled_integers_come_low_word_first_where_the_maker_does_so(tcp, ledger):
    client, _ = tcp
    answer = await client.read_holding_registers(40, count=2, device_id=2)
    low, high = answer.registers
    [served] = ledger.served()
    assert served.point == "active_power_total"
    assert float(f"{struct.unpack('>i', struct.pack('>2H', high, low))[0]}e-1") == served.value


async def test_a_model_code_answers_only_to_its_own_one_register_read(tcp):
    client, _ = tcp
    assert (await client.read_input_registers(11, count=1, device_id=2)).registers == [341]
    assert (await client.read_input_registers(10, count=1, device_id=2)).exception_code == 2


async def test_an_unlisted_address_is_refused_where_gaps_are(tcp):
    client, _ = tcp
    assert (await client.read_input_registers(50, count=4, device_id=2)).exception_code == 2


async def test_an_odd_address_is_refused_where_the_maker_says_so(tcp):
    client, _ = tcp
    assert (await client.read_input_registers(1, count=2, device_id=1)).exception_code == 2


async def test_what_a_meter_does_not_measure_is_all_ones_and_no_value_in_the_ledger(tcp, ledger):
    client, _ = tcp
    answer = await client.read_holding_registers(0x5000, count=8, device_id=3)
    assert answer.registers[4:] == [0xFFFF] * 4
    imported, exported = ledger.served()
    assert imported.value == struct.unpack(">Q", struct.pack(">4H", *answer.registers[:4]))[0] / 100
    assert math.isnan(exported.value)


async def test_a_gateway_says_that_a_unit_is_not_there(tcp):
    client, _ = tcp
    assert (await client.read_input_registers(0, count=2, device_id=9)).exception_code == 11


async def test_a_refusing_meter_answers_with_its_exception_and_logs_nothing(tcp, ledger):
    client, meters = tcp
    meters[0].fault = Fault("refusing", code=6)
    assert (await client.read_input_registers(0, count=2, device_id=1)).exception_code == 6
    assert list(ledger.served()) == []


async def test_a_line_serves_its_units_to_a_foreign_serial_client(ledger, tmp_path):
    clock = SystemClock()
    meters = [a_meter("one", EASTRON_SDM120, unit=1, phases=1), a_meter("two", EASTRON_SDM120, unit=2, phases=1)]
    line = ModbusRtuLine(
        UnitRack(meters, ledger, clock, knows_absent=False), clock, path=tmp_path / "rs485", baud=115200
    )
    await line.start()
    client = AsyncModbusSerialClient(str(line.path), baudrate=9600, retries=0, timeout=1)
    await client.connect()
    try:
        for unit, device in ((1, "one"), (2, "two")):
            answer = await client.read_input_registers(72, count=2, device_id=unit)
            newest = list(ledger.served())[-1]
            assert (newest.device, newest.point) == (device, "active_energy_import_total")
            assert float32(answer.registers) == newest.value
    finally:
        client.close()
        await line.close()
    assert not (tmp_path / "rs485").is_symlink()


def test_the_checksum_is_the_one_of_the_standard():
    assert checksum(bytes.fromhex("010300000001")) == bytes.fromhex("840a")


def test_counters_never_go_back_and_match_the_power_drawn():
    load = MeteredLoad(random.Random(4), watts=8_000, phases=3, origin_ms=ORIGIN_MS)
    step_ms = 1000
    energy = [load.at(ORIGIN_MS + n * step_ms)["active_energy_import_total"] for n in range(2000)]
    assert all(later > earlier for earlier, later in itertools.pairwise(energy))
    middle_w = load.at(ORIGIN_MS + 1000 * step_ms)["active_power_total"]
    slope_w = (energy[1001] - energy[999]) * 3_600_000 / (2 * step_ms / 1000)
    assert slope_w == pytest.approx(middle_w, rel=0.01)
