"""The simulated Modbus devices read and written by mbpoll, a client that is not ours, over a serial line and TCP."""

import asyncio
import re
import shutil
import struct

import pytest

from protocols.clock import SystemClock
from simulators.hardware import Hardware
from simulators.ledger import Ledger
from simulators.scenario import LinePlan, MeterPlan, ModulePlan, Scenario
from tests.waiting import until

WITHIN_S = 20

LINES = [
    LinePlan(name="tcp", kind="modbus-tcp"),
    LinePlan(name="rtu", kind="modbus-rtu", baud=38400),
]
METERS = [
    MeterPlan(id="sdm", model="eastron/sdm630", line="tcp", unit=1),
    MeterPlan(id="em", model="carlo-gavazzi/em340", line="tcp", unit=2),
    MeterPlan(id="phoenix", model="phoenix/eem", line="tcp", unit=3),
    MeterPlan(id="sunspec", model="sunspec/meter-213", line="tcp", unit=4),
    MeterPlan(id="serial", model="eastron/sdm120", line="rtu", unit=7),
    MeterPlan(id="acrel", model="acrel/adl400", line="rtu", unit=8, ct=60),
]
MODULES = [
    ModulePlan(id="door", model="waveshare/relay-d", line="tcp", unit=11, follows={"digital_input_1": "relay_1"}),
    ModulePlan(id="timed", model="lctech/8r-d7", line="rtu", unit=12),
    ModulePlan(id="board", model="stm8/relay-4", line="rtu", unit=13),
    ModulePlan(id="wago", model="wago/750-352", line="tcp", unit=14),
]


