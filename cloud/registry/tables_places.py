"""Tables of rooms, patrols, doors and visitors."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class BookingRow(Table):
    """A room taken from ``from_at`` to ``until_at``. ``released_at`` and ``cancelled_at`` end it before its time."""

    __tablename__ = "bookings"

    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str]
    room: Mapped[str]
    unit: Mapped[str]
    subject: Mapped[str]
    organiser: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    people: Mapped[int] = mapped_column(default=0)
    from_at: Mapped[int]
    until_at: Mapped[int]
    series: Mapped[str] = mapped_column(default="")
    """The first booking of those that repeat it."""
    created_at: Mapped[int]
    created_by: Mapped[str]
    opened_at: Mapped[int | None] = mapped_column(default=None)
    """When the form was opened: how long booking took is a figure people ask for."""
    signed_in_at: Mapped[int | None] = mapped_column(default=None)
    cancelled_at: Mapped[int | None] = mapped_column(default=None)
    released_at: Mapped[int | None] = mapped_column(default=None)
    once: Mapped[str | None] = mapped_column(default=None, unique=True)
    """Who asked and the key by which a request that is sent twice is known."""
    rev: Mapped[int] = mapped_column(default=1)

    __table_args__ = (Index("ix_bookings_site_room_from_at", "site", "room", "from_at"),)


class PassRow(Table):
    """What a visitor was promised. ``name``, ``phone`` and ``plate`` are emptied when they are not needed any more."""

    __tablename__ = "passes"

    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str]
    name: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    host: Mapped[str]
    unit: Mapped[str]
    plate: Mapped[str] = mapped_column(default="")
    card_key: Mapped[str] = mapped_column(default="")
    people: Mapped[int] = mapped_column(default=1)
    purpose: Mapped[str] = mapped_column(default="")
    gate: Mapped[str] = mapped_column(default="")
    from_at: Mapped[int]
    until_at: Mapped[int]
    created_at: Mapped[int]
    created_by: Mapped[str]
    opened_at: Mapped[int | None] = mapped_column(default=None)
    cancelled_at: Mapped[int | None] = mapped_column(default=None)
    once: Mapped[str | None] = mapped_column(default=None, unique=True)
    rev: Mapped[int] = mapped_column(default=1)

    __table_args__ = (Index("ix_passes_site_from_at", "site", "from_at"),)


class PassageRow(Table):
    """A visitor was seen at a gate: going in, going out, or passing when the reader cannot tell (``seen``)."""

    __tablename__ = "passages"

    pass_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[int] = mapped_column(primary_key=True)
    way: Mapped[str] = mapped_column(primary_key=True)
    gate: Mapped[str] = mapped_column(default="")
    means: Mapped[str] = mapped_column(default="")
    """``card``, ``plate`` or the name of the user who wrote it down."""


class PatrolRouteRow(Table):
    """A route of guards, as JSON (``cloud.patrol.routes.Standing``)."""

    __tablename__ = "patrol_routes"

    site: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str]


class PatrolRunRow(Table):
    """One run of a route as it went, as JSON (``cloud.patrol.runs.Run``)."""

    __tablename__ = "patrol_runs"

    site: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    from_at: Mapped[int] = mapped_column(index=True)
    run: Mapped[str]


class PlaceDayRow(Table):
    """What was counted of a door, a room or a module of the console on one day of its site, as JSON."""

    __tablename__ = "place_days"

    entity: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True)
    """The first instant of the day."""
    site: Mapped[str]
    counts: Mapped[str]

    __table_args__ = (Index("ix_place_days_site_day", "site", "day"),)
