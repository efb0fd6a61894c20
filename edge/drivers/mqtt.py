"""The MQTT driver: devices that publish to a broker at the site.

Two connections per bus, so that a card at a door never waits behind telemetry: one for topics on which events come, one
for the rest. Both keep their session, so that the broker holds QoS 1 messages while the gateway is away. A message is
acknowledged after what it says is on disk.

    link --> reader --> event lane ----> sink.event, then acknowledge
                    `-> sink.readings -> telemetry lane: sink.committed, then acknowledge
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple

from edge.cards import open_card_keys
from edge.contract import LinkMessage, Sink
from edge.drivers.mqtt_device import MqttDevice, Told
from edge.drivers.mqtt_session import SessionMark
from edge.drivers.mqtt_wire import Arrival, DialsLink, MqttWire
from edge.mqtt_link import MqttDialer, MqttLink
from edge.settings import BusSettings, DeviceSettings, GatewaySettings
from edge.site_points import device_profile
from protocols.clock import Clock
from protocols.errors import BadPayload, Permanent, StoreUnavailable, WireLost
from protocols.mqtt.decoder import MqttDecoder
from protocols.mqtt.message import KeyCard
from protocols.mqtt.profile import MqttProfile
from protocols.profile import Profile
from protocols.reading import Event
from protocols.status import BusReport, DeviceReport

log = logging.getLogger(__name__)

STORE_RETRY_S = 1.0
SILENCE_CHECK_S = 1.0
RESTART_S = 5.0
LANE_MAX = 1000
"""Messages waiting in a lane. A full lane stops the reader; the broker then holds what follows."""
EVENTS_AT_ONCE = 64
TOPICS_KEPT = 4096
READINGS_MARK = b"r"
"""Behind the origin of a message: its readings. Events have their number in the message there."""


TellAtOnce = Callable[[tuple[Event, ...], bool], tuple[Event, ...]]
"""Gets the events of a message before they are on disk, and whether they happened just now; returns them as they are to
be stored. Never waits or raises."""


class _Pending(NamedTuple):
    """A message that was read and is not acknowledged yet; ``link`` is None for an event of the driver itself."""

    link: MqttLink | None
    message: LinkMessage | None
    told: tuple[Told, ...]


class MqttDriver:
    """All devices on one local broker. Constructing makes the card secret if a reader needs one, and connects nothing.

    Raises BadSettings when the card secret cannot be used.
    """

    def __init__(
        self,
        bus: BusSettings,
        devices: Sequence[DeviceSettings],
        profiles: Mapping[str, Profile],
        sink: Sink,
        clock: Clock,
        gateway: GatewaySettings,
        rng: random.Random,
        *,
        dial: DialsLink | None = None,
    ) -> None:
        assert bus.url is not None
        self._bus, self._sink, self._clock, self._rng = bus, sink, clock, rng
        self._devices = _devices(devices, profiles, clock, gateway)
        dial = dial or MqttDialer(
            url=bus.url,
            username=bus.username,
            password_file=bus.password_file,
            ca_file=bus.ca_file,
            clean_session=False,
        )
        client = f"dayuan-{gateway.site}-{gateway.id}-{bus.name}"
        self._wires = [
            MqttWire(
                dial,
                self._accept,
                bus=bus.name,
                client_id=f"{client}-{what}",
                filters=filters,
                # The card key is one for the site: gateways that share its folder must not share this.
                mark=SessionMark(gateway.card_key_file.with_name(f"mqtt-{gateway.id}-{bus.name}-{what}.session")),
                clock=clock,
                rng=rng,
            )
            for what, filters in _split_filters(self._devices)
            if filters
        ]
        self._listeners: dict[str, tuple[MqttDevice, ...]] = {}
        self._events: asyncio.Queue[_Pending] = asyncio.Queue(LANE_MAX)
        self._telemetry: asyncio.Queue[_Pending] = asyncio.Queue(LANE_MAX)
        self._store_error = ""
        self.tell_at_once: TellAtOnce = _nobody

    @property
    def name(self) -> str:
        return self._bus.name

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    for wire in self._wires:
                        group.create_task(wire.run(), name=f"mqtt[{wire.client_id}]")
                    group.create_task(self._event_lane(), name=f"mqtt-events[{self.name}]")
                    group.create_task(self._telemetry_lane(), name=f"mqtt-telemetry[{self.name}]")
                    group.create_task(self._silence(), name=f"mqtt-silence[{self.name}]")
            except* Exception:  # task top: a defect in one bus must not end the others
                log.exception("bus %s: restarted after an unexpected error", self.name)
            for device in self._devices:
                device.forget()
            await self._clock.sleep(RESTART_S)

    def report(self) -> BusReport:
        states = [wire.state for wire in self._wires]
        errors = (wire.last_error for wire in self._wires)
        return BusReport(
            name=self._bus.name,
            kind=self._bus.kind,
            state="down" if "down" in states else "connecting" if "connecting" in states else "up",
            requests=sum(wire.messages for wire in self._wires),
            errors=sum(wire.losses + wire.dropped for wire in self._wires),
            last_error=next((error for error in errors if error), self._store_error)[:400],
        )

    def device_reports(self) -> list[DeviceReport]:
        return [device.report() for device in self._devices]

    async def _accept(self, link: MqttLink, message: LinkMessage, arrival: Arrival) -> bool:
        """Take one message in; it is acknowledged here or at the end of a lane, and never before it is on disk."""
        listeners = self._listening(message.topic)
        told = []
        for device in listeners:
            try:
                found = device.take(message, arrival)
            except Exception:  # task top: of one message; with a defect it must not come back for ever and block others
                log.exception("device %s: message refused", device.id)
                device.refuse("defect", "defect: the message could not be decoded; the log says why")
                continue
            if found is not None:
                if found.events:
                    is_fresh = not (message.dup or arrival.queued)
                    found = found._replace(events=self.tell_at_once(found.events, is_fresh))
                told.append(found)
        pending = _Pending(link, message, tuple(told))
        if any(item.events or item.news for item in told):
            await self._events.put(pending)
        else:
            await self._hand_over(pending)
        return bool(listeners)

    def _listening(self, topic: str) -> tuple[MqttDevice, ...]:
        found = self._listeners.get(topic)
        if found is None:
            found = tuple(device for device in self._devices if device.decoder.hears(topic))
            if len(self._listeners) < TOPICS_KEPT:
                self._listeners[topic] = found
        return found

    async def _hand_over(self, pending: _Pending) -> None:
        """Readings to the sink; the acknowledgement follows their commit, or at once when there are none."""
        if not any(told.readings or told.repeated for told in pending.told):
            await _acknowledge(pending)
            return
        for told in pending.told:
            if told.readings:
                # At QoS 0 nothing is sent again, and the buffer need not remember the message.
                comes_again = pending.message is not None and pending.message.qos > 0
                origin = told.origin + READINGS_MARK if comes_again else None
                await self._sink.readings(told.readings, origin=origin, redelivered=told.redelivered)
        await self._telemetry.put(pending)

    async def _event_lane(self) -> None:
        """Store events, those waiting together in one commit, each device's in its order."""
        while True:
            batch = [await self._events.get()]
            while len(batch) < EVENTS_AT_ONCE and not self._events.empty():
                batch.append(self._events.get_nowait())
            async with asyncio.TaskGroup() as group:
                for pending in batch:
                    group.create_task(self._store_events(pending), name=f"mqtt-event[{self.name}]")

    async def _store_events(self, pending: _Pending) -> None:
        for told in pending.told:
            for event in told.news:
                await self._store_event(event, None, False)
            for index, event in enumerate(told.events):
                await self._store_event(event, told.origin + bytes((index,)), told.redelivered)
        await self._hand_over(pending)

    async def _store_event(self, event: Event, origin: bytes | None, redelivered: bool) -> None:
        """Until it is stored: many devices publish once, with QoS 0, and nobody would send it again."""
        while True:
            try:
                await self._sink.event(event, origin=origin, redelivered=redelivered)
            except StoreUnavailable as error:
                await self._store_refused(error)
            except Permanent as error:
                log.error("bus %s: event %s of %s refused: %s", self.name, event.kind, event.device, error)
                return
            else:
                self._store_error = ""
                return

    async def _telemetry_lane(self) -> None:
        """Acknowledge telemetry by the commit, all that was handed in before it together."""
        while True:
            batch = [await self._telemetry.get()]
            while not self._telemetry.empty():
                batch.append(self._telemetry.get_nowait())
            while True:
                try:
                    await self._sink.committed()
                    self._store_error = ""
                    break
                except StoreUnavailable as error:
                    await self._store_refused(error)
            for pending in batch:
                await _acknowledge(pending)

    async def _store_refused(self, error: StoreUnavailable) -> None:
        if not self._store_error:
            log.warning("bus %s: nothing is acknowledged while the buffer cannot store: %s", self.name, error)
        self._store_error = str(error)
        await self._clock.sleep(STORE_RETRY_S)

    async def _silence(self) -> None:
        while True:
            await self._clock.sleep(SILENCE_CHECK_S)
            if any(wire.state != "up" for wire in self._wires):
                continue
            up_since_s = max((wire.up_since_s for wire in self._wires), default=0.0)
            for device in self._devices:
                lost = device.silent(up_since_s)
                if lost is not None:
                    await self._events.put(_Pending(None, None, (Told(news=(lost,)),)))


