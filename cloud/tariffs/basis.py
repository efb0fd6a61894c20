"""What the amounts of a site are divided by (area, heads) and held to (quotas), with validity and source.

Of a period in which an area or a number of heads was not known throughout there is no index: it is a dash, and never 0.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from cloud.energy.contract import Medium
from cloud.energy.structure import Space, Structure, Unit

What = Literal["area_m2", "people"]
SITE = "site"
VALUE_MAX = Decimal(10**12)
Words = Annotated[str, Meta(min_length=1, max_length=200)]
Of = Annotated[str, Meta(pattern=r"^(site|(space|unit):[a-z0-9][a-z0-9-]{0,31})$")]


class Denominator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Square metres or heads of ``site``, ``space:b3`` or ``unit:office`` on the local days [since, until).

    ``until`` None: until another one begins. ``source``: where the number comes from (a deed, a list of staff).
    """

    of: Of
    what: What
    value: Decimal
    since: date = msgspec.field(name="from")
    until: date | None = None
    source: Words


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be used in a year, in the medium's unit. ``pace``: by which year's course it is on schedule or ahead."""

    of: Of
    medium: Medium = "electricity"
    year: Annotated[int, Meta(ge=1990, le=2200)]
    limit: Decimal
    source: Words
    pace: Literal["last_year", "even"] = "last_year"


class Basis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a site. ``region`` and ``calibre`` choose the factors of carbon."""

    denominators: Annotated[tuple[Denominator, ...], Meta(max_length=5_000)] = ()
    quotas: Annotated[tuple[Quota, ...], Meta(max_length=5_000)] = ()
    region: Annotated[str, Meta(pattern=r"^[A-Z]{2}(-[a-z0-9]{1,20})?$")] = "CN"
    calibre: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,39}$")] = "average"


class BasisFault(NamedTuple):
    """What is wrong, and where: ``denominators[2].until``."""

    key: str
    message: str


class Divisor(NamedTuple):
    """What a period is divided by; ``value`` None when it is not known throughout, and ``note`` says why."""

    value: Decimal | None
    source: str
    note: str = ""


def faults(basis: Basis, structure: Structure) -> list[BasisFault]:
    """Everything that cannot be."""
    known = {SITE, *(f"space:{each.id}" for each in structure.spaces), *(f"unit:{each.id}" for each in structure.units)}
    found: list[BasisFault] = []
    spans: dict[tuple[str, str], list[tuple[Denominator, str]]] = {}
    for place, each in enumerate(basis.denominators):
        key = f"denominators[{place}]"
        found += _number_faults(f"{key}.value", each.value)
        if each.of not in known:
            found.append(BasisFault(f"{key}.of", f"the structure has no {each.of!r}"))
        if each.until is not None and each.until <= each.since:
            found.append(BasisFault(f"{key}.until", f"{each.until}: a day after {each.since}"))
        spans.setdefault((each.of, each.what), []).append((each, key))
    for same in spans.values():
        same.sort(key=lambda pair: pair[0].since)
        for (one, _), (other, key) in pairwise(same):
            if other.since < (one.until or one.since + timedelta(days=1)):
                found.append(BasisFault(f"{key}.from", f"{other.since}: the number from {one.since} still holds then"))
    seen: set[tuple[str, str, int]] = set()
    for place, quota in enumerate(basis.quotas):
        key = f"quotas[{place}]"
        found += _number_faults(f"{key}.limit", quota.limit)
        if quota.of not in known:
            found.append(BasisFault(f"{key}.of", f"the structure has no {quota.of!r}"))
        name = (quota.of, quota.medium, quota.year)
        if name in seen:
            found.append(
                BasisFault(f"{key}.year", f"{quota.of} has a quota of {quota.medium} for {quota.year} already")
            )
        seen.add(name)
    return found


def _number_faults(key: str, value: Decimal) -> Iterable[BasisFault]:
    if not value.is_finite() or not 0 < value <= VALUE_MAX:
        yield BasisFault(key, f"{value}: a number above 0; leave it out when nobody knows")


def divisor(basis: Basis, structure: Structure, of: str, what: What, since: date, until: date) -> Divisor:
    """The mean over the local days [since, until), by days."""
    mine = sorted(
        (each for each in basis.denominators if (each.of, each.what) == (of, what)), key=lambda one: one.since
    )
    if not mine:
        return _of_structure(structure, of, what)
    total, at = Decimal(0), since
    sources: list[str] = []
    for place, each in enumerate(mine):
        ends = each.until or (mine[place + 1].since if place + 1 < len(mine) else date.max)
        low, high = max(each.since, at), min(ends, until)
        if low > at and at < until:
            break
        if high > at:
            total += each.value * (high - at).days
            at = high
            sources.append(each.source)
    if at < until:
        return Divisor(None, "; ".join(dict.fromkeys(sources)), f"{_NAMES[what]} of {at} was not entered")
    mean = (total / (until - since).days).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    note = "the mean over the period" if len(sources) > 1 else ""
    return Divisor(mean, "; ".join(dict.fromkeys(sources)), note)


_NAMES: dict[str, str] = {"area_m2": "the area", "people": "the number of heads"}


def _of_structure(structure: Structure, of: str, what: What) -> Divisor:
    """The number that stands beside a space or unit, without a time."""
    kind, _, name = of.partition(":")
    things: Sequence[Space | Unit] = structure.spaces if kind == "space" else structure.units
    if of == SITE:
        things = [each for each in structure.spaces if each.kind == "site" and not each.parent]
    one = next((each for each in things if of == SITE or each.id == name), None)
    value = None if one is None else one.area_m2 if what == "area_m2" else one.people
    if value is None:
        return Divisor(None, "", f"{_NAMES[what]} was not entered")
    return Divisor(Decimal(value), "structure", "as the structure says, of no date")
