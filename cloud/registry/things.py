"""Sites, gateways, devices and points, as the collector knows them from births."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cloud.store.contract import GatewayKey
from protocols.birth import Birth, DeviceBirth, PointBirth, RemoteBirth
from protocols.points import PointKind

DEFAULT_STALE_S = 900.0
_POINT_KINDS: dict[str, PointKind] = {"counter": "counter", "gauge": "gauge", "state": "state"}


@dataclass(slots=True)
class Site:
    """A place. ``name`` falls back on the id."""

    id: str
    name: str
    time_zone: str


@dataclass(slots=True)
class Point:
    """A point as announced."""

    name: str
    unit: str
    kind: str
    stale_after_s: float


@dataclass(slots=True)
class Device:
    """A device as announced by its gateway."""

    site: str
    id: str
    gateway: str
    name: str
    kind: str
    profile: str = ""
    bus: str = ""
    every_s: float | None = None
    stale_after_s: float | None = None
    removed_at: int | None = None
    points: dict[str, Point] = field(default_factory=dict)
    remote: tuple[RemoteBirth, ...] = ()
    """What its gateway lets be ordered of it."""


@dataclass(slots=True)
class Gateway:
    """A gateway; ``announced`` is false until its first birth."""

    site: str
    id: str
    name: str
    first_seen_at: int
    software: str = ""
    config_hash: str = ""
    session: int = 0
    started_at: int = 0
    announced: bool = False
    born_at: int | None = None

    @property
    def key(self) -> GatewayKey:
        return GatewayKey(self.site, self.id)


@dataclass(frozen=True, slots=True)
class BirthChange:
    """What a birth changed: devices that are new or different, and devices that are gone."""

    gateway: Gateway
    devices: tuple[Device, ...]
    removed: tuple[Device, ...]


def device_from_birth(key: GatewayKey, announced: DeviceBirth) -> Device:
    """A device as its gateway announced it."""
    points = {
        point.name: Point(
            point.name, point.unit, point.kind, point.stale_after_s or announced.stale_after_s or DEFAULT_STALE_S
        )
        for point in announced.points
    }
    return Device(
        site=key.site,
        id=announced.id,
        gateway=key.gateway,
        name=announced.name or announced.id,
        kind=announced.kind,
        profile=announced.profile,
        bus=announced.bus,
        every_s=announced.every_s,
        stale_after_s=announced.stale_after_s,
        points=points,
        remote=tuple(announced.remote),
    )


def birth_of(gateway: Gateway, site: Site, devices: Iterable[Device]) -> Birth:
    """What a gateway said, as far as it is kept."""
    return Birth(
        site=site.id,
        gateway=gateway.id,
        name=gateway.name,
        site_name=site.name,
        time_zone=site.time_zone,
        software=gateway.software,
        config_hash=gateway.config_hash,
        session=gateway.session,
        started_at=gateway.started_at,
        devices=[
            DeviceBirth(
                device.id,
                device.name,
                device.kind,
                device.profile,
                device.bus,
                device.every_s or 0.0,
                device.stale_after_s or 0.0,
                [PointBirth(p.name, p.unit, _POINT_KINDS[p.kind], p.stale_after_s) for p in device.points.values()],
                list(device.remote),
            )
            for device in devices
        ],
    )
