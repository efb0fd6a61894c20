"""The feature: rooms of all sites, their bookings and their use."""

import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from cloud.assets.contract import Asset, AssetKey, Calendar, Happened, Journal, Observed, Roster, Shown
from cloud.places.history import History
from cloud.registry.bookings_book import BookingChanged, BookingsBook
from cloud.registry.place_days_book import PlaceDay
from cloud.rooms.booking import Booking
from cloud.rooms.one_room import OneRoom, StaleLimit, sensors_of
from cloud.rooms.presence import Sample
from cloud.rooms.uses import DayCounts, RoomUse, RoomUses
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

TICK_S = 2.0
WRITE_EVERY_S = 60.0
LATE_QUIET_S = 20.0
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
AHEAD_MS = 8 * DAY_MS
SIGNING = frozenset({"card_read", "access_granted"})


class Rooms:
    """A ``Listener`` of rooms and readers; today and yesterday are kept in memory."""

    def __init__(
        self,
        clock: Clock,
        *,
        roster: Roster,
        calendar: Calendar,
        shown: Shown,
        journal: Journal,
        book: BookingsBook,
        days: DayCounts,
        history: History,
        stale_limit: StaleLimit,
        evaluation_under: Callable[[str], float] = lambda _: 0.3,
    ) -> None:
        self.evaluation_under = evaluation_under
        self.decided: Callable[[str, str], bool] = lambda _site, _reader: False
        """Whether a gateway decides at a reader: there its decision signs in, and not that a card was read."""
        self.book = book
        self._clock, self._roster, self._calendar = clock, roster, calendar
        self._shown, self._journal, self._days, self._history = shown, journal, days, history
        self._stale_limit = stale_limit
        self._rooms: dict[AssetKey, OneRoom] = {}
        self._signed: dict[str, Booking] = {}
        """Signed in by card and not written yet, as they were before."""
        self._late: dict[tuple[AssetKey, int], float] = {}
        self._written_at = 0.0
        self._uses = RoomUses(roster, calendar, journal, days)

    # --- what is told ---

    async def observed(self, observed: Sequence[Observed]) -> None:
        by_room: dict[AssetKey, list[Sample]] = {}
        for each in observed:
            if each.asset.key.kind == "room" and "occupancy" in each.points:
                value = each.points["occupancy"]
                sample = Sample(each.at, each.binding.device, None if value is None else value >= 0.5)
                by_room.setdefault(each.asset.key, []).append(sample)
        for key, samples in by_room.items():
            one = self._find(key)
            if one is None:
                continue
            for sample in samples:
                if sample.at < one.base:
                    day = self._calendar.day_of(key.site, sample.at)[0]
                    self._late[key, day] = self._clock.monotonic()
            self._work(one, samples)

    async def happened(self, happened: Sequence[Happened]) -> None:
        for each in happened:
            asset, event = each.asset, each.event
            name = asset.key.id if asset.key.kind == "room" else asset.text("room")
            if event.kind not in SIGNING or event.data.get("known") is False or not name:
                continue
            if event.kind == "card_read" and self.decided(asset.key.site, event.device):
                continue
            one = self._find(AssetKey(asset.key.site, "room", name))
            booking = one.to_sign_in(event.at) if one is not None else None
            if one is not None and booking is not None:
                self._signed.setdefault(booking.id, booking)
                one.bookings[booking.id] = msgspec.structs.replace(booking, signed_in_at=event.at)
                who = self._roster.by_card(asset.key.site, str(event.data.get("card_key") or ""))
                self._note(booking, "signed_in", event.at, {"by": who.name if who else "card"})
                self._work(one)

    def asset_changed(self, key: AssetKey, asset: Asset | None) -> None:
        """A watcher of the roster."""
        if key.kind != "room":
            return
        if asset is None:
            if self._rooms.pop(key, None) is not None:
                self._shown.hide(key.entity)
            return
        one = self._find(key)
        if one is not None:
            one.become(asset)
            self._work(one)

    # --- what people do ---

    def room(self, site: str, room: str) -> Asset | None:
        """The room as registered."""
        return self._roster.find(AssetKey(site, "room", room))

    def bookings(self, site: str) -> list[Booking]:
        """Those of these days, of all rooms of the site, by their beginning; also cancelled ones."""
        found = [each for key, one in self._rooms.items() if key.site == site for each in one.bookings.values()]
        return sorted(found, key=lambda each: (each.from_at, each.id))

    async def free_rooms(self, site: str, since: int, until: int, people: int) -> list[Asset]:
        """Rooms that nobody has in [since, until) and that are large enough, the smallest first."""
        taken = {
            each.room
            for each in await self.book.of(site, since, until)
            if each.holds and each.from_at < until and each.ends_at > since
        }
        fitting = [
            asset
            for asset in self._roster.all("room", site)
            if asset.key.id not in taken and asset.number("capacity") >= people and not asset.text("out_of_service")
        ]
        return sorted(fitting, key=lambda asset: (asset.number("capacity"), asset.key))

    async def add(self, bookings: Sequence[Booking], *, once: str | None) -> list[Booking]:
        """Take the room for all of these or for none (RoomTaken). ``once``: asked again, the answer is the same."""
        if once is not None and (known := await self.book.once(once)):
            return known
        await self.book.add(bookings, once=once)
        for booking in bookings:
            self._take(booking)
            facts = {"from": booking.from_at, "until": booking.until_at, "unit": booking.unit}
            self._note(booking, "booking_made", booking.created_at, facts | {"by": booking.created_by})
        return list(bookings)

    async def change(self, before: Booking, after: Booking, kind: str, by: str) -> Booking:
        """Write down a cancelled, extended or signed-in booking. Raises BookingChanged, RoomTaken."""
        await self.flush()
        changed = await self.book.change(after, was=before.rev, extends=after.until_at > before.until_at)
        self._take(changed)
        now = self._clock.now_ms()
        self._note(changed, kind, now, {"by": by, "until": changed.until_at, "unit": changed.unit})
        return changed

    async def find(self, booking: str) -> Booking | None:
        """A booking, with what was not written down yet."""
        await self.flush()
        return await self.book.find(booking)

    # --- what is asked ---

    async def use(self, site: str, since: int, until: int, under: float) -> list[RoomUse]:
        """How each room was used on the days that begin in [since, until)."""
        await self.write()
        return await self._uses.of(site, since, until, under)

    async def booking_times(self, site: str, since: int, until: int) -> list[float]:
        """Seconds from opening the form to booked, of bookings made in [since, until), sorted; one for a series."""
        made = await self.book.made(site, since, until)
        first = [each for each in made if each.series in ("", each.id)]
        return sorted(each.booking_s for each in first if each.booking_s is not None)

    # --- beside ---

    async def open(self) -> None:
        """Read the bookings of these days."""
        for asset in self._roster.all("room"):
            self._meet(asset)
        await self._reload()

    async def run(self) -> None:
        """Take up presence from before, then look at the time every other second, until cancelled."""
        now = self._clock.now_ms()
        for one in list(self._rooms.values()):
            self._work(one, await self._recall(one.asset, one.base - DAY_MS // 2, now + 1))
        while True:
            await self._clock.sleep(TICK_S)
            await self.tick()

    async def tick(self) -> None:
        """Let time pass: states, releases, counts, late days, a new day, what is little used."""
        now, mono = self._clock.now_ms(), self._clock.monotonic()
        for one in list(self._rooms.values()):
            self._work(one)
            await self._release(one, now)
        await self.flush()
        for key, day in [late for late, last in self._late.items() if mono - last >= LATE_QUIET_S]:
            del self._late[key, day]
            await self._work_out_day(key, day)
        if mono - self._written_at >= WRITE_EVERY_S:
            self._written_at = mono
            await self.write()
            await self._begin_day(now)
            await self._evaluate(now)

    async def flush(self) -> None:
        """Write sign-ins down."""
        signed, self._signed = self._signed, {}
        for key, before in signed.items():
            one = self._rooms.get(AssetKey(before.site, "room", before.room))
            after = one.bookings.get(key) if one else None
            if after is None:
                continue
            try:
                self._take(await self.book.change(after, was=after.rev))
            except BookingChanged as error:
                at = after.signed_in_at
                self._take(
                    await self.book.change(msgspec.structs.replace(error.now, signed_in_at=at), was=error.now.rev)
                )
            except StoreUnavailable as error:
                log.warning("the sign-in of booking %s waits: %s", key, error)
                self._signed.setdefault(key, before)

    async def write(self) -> None:
        """Counts of the days in memory."""
        now = self._clock.now_ms()
        days = []
        for key, one in self._rooms.items():
            day = self._calendar.day_of(key.site, one.base)
            while day[0] < now:
                counts = msgspec.json.encode(one.counted(self._calendar, day, now)).decode()
                days.append(PlaceDay(key.site, key.entity, day[0], counts))
                day = self._calendar.day_of(key.site, day[1])
        try:
            if days:
                await self._days.write(days, now=now)
        except StoreUnavailable as error:
            log.warning("counts of rooms not written yet: %s", error)

    # --- inside ---

    def _find(self, key: AssetKey) -> OneRoom | None:
        one = self._rooms.get(key)
        if one is None and (asset := self._roster.find(key)) is not None:
            return self._meet(asset)
        return one

    def _meet(self, asset: Asset) -> OneRoom:
        base = self._base(asset.key.site)
        one = self._rooms[asset.key] = OneRoom(asset, base, self._journal, self._stale_limit)
        return one

    def _work(self, one: OneRoom, samples: Sequence[Sample] = ()) -> None:
        now = self._clock.now_ms()
        one.work(now, samples)
        one.show(self._shown, now)

    def _take(self, booking: Booking) -> None:
        one = self._find(AssetKey(booking.site, "room", booking.room))
        now = self._clock.now_ms()
        if one is None:
            return
        if booking.until_at > one.base and booking.from_at < now + AHEAD_MS:
            one.bookings[booking.id] = booking
        self._work(one)

    async def _release(self, one: OneRoom, now: int) -> None:
        booking = one.to_release(now)
        if booking is None:
            return
        try:
            released = await self.book.change(msgspec.structs.replace(booking, released_at=now), was=booking.rev)
        except BookingChanged as error:
            released = error.now
        except StoreUnavailable as error:
            log.warning("booking %s is not released yet: %s", booking.id, error)
            return
        self._take(released)
        self._note(released, "booking_released", now, {"unit": released.unit, "until": released.until_at})

    async def _reload(self) -> None:
        now = self._clock.now_ms()
        for site in {key.site for key in self._rooms}:
            known = await self.book.of(site, self._base(site), now + AHEAD_MS, limit=50_000)
            by_room: dict[str, dict[str, Booking]] = {}
            for booking in known:
                by_room.setdefault(booking.room, {})[booking.id] = booking
            for key, one in self._rooms.items():
                if key.site == site:
                    one.bookings = by_room.get(key.id, {})
        for one in self._rooms.values():
            self._work(one)

    async def _begin_day(self, now: int) -> None:
        moved = False
        for key, one in self._rooms.items():
            if (base := self._base(key.site)) > one.base:
                one.move_base(base)
                moved = True
        if moved:
            await self._reload()

    async def _evaluate(self, now: int) -> None:
        """What is little used, of all sites."""
        for site in sorted({key.site for key in self._rooms}):
            under = self.evaluation_under(site)
            if self._uses.is_due(site, now, under):
                await self.write()
                for key, share in (await self._uses.evaluate(site, now, under)).items():
                    if key in self._rooms:
                        self._rooms[key].share = share

    async def _work_out_day(self, key: AssetKey, day: int) -> None:
        """A day that is not in memory any more, from the store."""
        asset = self._roster.find(key)
        if asset is None:
            return
        _, until = self._calendar.day_of(key.site, day)
        one = OneRoom(asset, day, self._journal, self._stale_limit)
        known = await self.book.of(key.site, day, until, room=key.id)
        one.bookings = {each.id: each for each in known}
        one.work(until, await self._recall(asset, day - DAY_MS // 2, until))
        counts = msgspec.json.encode(one.counted(self._calendar, (day, until), until)).decode()
        await self._days.write([PlaceDay(key.site, key.entity, day, counts)], now=self._clock.now_ms())

    async def _recall(self, asset: Asset, since: int, until: int) -> list[Sample]:
        found = []
        for device in sensors_of(asset):
            for at, value in await self._history.readings(asset.key.site, device, "occupancy", since, until):
                found.append(Sample(at, device, None if value is None else value >= 0.5))
        return found

    def _note(self, booking: Booking, kind: str, at: int, facts: Mapping[str, object]) -> None:
        entity = AssetKey(booking.site, "room", booking.room).entity
        self._journal.note(booking.site, entity, kind, at, {"booking": booking.id, **facts})

    def _base(self, site: str) -> int:
        today = self._calendar.day_of(site, self._clock.now_ms())[0]
        return self._calendar.day_of(site, today - HOUR_MS)[0]
