"""One room as it is kept: its bookings of these days, its presence, its journal, what is shown of it."""

from collections.abc import Callable, Iterable

from cloud.assets.contract import Asset, Calendar, Journal, Shown
from cloud.places.chronicle import Chronicle, Entry
from cloud.rooms.booking import Booking
from cloud.rooms.counting import OPEN_HOURS, RoomCount, count_day
from cloud.rooms.presence import Presence, Sample
from cloud.rooms.room_day import NO_SHOW, RoomDay, RoomLimits, RoomSpan, work_out

MINUTE_MS = 60_000
STALE_S = 1_800.0
NO_SHOW_MIN = 10.0

StaleLimit = Callable[[str, str, str], float]


def limits_of(room: Asset) -> RoomLimits:
    """From the facts of the room: with ``no_show_after_min`` a room whose people do not come is given back."""
    return RoomLimits(
        no_show_ms=int(room.number("no_show_after_min", NO_SHOW_MIN) * MINUTE_MS),
        releases="no_show_after_min" in room.facts,
        came_by=room.text("sign_in") or "either",
        out_of_service=bool(room.text("out_of_service")),
    )


def sensors_of(room: Asset) -> list[str]:
    """Devices that see whether somebody is there."""
    return [binding.device for binding in room.bindings if binding.role == "presence"]


class OneRoom:
    """A room since ``base``, the first instant of a day of its site."""

    def __init__(self, asset: Asset, base: int, journal: Journal, stale_limit: StaleLimit) -> None:
        self.base = base
        self.bookings: dict[str, Booking] = {}
        self.share: float | None = None
        """Of the last 30 days, for the page; None while it is not known."""
        self._journal, self._stale_limit = journal, stale_limit
        self._chronicle = Chronicle(journal, asset.key.site, asset.key.entity, ("room_state",))
        self.become(asset)
        self.presence = Presence(self.stale_ms)
        self.day = RoomDay([], {}, [])

    def become(self, asset: Asset) -> None:
        """The asset is new or changed."""
        self.asset, self.limits = asset, limits_of(asset)
        limits = [self._stale_limit(asset.key.site, device, "occupancy") for device in sensors_of(asset)]
        self.stale_ms = int(min(limits, default=STALE_S) * 1000)

    @property
    def now(self) -> RoomSpan | None:
        """Its state."""
        return self.day.spans[-1] if self.day.spans else None

    def work(self, now: int, samples: Iterable[Sample] = ()) -> None:
        """Take samples, work the stretch out anew, tell the journal."""
        self.presence.put(samples)
        self.presence.stale_ms = self.stale_ms
        until = now + 1
        spans = self.presence.spans(self.base, until)
        self.day = work_out(list(self.bookings.values()), spans, self.limits, self.base, until)
        entries = []
        for before, span in zip(self.day.spans, self.day.spans[1:], strict=False):
            booking = self.bookings.get(span.booking)
            facts = {"state": span.state, "was": before.state, "booking": span.booking}
            entries.append(Entry(span.since, "room_state", facts | {"unit": booking.unit if booking else ""}))
        self._chronicle.tell(self.base, now + 1, entries)

    def move_base(self, base: int) -> None:
        """Days before ``base`` are over; their counts must have been written."""
        self._chronicle.move_base(self.base, base)
        self.base = base
        self.presence.forget_before(base)

    def counted(self, calendar: Calendar, day: tuple[int, int], now: int) -> RoomCount:
        """What is counted of a day in memory, up to now."""
        since, until = day[0], min(day[1], now)
        schedule = self.asset.texts("open") or OPEN_HOURS
        bookings = [each for each in self.bookings.values() if each.from_at < until and each.until_at > since]
        return count_day(
            self.day,
            bookings,
            calendar,
            self.asset.key.site,
            schedule,
            since,
            until,
            sensed=bool(sensors_of(self.asset)),
        )

    def to_release(self, now: int) -> Booking | None:
        """The booking of which nobody came and whose time to come is over, where rooms are given back."""
        span = self.now
        if not self.limits.releases or span is None or span.state != NO_SHOW:
            return None
        booking = self.bookings[span.booking]
        return booking if now >= booking.from_at + self.limits.no_show_ms else None

    def to_sign_in(self, at: int) -> Booking | None:
        """The booking for which a card at the room's reader counts."""
        fitting = [
            each
            for each in self.bookings.values()
            if each.from_at - self.limits.early_ms <= at < each.ends_at
            and (each.signed_in_at is None or at < each.signed_in_at)
        ]
        return min(fitting, key=lambda each: (abs(each.from_at - at), each.id), default=None)

    def show(self, shown: Shown, now: int) -> None:
        """Put it into live state."""
        asset, span = self.asset, self.now
        mine = self.bookings.get(span.booking) if span else None
        later = sorted(
            (each for each in self.bookings.values() if each.holds and each.from_at > now), key=lambda b: b.from_at
        )
        spot = asset.spot
        occupied = self.day.presence[-1].present if self.day.presence and sensors_of(asset) else None
        release_at = None
        if mine is not None and span is not None and span.state == NO_SHOW and self.limits.releases:
            release_at = mine.from_at + self.limits.no_show_ms
        shown.show(
            asset.key.entity,
            "room",
            asset.key.site,
            title=asset.name,
            attributes={
                "state": span.state if span else "free",
                "since": span.since if span else None,
                "occupied": occupied,
                "booking": brief(mine),
                "next": brief(later[0]) if later else None,
                "release_at": release_at,
                "capacity": int(asset.number("capacity")),
                "equipment": list(asset.texts("equipment")),
                "out_of_service": asset.text("out_of_service"),
                "latitude": spot.latitude if spot else None,
                "longitude": spot.longitude if spot else None,
                "use_share_30d": self.share,
            },
            observed_at=self.presence.last_at(now + 1),
            quality="uncertain" if occupied is None and sensors_of(asset) else "good",
            stale_after_s=self.stale_ms / 1000 if sensors_of(asset) else None,
            urgent=True,
        )


def brief(booking: Booking | None) -> dict[str, object] | None:
    """What everybody who looks may see of a booking: no name and no phone."""
    if booking is None:
        return None
    return {
        "id": booking.id,
        "unit": booking.unit,
        "subject": booking.subject,
        "people": booking.people,
        "from": booking.from_at,
        "until": booking.until_at,
        "signed_in_at": booking.signed_in_at,
    }
