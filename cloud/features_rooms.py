"""Requests for rooms and the bookings of rooms know of each other; a part of ``cloud.features``.

A room that a request is given is booked for it, in the same books as what people book themselves; who takes the room
back, or ends the request before its time, gives the booking back.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from cloud.assets.contract import AssetKey, Booked, Calendar
from cloud.dispatch.contract import Refused
from cloud.dispatch.request import AT_WORK, Assigned, Request
from cloud.registry.bookings_book import BookingChanged, RoomTaken
from cloud.rooms.booking import Booking
from cloud.rooms.making import BadBooking, cancelled, checked, new_id
from cloud.rooms.rooms import Rooms
from protocols.clock import Clock


class RequestedRooms:
    """See ``cloud.dispatch.contract.RoomBookings``."""

    def __init__(self, rooms: Rooms, calendar: Calendar, zone_of: Callable[[str], ZoneInfo], clock: Clock) -> None:
        self._rooms, self._calendar, self._zone_of, self._clock = rooms, calendar, zone_of, clock

    def taken(self, site: str) -> Sequence[Booked]:
        """Bookings to come, and those under way, that no request holds, by their beginning."""
        now = self._clock.now_ms()
        return [
            Booked(
                request=each.id,
                resource=AssetKey(site, "room", each.room),
                since=each.from_at,
                until=each.ends_at,
                to=None,
                to_name=each.subject,
                unit=each.unit,
                driver="",
                status="assigned",
            )
            for each in self._rooms.bookings(site)
            if each.holds and each.ends_at > now and "/request:" not in each.created_by
        ]

    async def follow(self, before: Request, after: Request, by: str) -> None:
        """Raises Refused when the room cannot be had; what was booked before is then as it was."""
        was, wanted = _held(before), _held(after)
        if was == wanted:
            return
        same_room = was is not None and wanted is not None and was.resource == wanted.resource
        if was is not None and same_room:
            await self._give_back(before, was, by)
        if wanted is not None:
            await self._take(after, wanted)
        if was is not None and not same_room:
            await self._give_back(before, was, by)

    async def _take(self, request: Request, wanted: Assigned) -> None:
        entity = wanted.resource
        key = AssetKey.of_entity(entity)
        room = self._rooms.room(key.site, key.id) if key is not None else None
        if room is None:
            raise Refused("no_such_resource", f"resource: there is no room {entity[:60]!r}", "GET /api/v1/assets")
        who = request.requester
        booking = Booking(
            id=new_id(),
            site=request.site,
            room=room.key.id,
            unit=who.unit,
            subject=request.title,
            organiser=who.name,
            phone=who.phone,
            people=request.passengers,
            from_at=wanted.since,
            until_at=wanted.until,
            created_at=self._clock.now_ms(),
            created_by=request.entity,
        )
        try:
            checked(booking, room, self._calendar, booking.created_at)
            await self._rooms.add([booking], once=_name(request, wanted))
        except BadBooking as error:
            raise Refused("not_feasible", f"resource: {error.message}", error.hint) from None
        except RoomTaken as error:
            other, zone = error.by[0], self._zone_of(request.site)
            until_text = datetime.fromtimestamp(other.ends_at / 1000, zone).strftime("%H:%M")
            message = f"resource: {room.name} is booked until {until_text} by {other.unit}"
            raise Refused("room_booked", message, "another room, or another time") from None

    async def _give_back(self, request: Request, was: Assigned, by: str) -> None:
        for known in await self._rooms.book.once(_name(request, was)):
            booking: Booking | None = known
            while booking is not None:
                try:
                    given_back = cancelled(booking, self._clock.now_ms())
                except BadBooking:
                    break  # it has ended, or somebody cancelled it
                try:
                    await self._rooms.change(booking, given_back, "booking_cancelled", by)
                    break
                except BookingChanged as error:
                    booking = error.now if error.now.rev != booking.rev else None


def _held(request: Request) -> Assigned | None:
    """The room that the request holds, or had when it was done; as it was given, whatever became of it since."""
    given = request.assigned
    if request.kind != "room" or given is None or request.status not in (*AT_WORK, "done"):
        return None
    return Assigned(given.resource, given.name, given.by, given.at, given.since, given.until)


def _name(request: Request, given: Assigned) -> str:
    """Of the booking, once for each time that a room is given to it."""
    return f"{request.entity}@{given.at}.{given.resource}"
