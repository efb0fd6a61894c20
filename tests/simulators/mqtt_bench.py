"""A simulated device, a real broker, and our real driver behind it: what was said against what was made of it."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import tzinfo
from functools import partial
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from edge.drivers.mqtt import MqttDriver
from edge.settings import BusSettings, DeviceSettings, GatewaySettings
from edge.site_points import read_places
from protocols.clock import SystemClock
from protocols.profile import load_profile
from protocols.reading import Event, Reading
from simulators.devices.mqtt.device import MqttDevice
from simulators.devices.mqtt.fitting import Fitter
from simulators.ledger import CARD, ExpectedEvent, ExpectedReading, Ledger, Published
from simulators.matching import same
from simulators.plans_mqtt import DevicePlan
from simulators.told_matching import card_key
from simulators.wires.mqtt import BrokerAccount
from simulators.world.people import Person
from tests.edge.mosquitto import Mosquitto
from tests.edge.remembering_sink import RememberingSink
from tests.waiting import until

T = TypeVar("T")

ZONE: tzinfo = ZoneInfo("Asia/Shanghai")
SITE, TIDE = "bench", 3_000
DAY_MS = 86_400_000
RECEIPT_MS = 10_000
PRESENCE = frozenset({"device_lost", "device_back"})
ANN = Person("Ann", "94D8FC5F", "Always")
BOB = Person("Bob", "04A1B2C3D4E5F6", "Always")
EVE = Person("Eve", "7B3CD129", "Expired")
STRANGER = Person("Unknown", "C2E4A617", "Denied")
PEOPLE = (ANN, BOB, EVE)

IDENTS = {"meshtastic/position": "2130636288", "traccar/position": "861585043200862"}
TOPICS = {
    "chirpstack/lds02": "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010101",
    "chirpstack/elsys-eye": "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010102",
    "chirpstack/vs34x": "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010103",
    "esphome/door": "porch/binary_sensor/front_door",
    "homie/4": "homie/super-meter",
    "homie/5": "homie/5/super-meter",
    "mbmd/meter": "mbmd/sdm1-1",
    "meshtastic/position": "msh/EU_868/2/json/LongFast",
    "nuki/smart-lock": "nuki/1A2B3C4D",
    "owntracks/phone": "owntracks/fleet/car-1",
    "owntracks/queclink": "owntracks/qtripp/865284041968706",
    "shelly/blu-door": "shelly-blu/events/bc:02:6e:c3:a6:c7",
    "shelly/dw2": "shellies/shellydw2-73C75E",
    "teltonika/codec-json": "352093081452251",
    "teltonika/rut-router": "router/1114147482",
    "tts/elsys-eye": "v3/rooms@ttn/devices/room-0",
    "tts/lds02": "v3/doors@ttn/devices/door-0",
    "tts/vs34x": "v3/seats@ttn/devices/seat-0",
    "wirenboard/device": "/devices/mercury230ar02_0",
    "wirenboard/map3e": "/devices/wb-map3e_54",
    "wirenboard/mr6c": "/devices/wb-mr6c_12",
}


_numbers = itertools.count(1)


class Left(NamedTuple):
    """What did not fit: expected and not there, and there and not expected."""

    missing: list[ExpectedReading | ExpectedEvent]
    extra: list[Reading | Event]


class MqttBench:
    """One device of a dialect on its broker, and a gateway's driver that listens to it."""

    def __init__(self, broker: Mosquitto, dialect: str, *, phases: int = 3, seed: int = 1, **plan: object) -> None:
        self.broker, self.dialect = broker, dialect
        self.clock = SystemClock()
        self.ledger = Ledger(None)
        # What one test leaves at the broker is no other test's business.
        self.topic = TOPICS.get(dialect, dialect.replace("/", "-")) + f"-{next(_numbers)}"
        row = {"topic": self.topic, "ident": IDENTS.get(dialect, ""), "phases": phases, **plan}
        self.plan = DevicePlan(id="under-test", dialect=dialect, **row)  # type: ignore[arg-type]
        now = self.clock.now_ms()
        fitter = Fitter(
            ledger=self.ledger,
            clock=self.clock,
            seed=seed,
            people=PEOPLE,
            zone=ZONE,
            origin_ms=now - DAY_MS,
            begins_ms=now - 600_000,
        )
        account = BrokerAccount(host="127.0.0.1", port=broker.port)
        self.device: MqttDevice = fitter.fit(self.plan, 1, account)
        self.sink = RememberingSink()
        self.key_file = broker.folder / "card.key"
        self.at_ms = now - 120_000
        self._session = f"{dialect.replace('/', '-')}-{random.getrandbits(40):x}"
        self.driver = self.make_driver()

    def next_ms(self) -> int:
        """The next instant at which something happens: some seconds after the one before, never in the future."""
        self.at_ms += TIDE + 10
        assert self.at_ms < self.clock.now_ms()
        return self.at_ms

    def make_driver(self) -> MqttDriver:
        places = getattr(self.device.dialect, "places", {})
        device = _settings("under-test", self.dialect, self.topic, self.plan.ident, dict(places))
        ends = [
            _settings("last-event", "homeassistant/tag", "end/events"),
            _settings("last-reading", "esphome/door", "end/readings"),
        ]
        devices = [device, *ends]
        gateway = GatewaySettings(
            site=SITE, id=self._session, name="", site_name="", time_zone="Asia/Shanghai", card_key_file=self.key_file
        )
        bus = BusSettings(name="local", kind="mqtt", timeout_s=1.0, url=self.broker.url)
        profiles = {item.profile: load_profile(item.profile) for item in devices}
        return MqttDriver(bus, devices, profiles, self.sink, self.clock, gateway, random.Random(1))

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[MqttDevice]:
        """The gateway listens, the device is connected."""
        async with self.listening(), self.connected() as device:
            yield device

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[MqttDriver]:
        async with _task(self.driver.run()):
            await until(lambda: self.driver.report().state == "up", what="driver connected")
            yield self.driver

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[MqttDevice]:
        async with _task(self.device.wire.run()):
            await self.device.wire.wait_connected()
            yield self.device
            self.device.mend()

    async def all_heard(self) -> None:
        """Until the driver has taken everything that the device said before."""
        before = self._heard("last-event"), self._heard("last-reading")
        card = f"{random.getrandbits(31) | 1 << 31:08X}".encode()
        await self.device.wire.publish("end/events", card)
        await self.device.wire.publish("end/readings/state", b"ON")
        await until(lambda: self._heard("last-event") > before[0] and self._heard("last-reading") > before[1])

    def _heard(self, device: str) -> int:
        return len(self.readings(device)) + len(self.events(device))

    def readings(self, device: str = "under-test") -> list[Reading]:
        return [reading for reading in self.sink.taken if reading.device == device]

    def events(self, device: str = "under-test", *, presence: bool = False) -> list[Event]:
        found = [event for event in self.sink.stored if event.device == device]
        return [event for event in found if presence or event.kind not in PRESENCE]

    def compare(self) -> Left:
        """Every reading and event that was to be expected, against those that the gateway has."""
        published = list(self.ledger.published())
        readings, events = self.readings(), self.events()
        missing: list[ExpectedReading | ExpectedEvent] = []
        for message in published:
            for wanted in message.expected.readings:
                found = _take(readings, partial(_is_reading, wanted, message))
                if not found and not wanted.optional:
                    missing.append(wanted)
            for event in message.expected.events:
                if not _take(events, partial(self._is_event, event, message)):
                    missing.append(event)
        return Left(missing, [*readings, *events])

    def _is_event(self, wanted: ExpectedEvent, message: Published, found: Event) -> bool:
        if found.kind != wanted.kind or not _at(found.at, wanted.at, wanted.received, message):
            return False
        secret = bytes.fromhex(self.key_file.read_text().strip()) if CARD in wanted.data else b""
        told = {
            "card_key" if name == CARD else name: card_key(secret, value) if name == CARD else value
            for name, value in wanted.data.items()
        }
        return all(found.data.get(name) == value for name, value in told.items())

    def refused(self) -> int:
        report = next(each for each in self.driver.device_reports() if each.id == "under-test")
        return report.refused or 0


