"""The state of everything at a past instant, in the shape of the state of now.

Things are what the state log says they were; where they were, and what devices said, comes from the readings: the
newest of each series that was true by then, up to a day back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cloud.assets.contract import AssetKey, Roster
from cloud.live.entities import Attributes, Entity, EntityView, PointView, device_id
from cloud.live.state import LiveState
from cloud.live.state_log import StateLog
from cloud.live.values import SeriesValues
from cloud.live.views import QualityNames, SeriesNames, Views
from cloud.registry.inventory import Inventory
from cloud.registry.state_book import StateBook, Was
from cloud.store.contract import NewestValues, SeriesStore

DAY_MS = 86_400_000
MOVING = ("latitude", "longitude", "speed_kmh", "course_deg", "accuracy_m")
"""Points that are attributes of a thing to which the device is bound for its position."""


class Past:
    """Answers what was. Reads only; nothing is kept between questions."""

    def __init__(
        self,
        live: LiveState,
        store: SeriesStore,
        inventory: Inventory,
        roster: Roster,
        state_log: StateLog,
        book: StateBook,
        series: SeriesNames,
        qualities: QualityNames,
    ) -> None:
        self._live, self._store, self._inventory, self._roster = live, store, inventory, roster
        self._log, self._book, self._series, self._qualities = state_log, book, series, qualities

    async def at(self, at: int, site: str | None = None) -> list[EntityView]:
        """Devices, then gateways and things, as they were. Raises StoreUnavailable."""
        await self._log.flush()
        devices = [entity for entity in self._live.shown() if entity.device is not None and site in (None, entity.site)]
        views = await self._devices(devices, at)
        shown = {view.id: view for view in views}
        return views + [self._thing(was, shown) for was in await self._book.at(at, site)]

    async def _devices(self, devices: Sequence[Entity], at: int) -> list[EntityView]:
        wanted = [number for entity in devices for number in entity.series.values()]
        newest = await self._store.newest_before(np.array(wanted, np.int32), at, since_at=at - DAY_MS)
        values = _filled(newest, max(wanted, default=0))
        views = Views(values, self._inventory, self._series, self._qualities, lambda _: None)
        found = frozenset(newest.series.tolist())
        return [views.view(self._then(entity, found)) for entity in devices]

    def _then(self, entity: Entity, found: frozenset[int]) -> Entity:
        """The device without what is only known of it now."""
        return replace(
            entity,
            series={point: number for point, number in entity.series.items() if number in found},
            attributes={"profile": entity.attributes.get("profile"), "state": None},
            observed_at=None,
            received_at=None,
            rev=0,
        )

    def _thing(self, was: Was, devices: Mapping[str, EntityView]) -> EntityView:
        attributes: Attributes = dict(was.attributes)
        observed_at, received_at = was.observed_at, was.observed_at
        gateway = was.entity.partition("/@")[2]
        if gateway:
            heard = [
                view.received_at or 0 for view in devices.values() if (view.site, view.gateway) == (was.site, gateway)
            ]
            observed_at = received_at = max([*heard, observed_at or 0]) or None
        for view in self._bound(was.entity, devices):
            if view.observed_at is not None and view.observed_at >= (observed_at or 0):
                observed_at, received_at = view.observed_at, view.received_at
            attributes |= _moving(view.points)
        return EntityView(
            id=was.entity,
            kind=was.kind,
            site=was.site,
            device=None,
            gateway=gateway,
            name=was.name,
            rev=0,
            observed_at=observed_at,
            received_at=received_at,
            quality=was.quality,
            stale_after_s=was.stale_after_s,
            attributes=attributes,
            points={},
        )

    def _bound(self, entity: str, devices: Mapping[str, EntityView]) -> Iterable[EntityView]:
        key = AssetKey.of_entity(entity)
        asset = self._roster.find(key) if key is not None else None
        for binding in asset.bindings if asset is not None else ():
            view = devices.get(device_id(asset.key.site, binding.device)) if asset is not None else None
            if binding.role == "position" and view is not None:
                yield view


def _moving(points: Mapping[str, PointView]) -> Attributes:
    """Where the device was; nothing without a whole position."""
    if any(name not in points or points[name].value is None for name in ("latitude", "longitude")):
        return {}
    return {name: points[name].value if name in points else None for name in MOVING}


def _filled(newest: NewestValues, highest: int) -> SeriesValues:
    values = SeriesValues(max(highest, int(newest.series.max(initial=0))) + 1)
    values.take(newest.series, newest.at, newest.value, newest.quality, newest.received_at)
    return values
