"""What stands around the fleet in its tests: a roster, a map, a calendar, orders, a store, a journal, a board."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from cloud.assets.calendar import SiteCalendar
from cloud.assets.contract import (
    Asset,
    AssetKey,
    Binding,
    Booked,
    Fence,
    Happened,
    Observed,
    Place,
    Travelled,
)
from cloud.fleet.fixes import POSITION, READER, Fix, Sample
from cloud.fleet.fleet import Core, Fleet
from cloud.fleet.rules import Yard
from cloud.fleet.settings import FleetSettings
from cloud.fleet.shapes import Shapes
from cloud.fleet.yards import Around
from cloud.geo.earth import Spot, distance_m
from cloud.registry.trip_book import StoredDay, StoredService, StoredSettings, StoredTrip
from cloud.store.contract import EVENT_COLUMNS, EventsQuery, Page, ReadingsQuery
from protocols.clock import ManualClock
from protocols.reading import Event

SITE, ZONE = "east", "Asia/Shanghai"
CAR = AssetKey(SITE, "vehicle", "car-1")
TRACKER, CARD_READER = "tracker-1", "reader-1"


class Zones:
    def time_zone(self, site: str) -> str:
        del site
        return ZONE


class Roster:
    """Assets that a test put in."""

    def __init__(self, *assets: Asset) -> None:
        self.assets = {asset.key: asset for asset in assets}
        self.cards: dict[str, Asset] = {}

    def find(self, key: AssetKey) -> Asset | None:
        return self.assets.get(key)

    def all(self, kind: str | None = None, site: str | None = None) -> Sequence[Asset]:
        return [
            asset for key, asset in sorted(self.assets.items()) if kind in (None, key.kind) and site in (None, key.site)
        ]

    def bound(self, site: str, device: str) -> Sequence[tuple[Asset, Binding]]:
        return [
            (asset, binding) for asset in self.all(site=site) for binding in asset.bindings if binding.device == device
        ]

    def by_card(self, site: str, card_key: str) -> Asset | None:
        del site
        return self.cards.get(card_key)


class Map:
    """Fences and places that a test drew."""

    def __init__(self, fences: Sequence[Fence] = (), places: Sequence[Place] = ()) -> None:
        self._fences, self._places = tuple(fences), tuple(places)

    def fences(self, site: str) -> Sequence[Fence]:
        del site
        return self._fences

    def places(self, site: str) -> Sequence[Place]:
        del site
        return self._places

    def place(self, site: str, name: str) -> Place | None:
        del site
        return next((place for place in self._places if name in (place.id, place.name)), None)

    def roads(self, site: str) -> Sequence[Sequence[Spot]]:
        del site
        return ()

    def where(self, site: str, spot: Spot) -> str:
        del site
        return next((place.name for place in self._places if distance_m(place.spot, spot) <= 150), "")


class Orders:
    """Work that a test gave out."""

    def __init__(self, *booked: Booked) -> None:
        self.booked = list(booked)

    def of(self, resource: AssetKey, since: int, until: int) -> Sequence[Booked]:
        found = [one for one in self.booked if one.resource == resource and one.since < until and one.until > since]
        return sorted(found, key=lambda one: one.since)


class Store:
    """Samples as the readings store would keep them."""

    def __init__(self) -> None:
        self.kept: list[Sample] = []

    async def readings(self, query: ReadingsQuery) -> Page:
        rows = [
            (sample.at, sample.points[query.point], "good", "", "gw", "e", 1, sample.received_at)
            for sample in sorted(self.kept, key=lambda each: each.at)
            if sample.device == query.device
            and query.point in sample.points
            and query.from_at <= sample.at < query.to_at
        ]
        return Page(("at", "value", "quality", "reason", "gateway", "epoch", "seq", "received_at"), rows)

    async def events(self, query: EventsQuery) -> Page:
        rows: list[tuple[object, ...]] = [
            (
                sample.at,
                SITE,
                sample.device,
                "card_read",
                {"card_key": sample.card},
                "gw",
                "e",
                1,
                sample.received_at,
                "",
            )
            for sample in sorted(self.kept, key=lambda each: each.at)
            if sample.role == READER and query.from_at <= sample.at < query.to_at
        ]
        return Page(EVENT_COLUMNS, rows)


class Journal:
    """Notes as they stand."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, int, dict[str, object]]] = []

    def note(self, site: str, entity: str, kind: str, at: int, facts: Mapping[str, object]) -> None:
        del site
        self.rows.append((entity, kind, at, dict(facts)))

    def replace(
        self,
        site: str,
        entity: str,
        kinds: Sequence[str],
        since: int,
        until: int,
        rows: Sequence[tuple[str, int, Mapping[str, object]]],
    ) -> None:
        self.rows = [row for row in self.rows if not (row[0] == entity and row[1] in kinds and since <= row[2] < until)]
        for kind, at, facts in rows:
            self.note(site, entity, kind, at, facts)

    def kinds(self) -> list[str]:
        return [row[1] for row in sorted(self.rows, key=lambda row: row[2])]


class Board:
    """Alarms that hold, and all that ever began."""

    def __init__(self) -> None:
        self.active: dict[tuple[str, str], dict[str, Any]] = {}
        self.began: list[str] = []

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, Any]) -> None:
        if (kind, source) not in self.active:
            self.began.append(kind)
        self.active[kind, source] = dict(args)

    def clear_alarm(self, kind: str, source: str) -> None:
        self.active.pop((kind, source), None)


