"""A tariff as a person writes it: validity with its source, seasons, days, bands by the minute, prices by the month.

``cloud.tariffs.checks`` says whether it is whole; ``cloud.tariffs.tariff_file`` reads one from TOML.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from cloud.energy.contract import Medium
from cloud.tariffs.contract import Band, DayKind

Text = Annotated[str, Meta(min_length=1, max_length=200)]
LongText = Annotated[str, Meta(max_length=2000)]
Month = Annotated[str, Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
"""``2026-07``."""
Span = Annotated[str, Meta(max_length=11)]
"""``"22:00-05:00"``: half open, may pass midnight; ``24:00`` is the end of the day."""
Bands = dict[Band, Annotated[tuple[Span, ...], Meta(max_length=24)]]


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document that says so. Every version and every price has one: a price nobody can look up is a rumour."""

    document: Text
    number: Annotated[str, Meta(max_length=100)] = ""
    issued: date | None = None
    note: LongText = ""

    def __str__(self) -> str:
        return f"{self.document} {self.number}".strip()


class DayBands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bands of kinds of days; together the days of a season name each kind once. They cover the whole day."""

    days: Annotated[tuple[DayKind | Literal["any"], ...], Meta(min_length=1, max_length=4)]
    bands: Bands


class Season(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Months that have the same bands. Each month is in one season."""

    name: Text
    months: Annotated[tuple[Annotated[int, Meta(ge=1, le=12)], ...], Meta(min_length=1, max_length=12)]
    day: Annotated[tuple[DayBands, ...], Meta(min_length=1, max_length=4)]


class Special(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Minutes of certain days that are in another band than the season says; the other minutes stay as they are.

    days: ``holiday:春节`` (all its days), ``holiday:国庆节:1-3`` (its first three), ``2026-10-01``, ``sun``,
    or a kind of day. months: only in these; empty for all.
    """

    name: Text
    days: Annotated[tuple[Annotated[str, Meta(max_length=60)], ...], Meta(min_length=1, max_length=400)]
    bands: Bands
    months: Annotated[tuple[Annotated[int, Meta(ge=1, le=12)], ...], Meta(max_length=12)] = ()


class Version(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """What holds from a local day on, until another day (not included) or for good."""

    since: date
    source: Source
    season: Annotated[tuple[Season, ...], Meta(min_length=1, max_length=12)]
    until: date | None = None
    special: Annotated[tuple[Special, ...], Meta(max_length=40)] = ()

    def holds(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


class Surcharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price on each unit of energy whatever its band (funds, levies).

    ``in_power_factor``: whether the power-factor adjustment is taken of it too; government funds are left out.
    """

    name: Text
    price: Decimal
    in_power_factor: bool = False


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """The prices of a month, or of all months until another one (not included)."""

    since: Month
    source: Source
    energy: dict[Band, Decimal]
    until: Month | None = None
    surcharge: Annotated[tuple[Surcharge, ...], Meta(max_length=20)] = ()
    demand: Decimal | None = None
    """Per kW or kVA and billing period."""

    @property
    def first(self) -> int:
        """Months since year 0."""
        return month_number(self.since)

    @property
    def end(self) -> int:
        """The first month that is not covered."""
        return month_number(self.until) if self.until is not None else self.first + 1


class Demand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is paid for power.

    mode: ``capacity`` (the transformers' kVA), ``contracted`` (kW agreed on; what the period's maximum is above
    ``over_from`` times of it costs ``over_factor`` times the price), ``measured`` (the period's maximum). The maximum
    is the mean power of ``window_min`` minutes, aligned to the hour (``fixed``) or wherever it is largest
    (``sliding``): as the utility's meter does it.
    """

    mode: Literal["capacity", "contracted", "measured"]
    contracted: Decimal | None = None
    window_min: Literal[15, 30, 60] = 15
    window: Literal["fixed", "sliding"] = "fixed"
    over_from: Decimal = Decimal("1.05")
    over_factor: Decimal = Decimal(2)


class PowerFactor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The adjustment of 1983 (力调电费) by the power factor that is asked for."""

    standard: Literal["0.80", "0.85", "0.90"]


class Fixed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same for each billing period."""

    name: Text
    amount: Decimal


class Tax(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``included``: the prices hold it already and the bill tells how much; else it comes on top."""

    name: Text
    rate: Decimal
    included: bool = True


class Tariff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contract with a utility.

    read_day: a billing period begins at the local midnight with which this day of the month begins.
    price_month: each day has the prices of its own month (``day``), or the whole period those of the month of its
    last day (``period``).
    """

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
    name: Text
    version: Annotated[tuple[Version, ...], Meta(min_length=1, max_length=100)]
    price: Annotated[tuple[Prices, ...], Meta(min_length=1, max_length=600)]
    medium: Medium = "electricity"
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "CNY"
    read_day: Annotated[int, Meta(ge=1, le=28)] = 1
    price_month: Literal["day", "period"] = "day"
    demand: Demand | None = None
    power_factor: PowerFactor | None = None
    fixed: Annotated[tuple[Fixed, ...], Meta(max_length=20)] = ()
    tax: Tax | None = None
    note: LongText = ""


def month_number(text: str) -> int:
    """Months since year 0 of ``2026-07``."""
    return int(text[:4]) * 12 + int(text[5:]) - 1


def month_name(number: int) -> str:
    """``2026-07`` of months since year 0."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def month_of(day: date) -> int:
    """Months since year 0."""
    return day.year * 12 + day.month - 1
