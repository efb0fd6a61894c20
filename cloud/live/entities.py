"""What has live state: a device of a site (``site/device``), a gateway (``site/@gateway``), or a thing that a feature
of the collector shows (``site/kind:id``: a vehicle, a room, a request)."""

from dataclasses import dataclass, field

import msgspec

from cloud.store.contract import GatewayKey

GATEWAY_STALE_S = 30.0
"""A gateway reports every 10 s; after three missed reports what it said is stale."""

Attributes = dict[str, object]


class PointView(msgspec.Struct, gc=False):
    """One point as the API shows it. ``value`` is None exactly when ``quality`` is bad."""

    value: float | None
    unit: str
    kind: str
    quality: str
    reason: str
    observed_at: int
    received_at: int
    stale_after_s: float
    label: str | None


class EntityView(msgspec.Struct, gc=False):
    """One entity as the API shows it. ``gateway`` is empty and ``points`` too for a thing that a feature shows.

    ``stale_after_s`` None: it does not age (a request).
    """

    id: str
    kind: str
    site: str
    device: str | None
    gateway: str
    name: str
    rev: int
    observed_at: int | None
    received_at: int | None
    quality: str
    stale_after_s: float | None
    attributes: Attributes
    points: dict[str, PointView]


class Change(msgspec.Struct, gc=False, omit_defaults=True):
    """How an entity changed: ``set`` replaces fields, ``attributes`` are merged, each point of ``points`` replaced."""

    id: str
    rev: int = 0
    deleted: bool = False
    set: dict[str, object] = {}
    attributes: Attributes = {}
    points: dict[str, PointView] = {}


@dataclass(slots=True)
class Entity:
    """Live state of one device, gateway or thing, without its values (those are in ``SeriesValues``)."""

    index: int
    id: str
    kind: str
    site: str
    device: str | None
    gateway: str
    name: str
    stale_after_s: float | None
    interval_s: float
    """Changes go out at most this often, except urgent ones."""
    attributes: Attributes
    series: dict[str, int] = field(default_factory=dict)
    """Point name -> series id, of the points that have a value."""
    rev: int = 0
    observed_at: int | None = None
    received_at: int | None = None
    emitted: int = 0
    changed_attributes: set[str] = field(default_factory=set)
    renamed: bool = False
    """Kind, name, gateway or stale limit changed since they last went out."""
    quality: str = "good"
    """Of a thing; that of a device is the worst of its points."""

    def put(self, name: str, value: object) -> bool:
        """Set an attribute; returns whether it changed."""
        if self.attributes.get(name) == value and name in self.attributes:
            return False
        self.attributes[name] = value
        self.changed_attributes.add(name)
        return True

    @property
    def is_gateway(self) -> bool:
        return self.device is None and bool(self.gateway)


def device_id(site: str, device: str) -> str:
    """The entity id of a device."""
    return f"{site}/{device}"


def gateway_id(key: GatewayKey) -> str:
    """The entity id of a gateway; no device id begins with @."""
    return f"{key.site}/@{key.gateway}"


def new_thing(index: int, name: str, kind: str, site: str) -> Entity:
    """A thing of which nothing is said yet."""
    return Entity(
        index=index,
        id=name,
        kind=kind,
        site=site,
        device=None,
        gateway="",
        name="",
        stale_after_s=None,
        interval_s=0.25,
        attributes={},
    )


def new_device(index: int, site: str, device: str, gateway: str) -> Entity:
    """A device that nobody announced, so far."""
    return Entity(
        index=index,
        id=device_id(site, device),
        kind="device",
        site=site,
        device=device,
        gateway=gateway,
        name=device,
        stale_after_s=900.0,
        interval_s=0.25,
        attributes={
            "profile": "",
            "bus": "",
            "state": "unannounced",
            "every_s": None,
            "achieved_s": None,
            "last_error": "",
            "last_event": None,
        },
    )


def new_gateway(index: int, key: GatewayKey) -> Entity:
    """A gateway of which only the name is known."""
    return Entity(
        index=index,
        id=gateway_id(key),
        kind="gateway",
        site=key.site,
        device=None,
        gateway=key.gateway,
        name=key.gateway,
        stale_after_s=GATEWAY_STALE_S,
        interval_s=1.0,
        attributes={
            "online": False,
            "announced": False,
            "session": None,
            "software": "",
            "config_hash": "",
            "fenced": False,
            "report": None,
            "last_event": None,
            "stored_batches": 0,
            "stored_readings": 0,
            "duplicates": 0,
            "rejected": 0,
            "retimed": 0,
            "refused": {},
            "last_batch_at": None,
            "latency_ms": None,
        },
    )