class Screen:
    """What is shown."""

    def __init__(self) -> None:
        self.shown: dict[str, dict[str, Any]] = {}
        self.ages: dict[str, Any] = {}

    def show(
        self, name: str, kind: str, site: str, *, title: str, attributes: Mapping[str, object], **age: Any
    ) -> None:
        del kind, site, title
        self.shown.setdefault(name, {}).update(attributes)
        self.ages[name] = age

    def hide(self, name: str) -> None:
        self.shown.pop(name, None)


class Book:
    """The registry's part, in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, int], StoredDay] = {}
        self.to_redo: dict[AssetKey, int] = {}

    async def write(self, days: Sequence[StoredDay], redo: Sequence[tuple[AssetKey, int | None]] = ()) -> None:
        for day in days:
            self.kept[day.site, day.vehicle, day.day] = day
        for key, first in redo:
            if first is None:
                self.to_redo.pop(key, None)
            else:
                self.to_redo[key] = first

    async def redo(self) -> dict[AssetKey, int]:
        return dict(self.to_redo)

    async def last_days(self) -> list[StoredDay]:
        newest: dict[tuple[str, str], StoredDay] = {}
        for day in sorted(self.kept.values(), key=lambda each: each.day):
            newest[day.site, day.vehicle] = day
        return list(newest.values())

    async def day(self, key: AssetKey, day: int) -> StoredDay | None:
        return self.kept.get((key.site, key.id, day))

    async def settings(self) -> dict[str, StoredSettings]:
        return {}

    async def services(self) -> list[StoredService]:
        return []

    async def put_service(self, key: AssetKey, service: StoredService | None) -> None:
        del key, service

    def trips(self) -> list[StoredTrip]:
        return [trip for _, day in sorted(self.kept.items()) for trip in day.trips]


def car(facts: Mapping[str, object] | None = None, bindings: Sequence[Binding] | None = None) -> Asset:
    own = (Binding(POSITION, TRACKER), Binding(READER, CARD_READER))
    return Asset(
        key=CAR,
        name="Car 1",
        facts={"plate": "浙A·3M902", **(facts or {})},
        bindings=own if bindings is None else tuple(bindings),
    )


def calendar() -> SiteCalendar:
    return SiteCalendar(Zones())


def local(text: str) -> int:
    """The site's clock, as ms: ``2026-11-23T08:00``."""
    from datetime import datetime

    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


def yard(
    asset: Asset | None = None, *, settings: FleetSettings | None = None, map_: Map | None = None, orders: Any = None
) -> Yard:
    drawn = map_ or Map()
    known = settings or FleetSettings()
    return Yard(asset or car(), known, Shapes(drawn.fences(SITE)), drawn, calendar(), orders or Orders())


def sample_of(fix: Fix, *, received_at: int | None = None, device: str = TRACKER) -> Sample:
    """What the gateway would send of a fix."""
    points: dict[str, float | None] = {"latitude": fix.spot.latitude, "longitude": fix.spot.longitude}
    said = (("accuracy_m", fix.accuracy_m), ("speed_kmh", fix.speed_kmh), ("odometer_km", fix.device_km))
    points |= {name: value for name, value in said if value is not None}
    if fix.ignition is not None:
        points["ignition"] = float(fix.ignition)
    return Sample(fix.at, POSITION, device, points, received_at if received_at is not None else fix.at + 500)


class World:
    """A fleet of one car with everything around it pretended."""

    def __init__(
        self, asset: Asset | None = None, *, map_: Map | None = None, orders: Orders | None = None, at: int = 0
    ) -> None:
        self.asset = asset or car()
        self.clock = ManualClock(at)
        self.roster, self.orders = Roster(self.asset), orders or Orders()
        self.store, self.journal, self.board, self.screen, self.book = Store(), Journal(), Board(), Screen(), Book()
        self.around = Around(self.roster, map_ or Map(), calendar(), self.orders, lambda _: ZONE)
        self.travelled: list[Travelled] = []
        self.fleet = self.build()

    def build(self) -> Fleet:
        return Fleet(
            Core(
                around=self.around,
                book=self.book,  # type: ignore[arg-type]
                store=self.store,  # type: ignore[arg-type]
                shown=self.screen,
                journal=self.journal,
                alarms=self.board,
                clock=self.clock,
                travelled=self.travelled.append,
            )
        )

    def set_clock(self, at: int) -> None:
        self.clock.step(at - self.clock.now_ms())

    async def tell(self, samples: Sequence[Sample], *, now: int) -> None:
        """They were committed, in this order, at that time."""
        self.set_clock(now)
        came = [sample._replace(received_at=now) for sample in samples]
        self.store.kept += came
        for sample in came:
            asset = self.asset
            if sample.role == READER:
                event = Event(sample.device, "card_read", sample.at, {"card_key": sample.card})
                await self.fleet.happened([Happened(asset, Binding(READER, sample.device), event, now)])
            else:
                binding = Binding(sample.role, sample.device)
                await self.fleet.observed([Observed(asset, binding, sample.at, now, dict(sample.points), "good")])

    async def settle(self, now: int) -> None:
        """Let everything be worked out that waits."""
        self.set_clock(now)
        self.fleet.tick()
        for _ in range(50):
            self.set_clock(self.clock.now_ms() + 10_000)
            if not await self.fleet.redo_next():
                break
        self.set_clock(now)
        self.fleet.tick()
        await self.fleet.flush()
