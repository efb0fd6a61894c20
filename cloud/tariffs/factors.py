"""Factors of carbon and coal equivalent: by year, region and calibre, each with its source; what energy comes to."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from cloud.energy.contract import UNITS, Medium
from cloud.tariffs.tariff import Source
from protocols.errors import Permanent
from protocols.settings import Document, decode, load_toml

Quantity = Literal["co2", "footprint", "coal"]
Calibre = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
VALUE_MAX = Decimal(100_000)
_REGION = re.compile(r"[A-Z]{2}(-[a-z0-9]{1,20})?")


class FactorFault(Permanent):
    """There is no such factor; the message says which there are."""


class FactorSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Factors of one source that differ by region."""

    quantity: Quantity
    medium: Medium
    year: Annotated[int, Meta(ge=1990, le=2200)]
    calibre: Calibre
    unit: Annotated[str, Meta(min_length=1, max_length=20)]
    values: Annotated[dict[str, Decimal], Meta(min_length=1, max_length=200)]
    source: Source
    scope: Literal[1, 2, 3] | None = None


class FactorFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All factors, as a file or the registry holds them."""

    set: Annotated[tuple[FactorSet, ...], Meta(max_length=2000)] = ()


class Factor(NamedTuple):
    """One factor with all that is needed to defend a number made with it: a closed period keeps this."""

    quantity: Quantity
    medium: Medium
    year: int
    region: str
    calibre: str
    value: Decimal
    unit: str
    source: str


class Made(NamedTuple):
    """What energy comes to. ``note`` is not empty when the factor is of another year."""

    amount: Decimal
    factor: Factor
    note: str = ""


class Factors:
    """Looks factors up. Raises ValueError for two of the same year, region and calibre."""

    def __init__(self, sets: Iterable[FactorSet]) -> None:
        self._by_key: dict[tuple[str, str, str, str], dict[int, Factor]] = {}
        for each in sets:
            for region, value in each.values.items():
                if _REGION.fullmatch(region) is None:
                    raise ValueError(f"{_name(each)}: {region!r} is no region; write it like CN or CN-zhejiang")
                if not value.is_finite() or not 0 <= value <= VALUE_MAX:
                    raise ValueError(f"{_name(each)} for {region}: {value} is no factor; from 0 to {VALUE_MAX}")
                factor = Factor(
                    each.quantity, each.medium, each.year, region, each.calibre, value, each.unit, str(each.source)
                )
                years = self._by_key.setdefault((each.quantity, each.medium, region, each.calibre), {})
                if each.year in years:
                    raise ValueError(f"{_name(each)} for {region} is there twice; keep one of them")
                years[each.year] = factor

    def find(self, quantity: Quantity, medium: str, year: int, region: str = "CN", calibre: str = "average") -> Factor:
        """The factor of the year, or the last one before it. Raises FactorFault that names what there is."""
        years = self._by_key.get((quantity, medium, region, calibre), {})
        best = max((known for known in years if known <= year), default=None)
        if best is None:
            raise FactorFault(
                f"no factor of {quantity} for {medium} in {region} ({calibre}) for {year}; {self._there(quantity)}"
            )
        return years[best]

    def make(
        self,
        quantity: Quantity,
        medium: str,
        by_year: Mapping[int, Decimal],
        region: str = "CN",
        calibre: str = "average",
    ) -> list[Made]:
        """What was used in each local calendar year, with that year's factor."""
        made = []
        for year in sorted(by_year):
            factor = self.find(quantity, medium, year, region, calibre)
            note = "" if factor.year == year else f"the factor of {factor.year}: none of {year} is known"
            made.append(Made(by_year[year] * factor.value, factor, note))
        return made

    def all(self) -> list[Factor]:
        """By quantity, medium, region, calibre and year."""
        return [years[year] for _, years in sorted(self._by_key.items()) for year in sorted(years)]

    def _there(self, quantity: str) -> str:
        known = sorted({f"{m} {r} ({c}) from {min(y)}" for (q, m, r, c), y in self._by_key.items() if q == quantity})
        return "there are: " + "; ".join(known) if known else "there are none"


def read_factors(path: str | Path | None = None) -> FactorFile:
    """Factors from a file, or those that came with the product. Raises BadSettings with the line."""
    return parse_factors(
        load_toml(path if path is not None else str(resources.files("cloud.tariffs") / "factors.toml"))
    )


def parse_factors(document: Document) -> FactorFile:
    """The same from a text."""
    found = decode(document, FactorFile)
    try:
        Factors(found.set)
    except ValueError:
        for place in range(len(found.set)):
            try:
                Factors(found.set[: place + 1])
            except ValueError as error:
                raise document.fail(("set", place), str(error)) from None
    return found


def per_unit(medium: Medium) -> str:
    """``kWh``, ``m³``: what a factor of this medium is multiplied by."""
    return UNITS[medium]


def _name(each: FactorSet) -> str:
    return f"{each.quantity} of {each.medium}, {each.year}, {each.calibre}"