def _nobody(events: tuple[Event, ...], _fresh: bool) -> tuple[Event, ...]:
    """No door waits for them."""
    return events


async def _acknowledge(pending: _Pending) -> None:
    if pending.link is not None and pending.message is not None:
        # On a lost connection the broker sends it again, and then it is known.
        with contextlib.suppress(WireLost):
            await pending.link.acknowledge(pending.message)


def _devices(
    devices: Sequence[DeviceSettings], profiles: Mapping[str, Profile], clock: Clock, gateway: GatewaySettings
) -> list[MqttDevice]:
    spoken = {device.profile: profiles[device.profile] for device in devices}
    reads_cards = any(isinstance(profile, MqttProfile) and profile.reads_cards for profile in spoken.values())
    key_card: KeyCard = open_card_keys(gateway.card_key_file).key if reads_cards else _no_card
    zone = _zone(gateway.time_zone)
    found = []
    for device in devices:
        profile = device_profile(spoken[device.profile], device.points)
        assert isinstance(profile, MqttProfile)
        decoder = MqttDecoder(
            profile,
            device=device.id,
            topic=device.topic,
            ident=device.ident,
            card=device.card,
            zone=zone,
            key_card=key_card,
        )
        found.append(MqttDevice(device, profile, decoder, clock))
    return found


def _no_card(number: str, form: str) -> str:
    raise BadPayload("card", "no profile of this bus reads cards")


def _zone(name: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _split_filters(devices: Sequence[MqttDevice]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Topic filters for each connection. One filter is in one of them only, or its messages would come twice."""
    events: dict[str, None] = {}
    others: dict[str, None] = {}
    for device in devices:
        with_events = device.decoder.event_filters
        if with_events and any("+" in name for name in device.decoder.filters):
            with_events = device.decoder.filters
        events.update(dict.fromkeys(with_events))
        others.update(dict.fromkeys(device.decoder.filters))
    return ("events", tuple(events)), ("telemetry", tuple(name for name in others if name not in events))
