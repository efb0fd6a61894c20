"""Lines and devices that misbehave: what a reader sees, what the ledger says of it, and the verdict on our gateway."""

import asyncio
import random
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from edge.drivers.modbus import ModbusDriver
from edge.settings import BusSettings, DeviceSettings, GatewaySettings
from protocols.clock import SystemClock
from protocols.errors import BadSettings
from protocols.profile import load_profile
from simulators.faults import KINDS, LINE_ONLY, METER_ONLY, Fault
from simulators.hardware import Hardware
from simulators.ledger import Ledger
from simulators.rules import DeviceRule, Rules
from simulators.scenario import FaultPlan, LinePlan, MeterPlan, Scenario
from simulators.stored import StoredData, StoredReading
from simulators.verify import judge
from simulators.wires.damage import NOISE, on_line, on_tcp
from simulators.wires.modbus_frames import checksum, serial_frame
from tests.edge.collecting_sink import CollectingSink
from tests.waiting import until

GATEWAY = GatewaySettings(
    site="s", id="g", name="g", site_name="s", time_zone="Asia/Shanghai", card_key_file=Path("/nonexistent")
)
EVERY_S = 0.25
MODELS = ("eastron/sdm120", "carlo-gavazzi/em540")
LYING = {"noise": 0.03, "late": 0.03, "wrong_unit": 0.02, "silent": 0.01}
ENOUGH = 300


