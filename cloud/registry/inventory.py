"""Sites, gateways, devices and points as births name them: kept in RAM for those who ask often, and on disk."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import select

from cloud.registry.database import Database
from cloud.registry.inventory_rows import device_of, gateway_of, row_of_gateway, write_devices, write_site
from cloud.registry.tables import DeviceRow, GatewayRow, PointRow, SiteRow
from cloud.registry.things import (
    DEFAULT_STALE_S,
    BirthChange,
    Device,
    Gateway,
    Point,
    Site,
    birth_of,
    device_from_birth,
)
from cloud.settings import NamedSite, is_time_zone
from cloud.store.contract import GatewayKey, SeriesKey
from protocols.birth import Birth
from protocols.errors import StoreUnavailable
from protocols.points import VOCABULARY

log = logging.getLogger(__name__)

DEFAULT_TIME_ZONE = "Asia/Shanghai"


class Inventory:
    """Answers from RAM; ``load`` first. Names and zones of ``named_sites`` (settings) win over those of births."""

    def __init__(self, database: Database, named_sites: Iterable[NamedSite] = ()) -> None:
        self._database = database
        self._named = {site.id: site for site in named_sites}
        self._sites: dict[str, Site] = {}
        self._gateways: dict[GatewayKey, Gateway] = {}
        self._devices: dict[tuple[str, str], Device] = {}
        self._of_gateway: defaultdict[GatewayKey, set[str]] = defaultdict(set)
        """Devices that were ever under a gateway; ``_devices`` says whether they still are."""
        self._order = asyncio.Lock()
        self._noted: dict[GatewayKey, Gateway] = {}
        """Known in RAM, not on disk yet."""

    async def load(self) -> None:
        """Read what earlier births left."""
        async with self._database.reading() as session:
            for site in await session.scalars(select(SiteRow)):
                self._sites[site.id] = Site(site.id, site.name or site.id, site.time_zone or DEFAULT_TIME_ZONE)
            for row in await session.scalars(select(GatewayRow)):
                gateway = gateway_of(row)
                self._gateways[gateway.key] = gateway
            for device in await session.scalars(select(DeviceRow)):
                self._put(device_of(device))
            for point in await session.scalars(select(PointRow)):
                owner = self._devices.get((point.site, point.device))
                if owner is not None:
                    stale_s = point.stale_after_s or owner.stale_after_s or DEFAULT_STALE_S
                    owner.points[point.name] = Point(point.name, point.unit, point.kind, stale_s)
        for name in self._named:
            self._sites[name] = self._as_named(self.site(name))

    def sites(self) -> list[Site]:
        """Every known site, by id."""
        return [self._sites[name] for name in sorted(self._sites)]

    def site(self, name: str) -> Site:
        """The site, or one with default zone when it is unknown."""
        return self._sites.get(name) or Site(name, name, DEFAULT_TIME_ZONE)

    def gateways(self, site: str | None = None) -> list[Gateway]:
        """Every known gateway, by site and id."""
        return [self._gateways[key] for key in sorted(self._gateways) if site in (None, key.site)]

    def gateway(self, key: GatewayKey) -> Gateway | None:
        return self._gateways.get(key)

    def devices(self, site: str | None = None) -> list[Device]:
        """Every announced device that was not removed, by site and id."""
        return [
            device
            for key in sorted(self._devices)
            if site in (None, key[0]) and (device := self._devices[key]).removed_at is None
        ]

    def device(self, site: str, name: str) -> Device | None:
        """The device as announced, also when it was removed since (see ``removed_at``)."""
        return self._devices.get((site, name))

    def point(self, key: SeriesKey) -> Point:
        """The point as announced; for one that nobody announced what the vocabulary says."""
        device = self._devices.get((key.site, key.device))
        if device is not None and key.point in device.points:
            return device.points[key.point]
        stale_s = (device.stale_after_s if device else None) or DEFAULT_STALE_S
        word = VOCABULARY.get(key.point)
        if word is None:
            return Point(key.point, "", "gauge", stale_s)
        return Point(key.point, word.unit, word.kind, stale_s)

    def stale_after_ms(self, key: SeriesKey) -> int:
        """How long a value of this series holds when nothing newer comes."""
        return int(self.point(key).stale_after_s * 1000)

    def time_zone(self, site: str) -> str:
        """The IANA name of the site's zone."""
        return self.site(site).time_zone

    def births(self) -> Iterator[tuple[GatewayKey, Birth]]:
        """What each announced gateway said, as far as it is kept."""
        for gateway in self._gateways.values():
            if gateway.announced:
                devices = [device for device in self.devices(gateway.site) if device.gateway == gateway.id]
                yield gateway.key, birth_of(gateway, self.site(gateway.site), devices)

    def note(self, key: GatewayKey, at: int) -> Gateway:
        """Know that a gateway exists, announced or not. Waits for nothing: who stores batches asks, and nobody's acks
        may stand behind what the registry has to write. ``keep_noted`` brings it to disk."""
        known = self._gateways.get(key)
        if known is None:
            known = self._gateways[key] = self._noted[key] = Gateway(key.site, key.gateway, key.gateway, at)
            self._sites.setdefault(key.site, Site(key.site, key.site, DEFAULT_TIME_ZONE))
        return known

    async def seen(self, key: GatewayKey, at: int) -> Gateway:
        """As ``note``, and returns when it is on disk."""
        known = self.note(key, at)
        await self.keep_noted()
        return known

    async def keep_noted(self) -> None:
        """Write down what was noted, all of it in one transaction. While that is not possible it is kept for later."""
        if not self._noted:
            return
        async with self._order:
            noted, self._noted = self._noted, {}
            chosen = [gateway for key, gateway in noted.items() if self._gateways.get(key) is gateway]
            try:
                async with self._database.writing() as session:
                    for site in {gateway.site: gateway for gateway in chosen}:
                        await write_site(session, self.site(site), chosen[0].first_seen_at)
                    for gateway in chosen:
                        await session.merge(row_of_gateway(gateway))
            except StoreUnavailable as error:
                self._noted = noted | self._noted
                log.warning("%d gateways that were seen are not written down yet: %s", len(chosen), error)

    async def born(self, key: GatewayKey, birth: Birth, at: int) -> BirthChange:
        """Take a birth: RAM first, then disk."""
        async with self._order:
            known = self._gateways.get(key)
            gateway = Gateway(
                key.site,
                key.gateway,
                birth.name or key.gateway,
                known.first_seen_at if known else at,
                birth.software,
                birth.config_hash,
                birth.session,
                birth.started_at,
                announced=True,
                born_at=at,
            )
            self._gateways[key] = gateway
            site_before = self._sites.get(key.site)
            site = self._take_site(key.site, birth)
            devices = self._take_devices(key, birth)
            named = {device.id for device in birth.devices}
            before = [self._devices[key.site, name] for name in sorted(self._of_gateway[key] - named)]
            removed = [device for device in before if device.gateway == key.gateway and device.removed_at is None]
            for device in removed:
                device.removed_at = at
            if devices or removed or known is None or replace(known, born_at=at) != gateway or site != site_before:
                await self._write(site, gateway, [*devices, *removed], at)
        return BirthChange(gateway, tuple(devices), tuple(removed))

    def _put(self, device: Device) -> None:
        self._devices[device.site, device.id] = device
        self._of_gateway[GatewayKey(device.site, device.gateway)].add(device.id)

    async def _write(self, site: Site, gateway: Gateway, devices: Sequence[Device], at: int) -> None:
        """To disk. While that is not possible RAM serves, and the broker says births again at the next start."""
        try:
            async with self._database.writing() as session:
                await write_site(session, site, at)
                await session.merge(row_of_gateway(gateway))
                await write_devices(session, devices, at)
        except StoreUnavailable as error:
            log.warning("what gateway %s/%s announced was not written down: %s", gateway.site, gateway.id, error)

    def _take_site(self, name: str, birth: Birth) -> Site:
        known = self._sites.get(name)
        zone = birth.time_zone if is_time_zone(birth.time_zone) else ""
        site = self._as_named(
            Site(
                name,
                birth.site_name or (known.name if known else name),
                zone or (known.time_zone if known else DEFAULT_TIME_ZONE),
            )
        )
        self._sites[name] = site
        return site

    def _as_named(self, site: Site) -> Site:
        named = self._named.get(site.id)
        if named is None:
            return site
        return Site(site.id, named.name or site.name, named.time_zone or site.time_zone)

    def _take_devices(self, key: GatewayKey, birth: Birth) -> list[Device]:
        changed = []
        for announced in birth.devices:
            device = device_from_birth(key, announced)
            known = self._devices.get((key.site, device.id))
            if known is not None and known.removed_at is None and known.gateway != key.gateway:
                # Two gateways name one device: the one that started last has it, in whatever order births are read.
                owner = self._gateways.get(GatewayKey(key.site, known.gateway))
                if owner is not None and owner.started_at > birth.started_at:
                    continue
            if known != device:
                self._put(device)
                changed.append(device)
        return changed
