"""The feature: doors and gates of all sites, from what their devices say."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec

from cloud.assets.contract import Asset, AssetKey, Calendar, Happened, Journal, Observed, Roster, Shown
from cloud.doors import inputs
from cloud.doors.cards import CardRule, Refusals
from cloud.doors.counting import HOUR_MS, HourCount, Hours, Measured, median, total
from cloud.doors.door_limits import DoorDefaults, StaleLimit, limits_of, readers_of
from cloud.doors.one_door import OneDoor
from cloud.doors.rule import JOURNALED, Limits
from cloud.places.alarm_sink import AlarmSink, Raised
from cloud.places.chronicle import Chronicle
from cloud.places.daybook import Daybook, Input
from cloud.places.history import History
from cloud.registry.place_days_book import PlaceDay
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

TICK_S = 1.0
WRITE_EVERY_S = 10.0
LATE_QUIET_S = 20.0
"""A day of before is worked out anew when nothing of it came for so long."""
DAY_MS = 86_400_000
POINTS = ("door_open", "lock_state", "tamper")


class DayCounts(Protocol):
    """Where counts of days rest (``cloud.registry.place_days_book``)."""

    async def write(self, days: Sequence[PlaceDay], *, now: int) -> None: ...

    async def read(self, site: str, kind: str, since: int, until: int, entity: str | None = None) -> list[PlaceDay]: ...


class Told(NamedTuple):
    """An input and the door it is of."""

    door: AssetKey
    given: Input


class Zones(Protocol):
    """Who knows the zone of a site."""

    def time_zone(self, site: str) -> str: ...


class Doors:
    """A ``Listener`` of doors and readers. Today and yesterday are kept in memory; older days are worked out from the
    store when something late of them comes."""

    def __init__(
        self,
        clock: Clock,
        *,
        roster: Roster,
        calendar: Calendar,
        zones: Zones,
        shown: Shown,
        journal: Journal,
        alarms: AlarmSink,
        days: DayCounts,
        history: History,
        stale_limit: StaleLimit,
        defaults: Callable[[str], DoorDefaults] = lambda _: DoorDefaults(),
    ) -> None:
        self._clock, self._roster, self._calendar, self._zones = clock, roster, calendar, zones
        self._shown, self._journal, self._days, self._history = shown, journal, days, history
        self._stale_limit, self._defaults = stale_limit, defaults
        self._raised = Raised(alarms)
        self._doors: dict[AssetKey, OneDoor] = {}
        self._cards: dict[str, tuple[Daybook[Refusals], Chronicle]] = {}
        self._late: dict[tuple[AssetKey, int], float] = {}
        """Days before the base of which something came, and when it last did (monotonic)."""
        self._written_at = 0.0

    # --- what is told ---

    async def observed(self, observed: Sequence[Observed]) -> None:
        told = []
        for each in observed:
            for given in inputs.of_readings(each.binding.device, each.at, each.points):
                told += [Told(door, given) for door in self._doors_of(each.asset)]
        self._take(told)

    async def happened(self, happened: Sequence[Happened]) -> None:
        told = []
        for each in happened:
            for given in inputs.of_event(each.event, each.binding.role):
                told += [Told(door, given) for door in self._doors_of(each.asset)]
        self._take(told)

    def asset_changed(self, key: AssetKey, asset: Asset | None) -> None:
        """A watcher of the roster."""
        if key.kind == "door" and asset is not None:
            self._meet(asset)
        elif key.kind == "door" and self._doors.pop(key, None) is not None:
            self._shown.hide(key.entity)
        elif key.kind == "reader":
            self.defaults_changed(key.site)

    def defaults_changed(self, site: str) -> None:
        """What holds for doors of a site may not be what it was."""
        for door in self._roster.all("door", site):
            self._meet(door)

    # --- beside ---

    async def run(self) -> None:
        """Take up what was before, then look at the time every second, until cancelled."""
        for door in self._roster.all("door"):
            self._meet(door)
        for one in list(self._doors.values()):
            self._work(one, await self._recall(one.asset, one.book.base, self._clock.now_ms() + 1))
        while True:
            await self._clock.sleep(TICK_S)
            await self.tick()

    async def tick(self) -> None:
        """Let time pass; write counts; work out late days; begin a new day."""
        now = self._clock.now_ms()
        for one in list(self._doors.values()):
            self._work(one, ())
        for site, (book, chronicle) in self._cards.items():
            self._tell_cards(site, book, chronicle, (), now)
        mono = self._clock.monotonic()
        for door, day in [key for key, last in self._late.items() if mono - last >= LATE_QUIET_S]:
            del self._late[door, day]
            await self._work_out_day(door, day)
        if mono - self._written_at >= WRITE_EVERY_S:
            self._written_at = mono
            await self.write()
            self._begin_day(now)

    async def write(self) -> None:
        """Counts of the days in memory, in one go. While the registry cannot be written they wait."""
        dirty = [one for one in self._doors.values() if one.dirty]
        days = [day for one in dirty for day in self._days_of(one.asset.key, one.hours)]
        if not days:
            return
        for one in dirty:
            one.dirty = False
        try:
            await self._days.write(days, now=self._clock.now_ms())
        except StoreUnavailable as error:
            log.warning("counts of %d doors not written yet: %s", len(dirty), error)
            for one in dirty:
                one.dirty = True

    # --- what is asked ---

    async def hours(self, site: str, since: int, until: int, door: str | None = None) -> dict[AssetKey, Hours]:
        """Counts by door and hour of [since, until)."""
        await self.write()
        entity = AssetKey(site, "door", door).entity if door else None
        first = self._calendar.day_of(site, since)[0]
        found: dict[AssetKey, Hours] = {}
        for row in await self._days.read(site, "door", first, until, entity):
            key = AssetKey.of_entity(row.entity)
            hours = msgspec.json.decode(row.counts, type=Hours)
            if key is not None:
                chosen = {hour: counted for hour, counted in hours.items() if since <= hour < until}
                found.setdefault(key, {}).update(chosen)
        return found

    async def gate_passage(self, site: str, since: int, until: int) -> Measured:
        """Seconds from the tap until the gate is ready for the next, over the gates of the site (doors whose fact
        ``gate`` is set; all doors when none is), and of how many passages. Where no gate has a contact: seconds between
        people in a queue."""
        gates = {door.key for door in self._roster.all("door", site) if door.facts.get("gate") is True}
        counted = await self.hours(site, since, until)
        chosen = [hours for key, hours in counted.items() if not gates or key in gates]
        together = total(hour for hours in chosen for hour in hours.values())
        passage = median(together.through)
        return passage if passage.n else median(together.gaps)

    def gates(self, site: str) -> list[OneDoor]:
        """Every door of the site, by id."""
        return [self._doors[key] for key in sorted(self._doors) if key.site == site]

    # --- inside ---

    def _doors_of(self, asset: Asset) -> Iterator[AssetKey]:
        if asset.key.kind == "door":
            yield asset.key
        elif asset.key.kind == "reader" and asset.text("door"):
            yield AssetKey(asset.key.site, "door", asset.text("door"))

    def _take(self, told: Iterable[Told]) -> None:
        by_door: dict[AssetKey, list[Input]] = {}
        for door, given in told:
            by_door.setdefault(door, []).append(given)
        for key, arrived in by_door.items():
            one = self._doors.get(key)
            if one is None:
                asset = self._roster.find(key)
                if asset is None:
                    continue
                one = self._meet(asset)
            for each in arrived:
                if each.at < one.book.base:
                    day = self._calendar.day_of(key.site, each.at)[0]
                    self._late[key, day] = self._clock.monotonic()
            self._work(one, arrived)

    def _meet(self, asset: Asset) -> OneDoor:
        now = self._clock.now_ms()
        limits = self._limits(asset)
        one = self._doors.get(asset.key)
        if one is None:
            one = OneDoor(asset, limits, self._base(asset.key.site, now), self._journal, self._who)
            self._doors[asset.key] = one
        else:
            one.become(asset, limits, now)
        one.show(self._shown, now, self._calendar.day_of(asset.key.site, now)[0])
        return one

    def _limits(self, door: Asset) -> Limits:
        defaults = self._defaults(door.key.site)
        return limits_of(door, self._roster, self._calendar, self._stale_limit, defaults)

    def _work(self, one: OneDoor, given: Iterable[Input]) -> None:
        now = self._clock.now_ms()
        key = one.asset.key
        fresh = one.work(given, now)
        refused = [
            Input(entry.at, 0, "denied", card=str(entry.facts["card"]), detail=key.id)
            for entry in fresh
            if entry.kind == "door_denied" and entry.facts["card"]
        ]
        if refused:
            book, chronicle = self._cards_of(key.site, one.book.base)
            self._tell_cards(key.site, book, chronicle, refused, now)
        one.alarm(self._raised, now, self._spell)
        one.show(self._shown, now, self._calendar.day_of(key.site, now)[0])

    def _cards_of(self, site: str, base: int) -> tuple[Daybook[Refusals], Chronicle]:
        if site not in self._cards:
            chronicle = Chronicle(self._journal, site, f"{site}/card:refused", ("card_burst",))
            self._cards[site] = (Daybook(CardRule(), base), chronicle)
        return self._cards[site]

    def _tell_cards(
        self, site: str, book: Daybook[Refusals], chronicle: Chronicle, given: Iterable[Input], now: int
    ) -> None:
        before = len(book.entries)
        same = book.work(given, now)
        if same == before == len(book.entries):
            return
        chronicle.tell(book.base, now + HOUR_MS, book.entries, same=same)
        tried = dict(book.state.tried)
        for card in {str(entry.facts["card"]) for entry in book.entries}:
            args = None
            if card in tried:
                names = [self._name_of(site, door) for door in CardRule().doors(book.state, card)]
                known = self._roster.by_card(site, card)
                args = {
                    "who": known.name if known is not None else f"Card {card[:6]}",
                    "who_zh": known.name if known is not None else f"卡 {card[:6]}",
                    "since": self._spell(site, tried[card]),
                    "doors": ", ".join(names)[:150],
                }
            self._raised.state("card_denied_widely", f"{site}/card:{card[:12]}", args)

    def _begin_day(self, now: int) -> None:
        for one in self._doors.values():
            base = self._base(one.asset.key.site, now)
            if base > one.book.base and not one.dirty:
                one.move_base(base)
        for site, (book, chronicle) in self._cards.items():
            base = self._base(site, now)
            if base > book.base:
                chronicle.move_base(book.base, base)
                book.move_base(base)

    async def _work_out_day(self, key: AssetKey, day: int) -> None:
        """A day that is not in memory, from the store, with the day before to know how it began."""
        asset = self._roster.find(key)
        if asset is None:
            return
        _, until = self._calendar.day_of(key.site, day)
        before = self._calendar.day_of(key.site, day - HOUR_MS)[0]
        one = OneDoor(asset, self._limits(asset), before, _Nowhere(), self._who)
        one.work(await self._recall(asset, before, until), until)
        lines = one.lines(day, until)
        rows = [(entry.kind, entry.at, entry.facts) for entry in lines]
        self._journal.replace(key.site, key.entity, JOURNALED, day, until, rows)
        try:
            await self._days.write(self._days_of(key, one.hours_in(day, until)), now=self._clock.now_ms())
        except StoreUnavailable as error:
            log.warning("a late day of %s is not counted yet: %s", key.entity, error)
            self._late[key, day] = self._clock.monotonic()

    async def _recall(self, asset: Asset, since: int, until: int) -> list[Input]:
        """Inputs of a door from the store."""
        site = asset.key.site
        roles = [(binding.device, binding.role) for binding in asset.bindings]
        roles += [(device, "reader") for device in readers_of(asset, self._roster)]
        found: set[Input] = set()
        for device in dict.fromkeys(device for device, _ in roles):
            for event in await self._history.events(site, device, since, until):
                for role in {role for name, role in roles if name == device}:
                    found.update(inputs.of_event(event, role))
            for point in POINTS:
                for at, value in await self._history.readings(site, device, point, since, until):
                    found.update(inputs.of_readings(device, at, {point: value}))
        return sorted(found)

    def _days_of(self, key: AssetKey, hours: Hours) -> list[PlaceDay]:
        by_day: dict[int, dict[int, HourCount]] = {}
        for hour, counted in hours.items():
            by_day.setdefault(self._calendar.day_of(key.site, hour)[0], {})[hour] = counted
        return [
            PlaceDay(key.site, key.entity, day, msgspec.json.encode(counted).decode())
            for day, counted in by_day.items()
        ]

    def _base(self, site: str, now: int) -> int:
        today = self._calendar.day_of(site, now)[0]
        return self._calendar.day_of(site, today - HOUR_MS)[0]

    def _who(self, site: str, card: str) -> str:
        if not card:
            return ""
        carrier = self._roster.by_card(site, card)
        return carrier.name if carrier is not None else f"card {card[:6]}"

    def _name_of(self, site: str, door: str) -> str:
        asset = self._roster.find(AssetKey(site, "door", door))
        return asset.name if asset is not None else door

    def _spell(self, site: str, at: int) -> str:
        zone = ZoneInfo(self._zones.time_zone(site))
        return datetime.fromtimestamp(at / 1000, zone).strftime("%H:%M:%S")


class _Nowhere:
    """A journal for working out what will be told by somebody else."""

    def note(self, site: str, entity: str, kind: str, at: int, facts: object) -> None:
        pass

    def replace(self, site: str, entity: str, kinds: object, since: int, until: int, rows: object) -> None:
        pass
