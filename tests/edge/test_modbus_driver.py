"""The Modbus driver on real wires: servers that are not ours, and a line that fails in every way."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.drivers.modbus import ModbusDriver
from edge.settings import BusSettings, DeviceSettings, GatewaySettings
from protocols.clock import SystemClock
from protocols.errors import StoreUnavailable
from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.reading import Quality
from protocols.settings import Document
from tests.edge.collecting_sink import CollectingSink
from tests.edge.modbus_line import ModbusLine
from tests.peers import libmodbus
from tests.peers.pymodbus_server import serving
from tests.protocols.modbus.register_case import CASES, RegisterCase, read_case
from tests.waiting import until

GATEWAY = GatewaySettings(
    site="s", id="g", name="g", site_name="s", time_zone="Asia/Shanghai", card_key_file=Path("/nonexistent")
)
HEAD = '[profile]\nid = "t/t"\nvendor = "T"\nmodel = "T"\nkind = "meter"\nprotocol = "modbus"\n'
SIX = """[points]
voltage_l1_n = { at = 0, type = "float32" }
voltage_l2_n = { at = 2, type = "float32" }
voltage_l3_n = { at = 4, type = "float32" }
current_l1 = { at = 10, type = "float32" }
current_l2 = { at = 12, type = "float32" }
current_l3 = { at = 14, type = "float32" }
"""


def device(name: str, unit: int, profile: str, every_s: float = 0.1, **more: Any) -> DeviceSettings:
    return DeviceSettings(
        id=name,
        name=name,
        profile=profile,
        kind="meter",
        bus="b",
        every_s=every_s,
        max_silence_s=300,
        unit=unit,
        **more,
    )


def tcp(port: int, kind: str = "modbus-tcp", timeout_s: float = 0.1) -> BusSettings:
    return BusSettings(name="b", kind=kind, timeout_s=timeout_s, host="127.0.0.1", tcp_port=port)  # type: ignore[arg-type]


@asynccontextmanager
async def driving(
    bus: BusSettings, devices: list[DeviceSettings], profiles: dict[str, Any]
) -> AsyncIterator[tuple[ModbusDriver, CollectingSink]]:
    sink = CollectingSink()
    driver = ModbusDriver(bus, devices, profiles, sink, SystemClock(), GATEWAY, random.Random(1))
    task = asyncio.create_task(driver.run())
    try:
        yield driver, sink
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def own_profile(text: str = SIX, rules: str = "") -> ModbusProfile:
    return decode_modbus(Document("t.toml", f"{HEAD}[modbus]\n{rules}\n{text}"))


def floats(values: dict[int, float]) -> dict[int, int]:
    found: dict[int, int] = {}
    for address, value in values.items():
        found |= libmodbus.float_registers(address, value)
    return found


SIX_VALUES = floats({0: 230.0, 2: 231.0, 4: 232.0, 10: 1.0, 12: 2.0, 14: 3.0})


def without(held: dict[int, int], *addresses: int) -> dict[int, int]:
    return {address: word for address, word in held.items() if address not in addresses}


def check(case: RegisterCase, sink: CollectingSink, name: str) -> None:
    newest = {reading.point: reading for reading in sink.of(name)}
    assert set(newest) == set(case.expected)
    for point, value in case.expected.items():
        assert newest[point].value == pytest.approx(value, rel=1e-9), point
        assert newest[point].quality is Quality.GOOD, point


MODELS = ["eastron-sdm630", "carlo-gavazzi-em340", "abb-b23", "acrel-adl400", "chint-dtsu666", "schneider-iem3155"]


@pytest.mark.parametrize("model", MODELS)
async def test_a_meter_in_libmodbus_is_read_over_tcp(model: str) -> None:
    case = read_case(CASES / model / "readings.toml")
    with libmodbus.serving_tcp(inputs=case.registers["input"], holding=case.registers["holding"]) as port:
        meter = device("m", 1, case.profile.id, extended=True)
        async with driving(tcp(port, timeout_s=1), [meter], {case.profile.id: case.profile}) as (driver, sink):
            await until(lambda: len(sink.taken) >= len(case.expected))
            check(case, sink, "m")
            assert driver.device_reports()[0].state == "ok"
            assert driver.report().errors == driver.report().timeouts == 0


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rtu", [False, True], ids=["tcp", "rtu over tcp"])
async def test_a_meter_in_pymodbus_is_read(model: str, rtu: bool) -> None:
    """Registers outside the meter's map are refused there: a request that reaches too far would be seen."""
    case = read_case(CASES / model / "readings.toml")
    held = dict.fromkeys(said_of_itself(case.profile), 0) | case.registers["input"] | case.registers["holding"]
    if case.profile.max_gap:
        held = dict.fromkeys(range(max(held) + 1), 0) | held
    async with serving({7: held}, rtu=rtu) as port:
        meter = device("m", 7, case.profile.id, every_s=60, extended=True)
        bus = tcp(port, "modbus-rtu-tcp" if rtu else "modbus-tcp", timeout_s=1)
        async with driving(bus, [meter], {case.profile.id: case.profile}) as (driver, sink):
            await until(lambda: len(sink.taken) >= len(case.expected))
            check(case, sink, "m")
            assert driver.report().errors == driver.report().timeouts == 0


