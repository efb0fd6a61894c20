"""Devices that misbehave, through a real broker into our driver: a copy is no second event, a lost fix is no place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from protocols.clock import SystemClock
from simulators.devices.mqtt import misbehaviour as bad
from simulators.devices.mqtt.device import MqttDevice
from simulators.devices.mqtt.dialects import DIALECTS
from simulators.faults import Fault
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.simulators.mqtt_bench import ANN, EVE, PRESENCE, MqttBench, points, spelled
from tests.waiting import until

PLACE = {"latitude", "longitude"}
MOVING = sorted(name for name, kind in DIALECTS.items() if kind.moves)
TAPPED = sorted(name for name, kind in DIALECTS.items() if kind.taps)
TIMED = sorted(name for name, kind in DIALECTS.items() if kind.tells_time)
WITH_WILL = ["nuki/smart-lock", "owntracks/phone", "shelly/3em", "shelly/plus-switch", "tasmota/switch"]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


def nothing_else(bench: MqttBench) -> None:
    left = bench.compare()
    assert not left.missing and not left.extra, spelled(left)


def presence(bench: MqttBench) -> list[str]:
    return [event.kind for event in bench.events(presence=True) if event.kind in PRESENCE]


async def say_something(bench: MqttBench, device: MqttDevice) -> None:
    if device.dialect.reports:
        await device.report(bench.next_ms())
    if device.dialect.taps:
        await device.tap(ANN, bench.next_ms())
        await device.tap(EVE, bench.next_ms())
    if device.dialect.opens:
        await device.turn(True, bench.next_ms())
    if device.dialect.reports:
        await device.report(bench.next_ms())


@pytest.mark.parametrize("dialect", TAPPED)
async def test_a_tap_that_is_told_twice_is_one_event(broker: Mosquitto, dialect: str) -> None:
    bench = MqttBench(broker, dialect)
    async with bench.playing() as device:
        device.break_down(Fault(bad.DUPLICATE))
        await device.tap(ANN, bench.next_ms())
        await device.tap(EVE, bench.next_ms())
        await bench.all_heard()
    nothing_else(bench)
    assert len([event for event in bench.events() if "card_key" in event.data]) == 2


@pytest.mark.parametrize("dialect", ["owntracks/phone", "traccar/position", "shelly/plus-switch"])
async def test_a_message_sent_again_with_dup_is_taken_once(broker: Mosquitto, dialect: str) -> None:
    bench = MqttBench(broker, dialect)
    async with bench.playing() as device:
        device.break_down(Fault(bad.DUPLICATE))
        for _ in range(4):
            await device.report(bench.next_ms())
        await bench.all_heard()
    assert device.wire.resent >= 1
    assert device.wire.connections >= 2
    nothing_else(bench)


@pytest.mark.parametrize("dialect", MOVING)
async def test_a_vehicle_without_satellites_has_no_place(broker: Mosquitto, dialect: str) -> None:
    bench = MqttBench(broker, dialect)
    async with bench.playing() as device:
        await device.report(bench.next_ms())
        await bench.all_heard()
        assert points(bench.readings()) >= PLACE
        before = len(bench.readings())
        device.break_down(Fault(bad.LOST_FIX))
        for _ in range(4):
            await device.report(bench.next_ms())
        await bench.all_heard()
        lost = bench.readings()[before:]
        assert not [reading for reading in lost if reading.point in PLACE and reading.quality.value == "good"]
        if dialect != "owntracks/phone":  # which repeats the last place as a ping: told, and doubted
            assert not points(lost) & PLACE
        device.mend()
        await device.report(bench.next_ms())
        await bench.all_heard()
    nothing_else(bench)


@pytest.mark.parametrize("dialect", TIMED)
async def test_a_clock_that_cannot_be_right_gives_way_to_the_time_of_receipt(broker: Mosquitto, dialect: str) -> None:
    """Its uptime since 1970, a week ahead, and an hour behind, which may be a late message and is believed."""
    bench = MqttBench(broker, dialect)
    async with bench.playing() as device:
        for offset_s in (0.0, 7 * 86_400.0, -3600.0):
            device.break_down(Fault(bad.CLOCK_WRONG, offset_s=offset_s))
            await say_something(bench, device)
        await bench.all_heard()
    nothing_else(bench)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_what_cannot_be_read_becomes_nothing_and_the_next_word_is_heard(broker: Mosquitto, dialect: str) -> None:
    bench = MqttBench(broker, dialect)
    async with bench.playing() as device:
        device.break_down(Fault(bad.GARBAGE))
        await say_something(bench, device)
        await bench.all_heard()
        assert not bench.readings() and not bench.events()
        assert bench.refused() > 0
        device.mend()
        await say_something(bench, device)
        await bench.all_heard()
    nothing_else(bench)
    assert bench.readings() or bench.events()


@pytest.mark.parametrize("dialect", ["esp-rfid/reader", "esphome/tag", "tasmota/pn532", "homeassistant/tag"])
async def test_a_tap_that_the_broker_kept_is_no_event_for_a_gateway_that_comes_later(
    broker: Mosquitto, dialect: str
) -> None:
    bench = MqttBench(broker, dialect)
    async with bench.connected() as device:
        device.break_down(Fault(bad.RETAINED_OLD))
        await device.tap(ANN, bench.next_ms())
        async with bench.listening():
            await bench.all_heard()
            assert not bench.events()
            device.mend()
            await device.tap(EVE, bench.next_ms())
            await bench.all_heard()
    assert len(bench.events()) == 1
    left = bench.compare()
    assert len(left.missing) == 1 and not left.extra


@pytest.mark.parametrize("dialect", WITH_WILL)
async def test_a_lost_connection_is_a_lost_device_that_comes_back(broker: Mosquitto, dialect: str) -> None:
    bench = MqttBench(broker, dialect)
    async with bench.playing() as device:
        await device.greet()
        await device.report(bench.next_ms())
        # The gateway has two connections: what was said before is to be heard before the will.
        await bench.all_heard()
        device.wire.go_away()
        await until(lambda: presence(bench) == ["device_lost"])
        device.wire.come_back()
        await device.wire.wait_connected()
        await device.greet()
        if device.dialect.opens:
            await device.turn(True)
        # At another second: some devices have one place for each.
        await device.report(bench.next_ms())
        await until(lambda: presence(bench) == ["device_lost", "device_back"])
        await bench.all_heard()
    nothing_else(bench)


async def test_a_flapping_link_brings_nothing_twice(broker: Mosquitto) -> None:
    bench = MqttBench(broker, "owntracks/phone")
    async with bench.playing() as device:
        device.break_down(Fault(bad.FLAPPING, delay_s=0.05))
        await until(lambda: device.wire.connections >= 3)
        for _ in range(6):
            await device.report(bench.next_ms())
        device.mend()
        await device.wire.wait_connected()
        await bench.all_heard()
    nothing_else(bench)


async def test_a_stuck_meter_says_the_same_and_one_whose_counter_was_reset_begins_at_nothing(
    broker: Mosquitto,
) -> None:
    bench = MqttBench(broker, "tasmota/energy", phases=1)
    async with bench.playing() as device:
        await device.report(bench.next_ms())
        device.break_down(Fault(bad.STUCK), bench.at_ms)
        for _ in range(2):
            await device.report(bench.next_ms())
        device.break_down(Fault(bad.COUNTER_RESET), bench.at_ms)
        await device.report(bench.next_ms())
        await bench.all_heard()
    nothing_else(bench)
    watts = [r.value for r in bench.readings() if r.point == "active_power_total"]
    kwh = [r.value for r in bench.readings() if r.point == "active_energy_import_total"]
    assert watts[0] == watts[1] == watts[2]
    assert kwh[0] == kwh[1] == kwh[2]
    assert kwh[3] is not None and kwh[3] < 0.1


async def test_a_silent_device_says_nothing_and_stays_connected(broker: Mosquitto) -> None:
    bench = MqttBench(broker, "shelly/3em")
    async with bench.playing() as device:
        device.break_down(Fault(bad.SILENT))
        await device.report(SystemClock().now_ms())
        assert device.wire.connected
        await bench.all_heard()
    assert not bench.readings()
