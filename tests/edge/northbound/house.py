"""A site without drivers for the modules that pass readings on: readings and device states as the test wants them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.contract import Dial, Link, Will
from edge.introduce import birth
from edge.mqtt_link import MqttDialer
from edge.northbound.contract import Northbound
from edge.northbound.home_assistant import HomeAssistant
from edge.northbound.sparkplug_node import SparkplugNode
from edge.settings import Site, load_site
from protocols.clock import SystemClock
from protocols.errors import WireLost
from protocols.mqtt_url import MqttUrl
from protocols.reading import Quality, Reading
from protocols.status import DeviceReport, DeviceState
from tests.waiting import until

SITE = """
[gateway]
site = "east"
id = "b3"
name = "Plant room"
[uplink]
url = "mqtt://127.0.0.1:1883"
[buffer]
path = "buffer.db"
{tables}
[[bus]]
name = "line"
kind = "modbus-tcp"
host = "127.0.0.1"
[[bus]]
name = "local"
kind = "mqtt"
url = "mqtt://127.0.0.1:1884"
[[device]]
id = "meter"
name = "Main meter"
profile = "eastron/sdm630"
bus = "line"
unit = 1
every = "{every}"
[[device]]
id = "relays"
profile = "waveshare/relay-8"
bus = "line"
unit = 2
every = "{every}"
[[device]]
id = "car"
profile = "owntracks/phone"
bus = "local"
topic = "owntracks/fleet/car"
{more}
"""
POWER, VOLTAGE = "active_power_total", "voltage_l1_n"


class QuickClock(SystemClock):
    """Real time, except that pauses are short, and that a test may set the wall clock."""

    step_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.step_ms

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.05))


class House:
    """One site file, its devices as they are said to be, and one module of it."""

    def __init__(self, folder: Path, tables: str, *, more: str = "", every: str = "10 s") -> None:
        path = folder / "site.toml"
        path.write_text(SITE.format(tables=tables, more=more, every=every), encoding="utf-8")
        self.site: Site = load_site(path)
        self.clock = QuickClock()
        self.time_is_known = True
        self.states: dict[str, DeviceState] = {}
        self._is_unplugged = False
        self._at = 0

    async def unplug(self, module: Northbound) -> None:
        """From here on no dial of the module reaches its broker, until `plug_in`."""
        self._is_unplugged = True
        await until(lambda: "unplugged" in module.report().error, 15)

    def plug_in(self) -> None:
        self._is_unplugged = False

    def reports(self) -> list[DeviceReport]:
        return [
            DeviceReport(
                id=device.id,
                state=self.states.get(device.id, "waiting"),
                every_s=device.every_s,
                last_ok_at=1 if device.id in self.states else None,
            )
            for device in self.site.devices
        ]

    def sparkplug(self) -> SparkplugNode:
        settings = self.site.sparkplug
        assert settings is not None
        return SparkplugNode(
            self.site,
            settings,
            birth(self.site, session=0, started_at=0),
            clock=self.clock,
            rng=random.Random(1),
            dial=lambda url: self._line(
                MqttDialer(url=url, username=settings.username, password_file=settings.password_file)
            ),
            devices=self.reports,
            time_is_known=lambda: self.time_is_known,
        )

    def _line(self, dial: Dial) -> Dial:
        async def dial_or_not(*, client_id: str, will: Will | None = None) -> Link:
            if self._is_unplugged:
                raise WireLost("unplugged")
            return await dial(client_id=client_id, will=will)

        return dial_or_not

    def home(self) -> HomeAssistant:
        settings = self.site.home_assistant
        assert settings is not None
        return HomeAssistant(
            self.site,
            settings,
            birth(self.site, session=0, started_at=0),
            clock=self.clock,
            rng=random.Random(1),
            dial=MqttDialer(url=settings.url, username=settings.username, password_file=settings.password_file),
            devices=self.reports,
            uplink_is_online=lambda: True,
        )

    def now(self) -> int:
        """An instant that no reading had before."""
        self._at = max(self._at + 1, self.clock.now_ms())
        return self._at

    def reading(
        self,
        device: str,
        point: str,
        value: float | None,
        *,
        at: int | None = None,
        quality: Quality = Quality.GOOD,
        reason: str = "",
    ) -> Reading:
        if value is None:
            quality, reason = Quality.BAD, reason or "device_error"
        return Reading(device, point, value, self.now() if at is None else at, quality, reason)


@asynccontextmanager
async def running(module: Northbound, *, online: bool = True) -> AsyncIterator[asyncio.Task[None]]:
    """The module at work; with a goodbye at the end."""
    task = asyncio.create_task(module.run())
    try:
        if online:
            await until(lambda: module.report().state == "online", 15, "the module is online")
        yield task
    finally:
        module.close()
        await asyncio.wait([task], timeout=10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def table(name: str, url: MqttUrl, more: str = "") -> str:
    return f'[{name}]\nurl = "{url}"\n{more}'
