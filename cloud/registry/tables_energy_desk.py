"""Tables of what people keep of energy: closed periods, bases, quotas, readings by hand, what they say of findings."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class EnergyPeriodRow(Table):
    """A closed period; ``version`` is that of the deed that closed it. Local days [first_day, next_day).

    ``meters`` and ``snapshot`` are JSON: what was closed, and by which prices, factors and balances it was said.
    """

    __tablename__ = "energy_periods"

    site: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    first_day: Mapped[str]
    next_day: Mapped[str]
    since: Mapped[int]
    until: Mapped[int]
    meters: Mapped[str]
    snapshot: Mapped[str]


class EnergyBasisRow(Table):
    """A revision of what a site's amounts are divided by and held to, as JSON (``cloud.tariffs.basis.Basis``)."""

    __tablename__ = "energy_bases"

    site: Mapped[str] = mapped_column(primary_key=True)
    rev: Mapped[int] = mapped_column(primary_key=True)
    changed_at: Mapped[int]
    changed_by: Mapped[str]
    why: Mapped[str]
    body: Mapped[str]


class EnergySightingRow(Table):
    """A reading that a person took and a second one has to look at. ``record``: what it became; 0 when refused."""

    __tablename__ = "energy_sightings"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    meter: Mapped[str]
    at: Mapped[int]
    reading: Mapped[str]
    why: Mapped[str]
    entered_at: Mapped[int]
    entered_by: Mapped[str]
    checked_at: Mapped[int | None] = mapped_column(default=None)
    checked_by: Mapped[str] = mapped_column(default="")
    record: Mapped[int | None] = mapped_column(default=None)

    __table_args__ = (Index("ix_energy_sightings_site_record", "site", "record"),)


class EnergyJudgementRow(Table):
    """What a person said of a finding of energy, or that it came back by itself; rows are only added. The last holds.

    ``week_kwh``: what the finding took a week when this was said. ``back``: why it came back; empty for people's words.
    """

    __tablename__ = "energy_judgements"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    meter: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    until: Mapped[int | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column(default="")
    at: Mapped[int]
    week_kwh: Mapped[float | None] = mapped_column(default=None)
    back: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_energy_judgements_site_meter_kind", "site", "meter", "kind"),)


class OutdoorTemperatureRow(Table):
    """An outdoor temperature that somebody brought in as a file; what sensors measure is with their readings."""

    __tablename__ = "outdoor_temperatures"

    site: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[int] = mapped_column(primary_key=True)
    celsius: Mapped[float]
    entered_at: Mapped[int]
    entered_by: Mapped[str]
