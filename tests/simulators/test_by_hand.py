"""``dayuan-sim meter``, ``models`` and ``fault`` as a person uses them."""

import asyncio
import json
import stat
import sys
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from simulators.cli import main
from simulators.devices.models import MODELS, MODULES
from simulators.free_port import free_port
from tests.waiting import until


class ByHand:
    """A running ``dayuan-sim meter --json``."""

    def __init__(self, process: asyncio.subprocess.Process, told: dict) -> None:
        self._process, self.told = process, told
        self.data = Path(told["data"])

    async def next_line(self) -> dict:
        async with asyncio.timeout(10):
            return json.loads(await self._process.stdout.readline())


async def start(*options: str) -> tuple[asyncio.subprocess.Process, ByHand]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.cli", "meter", *options, "--json", stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        return process, ByHand(process, json.loads(await process.stdout.readline()))


async def fault(capsys, *options: str) -> tuple[int, str]:
    capsys.readouterr()
    code = await asyncio.to_thread(main, ["fault", *options])
    said = capsys.readouterr()
    return code, said.out + said.err


async def test_a_meter_by_hand_says_where_it_is_and_what_it_is_asked_and_can_be_broken(capsys):
    process, meter = await start("acrel/dtsd1352", "--tcp", "127.0.0.1:0", "--unit", "9", "--ct", "20")
    try:
        client = AsyncModbusTcpClient(meter.told["host"], port=meter.told["port"], retries=0, timeout=3)
        assert await client.connect()
        assert (await client.read_holding_registers(142, count=1, device_id=9)).registers == [20]
        heard = await meter.next_line()
        assert (heard["unit"], heard["function"], heard["address"], heard["outcome"]) == (9, 3, 142, "ok")
        await until((meter.data / "faults.sock").exists)
        assert stat.S_IMODE((meter.data / "faults.sock").stat().st_mode) == 0o600

        assert await fault(capsys, str(meter.data), "dtsd1352", "exception", "--code", "5") == (
            0,
            "dtsd1352: refusing\n",
        )
        assert (await client.read_holding_registers(142, count=1, device_id=9)).exception_code == 5
        assert await fault(capsys, str(meter.data), "dtsd1352", "--mend") == (0, "dtsd1352 behaves again\n")
        assert (await client.read_holding_registers(142, count=1, device_id=9)).registers == [20]
        client.close()

        code, said = await fault(capsys, str(meter.data), "dtsd1353", "noise")
        assert code == 2
        assert "dtsd1352" in said
        code, said = await fault(capsys, str(meter.data), "dtsd1352", "noisy")
        assert code == 2
        assert "did you mean 'noise'?" in said
        assert (await fault(capsys, str(meter.data), "--list")) == (0, "dtsd1352\nline\n")
    finally:
        process.terminate()
        await process.wait()
    assert process.returncode == 0
    assert not meter.data.exists()


async def test_a_module_on_a_serial_line_by_hand(tmp_path):
    path = tmp_path / "ttyX"
    process, module = await start(
        "waveshare/relay-d", "--rtu", str(path), "--baud", "38400", "--data", str(tmp_path / "d")
    )
    try:
        assert module.told["path"] == str(path)
        client = AsyncModbusSerialClient(str(path), baudrate=9600, retries=0, timeout=3)
        assert await client.connect()
        assert not (await client.write_coil(2, True, device_id=1)).isError()
        assert (await client.read_coils(0, count=8, device_id=1)).bits == [False, False, True] + [False] * 5
        client.close()
        assert (await module.next_line())["values"] == [0xFF00]
    finally:
        process.terminate()
        await process.wait()
    assert not path.is_symlink()


def test_everything_that_can_be_simulated_is_listed(capsys):
    assert main(["models", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    ids = {row["id"] for rows in found.values() for row in rows}
    assert ids > MODELS.keys() | MODULES.keys()
    assert main(["models"]) == 0
    assert "eastron/sdm630" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["eastron/sdm360"], "did you mean eastron/sdm630"),
        (["eastron/sdm630", "--unit", "0"], "1 to 247"),
        (["eastron/sdm630", "--fault", "slient"], "did you mean 'silent'?"),
        (["eastron/sdm630", "--tcp", "localhost:http"], "no port"),
        (["eastron/sdm630", "--rtu", "/proc/nowhere/tty"], "choose another path"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_what_would_be_right(capsys, options, told):
    assert main(["meter", *options]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert told in said


async def test_a_port_that_is_taken_is_said(capsys):
    port = free_port()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    assert await asyncio.to_thread(main_in_thread, port) == 2
    assert "the port is in use; end what listens there" in capsys.readouterr().err
    server.close()


def main_in_thread(port: int) -> int:
    return main(["meter", "abb/b23", "--tcp", f"127.0.0.1:{port}"])


def test_a_fault_where_nothing_runs_says_so(tmp_path, capsys):
    assert main(["fault", str(tmp_path), "m", "noise"]) == 1
    assert "no simulated devices run in" in capsys.readouterr().err
    assert main(["fault", "--list"]) == 0
    assert "wrong_unit" in capsys.readouterr().out
