"""Bookings as a calendar that other programs subscribe to (RFC 5545)."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cloud.rooms.booking import Booking

LINE_MAX = 75
STAMP = "%Y%m%dT%H%M%S"


def calendar_text(title: str, zone: ZoneInfo, bookings: Iterable[Booking], rooms: dict[str, str]) -> str:
    """One event a booking, with a UID that never changes; cancelled and released ones say so. rooms: names by id."""
    known = list(bookings)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Dayuan//rooms//EN",
        "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{_text(title)}",
        *_zone(zone, known),
    ]
    for booking in known:
        lines += _event(booking, zone, rooms.get(booking.room, booking.room))
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _fold(line))


def _event(booking: Booking, zone: ZoneInfo, room: str) -> Iterator[str]:
    gone = booking.cancelled_at if booking.cancelled_at is not None else booking.released_at
    is_void = gone is not None and gone <= booking.from_at
    changed = max(each for each in (booking.created_at, booking.signed_in_at, gone) if each is not None)
    yield "BEGIN:VEVENT"
    yield f"UID:{booking.id}@{booking.site}.rooms.dayuan"
    yield f"DTSTAMP:{datetime.fromtimestamp(changed / 1000, UTC).strftime(STAMP)}Z"
    yield f"SEQUENCE:{booking.rev - 1}"
    yield f"DTSTART;TZID={zone.key}:{_local(booking.from_at, zone)}"
    yield f"DTEND;TZID={zone.key}:{_local(booking.until_at if is_void else booking.ends_at, zone)}"
    yield f"SUMMARY:{_text(booking.subject or booking.unit)}"
    yield f"LOCATION:{_text(room)}"
    yield f"DESCRIPTION:{_text(booking.unit)}"
    yield f"STATUS:{'CANCELLED' if is_void else 'CONFIRMED'}"
    yield "END:VEVENT"


def _zone(zone: ZoneInfo, bookings: list[Booking]) -> Iterator[str]:
    """The offsets that hold over the bookings; a zone without summer time has one."""
    since = min((each.from_at for each in bookings), default=0)
    until = max((each.until_at for each in bookings), default=since)
    yield "BEGIN:VTIMEZONE"
    yield f"TZID:{zone.key}"
    moment = datetime.fromtimestamp(since / 1000, UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    before = moment.astimezone(zone)
    yield from _offset(before.utcoffset() or timedelta(), before, before)
    end = datetime.fromtimestamp(until / 1000, UTC) + timedelta(days=1)
    while moment < end:
        moment += timedelta(hours=1)
        now = moment.astimezone(zone)
        if now.utcoffset() != before.utcoffset():
            yield from _offset(before.utcoffset() or timedelta(), now, now)
        before = now
    yield "END:VTIMEZONE"


def _offset(before: timedelta, now: datetime, name: datetime) -> Iterator[str]:
    part = "DAYLIGHT" if now.dst() else "STANDARD"
    yield f"BEGIN:{part}"
    # The wall clock by which the change is told is the one that held before it.
    yield f"DTSTART:{(now.astimezone(UTC).replace(tzinfo=None) + before).strftime(STAMP)}"
    yield f"TZOFFSETFROM:{_spell(before)}"
    yield f"TZOFFSETTO:{_spell(now.utcoffset() or timedelta())}"
    yield f"TZNAME:{name.tzname()}"
    yield f"END:{part}"


def _spell(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _local(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime(STAMP)


def _text(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r", ""), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return text


def _fold(line: str) -> Iterator[str]:
    """No line longer than 75 bytes, no letter cut in two."""
    piece = ""
    for letter in line:
        if len((piece + letter).encode()) > LINE_MAX - 1:
            yield piece
            piece = " "
        piece += letter
    yield piece
