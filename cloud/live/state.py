"""Live state: what every series, device and gateway says now. Fed by the ingest path, read by the API and the stream.

Old readings (a backlog after an outage) never replace newer ones. Changes are collected here and given out by
``emit``, which moves the cursor on; between two calls a value may change many times and goes out once.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from cloud.ingest.contract import Committed, CommittedBatch, GatewayCounters
from cloud.live.entities import Entity, device_id, gateway_id, new_device, new_gateway
from cloud.live.presence import Presence
from cloud.live.values import HIDDEN, UNSEEN, SeriesValues
from cloud.live.views import QualityNames, SeriesNames, Views
from cloud.registry.inventory import Inventory
from cloud.registry.things import BirthChange, Device
from cloud.store.contract import Codes, Doubles, GatewayKey, Ints, Longs, NewestValues, Page
from protocols.birth import Birth
from protocols.events import GATEWAY_DEVICE
from protocols.reading import Event
from protocols.status import DeviceReport, Status


class LiveState:
    """All entities and values. Not thread-safe: it lives in the event loop.

    ``on_change`` is called after every change, so that the stream can decide what goes out when.
    """

    def __init__(self, inventory: Inventory, series: SeriesNames, qualities: QualityNames, presence: Presence) -> None:
        self.values = SeriesValues()
        self.entities: list[Entity] = []
        """By index; a removed one stays as it was and is in ``removed``."""
        self.removed: set[int] = set()
        self.dirty: set[int] = set()
        """Entities of which something besides values changed."""
        self.urgent: set[int] = set()
        """Of those, to which something happened (an event, a change of state): this change does not wait."""
        self.on_change: Callable[[], None] = lambda: None
        self.on_restructure: Callable[[], None] = lambda: None
        """Called when a change cannot be said as a delta: a device lost a point."""
        self.on_removed: Callable[[str], None] = lambda _: None
        self.on_gateway: Callable[[Entity], None] = lambda _: None
        """Called when it is online or not, or announced anew."""
        self.counters: Callable[[GatewayKey], GatewayCounters] = lambda _: GatewayCounters()
        self.fenced: Callable[[GatewayKey], bool] = lambda _: False
        self._inventory, self._series, self._presence = inventory, series, presence
        self._by_id: dict[str, Entity] = {}
        self._orphans: set[int] = set()
        """Unannounced devices known from the store, of which the gateway is not known until it sends again."""
        self.views = Views(self.values, inventory, series, qualities, self._refresh_counters)

    # --- what comes in ---

    def load(self) -> None:
        """Make the entities of everything that was announced before."""
        for gateway in self._inventory.gateways():
            self._take_gateway(gateway.key)
        for device in self._inventory.devices():
            self._take_device(device)

    def refill(self, newest: NewestValues, events: Page) -> None:
        """After a start: what the store has, with its true ages. ``events`` has the store's EVENT_COLUMNS."""
        if len(newest.series):
            self._place_all(newest.series, "")
            self._take_values(newest.series, newest.at, newest.value, newest.quality, newest.received_at)
        for row in events.rows:
            known = dict(zip(events.columns, row, strict=True))
            event = msgspec.convert({name: known[name] for name in ("device", "kind", "at", "data", "reason")}, Event)
            received_at = msgspec.convert(known["received_at"], int)
            self._take_event(str(known["site"]), str(known["gateway"]), event, received_at=received_at)
        self.urgent.clear()

    async def committed(self, committed: Committed) -> None:
        """Take what is durable now."""
        batches = committed.batches
        filled = [batch for batch in batches if len(batch.series)]
        for batch in filled:
            self._place_all(batch.series, batch.gateway)
        if len(filled) == 1:
            one = filled[0]
            self._take_values(one.series, one.at, one.value, one.quality, _repeat(filled))
        elif filled:
            self._take_values(
                np.concatenate([batch.series for batch in filled]),
                np.concatenate([batch.at for batch in filled]),
                np.concatenate([batch.value for batch in filled]),
                np.concatenate([batch.quality for batch in filled]),
                _repeat(filled),
            )
        for batch in batches:
            for event in batch.events:
                self._take_event(batch.site, batch.gateway, event, received_at=batch.received_at)
            key = GatewayKey(batch.site, batch.gateway)
            gateway = self.gateway(key)
            gateway.changed_attributes.add("counters")
            self.dirty.add(gateway.index)
            self._presence.heard(key, batch.received_at)
        self.on_change()

    async def birth(self, key: GatewayKey, birth: Birth, *, received_at: int, retained: bool) -> None:
        """Take a birth: register what it names and show it."""
        self._presence.born(key, birth.session, received_at, retained=retained)
        self.announce(await self._inventory.born(key, birth, received_at))

    def announce(self, change: BirthChange) -> None:
        """Show what a birth changed."""
        self._take_gateway(change.gateway.key)
        for device in change.devices:
            self._take_device(device)
        for device in change.removed:
            self._remove(device)
        self.on_change()

    async def status(self, key: GatewayKey, status: Status, *, received_at: int, retained: bool) -> None:
        """Take a status, unless it is the late will of an older session."""
        self._inventory.note(key, received_at)
        if not self._presence.status(key, status.session, received_at, online=status.state == "online"):
            return
        gateway = self.gateway(key)
        # A retained report is as old as its own clock says; one just sent is as new as its arrival.
        said_at = status.at if retained and 0 < status.at < received_at else received_at
        gateway.observed_at, gateway.received_at = said_at, received_at
        self.dirty.add(gateway.index)
        changed = gateway.put("online", self._presence.online(key))
        changed |= gateway.put("session", status.session)
        self._hurry(gateway, changed)
        if changed:
            self.on_gateway(gateway)
        if status.report is not None:
            gateway.put("report", status.report)
            for report in status.report.devices:
                self._take_report(key, report)
        self.on_change()

    def note_fence(self, key: GatewayKey) -> None:
        """A fence was set or lifted."""
        gateway = self.gateway(key)
        self._hurry(gateway, gateway.put("fenced", self.fenced(key)))
        self.on_gateway(gateway)
        self.dirty.add(gateway.index)
        self.on_change()

    def take_out(self, name: str) -> None:
        """Show an entity no longer. No error when it was not shown."""
        entity = self._by_id.pop(name, None)
        if entity is None:
            return
        self.removed.add(entity.index)
        self.dirty.discard(entity.index)
        self.urgent.discard(entity.index)
        self.on_removed(entity.id)

    # --- what goes out ---

    def find(self, name: str) -> Entity | None:
        """The entity of that id, unless it was removed."""
        return self._by_id.get(name)

    def shown(self) -> list[Entity]:
        """Every entity that was not removed, in the order they came up."""
        return list(self._by_id.values())

    # --- inside ---

    def _take_values(self, series: Ints, at: Longs, value: Doubles, quality: Codes, received_at: Longs) -> None:
        values = self.values
        shown = values.entity[series] >= 0
        if not shown.all():
            series, at, value, quality = series[shown], at[shown], value[shown], quality[shown]
            received_at = received_at[shown]
        values.take(series, at, value, quality, received_at)

    def _place_all(self, series: Ints, gateway: str) -> None:
        """Find the entities of series that were not seen before. ``gateway``: from which they came."""
        values = self.values
        values.make_room(int(series.max()))
        unseen = values.entity[series] == UNSEEN
        if unseen.any():
            for one in np.unique(series[unseen]).tolist():
                self._place(one, gateway)
        if self._orphans and gateway:
            for index in self._orphans.intersection(np.unique(values.entity[series]).tolist()):
                entity = self.entities[index]
                entity.gateway, entity.renamed = gateway, True
                self._orphans.discard(index)

    def _place(self, series: int, gateway: str) -> None:
        key = self._series.name(series)
        device = self._inventory.device(key.site, key.device)
        if device is not None and device.removed_at is not None:
            self.values.entity[series] = HIDDEN
            return
        entity = self._device(key.site, key.device, device.gateway if device else gateway)
        entity.series[key.point] = series
        self.values.entity[series] = entity.index

    def _take_event(self, site: str, gateway: str, event: Event, *, received_at: int) -> None:
        if event.device == GATEWAY_DEVICE:
            entity = self.gateway(GatewayKey(site, gateway))
        else:
            entity = self._device(site, event.device, gateway)
        last = entity.attributes["last_event"]
        if isinstance(last, Event) and last.at > event.at:
            return
        entity.put("last_event", event)
        if not entity.is_gateway:
            entity.observed_at = max(event.at, entity.observed_at or 0)
            entity.received_at = max(received_at, entity.received_at or 0)
        self._hurry(entity)

    def _take_gateway(self, key: GatewayKey) -> None:
        known = self._inventory.gateway(key)
        entity = self.gateway(key)
        if known is None:
            return
        if entity.name != known.name:
            entity.name, entity.renamed = known.name, True
        online = self._presence.online(key)
        for name, value in (
            ("announced", known.announced),
            ("software", known.software),
            ("config_hash", known.config_hash),
            ("session", known.session if known.announced else None),
            ("online", online),
        ):
            self._hurry(entity, entity.put(name, value))
        self.dirty.add(entity.index)
        self.on_gateway(entity)

    def _take_device(self, device: Device) -> None:
        entity = self._device(device.site, device.id, device.gateway)
        stale_s = device.stale_after_s or max((p.stale_after_s for p in device.points.values()), default=900.0)
        named = (device.kind or "device", device.name, device.gateway, stale_s)
        if (entity.kind, entity.name, entity.gateway, entity.stale_after_s) != named:
            entity.kind, entity.name, entity.gateway, entity.stale_after_s = named
            entity.renamed = True
        entity.put("profile", device.profile)
        entity.put("bus", device.bus)
        entity.put("every_s", device.every_s or None)
        if device.remote or "remote" in entity.attributes:
            entity.put("remote", msgspec.to_builtins(device.remote))
        if entity.attributes["state"] == "unannounced":
            entity.put("state", "ok" if entity.series else "waiting")
        for point, series in list(entity.series.items()):
            self.views.forget(series)
            if point not in device.points:
                del entity.series[point]
                self.values.entity[series], self.values.pending[series] = HIDDEN, False
                self.on_restructure()
            else:
                self.values.pending[series] = True
        self._show_hidden(device, entity)
        self.dirty.add(entity.index)

    def _show_hidden(self, device: Device, entity: Entity) -> None:
        """Series that came before their point was announced, or whose device was away."""
        for series in np.flatnonzero(self.values.entity == HIDDEN).tolist():
            key = self._series.name(series)
            if (key.site, key.device) == (device.site, device.id) and key.point in device.points:
                entity.series[key.point] = series
                self.values.entity[series] = entity.index
                self.values.pending[series] = True

    def _take_report(self, key: GatewayKey, report: DeviceReport) -> None:
        entity = self._by_id.get(device_id(key.site, report.id))
        if entity is None or entity.gateway != key.gateway:
            return
        changed = entity.put("state", report.state)
        self._hurry(entity, changed)
        entity.put("achieved_s", report.achieved_s)
        entity.put("last_error", report.last_error)
        if entity.changed_attributes:
            self.dirty.add(entity.index)

    def _remove(self, device: Device) -> None:
        entity = self._by_id.get(device_id(device.site, device.id))
        if entity is None:
            return
        for series in entity.series.values():
            self.values.entity[series], self.values.pending[series] = HIDDEN, False
        self.take_out(entity.id)

    def _device(self, site: str, device: str, gateway: str) -> Entity:
        found = self._by_id.get(device_id(site, device))
        if found is None:
            found = new_device(len(self.entities), site, device, gateway)
            self.add(found)
            if not gateway:
                self._orphans.add(found.index)
        elif not found.gateway and gateway:
            found.gateway, found.renamed = gateway, True
            self._orphans.discard(found.index)
        return found

    def gateway(self, key: GatewayKey) -> Entity:
        """The entity of a gateway; a new one when nothing was heard of it."""
        found = self._by_id.get(gateway_id(key))
        if found is None:
            found = new_gateway(len(self.entities), key)
            self.add(found)
            self._take_gateway(key)
        return found

    def add(self, entity: Entity) -> None:
        """Show a new entity, at its index."""
        entity.renamed = True
        entity.changed_attributes.update(entity.attributes)
        if entity.index < len(self.entities):
            self.entities[entity.index] = entity
        else:
            self.entities.append(entity)
        self._by_id[entity.id] = entity
        self.dirty.add(entity.index)

    def _hurry(self, entity: Entity, indeed: bool = True) -> None:
        if indeed:
            self.dirty.add(entity.index)
            self.urgent.add(entity.index)

    def _refresh_counters(self, entity: Entity) -> None:
        if not entity.is_gateway:
            return
        key = GatewayKey(entity.site, entity.gateway)
        counters = self.counters(key)
        for name in ("stored_batches", "stored_readings", "duplicates", "rejected", "retimed"):
            entity.put(name, getattr(counters, name))
        entity.put("refused", dict(counters.refused))
        entity.put("last_batch_at", counters.last_batch_at or None)
        entity.put("latency_ms", round(counters.last_latency_ms, 1) if counters.last_batch_at else None)
        entity.put("fenced", self.fenced(key))


def _repeat(batches: Sequence[CommittedBatch]) -> Longs:
    """When each reading of these batches was received."""
    return np.repeat(
        np.array([batch.received_at for batch in batches], np.int64), [len(batch.series) for batch in batches]
    )
