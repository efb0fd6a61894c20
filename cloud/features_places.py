"""The wiring of doors, rooms, patrols and visitors; a part of ``cloud.features``."""

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloud.alarms.board import AlarmBoard
from cloud.assets.book import AssetRoster
from cloud.assets.calendar import SiteCalendar
from cloud.assets.contract import Orders
from cloud.assets.feed import AssetFeed
from cloud.assets.maps import SiteMaps
from cloud.dispatch.contract import Measured, RoomSharing
from cloud.doors.card_travel import KIND as CARD_TWO_PLACES
from cloud.doors.card_travel import CardTravel
from cloud.doors.door_limits import DoorDefaults
from cloud.doors.doors import Doors
from cloud.live.entities import device_id
from cloud.live.state import LiveState
from cloud.live.things import Things
from cloud.patrol.crew import Crew, seen_of
from cloud.patrol.patrols import Patrols
from cloud.patrol.people import Seen
from cloud.places.history import History
from cloud.places.module_use import Instants, ModuleUses
from cloud.registry.bookings_book import BookingsBook
from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from cloud.registry.journal_book import JournalBook
from cloud.registry.passes_book import PassesBook
from cloud.registry.patrol_book import PatrolBook
from cloud.registry.place_days_book import PlaceDaysBook
from cloud.registry.request_book import RequestBook
from cloud.rooms.rooms import Rooms
from cloud.store.contract import SeriesKey, SeriesStore
from cloud.visitors.visitors import Visitors
from protocols.clock import Clock

