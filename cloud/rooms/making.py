"""Making and changing bookings: what may be booked, in words that say what would be right."""

import secrets
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from cloud.assets.contract import Asset, Calendar
from cloud.rooms.booking import Booking
from cloud.rooms.one_room import limits_of
from protocols.errors import Permanent

MINUTE_MS = 60_000
DAY_MS = 86_400_000
LONGEST_MS = DAY_MS
AHEAD_MS = 400 * DAY_MS
STARTED_BEFORE_MS = 15 * MINUTE_MS
"""A room may be booked so long after the meeting began."""


class BadBooking(Permanent):
    """What was asked for cannot be booked. ``code`` is stable, ``hint`` says what would be right."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.code, self.message, self.hint = code, message, hint
        super().__init__(message)


def checked(booking: Booking, room: Asset, calendar: Calendar, now: int) -> Booking:
    """The booking itself, or BadBooking."""
    if booking.from_at >= booking.until_at:
        raise BadBooking("bad_period", "from is not before until", "from < until, ms")
    if booking.until_at - booking.from_at > LONGEST_MS:
        raise BadBooking("bad_period", "longer than 24 h", "several bookings")
    if booking.from_at < now - STARTED_BEFORE_MS or booking.until_at <= now:
        raise BadBooking("bad_period", "that time is over", "a time to come; a meeting that began up to 15 min ago")
    if booking.from_at > now + AHEAD_MS:
        raise BadBooking("bad_period", "more than 400 days ahead", "an earlier time")
    if why := room.text("out_of_service"):
        raise BadBooking("out_of_service", f"{room.name} is out of service: {why}", "another room")
    seats = int(room.number("capacity"))
    if seats and booking.people > seats:
        raise BadBooking("too_small", f"{room.name} has {seats} seats for {booking.people} people", "a larger room")
    opens = room.texts("open")
    if opens and not all(calendar.within(booking.site, at, opens) for at in (booking.from_at, booking.until_at - 1)):
        raise BadBooking("closed", f"{room.name} cannot be booked then", f"open: {', '.join(opens)}")
    return booking


def weekly(first: Booking, times: int, zone: ZoneInfo) -> list[Booking]:
    """The booking and so many that repeat it at the same time of the day in the weeks after."""
    if not times:
        return [first]
    found = [msgspec.structs.replace(first, series=first.id)]
    for week in range(1, times + 1):
        found.append(
            msgspec.structs.replace(
                first,
                id=new_id(),
                series=first.id,
                from_at=_later(first.from_at, week, zone),
                until_at=_later(first.until_at, week, zone),
            )
        )
    return found


def cancelled(booking: Booking, now: int) -> Booking:
    """From now on it holds no room."""
    if _has_ended(booking, now):
        raise BadBooking("not_possible", "the booking has ended already", "nothing needs to be done")
    return msgspec.structs.replace(booking, cancelled_at=now)


def extended(booking: Booking, until: int, room: Asset, calendar: Calendar, now: int) -> Booking:
    """With another end."""
    if _has_ended(booking, now):
        raise BadBooking("not_possible", "the booking has ended already", "book the room anew")
    changed = msgspec.structs.replace(booking, until_at=until)
    if until <= now:
        raise BadBooking("bad_period", "that time is over", "cancel it to end it now")
    checked(msgspec.structs.replace(changed, from_at=max(changed.from_at, min(now, until - 1))), room, calendar, now)
    if until - booking.from_at > LONGEST_MS:
        raise BadBooking("bad_period", "longer than 24 h", "several bookings")
    return changed


def signed_in(booking: Booking, room: Asset, now: int) -> Booking:
    """They came."""
    if _has_ended(booking, now):
        raise BadBooking("not_possible", "the booking has ended already", "book the room anew")
    early = limits_of(room).early_ms
    if now < booking.from_at - early:
        raise BadBooking("not_possible", "it is too early", f"from {early // MINUTE_MS} min before the beginning on")
    return booking if booking.signed_in_at is not None else msgspec.structs.replace(booking, signed_in_at=now)


def _has_ended(booking: Booking, now: int) -> bool:
    return now >= booking.ends_at or booking.cancelled_at is not None or booking.released_at is not None


def new_id() -> str:
    """A name nobody can guess and everybody can read out."""
    return f"b-{secrets.token_hex(5)}"


def _later(at: int, weeks: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None) + timedelta(weeks=weeks)
    return round(local.replace(tzinfo=zone).timestamp() * 1000)