def _is_reading(wanted: ExpectedReading, message: Published, found: Reading) -> bool:
    if found.point != wanted.point or not same(found.value, wanted.value):
        return False
    if wanted.quality and found.quality.value != wanted.quality:
        return False
    return _at(found.observed_at, wanted.at, wanted.received, message)


def _at(found: int, wanted: int, received: bool, message: Published) -> bool:
    if not received:
        return found == wanted
    first = message.first_attempt_at or 0
    return first - 5 <= found <= first + RECEIPT_MS


def _take(found: list[T], fits: Callable[[T], bool]) -> bool:
    for index, item in enumerate(found):
        if fits(item):
            del found[index]
            return True
    return False


def _settings(
    name: str, profile: str, topic: str, ident: str = "", places: dict[str, str] | None = None
) -> DeviceSettings:
    return DeviceSettings(
        id=name,
        name=name,
        profile=profile,
        kind="",
        bus="local",
        every_s=0.0,
        max_silence_s=300.0,
        topic=topic,
        ident=ident,
        points=read_places(places or {}),
    )


@asynccontextmanager
async def _task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def spelled(left: Left) -> str:
    """For the message of a failed test."""
    lines = [f"missing: {item}" for item in left.missing] + [f"extra: {item}" for item in left.extra]
    return "\n".join(lines[:20])


def points(readings: Iterable[Reading]) -> set[str]:
    return {reading.point for reading in readings}
