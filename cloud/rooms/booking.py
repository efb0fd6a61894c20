"""A booking of a room."""

import msgspec


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """A room taken from ``from_at`` to ``until_at`` (ms). It ends before that when it is cancelled or released.

    opened_at: when the form was opened in which it was made. series: the first of bookings that repeat each other.
    """

    id: str
    site: str
    room: str
    unit: str
    subject: str
    organiser: str
    phone: str = ""
    people: int = 0
    from_at: int
    until_at: int
    series: str = ""
    created_at: int
    created_by: str
    opened_at: int | None = None
    signed_in_at: int | None = None
    cancelled_at: int | None = None
    released_at: int | None = None
    rev: int = 1

    @property
    def ends_at(self) -> int:
        """When the room is free of it."""
        ends = [self.until_at, self.cancelled_at, self.released_at]
        return max(self.from_at, min(each for each in ends if each is not None))

    @property
    def holds(self) -> bool:
        """Whether it takes the room for any time at all."""
        return self.ends_at > self.from_at

    @property
    def booking_s(self) -> float | None:
        """From opening the form until it was booked."""
        return None if self.opened_at is None else max(0.0, (self.created_at - self.opened_at) / 1000)