def said_of_itself(profile: ModbusProfile) -> set[int]:
    """The registers of a model's texts and identity, which it is asked for once."""
    rows = [*profile.texts, *(row for row in profile.identity if row.expect)]
    return {row.at + offset for row in rows for offset in range(row.registers)}


@asynccontextmanager
async def serial_line(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Both ends of a serial line."""
    ends = [str(folder / "end-a"), str(folder / "end-b")]
    process = await asyncio.create_subprocess_exec("socat", *(f"pty,raw,echo=0,link={end}" for end in ends))
    try:
        await until(lambda: all(os.path.exists(end) for end in ends))
        yield ends[0], ends[1]
    finally:
        process.kill()
        await process.wait()


async def test_a_meter_in_libmodbus_is_read_over_a_serial_line(tmp_path: Path) -> None:
    case = read_case(CASES / "eastron-sdm630" / "readings.toml")
    async with serial_line(tmp_path) as (ours, theirs):
        with libmodbus.serving_rtu(theirs, 17, baud=19200, inputs=case.registers["input"]):
            bus = BusSettings(name="b", kind="modbus-rtu", timeout_s=1, serial_port=ours, baud=19200)
            meter = device("m", 17, case.profile.id)
            async with driving(bus, [meter], {case.profile.id: case.profile}) as (driver, sink):
                await until(lambda: len(sink.taken) >= len(case.expected))
                check(case, sink, "m")
                assert driver.report().errors == driver.report().timeouts == 0


async def test_registers_a_device_does_not_have_cost_only_their_own_points() -> None:
    """pymodbus refuses the whole request with exception 2."""
    async with serving({1: without(SIX_VALUES, 12, 13)}) as port:
        async with driving(tcp(port), [device("m", 1, "t/t")], {"t/t": own_profile()}) as (driver, sink):
            await until(lambda: len(sink.of("m", "current_l3")) >= 3)
            newest = {reading.point: reading.value for reading in sink.of("m")}
            assert newest == {
                "voltage_l1_n": 230,
                "voltage_l2_n": 231,
                "voltage_l3_n": 232,
                "current_l1": 1,
                "current_l2": None,
                "current_l3": 3,
            }
            (bad,) = sink.of("m", "current_l2")
            assert (bad.quality, bad.reason) == (Quality.BAD, "device_error")
            report = driver.device_reports()[0]
            assert (report.state, report.refused, report.failures) == ("ok", 1, 0)


async def test_a_gap_that_the_device_refuses_is_learned_and_everything_read() -> None:
    profile = own_profile(rules="max_gap = 20")
    async with serving({1: SIX_VALUES}) as port:
        async with driving(tcp(port), [device("m", 1, "t/t")], {"t/t": profile}) as (driver, sink):
            await until(lambda: len(sink.of("m")) >= 18)
            assert all(reading.quality is Quality.GOOD for reading in sink.taken)
            asked = driver.report().errors
            await until(lambda: len(sink.of("m")) >= 30)
            assert driver.report().errors == asked


async def test_a_dead_unit_does_not_slow_its_neighbour() -> None:
    line = ModbusLine({1: SIX_VALUES}, framing="rtu")
    async with line.on_tcp() as port:
        devices = [device("alive", 1, "t/t", every_s=0.1), device("dead", 2, "t/t", every_s=0.1)]
        bus = tcp(port, "modbus-rtu-tcp", timeout_s=0.1)
        async with driving(bus, devices, {"t/t": own_profile()}) as (driver, _):
            await until(lambda: driver.device_reports()[0].polls >= 30, within_s=10)
            alive, dead = driver.device_reports()
            assert alive.failures == 0
            assert alive.achieved_s == pytest.approx(0.1, abs=0.09)
            assert dead.state == "failing"
            assert dead.polls <= 3


async def test_a_device_s_failure_is_told_once_and_its_return_once() -> None:
    line = ModbusLine({1: SIX_VALUES, 2: SIX_VALUES}, framing="tcp")
    async with line.on_tcp() as port:
        devices = [device("m", 1, "t/t"), device("n", 2, "t/t")]
        async with driving(tcp(port, timeout_s=0.05), devices, {"t/t": own_profile()}) as (driver, sink):
            shorten_backoff(driver)
            await until(lambda: len(sink.of("m", "current_l1")) >= 2)
            line.fault = lambda asked: "silent" if asked.unit == 1 else ""
            await until(lambda: driver.device_reports()[0].failures >= 6)
            assert driver.device_reports()[0].state == "lost"
            assert [r.quality for r in sink.of("m", "current_l1")].count(Quality.BAD) == 1
            assert sink.kinds("m") == ["device_lost"]
            assert "no answer" in str(sink.events[0].data["error"])
            good = len(sink.of("m", "current_l1"))
            line.fault = lambda asked: ""
            await until(lambda: len(sink.of("m", "current_l1")) > good)
            await until(lambda: sink.kinds("m") == ["device_lost", "device_back"])
            assert driver.device_reports()[0].state == "ok"
            assert all(r.quality is Quality.GOOD for r in sink.of("n"))


def shorten_backoff(driver: ModbusDriver) -> None:
    driver._poller._backoff_min_s = 0.02
    driver._poller._backoff_max_s = 0.05
    driver._poller._lost_after_s = 0.0


async def test_one_lost_answer_is_asked_for_again_and_nobody_hears_of_it() -> None:
    line = ModbusLine({1: SIX_VALUES}, framing="tcp")
    line.fault = lambda asked: "silent" if asked.number == 4 else ""
    async with line.on_tcp() as port:
        async with driving(tcp(port), [device("m", 1, "t/t")], {"t/t": own_profile()}) as (driver, sink):
            await until(lambda: len(sink.of("m", "current_l1")) >= 5)
            assert all(reading.quality is Quality.GOOD for reading in sink.taken)
            assert driver.device_reports()[0].failures == 0
            assert driver.report().timeouts == 1


async def test_a_stop_in_the_middle_of_a_poll_keeps_what_was_answered() -> None:
    line = ModbusLine({1: SIX_VALUES}, framing="tcp")
    line.fault = lambda asked: "silent" if asked.start == 10 else ""
    async with line.on_tcp() as port:
        async with driving(tcp(port, timeout_s=5), [device("m", 1, "t/t")], {"t/t": own_profile()}) as (_, sink):
            await until(lambda: len(line.asked) >= 2)
            assert sink.taken == []
        assert {reading.point: reading.value for reading in sink.of("m")} == {
            "voltage_l1_n": 230,
            "voltage_l2_n": 231,
            "voltage_l3_n": 232,
        }


async def test_a_host_that_is_not_there_at_the_start_is_found_when_it_comes() -> None:
    line = ModbusLine({1: SIX_VALUES, 2: SIX_VALUES}, framing="tcp")
    async with line.on_tcp() as port:
        pass
    devices = [device("m", 1, "t/t"), device("n", 2, "t/t")]
    async with driving(tcp(port), devices, {"t/t": own_profile()}) as (driver, _):
        await until(lambda: driver.report().state == "down")
        assert "Connection refused" in driver.report().last_error
        await until(lambda: [report.state for report in driver.device_reports()] == ["failing", "failing"])
        server = await asyncio.start_server(line._connection, "127.0.0.1", port)
        await until(lambda: all(r.state == "ok" for r in driver.device_reports()), within_s=8)
        server.close()
        line.drop_connections()


async def test_periods_that_could_not_be_kept_are_counted_and_the_achieved_one_is_told() -> None:
    line = ModbusLine({1: SIX_VALUES}, framing="tcp")
    line.fault = lambda asked: "late 0.03"
    async with line.on_tcp() as port:
        meter = device("m", 1, "t/t", every_s=0.02)
        async with driving(tcp(port, timeout_s=2), [meter], {"t/t": own_profile()}) as (driver, _):
            await until(lambda: driver.device_reports()[0].polls >= 8)
            report = driver.device_reports()[0]
            assert report.overruns >= 5
            assert report.achieved_s is not None
            assert report.achieved_s > 0.05


async def test_an_event_that_the_disk_refuses_is_handed_over_again() -> None:
    line = ModbusLine({}, framing="tcp")
    async with line.on_tcp() as port:
        async with driving(tcp(port, timeout_s=0.02), [device("m", 1, "t/t")], {"t/t": own_profile()}) as (
            driver,
            sink,
        ):
            sink.refusal = StoreUnavailable("disk full")
            shorten_backoff(driver)
            await until(lambda: driver.device_reports()[0].state == "lost")
            sink.refusal = None
            await until(lambda: sink.kinds("m") == ["device_lost"])


RATIOS = """[ratio]
ct = { at = 100 }
pt = { at = 101, scale = 0.1 }
[points]
current_l1 = { at = 0, times = "ct" }
active_power_total = { at = 1, times = "ct*pt" }
frequency = { at = 2 }
"""


async def test_ratios_are_read_from_the_device_before_its_values() -> None:
    async with serving({1: {0: 5, 1: 7, 2: 50, 100: 40, 101: 100}}) as port:
        async with driving(tcp(port), [device("m", 1, "t/t")], {"t/t": own_profile(RATIOS)}) as (_, sink):
            await until(lambda: len(sink.of("m")) >= 3)
            assert [reading.value for reading in sink.taken[:3]] == [200, 2800, 50]


async def test_ratios_in_the_site_file_replace_the_device_s() -> None:
    async with serving({1: {0: 5, 1: 7, 2: 50}}) as port:
        meter = device("m", 1, "t/t", ct=20.0, pt=1.0)
        async with driving(tcp(port), [meter], {"t/t": own_profile(RATIOS)}) as (_, sink):
            await until(lambda: len(sink.of("m")) >= 3)
            assert [reading.value for reading in sink.taken[:3]] == [100, 140, 50]


async def test_a_ratio_that_cannot_be_makes_no_values() -> None:
    async with serving({1: {0: 5, 1: 7, 2: 50, 100: 0, 101: 10}}) as port:
        async with driving(tcp(port), [device("m", 1, "t/t")], {"t/t": own_profile(RATIOS)}) as (driver, sink):
            await until(lambda: driver.device_reports()[0].state == "failing")
            assert "ct ratio in register 100 is 0" in driver.device_reports()[0].last_error
            assert all(reading.value is None for reading in sink.taken)


async def test_the_word_order_can_be_changed_in_the_site_file() -> None:
    swapped = {address ^ 1: word for address, word in SIX_VALUES.items()}
    async with serving({1: swapped}) as port:
        meter = device("m", 1, "t/t", word_order="little")
        async with driving(tcp(port), [meter], {"t/t": own_profile()}) as (_, sink):
            await until(lambda: len(sink.of("m")) >= 6)
            assert [reading.value for reading in sink.taken[:6]] == [230, 231, 232, 1, 2, 3]


async def test_late_answers_on_a_serial_line_never_reach_the_wrong_point() -> None:
    """Three requests of equal length to one unit: the answers differ in nothing but their content."""
    rng = random.Random(5)
    profile = own_profile(
        "[points]\n"
        + "\n".join(f'{name} = {{ at = {10 * index}, type = "float32" }}' for index, name in enumerate(NAMES))
    )
    values = {name: 100.0 + index for index, name in enumerate(NAMES)}
    line = ModbusLine({1: floats({10 * index: value for index, value in enumerate(values.values())})}, framing="rtu")
    line.fault = lambda asked: f"late {rng.uniform(0.02, 0.06):.3f}" if rng.random() < 0.05 else ""
    async with line.on_pty() as path:
        bus = BusSettings(name="b", kind="modbus-rtu", timeout_s=0.02, serial_port=path, baud=115200)
        async with driving(bus, [device("m", 1, "t/t", every_s=0.02)], {"t/t": profile}) as (driver, sink):
            shorten_backoff(driver)
            await until(lambda: len(line.asked) >= 400, within_s=20)
            assert driver.report().timeouts > 5
            good = [reading for reading in sink.taken if reading.value is not None]
            assert len(good) > 200
            assert all(reading.value == values[reading.point] for reading in good)


NAMES = ["voltage_l1_n", "voltage_l2_n", "voltage_l3_n", "current_l1", "current_l2", "current_l3"]


async def test_a_sunspec_meter_is_read_wherever_its_model_stands() -> None:
    case = read_case(CASES / "sunspec-meter-203" / "readings.toml")
    marker = {0: 0x5375, 1: 0x6E53}
    common = dict.fromkeys(range(2, 69), 0) | {2: 1, 3: 65}
    start = 69
    meter = dict.fromkeys(range(start, start + 107), 0) | {start: 203, start + 1: 105}
    meter |= {start + offset: word for offset, word in case.registers["holding"].items()}
    held = marker | common | meter | {start + 107: 0xFFFF, start + 108: 0}
    async with serving({3: held}) as port:
        settings = device("m", 3, case.profile.id, extended=True)
        async with driving(tcp(port, timeout_s=1), [settings], {case.profile.id: case.profile}) as (_, sink):
            await until(lambda: len(sink.taken) >= len(case.expected))
            check(case, sink, "m")


async def test_a_device_without_the_sunspec_model_says_so() -> None:
    profile = read_case(CASES / "sunspec-meter-203" / "readings.toml").profile
    async with serving({1: SIX_VALUES}) as port:
        async with driving(tcp(port), [device("m", 1, profile.id)], {profile.id: profile}) as (driver, _):
            await until(lambda: driver.device_reports()[0].state == "failing")
            assert driver.device_reports()[0].last_error == "m: no SunSpec model 203 in unit 1"
