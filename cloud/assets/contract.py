"""What the features of the console share: assets, what is observed of them, and what is said about them.

Fleet, dispatch, rooms, patrol, doors and visitors do not import each other; each takes what it needs of this page by
its constructor. Call order after a commit: live state, then ``AssetFeed``, which tells each ``Listener`` of the kinds
it asked for, then the other handlers of ``cloud.app``.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from cloud.geo.earth import Spot
from protocols.reading import Event

AssetKind = Literal["vehicle", "room", "guard", "door", "reader", "meter", "gateway", "technician", "driver"]
"""What can be an asset. Gateways need not be bound to anything: they announce themselves."""

Role = Literal["position", "contact", "lock", "reader", "presence", "odometer", "ignition", "meter", "tag"]
"""What a device tells about an asset: where it is, whether it stands open, who held a card to it, ...

A guard or a driver may also be known by card keys (a fact of the asset), read anywhere.
"""

Words = dict[str, str]
"""A text by language: ``{"en": ..., "zh": ...}``."""


class AssetKey(NamedTuple):
    """Names an asset. Ids follow ``protocols.reading.ID_RULE``."""

    site: str
    kind: str
    id: str

    @property
    def entity(self) -> str:
        """The id of its live state: ``site/kind:id``."""
        return f"{self.site}/{self.kind}:{self.id}"

    @classmethod
    def of_entity(cls, name: str) -> "AssetKey | None":
        """The key behind the id of a live state; None when that is no thing's."""
        site, slash, rest = name.partition("/")
        kind, colon, local = rest.partition(":")
        return cls(site, kind, local) if slash and colon else None


class Binding(NamedTuple):
    """A device of the asset's site that tells about it."""

    role: str
    device: str


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """Something worth tracking, with or without a device on it.

    facts: what is known of it, checked by kind (``cloud.assets.facts``): plate, seats, capacity, skills, card keys,
    where it stands when nothing moves (``latitude``, ``longitude``), after how many seconds it counts as held open, ...
    unit: the part of the organisation it belongs to; empty for nobody's.
    """

    key: AssetKey
    name: str
    unit: str = ""
    facts: Mapping[str, object] = {}
    bindings: tuple[Binding, ...] = ()

    def text(self, fact: str) -> str:
        """A fact that is a text; empty when it is not known."""
        value = self.facts.get(fact)
        return value if isinstance(value, str) else ""

    def number(self, fact: str, otherwise: float = 0.0) -> float:
        """A fact that is a number."""
        value = self.facts.get(fact)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise

    def texts(self, fact: str) -> tuple[str, ...]:
        """A fact that is a list of texts."""
        value = self.facts.get(fact)
        return tuple(str(each) for each in value) if isinstance(value, list | tuple) else ()

    @property
    def spot(self) -> Spot | None:
        """Where it stands for good; None for what moves or what nobody placed."""
        if "latitude" not in self.facts or "longitude" not in self.facts:
            return None
        return Spot(self.number("latitude"), self.number("longitude"))


class Observed(NamedTuple):
    """Readings of one bound device at one instant. A point that is ``bad`` is None."""

    asset: Asset
    binding: Binding
    at: int
    received_at: int
    points: Mapping[str, float | None]
    quality: str
    """The worst of these readings."""


class Happened(NamedTuple):
    """An event of a bound device."""

    asset: Asset
    binding: Binding
    event: Event
    received_at: int


class Listener(Protocol):
    """A feature. Called in the event loop after the commit, in the order of reception; be short.

    ``observed`` may bring what is older than what came before (a backlog): rules with memory re-run that day.
    """

    async def observed(self, observed: Sequence[Observed]) -> None: ...

    async def happened(self, happened: Sequence[Happened]) -> None: ...


class Roster(Protocol):
    """The assets there are now (``cloud.assets.book``)."""

    def find(self, key: AssetKey) -> Asset | None: ...

    def all(self, kind: str | None = None, site: str | None = None) -> Sequence[Asset]:
        """By key."""
        ...

    def bound(self, site: str, device: str) -> Sequence[tuple[Asset, Binding]]:
        """What a device tells about."""
        ...

    def by_card(self, site: str, card_key: str) -> Asset | None:
        """The guard, technician or driver who carries this card."""
        ...


class Shown(Protocol):
    """The console's live state (``cloud.live.things.Things``): ``name`` is ``AssetKey.entity`` or alike."""

    def show(
        self,
        name: str,
        kind: str,
        site: str,
        *,
        title: str,
        attributes: Mapping[str, object],
        observed_at: int | None = None,
        received_at: int | None = None,
        quality: str = "good",
        stale_after_s: float | None = None,
        urgent: bool = False,
    ) -> None: ...

    def hide(self, name: str) -> None: ...


