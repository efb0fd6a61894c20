"""Every simulated dialect through a real broker into our real driver: exactly what it meant arrives, and nothing else.

The devices reckon by themselves what their words mean; profiles and simulators agree only here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.devices.mqtt.device import MqttDevice
from simulators.devices.mqtt.dialects import DIALECTS
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.simulators.mqtt_bench import ANN, BOB, EVE, STRANGER, MqttBench, spelled


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


async def live(bench: MqttBench, device: MqttDevice) -> None:
    """A few minutes of this device's life: it connects, reports, cards are held to it, its door opens and closes."""
    await device.greet(bench.next_ms())
    for _ in range(3):
        await device.report(bench.next_ms())
    if device.dialect.taps:
        for person in (ANN, BOB, EVE):
            await device.tap(person, bench.next_ms())
        await device.tap(STRANGER, bench.next_ms(), known=False)
    if device.dialect.opens:
        for is_open in (True, False, True):
            await device.turn(is_open, bench.next_ms())
    await device.report(bench.next_ms())


ONE_PHASE = ("mbmd/meter", "shelly/plus-switch", "shelly/pro-3em", "shelly/3em", "tasmota/energy", "zigbee2mqtt/plug")


@pytest.mark.parametrize(
    ("dialect", "phases"), [*((name, 3) for name in sorted(DIALECTS)), *((name, 1) for name in ONE_PHASE)]
)
async def test_what_a_device_means_is_what_the_gateway_takes(broker: Mosquitto, dialect: str, phases: int) -> None:
    bench = MqttBench(broker, dialect, phases=phases)
    async with bench.playing() as device:
        await live(bench, device)
        await bench.all_heard()
    left = bench.compare()
    assert not left.missing and not left.extra, spelled(left)
    assert bench.readings() or bench.events()


def test_every_profile_of_a_device_that_publishes_has_a_simulated_one() -> None:
    folder = Path(__file__).parents[2] / "protocols" / "profiles"
    heads = [tomllib.loads(path.read_text(encoding="utf-8"))["profile"] for path in folder.glob("*/*.toml")]
    assert {head["id"] for head in heads if head["protocol"] == "mqtt"} == set(DIALECTS)