class Mbpoll:
    """Runs mbpoll once per call. A missing mbpoll fails the test."""

    def __init__(self, hardware: Hardware, ledger: Ledger) -> None:
        self.program = shutil.which("mbpoll")
        assert self.program, "mbpoll is not installed; deploy/debian.sh test installs it"
        self.hardware, self.ledger = hardware, ledger
        self.where = hardware.addresses()

    async def __call__(self, line: str, unit: int, *options: str, write: tuple[str, ...] = ()) -> str:
        """What it printed; addresses count from 0, one poll."""
        where = self.where[line]
        if where.path:
            wire = ("-m", "rtu", "-b", str(where.baud), "-P", "none", where.path)
        else:
            wire = ("-m", "tcp", "-p", str(where.port), where.host)
        process = await asyncio.create_subprocess_exec(
            self.program, "-a", str(unit), "-0", "-1", "-o", "5", *options, *wire, *write,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(WITHIN_S):
            said, _ = await process.communicate()
        return said.decode()

    async def values(self, line: str, unit: int, *options: str) -> list[str]:
        """The values that it read."""
        said = await self(line, unit, *options)
        found = re.findall(r"(?m)^\[\d+\]:\s+(\S+)", said)
        assert found, said
        return found

    def last(self, device: str) -> list[float]:
        """The values of the newest answer of a device."""
        served = [value for value in self.ledger.served() if value.device == device]
        newest = served[-1].served_at
        return [value.value for value in served if value.served_at == newest]


@pytest.fixture
async def mbpoll(tmp_path):
    clock, ledger = SystemClock(), Ledger(None)
    scenario = Scenario(line=LINES, meter=METERS, module=MODULES)
    hardware = Hardware(scenario, ledger, clock, directory=tmp_path, origin_ms=clock.now_ms() - 86_400_000)
    await hardware.start_lines()
    yield Mbpoll(hardware, ledger)
    await hardware.close()
    ledger.close()


def shown(value: float) -> str:
    """As mbpoll prints a float."""
    return f"{value:g}"


async def test_floats_with_the_high_word_first_over_tcp(mbpoll):
    [power] = await mbpoll.values("tcp", 1, "-t", "3:float", "-B", "-r", "52", "-c", "1")
    assert [power] == [shown(value) for value in mbpoll.last("sdm")]
    voltages = await mbpoll.values("tcp", 1, "-t", "3:float", "-B", "-r", "0", "-c", "3")
    assert voltages == [shown(value) for value in mbpoll.last("sdm")]
    assert all(220 < float(volts) < 240 for volts in voltages)


async def test_floats_with_the_low_word_first_and_integers_of_either_order(mbpoll):
    [volts] = await mbpoll.values("tcp", 3, "-t", "4:float", "-r", "32774", "-c", "1")
    assert [volts] == [shown(value) for value in mbpoll.last("phoenix")]
    [tenths] = await mbpoll.values("tcp", 2, "-t", "3:int", "-r", "40", "-c", "1")
    [watts] = mbpoll.last("em")
    assert int(tenths) == round(watts * 10)


async def test_a_sunspec_chain_can_be_walked(mbpoll):
    words = await mbpoll.values("tcp", 4, "-t", "4:hex", "-r", "40000", "-c", "4")
    assert words == ["0x5375", "0x6E53", "0x0001", "0x0041"]
    assert await mbpoll.values("tcp", 4, "-t", "4", "-r", "40069", "-c", "2") == ["213", "124"]
    assert await mbpoll.values("tcp", 4, "-t", "4:hex", "-r", "40195", "-c", "2") == ["0xFFFF", "0x0000"]


async def test_a_serial_line_and_a_meter_behind_transformers(mbpoll):
    [kwh] = await mbpoll.values("rtu", 7, "-t", "3:float", "-B", "-r", "72", "-c", "1")
    assert [kwh] == [shown(value) for value in mbpoll.last("serial")]
    assert await mbpoll.values("rtu", 8, "-t", "4", "-r", "141", "-c", "2") == ["1", "60"]
    [raw] = await mbpoll.values("rtu", 8, "-t", "4:int", "-B", "-r", "362", "-c", "1")
    [watts] = mbpoll.last("acrel")
    assert int(raw) * 60 == watts


async def test_what_is_not_there_is_said_so(mbpoll):
    assert "Illegal data address" in await mbpoll("tcp", 2, "-t", "3", "-r", "5000", "-c", "1")
    assert "Illegal function" in await mbpoll("tcp", 11, "-t", "3", "-r", "0", "-c", "1")
    assert "Illegal data value" in await mbpoll("rtu", 8, "-t", "4", "-r", "97", "-c", "15")
    assert "Target device failed to respond" in await mbpoll("tcp", 99, "-t", "3", "-r", "0", "-c", "1")


async def test_coils_are_switched_one_or_several_and_read_back(mbpoll):
    assert "Written 1 references" in await mbpoll("tcp", 11, "-t", "0", "-r", "2", write=("1",))
    assert await mbpoll.values("tcp", 11, "-t", "0", "-r", "0", "-c", "4") == ["0", "0", "1", "0"]
    assert "Written 3 references" in await mbpoll("tcp", 14, "-t", "0", "-r", "0", write=("1", "0", "1"))
    assert await mbpoll.values("tcp", 14, "-t", "0", "-r", "512", "-c", "3") == ["1", "0", "1"]
    assert "Written 1 references" in await mbpoll("rtu", 13, "-t", "4", "-r", "2", write=("256",))
    assert await mbpoll.values("rtu", 13, "-t", "4", "-r", "1", "-c", "4") == ["0", "1", "0", "0"]


async def test_a_pulse_is_one_write_and_the_module_ends_it(mbpoll):
    assert "Written 2 references" in await mbpoll("rtu", 12, "-t", "4", "-r", "3", write=("2", "5"))
    [write] = mbpoll.ledger.writes("timed")
    assert (write.function, write.address, write.values) == (16, 3, (2, 5))
    module, clock = mbpoll.hardware.modbus.modules["timed"], SystemClock()
    assert module.relay_on(1, write.at)
    await until(lambda: not module.relay_on(1, clock.now_ms()))
    assert await mbpoll.values("rtu", 12, "-t", "0", "-r", "0", "-c", "1") == ["0"]


async def test_a_door_contact_behind_a_relay_follows_it(mbpoll):
    await mbpoll("tcp", 11, "-t", "0", "-r", "0", write=("1",))
    module, clock = mbpoll.hardware.modbus.modules["door"], SystemClock()
    await until(lambda: module.input_on(1, clock.now_ms()))
    assert await mbpoll.values("tcp", 11, "-t", "1", "-r", "0", "-c", "2") == ["1", "0"]


async def test_an_identity_text_is_read_as_it_stands(mbpoll):
    words = await mbpoll.values("rtu", 7, "-t", "4", "-r", "64512", "-c", "2")
    number = struct.unpack(">I", struct.pack(">2H", *map(int, words)))[0]
    assert 20_000_000 <= number < 29_000_000
