"""What a device says of itself is asked once, told once, and costs no reading."""

from __future__ import annotations

import asyncio
import logging
import random

import pytest

from edge.bus import Bus, Line
from edge.drivers.modbus import device_reader
from edge.modbus_frames import RtuFraming
from edge.poller import Polled, Poller
from edge.settings import DeviceSettings
from protocols.events import check_event
from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.profile import load_profile
from protocols.settings import Document
from tests.edge.collecting_sink import CollectingSink
from tests.edge.modbus_line import ModbusLine
from tests.virtual_time import VirtualClock, run

PROFILE = """
[profile]
id = "t/t"
vendor = "T"
model = "T"
kind = "meter"
protocol = "modbus"
[texts]
model = { at = 100, type = "string", registers = 4 }
serial_number = { at = 110, type = "uint32" }
firmware = { at = 120, type = "uint16", format = "version" }
[[identity]]
at = 130
type = "uint16"
registers = 1
expect = [32, 33]
note = "meter code"
[points]
active_power_total = { at = 0, type = "uint32" }
[points.frequency]
at = 10
scale = 0.01
alternatives = [20, 30]
"""
SAID = {100: 0x4D54, 101: 0x3120, 102: 0, 103: 0, 110: 1, 111: 2, 120: 0x0204, 130: 32}
VALUES = {0: 0, 1: 7, 10: 5000}


class Bench:
    """One meter in memory, polled every second."""

    def __init__(self, clock: VirtualClock, held: dict[int, int], profile: ModbusProfile) -> None:
        self.clock, self.sink = clock, CollectingSink()
        self.line = ModbusLine({1: held}, framing="rtu", char_s=10 / 9600, turnaround_s=0.005)
        rng = random.Random(1)
        shape = Line(char_s=10 / 9600, close_on_fault=False)
        link = self.line.in_memory(clock)
        self.bus = bus = Bus("b", "modbus-rtu", link, RtuFraming(), shape, timeout_s=0.3, clock=clock, rng=rng)
        settings = DeviceSettings(
            id="m", name="", profile=profile.id, kind="meter", bus="b", every_s=1, max_silence_s=9, unit=1
        )
        self.polled = Polled(device_reader(settings, profile, bus, clock), 1.0, clock.monotonic())
        self.poller = Poller(bus, [self.polled], self.sink, clock, rng)

    async def __aenter__(self) -> Bench:
        self.polling = asyncio.create_task(self.poller.run(), name="poller")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.polling.cancel()

    def told(self) -> list[dict[str, object]]:
        events = [event for event in self.sink.events if event.kind == "device_identified"]
        assert [check_event(event) for event in events] == [None] * len(events)
        return [dict(event.data) for event in events]


def own() -> ModbusProfile:
    return decode_modbus(Document("t.toml", PROFILE))


def test_texts_are_asked_once_told_once_and_again_when_another_device_comes() -> None:
    async def go(clock: VirtualClock) -> None:
        async with Bench(clock, VALUES | SAID, own()) as bench:
            await clock.sleep(60)
            assert bench.told() == [{"model": "MT1", "serial_number": "65538", "firmware": "2.4"}]
            assert bench.polled.reader.texts["serial_number"] == "65538"
            assert sum(asked.start >= 100 for asked in bench.line.asked) == 4
            held = bench.line.units.pop(1)
            await clock.sleep(60)
            bench.line.units[1] = held | {111: 3}
            await clock.sleep(400)
            assert [each["serial_number"] for each in bench.told()] == ["65538", "65539"]
            assert bench.sink.kinds("m") == ["device_identified", "device_lost", "device_back", "device_identified"]

    run(go)


def test_what_a_device_does_not_have_is_left_out_and_costs_no_reading() -> None:
    async def go(clock: VirtualClock) -> None:
        held = VALUES | {address: word for address, word in SAID.items() if not 110 <= address < 120}
        async with Bench(clock, held, own()) as bench:
            # It has no serial number, and does not even answer to its firmware.
            bench.line.fault = lambda asked: "silent" if asked.start == 120 else ""
            await clock.sleep(60)
            assert bench.told() == [{"model": "MT1"}]
            assert sum(asked.start == 120 for asked in bench.line.asked) == 2
            report = bench.poller.reports()[0]
            assert (report.state, report.failures, report.last_error) == ("ok", 0, "")
            assert bench.bus.report().errors == 0
            assert len(bench.sink.of("m", "active_power_total")) >= 58

    run(go)


def test_a_device_that_answers_like_another_model_is_told_once_and_still_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def go(clock: VirtualClock) -> None:
        async with Bench(clock, VALUES | SAID | {130: 99}, own()) as bench:
            await clock.sleep(60)
            note = "answers like another model: meter code 130 is 99, not 32 or 33"
            assert [each["note"] for each in bench.told()] == [note]
            assert bench.poller.reports()[0].last_error == note
            assert bench.poller.reports()[0].state == "ok"
            assert len(bench.sink.of("m", "active_power_total")) >= 58

    with caplog.at_level(logging.WARNING):
        run(go)
    assert [record.getMessage() for record in caplog.records] == [
        "m: is set as t/t, but answers like another model: meter code 130 is 99, not 32 or 33"
    ]


def test_the_texts_of_a_sunspec_meter_are_found_in_its_common_model() -> None:
    words = (0x5375, 0x6E53, 1, 66)
    held = dict.fromkeys(range(40000, 40180), 0)
    held |= {40000 + place: word for place, word in enumerate(words)}
    held |= {40004: 0x4143, 40005: 0x4D45, 40070: 203, 40071: 105, 40177: 0xFFFF, 40178: 0}

    async def go(clock: VirtualClock) -> None:
        profile = load_profile("sunspec/meter-203")
        assert isinstance(profile, ModbusProfile)
        async with Bench(clock, held, profile) as bench:
            await clock.sleep(20)
            assert bench.told() == [{"vendor": "ACME"}]

    run(go)


def test_a_point_that_stands_elsewhere_in_this_firmware_is_found_there() -> None:
    async def go(clock: VirtualClock) -> None:
        held = {address: word for address, word in (VALUES | SAID).items() if address != 10} | {30: 4990}
        async with Bench(clock, held, own()) as bench:
            await clock.sleep(10)
            assert {reading.value for reading in bench.sink.of("m", "frequency")} == {49.9}
            assert bench.poller.reports()[0].refused == 0
            assert [asked.start for asked in bench.line.asked].count(10) <= 2

    run(go)
