"""Tables of trips, of the days of vehicles and of the fleet's settings.

A vehicle's day is worked out from the readings store and can be at any time again; ``began`` is what was known of the
vehicle when it began.
"""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class TripRow(Table):
    """One trip. ``day``: the midnight that began the day in which its end was known; a day is replaced as a whole."""

    __tablename__ = "trips"
    __table_args__ = (Index("ix_trips_site_started_at", "site", "started_at"), Index("ix_trips_day", "day"))

    site: Mapped[str] = mapped_column(primary_key=True)
    vehicle: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[int]
    ended_at: Mapped[int]
    facts: Mapped[str]
    """JSON of ``cloud.fleet.step.TripDone``, by name."""


class VehicleDayRow(Table):
    """A vehicle's day: mileage by source, what was left out, what was found, and the state with which it began."""

    __tablename__ = "vehicle_days"
    __table_args__ = (Index("ix_vehicle_days_site_day", "site", "day"),)

    site: Mapped[str] = mapped_column(primary_key=True)
    vehicle: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True)
    done: Mapped[str]
    began: Mapped[str]
    findings: Mapped[str]


class DayToRedoRow(Table):
    """Readings came for a day that was worked out already: it is to be worked out again."""

    __tablename__ = "days_to_redo"

    site: Mapped[str] = mapped_column(primary_key=True)
    vehicle: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[int]


class FleetSettingsRow(Table):
    """What a site changed of the fleet's settings, as JSON."""

    __tablename__ = "fleet_settings"

    site: Mapped[str] = mapped_column(primary_key=True)
    settings: Mapped[str]
    rev: Mapped[int]


class VehicleServiceRow(Table):
    """A dispatcher took a vehicle out of service."""

    __tablename__ = "vehicle_service"

    site: Mapped[str] = mapped_column(primary_key=True)
    vehicle: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    by: Mapped[str]
    since: Mapped[int]
