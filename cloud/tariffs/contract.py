"""The words of tariffs: what was used, by band, and what it costs.

Everything here is a projection of intervals: it can be worked out anew for any period and touches no data. Money and
energy are ``Decimal``; what is missing is None and never zero.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol

from protocols.errors import Permanent

Band = Literal["sharp", "peak", "flat", "valley", "deep"]
"""尖 sharp, 峰 peak, 平 flat, 谷 valley, 深谷 deep valley. A tariff without bands prices everything as flat."""

BANDS: tuple[Band, ...] = ("sharp", "peak", "flat", "valley", "deep")

DayKind = Literal["workday", "weekend", "holiday", "makeup"]
"""``makeup`` (调休) is a day of a weekend on which people work."""

DAY_KINDS: tuple[DayKind, ...] = ("workday", "weekend", "holiday", "makeup")


class TariffFault(Permanent):
    """A period cannot be priced: a band or a price is missing. The message names the day, minute or month."""


class Days(Protocol):
    """What kind of day it is (``cloud.tariffs.days.DayTable``)."""

    def kind(self, day: date) -> DayKind: ...

    def holiday(self, day: date) -> tuple[str, int]:
        """The holiday's name and which day of it this is, from 1; ("", 0) on other days."""
        ...

    def knows(self, year: int) -> bool:
        """Whether the holidays of the year were entered."""
        ...


class Coverage(NamedTuple):
    """How much of a time is known. ``by_source``: seconds by where they come from, ``missing`` among them."""

    seconds: int
    valid_s: int
    by_source: Mapping[str, int]

    @property
    def share(self) -> float:
        """0 to 1; 1 for no time at all."""
        return self.valid_s / self.seconds if self.seconds else 1.0

    @property
    def whole(self) -> bool:
        return self.valid_s == self.seconds


class Line(NamedTuple):
    """One line of a bill. ``amount`` is None when what it takes is not known: then ``note`` says what is missing.

    kind: ``energy``, ``surcharge``, ``demand``, ``power_factor``, ``fixed``, ``tax``.
    quantity x price, rounded once, is the amount; ``how`` says it in words where it is not just that.
    """

    kind: str
    name: str
    quantity: Decimal | None
    unit: str
    price: Decimal | None
    amount: Decimal | None
    band: Band | None = None
    month: str = ""
    source: str = ""
    how: str = ""
    note: str = ""
    coverage: Coverage | None = None
    not_measured: Decimal = Decimal(0)
    """The part of the quantity that was interpolated, estimated or read by hand."""
    split: Decimal = Decimal(0)
    """The part of the quantity from intervals that a band's edge cuts: shared out by time."""


class Bill(NamedTuple):
    """A period's lines and their sum. ``complete``: nothing is missing, neither energy nor a line's figures."""

    tariff: str
    since: date
    until: date
    """The first day that is not of the period."""
    currency: str
    unit: str
    lines: tuple[Line, ...]
    energy: Decimal
    total: Decimal
    complete: bool
    coverage: Coverage
    warnings: tuple[str, ...]
    rounding: str

    @property
    def per_unit(self) -> Decimal | None:
        """What a unit of energy came to; None without energy."""
        return (self.total / self.energy).quantize(Decimal("0.0001")) if self.energy else None