class Journal(Protocol):
    """What happened, for the timeline of a thing and the time machine (``cloud.registry.journal_book``)."""

    def note(self, site: str, entity: str, kind: str, at: int, facts: Mapping[str, object]) -> None:
        """Write it down soon; never blocks, never raises. ``at``: when it happened, ms."""
        ...

    def replace(
        self,
        site: str,
        entity: str,
        kinds: Sequence[str],
        since: int,
        until: int,
        rows: Sequence[tuple[str, int, Mapping[str, object]]],
    ) -> None:
        """A day was worked out anew: what was noted of these kinds in [since, until) gives way to (kind, at, facts)."""
        ...


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    """A named area of a site's map: a polygon (outer ring), or a circle when ``radius_m`` is set.

    purpose: ``compound``, ``parking``, ``sensitive``, ``area``. schedule: when its rules hold, as
    ``"mon-fri 08:00-18:00"`` parts, by the site's calendar; empty for always. min_dwell_s: shorter visits do not count.
    """

    site: str
    id: str
    name: str
    purpose: str = "area"
    ring: tuple[Spot, ...] = ()
    centre: Spot | None = None
    radius_m: float = 0.0
    schedule: tuple[str, ...] = ()
    min_dwell_s: float = 0.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A named spot of a site's map: a gate, a building's door, a car park, a checkpoint, a destination in town."""

    site: str
    id: str
    name: str
    kind: str
    spot: Spot


class SiteMap(Protocol):
    """The drawn map of each site (``cloud.assets.maps``)."""

    def fences(self, site: str) -> Sequence[Fence]: ...

    def places(self, site: str) -> Sequence[Place]: ...

    def place(self, site: str, name: str) -> Place | None:
        """By id or name."""
        ...

    def roads(self, site: str) -> Sequence[Sequence[Spot]]:
        """Lines that vehicles may drive, gates as common ends; empty when nobody drew any."""
        ...

    def where(self, site: str, spot: Spot) -> str:
        """In words: the innermost fence or building, or the nearest place within 150 m; empty when there is none."""
        ...


class Booked(NamedTuple):
    """Work that a resource has: an assigned request, from when to when (ms) it is taken."""

    request: str
    resource: AssetKey
    since: int
    until: int
    to: Spot | None
    to_name: str
    unit: str
    driver: str
    status: str
    """``assigned``, ``under_way`` or ``arrived``; ``done`` for one that ended."""


class Orders(Protocol):
    """What dispatch has given to whom (``cloud.dispatch``); fleet asks whether a movement is covered."""

    def of(self, resource: AssetKey, since: int, until: int) -> Sequence[Booked]:
        """Work that overlaps [since, until), also what ended, by its beginning."""
        ...


class ResourceState(NamedTuple):
    """What a resource is doing, as its feature says; dispatch matches by it.

    state: of a vehicle ``available``, ``reserved``, ``on_trip``, ``stopped``, ``non_operational``,
    ``non_contactable``; of a guard or technician ``available``, ``busy``, ``off_duty``, ``non_contactable``.
    observed_at: of the position, None without one.
    """

    key: AssetKey
    state: str
    spot: Spot | None
    observed_at: int | None
    accuracy_m: float | None = None


class Travelled(NamedTuple):
    """A trip that ended, for those who learn from it. km None: only the crow's way is known. request: of the order it
    was made for (entity), or empty."""

    site: str
    kind: str
    started_at: int
    ended_at: int
    start: Spot
    end: Spot
    km: float | None
    request: str


class Resources(Protocol):
    """States of what can be sent somewhere (fleet for vehicles, patrol for guards and technicians)."""

    def states(self, site: str, kind: str) -> Sequence[ResourceState]: ...


class Calendar(Protocol):
    """The site's days (``cloud.assets.calendar``): its zone, workdays and holidays, make-up Saturdays too."""

    def is_workday(self, site: str, at: int) -> bool: ...

    def day_of(self, site: str, at: int) -> tuple[int, int]:
        """First and next midnight (ms) of the site's day that holds the instant."""
        ...

    def within(self, site: str, at: int, schedule: Sequence[str]) -> bool:
        """Whether the instant lies in one of ``"mon-fri 08:00-18:00"``, ``"workday 07:30-19:00"``, ``"daily"``."""
        ...
