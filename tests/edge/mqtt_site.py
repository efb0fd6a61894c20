"""A site with MQTT devices: the driver, a sink that remembers, and a device's hand on a real broker."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from edge.drivers.mqtt import MqttDriver
from edge.mqtt_link import MqttDialer, MqttLink
from edge.settings import BusSettings, DeviceSettings, GatewaySettings
from protocols.clock import SystemClock
from protocols.mqtt.rows import SitePoint
from protocols.profile import Profile, load_profile
from tests.edge.mosquitto import Mosquitto
from tests.edge.remembering_sink import RememberingSink
from tests.waiting import until

CARD = "94d8fc5f"


class QuickClock(SystemClock):
    """Real time, except that waiting before the next try of anything is short."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.05))


def device(
    name: str,
    profile: str,
    topic: str,
    *,
    every_s: float = 0.0,
    ident: str = "",
    card: str = "",
    points: dict[str, SitePoint] | None = None,
) -> DeviceSettings:
    return DeviceSettings(
        id=name,
        name=name,
        profile=profile,
        kind="",
        bus="local",
        every_s=every_s,
        max_silence_s=300.0,
        topic=topic,
        ident=ident,
        card=card,
        points=points or {},
    )


CAR = device("car-1", "owntracks/phone", "owntracks/fleet/car-1")
GATE = device("gate-north", "esp-rfid/reader", "gate-north")


class Site:
    """One driver, its sink, and a device's hand on the broker."""

    def __init__(self, broker: Mosquitto, *devices: DeviceSettings, profile_dirs: tuple[Path, ...] = ()) -> None:
        self.broker, self.devices = broker, devices or (CAR, GATE)
        self.sink = RememberingSink()
        self.clock = QuickClock()
        self.profile_dirs = profile_dirs
        self.driver = self.make_driver()

    def make_driver(self) -> MqttDriver:
        """A process of its own, as far as the broker and the sink can tell."""
        profiles: dict[str, Profile] = {
            item.profile: load_profile(item.profile, self.profile_dirs) for item in self.devices
        }
        key_file = self.broker.folder / "card.key"
        gateway = GatewaySettings(
            site="s", id="g", name="g", site_name="s", time_zone="Asia/Shanghai", card_key_file=key_file
        )
        bus = BusSettings(name="local", kind="mqtt", timeout_s=1.0, url=self.broker.url)
        return MqttDriver(bus, self.devices, profiles, self.sink, self.clock, gateway, random.Random(1))

    @asynccontextmanager
    async def running(self, *, connected: bool = True) -> AsyncIterator[MqttDriver]:
        task = asyncio.create_task(self.driver.run())
        try:
            if connected:
                await self.up()
            yield self.driver
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def up(self) -> None:
        await until(lambda: self.driver.report().state == "up", what="driver connected")

    @asynccontextmanager
    async def hand(self) -> AsyncIterator[MqttLink]:
        async with await MqttDialer(url=self.broker.url)(client_id="hand") as link:
            yield link

    def location(self, *, at_s: int | None = None, **more: object) -> bytes:
        at_s = at_s or self.clock.now_ms() // 1000
        return json.dumps({"_type": "location", "lat": 39.9, "lon": 116.4, "tst": at_s, **more}).encode()

    def swipe(self, *, at_s: int | None = None, card: str = CARD, access: str = "Always") -> bytes:
        at_s = at_s or self.clock.now_ms() // 1000
        body = {"type": "access", "time": at_s, "isKnown": "true", "access": access, "uid": card}
        return json.dumps({**body, "username": "Li Wei", "hostname": "gate-north", "doorName": "gate"}).encode()

    def state(self, name: str) -> str:
        return next(report.state for report in self.driver.device_reports() if report.id == name)
