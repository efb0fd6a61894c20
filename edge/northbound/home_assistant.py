"""The devices of this gateway in Home Assistant, by MQTT discovery: declared once, valued as they change.

Discovery and availability are retained, values are not: a value that a broker kept would look new to a Home Assistant
that starts. When it starts it says so, and gets every value that is still current. What this gateway once declared and
has no more is removed: the broker's own memory says what that is.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from edge.contract import Dial, Link, LinkMessage, Will
from edge.northbound.contract import DeviceReports, NorthName, NorthReport
from edge.northbound.current import Current
from edge.northbound.feed import Feed
from edge.northbound.home_entities import LOST, UPLINK, HomeNames, devices_of, discovery
from edge.northbound.home_values import HomeValues
from edge.northbound.home_words import OFF, ON
from edge.northbound.sessions import Closing, Sessions, first
from edge.settings import HomeSettings, Site
from protocols.birth import Birth
from protocols.clock import Clock
from protocols.errors import WireLost
from protocols.reading import Reading

log = logging.getLogger(__name__)

ONLINE, OFFLINE = b"online", b"offline"
LOOK_EVERY_S = 0.25
SORT_AT_ONCE = 500
SETTLE_S = 2.0
"""Home Assistant needs so long from the declaration of an entity until it hears its values."""
GREET_S = (1.0, 5.0)
"""After its start; not all gateways of a site at the same instant."""
GOODBYE_S = 3.0


class HomeAssistant:
    """See the module, and `edge.northbound.contract.Northbound`."""

    name: NorthName = "home_assistant"

    def __init__(
        self,
        site: Site,
        settings: HomeSettings,
        birth: Birth,
        *,
        clock: Clock,
        rng: random.Random,
        dial: Dial,
        devices: DeviceReports,
        uplink_is_online: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._software = birth.software
        self._clock, self._rng = clock, rng
        self._dial = dial
        self._reports = devices
        self._uplink_is_online = uplink_is_online
        self._client_id = f"dayuan-{site.gateway.site}-{site.gateway.id}.home"
        self._names = HomeNames(settings, site.gateway.site, site.gateway.id)
        self._devices = {each.object_id: each for each in devices_of(site, birth, settings, self._names)}
        self._gone: dict[str, dict[str, str]] = {}
        self._configs = {object_id: self._config(object_id) for object_id in self._devices}
        self._feed = Feed()
        self._values = HomeValues(list(self._devices.values()), Current(birth, clock), clock, settings.every_s)
        self._sessions = Sessions(self.name, clock, rng)
        self._greet = False
        self._retired: list[tuple[str, bytes]] = []
        self._own_said: dict[str, bytes] = {}
        self._sent = 0

    def take(self, readings: Sequence[Reading]) -> None:
        """See `Northbound`."""
        self._feed.put(readings)

    def close(self) -> None:
        """See `Northbound`."""
        self._sessions.closing.set()

    async def run(self) -> None:
        """See `Northbound`."""
        async with asyncio.TaskGroup() as group:
            sorting = group.create_task(self._sort(), name="home-sort")
            await self._sessions.run(self._one_session)
            sorting.cancel()

    def report(self) -> NorthReport:
        """See `Northbound`. A value that a newer one replaced is not dropped: only the newest is ever meant."""
        dropped = {
            "queue_full": self._feed.dropped,
            "late": self._values.late,
            "no_entity": self._values.unknown_points,
        }
        entities = sum(len(device.entities) for device in self._devices.values())
        return NorthReport(
            name=self.name,
            state=self._sessions.state,
            broker=str(self._settings.url),
            online_s=self._sessions.online_s,
            error=self._sessions.error[:400],
            sent=self._sent,
            waiting=self._values.waiting,
            dropped={reason: count for reason, count in dropped.items() if count},
            detail=f"{len(self._devices) - 1} devices, {entities} entities",
        )

    async def _sort(self) -> None:
        while True:
            self._values.take(await self._feed.get(SORT_AT_ONCE))
            await self._clock.sleep(0)

    def _config(self, object_id: str) -> bytes:
        return discovery(self._devices[object_id], self._names, self._software, self._gone.get(object_id, {}))

    # A session

    async def _one_session(self) -> None:
        will = Will(self._names.available, OFFLINE)
        link = await self._sessions.connect(self._dial, client_id=self._client_id, will=will)
        try:
            self._own_said.clear()
            self._values.forget()
            # Before anything is declared, so that what was declared earlier comes first.
            await link.subscribe(self._names.config_filter)
            await link.subscribe(self._names.status)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(link), name="home-listen")
                group.create_task(self._speak(link), name="home-speak")
        except* Closing:
            self._sessions.state = "closing"
            await self._say_goodbye(link)
            raise Closing from None
        except* WireLost as lost:
            raise first(lost) from None
        finally:
            await link.close()

    async def _say_goodbye(self, link: Link) -> None:
        try:
            async with asyncio.timeout(GOODBYE_S):
                await link.publish(self._names.available, OFFLINE, retain=True)
        except (WireLost, TimeoutError) as error:
            log.warning("home_assistant: no goodbye: %s", str(error) or "no answer")

    async def _listen(self, link: Link) -> None:
        async for message in link.messages():
            if message.topic == self._names.status:
                self._greet = self._greet or message.payload == ONLINE
            else:
                self._hear_config(message)
            await link.acknowledge(message)

    def _hear_config(self, message: LinkMessage) -> None:
        """A declaration of this site: when it was ours and is no more, it has to go."""
        object_id = message.topic.split("/")[-2]
        if not message.payload or message.payload == self._configs.get(object_id):
            return
        found = _declared(message.payload)
        availability = found.get("availability")
        topics = [str(row.get("topic")) for row in availability if isinstance(row, dict)] if availability else []
        if not topics or topics[0] != self._names.available:
            return  # of another gateway
        if object_id not in self._devices:
            log.info("home_assistant: device %s is removed", object_id)
            self._retired.append((message.topic, b""))
            self._retired += [(topic, b"") for topic in topics[1:] if self._names.is_ours(topic)]
            return
        kept = {entity.key for entity in self._devices[object_id].entities}
        gone = {
            key: str(row["platform"])
            for key, row in found.get("components", {}).items()
            if key not in kept and isinstance(row, dict) and len(row) > 1 and "platform" in row
        }
        if gone:
            log.info("home_assistant: %s of device %s is removed", ", ".join(sorted(gone)), object_id)
            self._gone[object_id] = {**self._gone.get(object_id, {}), **gone}
            self._configs[object_id] = self._config(object_id)
            self._retired.append((message.topic, self._configs[object_id]))

    # What is said, by one task

    async def _speak(self, link: Link) -> None:
        await self._declare(link)
        self._sessions.note_online()
        quiet_until: float | None = self._clock.monotonic() + SETTLE_S
        while True:
            if self._sessions.closing.is_set():
                raise Closing
            if self._greet:
                self._greet = False
                await self._sessions.unless_closing(self._clock.sleep(self._rng.uniform(*GREET_S)))
                await self._declare(link)
                quiet_until = self._clock.monotonic() + SETTLE_S
                self._values.forget()
            while self._retired:
                await self._publish(link, *self._retired.pop(0), retain=True)
            if quiet_until is not None and self._clock.monotonic() >= quiet_until:
                quiet_until = None
                self._own_said.clear()  # what was said with the declaration was perhaps not heard
            await self._say_states(link)
            if quiet_until is None:
                for topic, payload in self._values.due():
                    await self._publish(link, topic, payload.encode())
            await self._sessions.unless_closing(self._clock.sleep(LOOK_EVERY_S))

    async def _declare(self, link: Link) -> None:
        self._own_said.clear()
        await self._publish(link, self._names.available, ONLINE, retain=True)
        await self._say_states(link)
        for object_id, config in self._configs.items():
            await self._publish(link, self._names.config(object_id), config, retain=True)

    async def _say_states(self, link: Link) -> None:
        """What is known without readings: which devices are there, and how the gateway is."""
        reports = {report.id: report for report in self._reports()}
        own = self._names.gateway_object
        said: dict[str, bytes] = {
            self._names.value(own, UPLINK): (ON if self._uplink_is_online() else OFF).encode(),
            self._names.value(own, LOST): str(sum(report.state == "lost" for report in reports.values())).encode(),
        }
        for object_id in self._devices:
            if object_id != own:
                report = reports.get(object_id)
                there = report is not None and report.last_ok_at is not None and report.state in ("ok", "failing")
                said[self._names.availability(object_id)] = ONLINE if there else OFFLINE
        for topic, payload in said.items():
            if self._own_said.get(topic) != payload:
                await self._publish(link, topic, payload, retain=topic.endswith("/available"))
                self._own_said[topic] = payload

    async def _publish(self, link: Link, topic: str, payload: bytes, *, retain: bool = False) -> None:
        await link.publish(topic, payload, qos=1 if retain else 0, retain=retain)
        self._sent += 1


def _declared(payload: bytes) -> dict[str, Any]:
    """A discovery payload of ours; {} for anything else."""
    try:
        found = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    is_whole = isinstance(found, dict) and isinstance(found.get("availability"), list)
    return found if is_whole and isinstance(found.get("components", {}), dict) else {}