class Playing:
    """A scenario that runs until the test ends, and its ledger."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.clock, self.ledger = SystemClock(), Ledger(None)
        origin_ms = self.clock.now_ms() - 86_400_000
        self.hardware = Hardware(scenario, self.ledger, self.clock, directory=folder, origin_ms=origin_ms)
        self.scenario = scenario

    async def __aenter__(self) -> "Playing":
        await self.hardware.start_lines()
        self.hardware.start_talking()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hardware.close()
        self.ledger.close()


def one_meter(**line: object) -> Scenario:
    return Scenario(
        line=[LinePlan(name="line", kind="modbus-tcp", **line)],
        meter=[MeterPlan(id="m", model="eastron/sdm630", line="line", unit=1)],
    )


async def connected(playing: Playing) -> AsyncModbusTcpClient:
    where = playing.hardware.addresses()["line"]
    client = AsyncModbusTcpClient(where.host, port=where.port, retries=0, timeout=0.3, reconnect_delay=0)
    assert await client.connect()
    return client


async def asked(client: AsyncModbusTcpClient) -> str:
    """What became of one read of the power, in a word."""
    try:
        answer = await client.read_input_registers(52, count=2, device_id=1)
    except ModbusException:
        return "nothing"
    return f"exception {answer.exception_code}" if answer.isError() else "value"


@pytest.mark.parametrize(
    ("fault", "seen", "given"),
    [
        (Fault("silent"), "nothing", 0),
        (Fault("refusing", code=10), "exception 10", 0),
        (Fault("gateway_silent"), "exception 11", 0),
        (Fault("closing"), "nothing", 0),
        (Fault("wrong"), "nothing", 0),
        (Fault("late"), "nothing", 0),
        (Fault("stuck"), "value", 1),
        (Fault("slow", delay_s=0.05), "value", 1),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else None,
)
async def test_what_a_reader_gets_and_what_counts_as_given(tmp_path, fault, seen, given):
    async with Playing(one_meter(), tmp_path) as playing:
        playing.hardware.break_device("m", fault)
        client = await connected(playing)
        assert await asked(client) == seen
        client.close()
        playing.hardware.mend_device("m")
        assert len(list(playing.ledger.served())) == given
        client = await connected(playing)
        assert await asked(client) == "value"
        client.close()
        told = [(incident.what, incident.name, incident.detail) for incident in playing.ledger.incidents()]
        assert told == [("misbehaves", "m", fault.kind), ("behaves again", "m", "")]


async def test_a_share_of_the_answers_is_hit_and_the_same_ones_again_with_the_same_seed(tmp_path):
    async def outcomes() -> list[str]:
        async with Playing(one_meter(), tmp_path) as playing:
            playing.hardware.break_device("line", Fault("refusing", code=6, share=0.5))
            client = await connected(playing)
            seen = [await asked(client) for _ in range(40)]
            client.close()
        return seen

    first = await outcomes()
    assert 8 < first.count("exception 6") < 32
    assert first == await outcomes()


async def test_a_device_that_takes_one_connection_and_closes_idle_ones(tmp_path):
    async with Playing(one_meter(one_connection=True, idle_close="100 ms"), tmp_path) as playing:
        first = await connected(playing)
        assert await asked(first) == "value"
        where = playing.hardware.addresses()["line"]
        reader, writer = await asyncio.open_connection(where.host, where.port)
        assert await reader.read(1) == b""
        writer.close()
        await until(lambda: not first.connected)
        second = await connected(playing)
        assert await asked(second) == "value"
        second.close()


async def test_a_flapping_line_goes_away_and_comes_back_at_its_old_place(tmp_path):
    scenario = Scenario(
        line=[LinePlan(name="serial", kind="modbus-rtu", path=str(tmp_path / "usb0"))],
        meter=[MeterPlan(id="m", model="eastron/sdm120", line="serial", unit=1)],
    )
    async with Playing(scenario, tmp_path) as playing:
        path = Path(playing.hardware.addresses()["serial"].path)
        assert path.exists()
        playing.hardware.break_device("serial", Fault("flapping", delay_s=0.05))
        for _ in range(2):
            await until(lambda: not path.is_symlink())
            await until(path.exists)
        playing.hardware.mend_device("serial")
        await until(path.exists)


async def test_the_timeline_of_a_scenario_breaks_and_mends(tmp_path):
    scenario = Scenario(
        line=[LinePlan(name="line", kind="modbus-tcp")],
        meter=[MeterPlan(id="m", model="eastron/sdm630", line="line", unit=1)],
        fault=[FaultPlan(device="m", kind="exception", code=5, after="0 s", lasting="200 ms")],
    )
    async with Playing(scenario, tmp_path) as playing:
        client = await connected(playing)
        assert await asked(client) == "exception 5"
        await until(lambda: len(playing.ledger.incidents()) == 2)
        assert await asked(client) == "value"
        client.close()


async def test_a_port_in_use_and_a_path_that_is_something_else_are_said_in_words(tmp_path):
    async with Playing(one_meter(), tmp_path) as playing:
        port = playing.hardware.addresses()["line"].port
        other = Hardware(one_meter(port=port), playing.ledger, playing.clock, directory=tmp_path, origin_ms=0)
        with pytest.raises(BadSettings, match="the port is in use"):
            await other.start_lines()
    (tmp_path / "taken").write_text("somebody's file")
    line = LinePlan(name="serial", kind="modbus-rtu", path=str(tmp_path / "taken"))
    other = Hardware(Scenario(line=[line]), Ledger(None), SystemClock(), directory=tmp_path, origin_ms=0)
    with pytest.raises(BadSettings, match="choose another path"):
        await other.start_lines()
    assert (tmp_path / "taken").read_text() == "somebody's file"


def test_damaged_frames_are_never_valid_and_glued_ones_hold_the_answer():
    rng, pdu = random.Random(5), bytes.fromhex("04044366b333")
    good = serial_frame(1, pdu)
    for damage in ("checksum", "flipped", "cut"):
        for _ in range(200):
            frame = on_line(1, pdu, damage, rng)
            assert frame != good
            assert len(frame) < 4 or checksum(frame[:-2]) != frame[-2:]
    for _ in range(50):
        assert good in on_line(1, pdu, "glued", rng)
    frames = [on_tcp(7, 1, pdu, damage).data for damage in NOISE]
    assert all(frame != on_tcp(7, 1, pdu, "").data for frame in frames)


def test_every_fault_has_a_meaning_and_a_place():
    assert set(KINDS) > LINE_ONLY | METER_ONLY


def lying_compound(kind: str) -> Scenario:
    line = LinePlan(name="line", kind=kind, baud=115200, **LYING)
    meters = [
        MeterPlan(id=f"m{unit}", model=model, line="line", unit=unit, watts=1000.0 * unit)
        for unit, model in enumerate(MODELS, 1)
    ]
    return Scenario(seed=3, line=[line], meter=meters)


@pytest.mark.parametrize("kind", ["modbus-tcp", "modbus-rtu"])
async def test_our_gateway_on_a_lying_line_keeps_every_value_that_was_given_and_no_other(tmp_path, kind):
    async with Playing(lying_compound(kind), tmp_path) as playing:
        where = playing.hardware.addresses()["line"]
        bus = BusSettings(
            name="b",
            kind=kind,
            timeout_s=0.4,
            host=where.host,
            tcp_port=where.port,
            serial_port=where.path,
            baud=115200,
        )
        devices = [
            DeviceSettings(
                id=plan.id, name=plan.id, profile=plan.model, kind="meter", bus="b", every_s=EVERY_S,
                max_silence_s=300, unit=plan.unit,
            )
            for plan in playing.scenario.meter
        ]  # fmt: skip
        profiles = {model: load_profile(model) for model in MODELS}
        sink = CollectingSink()
        driver = ModbusDriver(bus, devices, profiles, sink, playing.clock, GATEWAY, random.Random(1))
        task = asyncio.create_task(driver.run())
        names = [plan.id for plan in playing.scenario.meter]
        await until(lambda: len(sink.taken) > ENOUGH, within_s=30)
        await playing.hardware.halt()
        until_ms = playing.clock.now_ms() - 2000
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        given = {(value.device, value.served_at) for value in playing.ledger.served()}
        assert playing.ledger.counts()[0] > len(given), "no answer went wrong: nothing was tried"
        verdict = judge(playing.ledger, stored(names, sink), rules(names), until_ms=until_ms)
    told = "\n".join(verdict.lines())
    assert (verdict.missing, verdict.duplicated, verdict.altered) == (0, 0, 0), told
    assert verdict.readings.matched > ENOUGH / 3, told


def rules(names: list[str]) -> Rules:
    devices = {name: DeviceRule("g", EVERY_S, 300_000) for name in names}
    return Rules("s", devices, 1.0, b"", {}, {})


def stored(names: list[str], sink: CollectingSink) -> StoredData:
    series: dict[tuple[str, str], list[StoredReading]] = {}
    for name in names:
        for seq, reading in enumerate(sink.of(name), 1):
            row = StoredReading(reading.observed_at, reading.value, str(reading.quality), reading.reason, "g", "e", seq)
            series.setdefault((name, reading.point), []).append(row)
    return StoredData(series, [], {("g", "e"): [(1, 1)]}, frozenset(series))
