"""Names the collector's own gateway and its trackers, so that they are shown as every announced device is."""

import logging
from typing import Protocol

from cloud.gps_in.contract import RANGES
from cloud.gps_in.trackers import Tracker, Trackers
from cloud.ingest.contract import OWN_GATEWAY
from cloud.store.contract import GatewayKey
from protocols.birth import Birth, DeviceBirth, PointBirth
from protocols.clock import Clock
from protocols.points import VOCABULARY
from protocols.status import Status

log = logging.getLogger(__name__)

STALE_S = 900.0
"""A phone that stands sends little."""
TITLE = "GPS over HTTP"


class AnnouncesOwn(Protocol):
    """The ingest path, as far as this file needs it."""

    async def announce_own(self, key: GatewayKey, birth: Birth | None, status: Status) -> None:
        """Tell everybody that a gateway of the collector's own lives, and what it is when that changed."""
        ...


class Announcing:
    """Tells of each site that has trackers; again when they changed."""

    def __init__(self, trackers: Trackers, path: AnnouncesOwn, clock: Clock) -> None:
        self._trackers, self._path, self._clock = trackers, path, clock
        self._started_at = 0
        self._told: dict[str, frozenset[Tracker]] = {}

    def knows(self, site: str, device: str) -> bool:
        """Whether the device was announced."""
        return any(tracker.device == device for tracker in self._told.get(site, ()))

    async def tell(self) -> None:
        """Announce sites whose trackers changed, and say that all live. Raises StoreUnavailable."""
        self._started_at = self._started_at or self._clock.now_ms()
        sites: dict[str, set[Tracker]] = {site: set() for site in self._told}
        for tracker in await self._trackers.all():
            sites.setdefault(tracker.site, set()).add(tracker)
        for site, trackers in sites.items():
            changed = self._told.get(site) != frozenset(trackers)
            birth = self._birth(site, trackers) if changed else None
            await self._path.announce_own(GatewayKey(site, OWN_GATEWAY), birth, self._status(self._clock.now_ms()))
            self._told[site] = frozenset(trackers)

    def _birth(self, site: str, trackers: set[Tracker]) -> Birth:
        return Birth(
            site=site,
            gateway=OWN_GATEWAY,
            name=TITLE,
            site_name="",
            time_zone="",
            software="dayuan collector",
            config_hash="",
            session=self._started_at,
            started_at=self._started_at,
            devices=[_device(tracker) for tracker in sorted(trackers, key=lambda each: each.device)],
        )

    def _status(self, now: int) -> Status:
        return Status(state="online", session=self._started_at, at=now)


def _device(tracker: Tracker) -> DeviceBirth:
    points = [PointBirth(name, VOCABULARY[name].unit, VOCABULARY[name].kind, STALE_S) for name in RANGES]
    return DeviceBirth(tracker.device, tracker.name, "vehicle", "", "http", 0.0, STALE_S, points)
