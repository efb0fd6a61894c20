"""Tables of energy: what is metered where, what people recorded of meters, days as they were worked out, the ledger."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class EnergyStructureRow(Table):
    """Spaces, units and meters of a site as JSON (``cloud.energy.structure.Structure``), every revision of it."""

    __tablename__ = "energy_structures"

    site: Mapped[str] = mapped_column(primary_key=True)
    rev: Mapped[int] = mapped_column(primary_key=True)
    changed_at: Mapped[int]
    changed_by: Mapped[str]
    why: Mapped[str] = mapped_column(default="")
    body: Mapped[str]


class EnergyRecordRow(Table):
    """What a person recorded of a meter as JSON (``cloud.energy.contract.Recorded``); never deleted, only revoked."""

    __tablename__ = "energy_records"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    meter: Mapped[str]
    body: Mapped[str]
    entered_at: Mapped[int]
    entered_by: Mapped[str]
    why: Mapped[str]
    revoked_at: Mapped[int | None] = mapped_column(default=None)
    revoked_by: Mapped[str] = mapped_column(default="")
    revoked_why: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_energy_records_site_meter", "site", "meter"),)


class EnergyDayRow(Table):
    """A meter's day (``day``: its first instant): packed intervals, what they come to, and where to go on from.

    ``state``: what the counter rule knew when the day began, JSON. ``micro`` is null when nothing is known.
    """

    __tablename__ = "energy_days"

    site: Mapped[str] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True)
    until: Mapped[int]
    state: Mapped[str]
    page: Mapped[bytes]
    events: Mapped[str]
    micro: Mapped[int | None] = mapped_column(default=None)
    covered_ms: Mapped[int]
    measured_ms: Mapped[int]
    measured: Mapped[int]
    source: Mapped[int]
    flags: Mapped[int]
    estimated: Mapped[bool]
    """Part of it has the shape of other days, and changes with them."""
    worked_at: Mapped[int]

    __table_args__ = (Index("ix_energy_days_site_day", "site", "day"),)


class EnergyThroughRow(Table):
    """Up to which batch of the store everything is worked out."""

    __tablename__ = "energy_through"

    name: Mapped[str] = mapped_column(primary_key=True)
    batch: Mapped[int]


class EnergyDirtyRow(Table):
    """A stretch of a meter that must be worked out anew because of what a person did."""

    __tablename__ = "energy_dirty"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    meter: Mapped[str]
    since: Mapped[int]
    until: Mapped[int]


class EnergyDeedRow(Table):
    """Who changed the ledger of a site, when and why."""

    __tablename__ = "energy_deeds"

    site: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int]
    by: Mapped[str]
    why: Mapped[str]
    kind: Mapped[str]
    note: Mapped[str] = mapped_column(default="")


class EnergyEntryRow(Table):
    """A line of the ledger. Never altered, never deleted."""

    __tablename__ = "energy_entries"

    site: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    kind: Mapped[str]
    meter: Mapped[str]
    day: Mapped[int]
    micro: Mapped[int]
    covered_ms: Mapped[int]
    page: Mapped[bytes]

    __table_args__ = (Index("ix_energy_entries_site_meter_day", "site", "meter", "day"),)