REQUESTS_MAX = 20_000
REQUEST_KINDS = ("vehicle", "repair", "room", "guard", "visitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the places stand on."""

    clock: Clock
    database: Database
    inventory: Inventory
    store: SeriesStore
    live: LiveState
    things: Things
    alarms: AlarmBoard
    journal: JournalBook
    roster: AssetRoster
    calendar: SiteCalendar
    maps: SiteMaps
    feed: AssetFeed
    orders: Orders
    requests: RequestBook
    door_defaults: Callable[[str], DoorDefaults]
    """By site: what holds for doors that say nothing of their own."""
    evaluation_under: Callable[[str], float]
    """By site: rooms and modules used for a smaller share of the time are worth a question."""


class PlaceFeatures:
    """Doors, rooms, patrols and visitors. Also ``PlaceFigures`` of dispatch."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        history = History(ground.store)
        days = PlaceDaysBook(ground.database)
        self.doors = Doors(
            ground.clock,
            roster=ground.roster,
            calendar=ground.calendar,
            zones=ground.inventory,
            shown=ground.things,
            journal=ground.journal,
            alarms=ground.alarms,
            days=days,
            history=history,
            stale_limit=self._stale_limit,
            defaults=ground.door_defaults,
        )
        self.card_travel = CardTravel(
            ground.clock,
            roster=ground.roster,
            zones=ground.inventory,
            alarms=ground.alarms,
            kmh=lambda site: ground.door_defaults(site).card_kmh,
            left=lambda: [each.source for each in ground.alarms.active() if each.kind == CARD_TWO_PLACES],
        )
        self.rooms = Rooms(
            ground.clock,
            roster=ground.roster,
            calendar=ground.calendar,
            shown=ground.things,
            journal=ground.journal,
            book=BookingsBook(ground.database),
            days=days,
            history=history,
            stale_limit=self._stale_limit,
            evaluation_under=ground.evaluation_under,
        )
        self.patrols, self.crew = self._patrols(history)
        self.visitors = Visitors(
            ground.clock,
            roster=ground.roster,
            shown=ground.things,
            journal=ground.journal,
            zones=ground.inventory,
            alarms=ground.alarms,
            book=PassesBook(ground.database),
        )
        self.modules = ModuleUses(ground.calendar, self._module_sources())
        self._listen()

    def _patrols(self, history: History) -> tuple[Patrols, Crew]:
        ground = self._ground
        crew = Crew(
            roster=ground.roster,
            calendar=ground.calendar,
            shown=ground.things,
            journal=ground.journal,
            site_map=ground.maps,
            orders=ground.orders,
            last_seen=self._last_seen,
        )
        patrols = Patrols(
            ground.clock,
            crew=crew,
            roster=ground.roster,
            calendar=ground.calendar,
            zones=ground.inventory,
            shown=ground.things,
            journal=ground.journal,
            site_map=ground.maps,
            alarms=ground.alarms,
            book=PatrolBook(ground.database),
            history=history,
        )
        return patrols, crew

    def _listen(self) -> None:
        feed, roster = self._ground.feed, self._ground.roster
        feed.listen(self.doors, ("door", "reader"))
        feed.listen(self.card_travel, ("door", "reader"))
        feed.listen(self.rooms, ("room", "reader"))
        feed.listen(self.patrols, ("guard", "technician", "reader", "door"))
        feed.listen(self.visitors, ("door", "reader"))
        for each in (self.doors, self.rooms, self.patrols):
            roster.watch(each.asset_changed)

    async def open(self) -> None:
        """Read what was written down. After the roster and dispatch."""
        await self.rooms.open()
        await self.patrols.open()
        await self.visitors.open()

    async def close(self) -> None:
        """Write down what waits. Raises StoreUnavailable."""
        await self.doors.write()
        await self.rooms.flush()
        await self.rooms.write()
        await self.patrols.write()
        await self.visitors.flush()

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled, with its name."""
        yield "doors", self.doors.run()
        yield "cards at two places", self.card_travel.run()
        yield "rooms", self.rooms.run()
        yield "patrols", self.patrols.run()
        yield "visitors", self.visitors.run()

    # --- figures ---

    async def gate_passage_s(self, site: str, since: int, until: int) -> Measured:
        """Median seconds per person at the gates (``cloud.doors.counting`` says how it is measured)."""
        measured = await self.doors.gate_passage(site, since, until)
        return Measured(measured.seconds, measured.n)

    async def room_booking_s(self, site: str, since: int, until: int) -> Measured:
        """Median seconds from opening the form to the booking."""
        times = await self.rooms.booking_times(site, since, until)
        return Measured(times[(len(times) - 1) // 2] if times else None, len(times))

    async def room_sharing(self, site: str, since: int, until: int) -> RoomSharing:
        """Rooms that were booked, by how many units, in how many bookings; cancelled ones do not count."""
        bookings = [each for each in await self.rooms.book.of(site, since, until, limit=100_000) if each.holds]
        return RoomSharing(len({each.room for each in bookings}), len({each.unit for each in bookings}), len(bookings))

    def _module_sources(self) -> Sequence[Instants]:
        ground = self._ground

        async def rooms(site: str, since: int, until: int) -> Mapping[str, Sequence[int]]:
            return {"rooms": [each.created_at for each in await self.rooms.book.made(site, since, until)]}

        async def visitors(site: str, since: int, until: int) -> Mapping[str, Sequence[int]]:
            return {"visitors": await self.visitors.book.made(site, since, until)}

        async def patrols(site: str, since: int, until: int) -> Mapping[str, Sequence[int]]:
            runs = await self.patrols.runs(site, since, until)
            return {"patrols": [each.from_at for each in runs if each.done]}

        async def requests(site: str, since: int, until: int) -> Mapping[str, Sequence[int]]:
            found: dict[str, list[int]] = {f"requests_{kind}": [] for kind in REQUEST_KINDS}
            for each in await ground.requests.filed(site, since, until, owner=None, limit=REQUESTS_MAX):
                found.setdefault(f"requests_{each.kind}", []).append(each.created_at)
            return found

        return (rooms, visitors, patrols, requests)

    # --- what devices are known for ---

    def _stale_limit(self, site: str, device: str, point: str) -> float:
        return self._ground.inventory.point(SeriesKey(site, device, point)).stale_after_s

    def _last_seen(self, site: str, device: str) -> Seen | None:
        live = self._ground.live
        entity = live.find(device_id(site, device))
        if entity is None:
            return None
        points = live.views.points(list(entity.series.values()))
        known = {name: point.value for name, point in points.items() if point.value is not None}
        latitude = points.get("latitude")
        return seen_of(latitude.observed_at, known) if latitude is not None else None
