"""When a device that listens to two connections is there: what it said before its will may be heard behind it."""

from __future__ import annotations

from edge.contract import LinkMessage
from edge.drivers.mqtt_device import WORD_HOLDS_S, MqttDevice
from edge.drivers.mqtt_wire import Arrival
from edge.settings import DeviceSettings
from protocols.clock import ManualClock
from protocols.mqtt.decoder import MqttDecoder
from protocols.mqtt.profile import MqttProfile
from protocols.profile import load_profile

TOPIC = "shellyplus1-a8032abe54dc"
START_MS = 1_795_000_000_000


class Heard:
    """A device, and the kinds of events that each of its messages made about its presence."""

    def __init__(self) -> None:
        profile = load_profile("shelly/plus-switch")
        assert isinstance(profile, MqttProfile)
        settings = DeviceSettings(
            id="pump",
            name="Pump",
            profile=profile.id,
            kind="switch",
            bus="mqtt",
            every_s=0,
            max_silence_s=300,
            topic=TOPIC,
        )
        decoder = MqttDecoder(profile, device="pump", topic=TOPIC, key_card=lambda text, form: text)
        self.clock = ManualClock(start_ms=START_MS)
        self.device = MqttDevice(settings, profile, decoder, self.clock)

    def says(self, what: str, payload: str, *, wire: str = "events", queued: bool = False) -> list[str]:
        message = LinkMessage(f"{TOPIC}/{what}", payload.encode(), 1, 1, False, False)
        told = self.device.take(message, Arrival(wire, b"1", kept=queued, queued=queued))
        assert told is not None
        return [event.kind for event in told.news]

    def reports(self, *, wire: str = "telemetry", queued: bool = False) -> list[str]:
        return self.says("status/switch:0", '{"id":0,"output":true,"source":"init"}', wire=wire, queued=queued)

    async def later(self, seconds: float) -> None:
        await self.clock.advance(seconds)


async def test_what_is_heard_right_behind_the_will_does_not_bring_a_device_back() -> None:
    heard = Heard()
    assert heard.reports() == []
    assert heard.says("online", "false") == ["device_lost"]
    assert heard.reports() == []
    assert heard.device.report().state == "lost"
    await heard.later(WORD_HOLDS_S + 0.1)
    assert heard.reports(queued=True) == []
    assert heard.reports() == ["device_back"]
    assert heard.device.report().state == "ok"


async def test_its_own_word_brings_it_back_at_once() -> None:
    heard = Heard()
    heard.reports()
    assert heard.says("online", "false") == ["device_lost"]
    assert heard.says("online", "true") == ["device_back"]
    assert heard.reports() == []


async def test_by_the_connection_that_brought_the_will_its_next_message_brings_it_back() -> None:
    """A device that connects anew ends its old connection, whose will comes first."""
    heard = Heard()
    heard.reports()
    assert heard.says("online", "false") == ["device_lost"]
    assert heard.reports(wire="events") == ["device_back"]
