"""Whether a tariff is whole: no day, minute or month that has two answers or none where one is promised."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from cloud.tariffs.contract import BANDS, DAY_KINDS
from cloud.tariffs.spans import SpanFault, lay, read_days, whole
from cloud.tariffs.tariff import Prices, Season, Special, Tariff, Version, month_name, month_of

KeyPath = tuple[str | int, ...]
PRICE_MAX = Decimal(1_000_000)


class Fault(NamedTuple):
    """What is wrong and where. ``path`` leads to the key: ``("version", 0, "season", 1, "day", 0, "bands")``."""

    path: KeyPath
    message: str


def faults(tariff: Tariff) -> list[Fault]:
    """All that is wrong with it, in the order of the file; empty when every day it covers can be priced."""
    found = [*_versions(tariff.version), *_prices(tariff), *_rest(tariff)]
    for place, version in enumerate(tariff.version):
        found += _version(version, ("version", place))
    return found


def _versions(versions: tuple[Version, ...]) -> Iterator[Fault]:
    order = sorted(range(len(versions)), key=lambda place: versions[place].since)
    for place, version in enumerate(versions):
        if version.until is not None and version.until <= version.since:
            message = f"ends on {version.until}, not after its first day {version.since}"
            yield Fault(("version", place, "until"), message)
    for before, after in pairwise(order):
        first, second = versions[before], versions[after]
        if first.until is None or first.until > second.since:
            end = f"until {first.until}" if first.until else "for good"
            yield Fault(
                ("version", before, "until"),
                f"holds {end}, but another version begins on {second.since}: put until = {second.since}",
            )


def _version(version: Version, path: KeyPath) -> Iterator[Fault]:
    seen: dict[int, str] = {}
    for place, season in enumerate(version.season):
        for month in season.months:
            if month in seen:
                message = f"month {month} is in {seen[month]!r} and in {season.name!r}; each month is in one season"
                yield Fault((*path, "season", place, "months"), message)
            seen[month] = season.name
        yield from _season(season, (*path, "season", place))
    absent = [str(month) for month in range(1, 13) if month not in seen]
    if absent:
        yield Fault((*path, "season"), f"no season has the months {', '.join(absent)}")
    for place, special in enumerate(version.special):
        yield from _special(special, (*path, "special", place))


def _season(season: Season, path: KeyPath) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, day in enumerate(season.day):
        kinds = DAY_KINDS if "any" in day.days else day.days
        twice = sorted(seen.intersection(kinds)) or (["any"] if "any" in day.days and len(day.days) > 1 else [])
        if twice:
            message = f"{', '.join(twice)} named twice in season {season.name!r}; each kind of day has one set of bands"
            yield Fault((*path, "day", place, "days"), message)
        seen |= set(kinds)
        try:
            whole(day.bands)
        except SpanFault as error:
            yield Fault((*path, "day", place, "bands"), str(error))
    absent = [kind for kind in DAY_KINDS if kind not in seen]
    if absent:
        message = f"no bands for {', '.join(absent)} in season {season.name!r}; add to the days that have the same"
        yield Fault((*path, "day"), message)


def _special(special: Special, path: KeyPath) -> Iterator[Fault]:
    for place, text in enumerate(special.days):
        try:
            read_days(text)
        except SpanFault as error:
            yield Fault((*path, "days", place), str(error))
    try:
        if not any(lay(special.bands)):
            yield Fault((*path, "bands"), "no times: a special changes the band of some minutes")
    except SpanFault as error:
        yield Fault((*path, "bands"), str(error))


def _prices(tariff: Tariff) -> Iterator[Fault]:
    taken: dict[int, int] = {}
    for place, prices in enumerate(tariff.price):
        path: KeyPath = ("price", place)
        if prices.end <= prices.first:
            yield Fault((*path, "until"), f"ends with {prices.until}, not after its first month {prices.since}")
            continue
        if prices.end - prices.first > 1200:
            yield Fault((*path, "until"), f"{prices.since} to {prices.until} is more than a hundred years")
            continue
        both = next((month for month in range(prices.first, prices.end) if month in taken), None)
        if both is not None:
            other = tariff.price[taken[both]].since
            yield Fault((*path, "from"), f"{month_name(both)} has prices already, in those from {other}")
        taken |= dict.fromkeys(range(prices.first, prices.end), place)
        yield from _amounts(prices, path)
        yield from _bands_priced(tariff, prices, path)
        if tariff.demand is not None and prices.demand is None:
            yield Fault((*path, "demand"), "no price of power, and the tariff has a demand charge")


def _bands_priced(tariff: Tariff, prices: Prices, path: KeyPath) -> Iterator[Fault]:
    for version in tariff.version:
        last = 9999 * 12 if version.until is None else month_of(version.until) + (version.until.day > 1)
        months = [m for m in range(prices.first, prices.end) if month_of(version.since) <= m < last]
        for season in version.season:
            here = [month for month in months if month % 12 + 1 in season.months]
            used = {band for day in season.day for band in day.bands if day.bands[band]}
            absent = [band for band in BANDS if band in used and band not in prices.energy]
            if here and absent:
                message = f"no price for {', '.join(absent)}, which {season.name!r} has in {month_name(here[0])}"
                yield Fault((*path, "energy"), message)
        used = {band for special in version.special for band in special.bands}
        absent = [band for band in BANDS if band in used and band not in prices.energy]
        if months and absent:
            message = f"no price for {', '.join(absent)}, which a special has that holds from {version.since}"
            yield Fault((*path, "energy"), message)


def _amounts(prices: Prices, path: KeyPath) -> Iterator[Fault]:
    yield from _money(((*path, "energy", band), price) for band, price in prices.energy.items())
    yield from _money((((*path, "surcharge", n, "price"), each.price) for n, each in enumerate(prices.surcharge)), -1)
    if prices.demand is not None:
        yield from _money([((*path, "demand"), prices.demand)])


def _rest(tariff: Tariff) -> Iterator[Fault]:
    demand = tariff.demand
    if demand is not None:
        if demand.mode != "measured" and (demand.contracted is None or not demand.contracted > 0):
            yield Fault(("demand", "contracted"), f"mode {demand.mode!r} needs what was agreed on, above 0")
        yield from _money(
            [(("demand", "over_from"), demand.over_from), (("demand", "over_factor"), demand.over_factor)]
        )
    yield from _money(((("fixed", n, "amount"), each.amount) for n, each in enumerate(tariff.fixed)), -1)
    if tariff.tax is not None and not 0 <= tariff.tax.rate < 1:
        yield Fault(("tax", "rate"), f"{tariff.tax.rate} is no rate; 13 % is 0.13")


def _money(amounts: Iterable[tuple[KeyPath, Decimal]], least: int = 0) -> Iterator[Fault]:
    low = -PRICE_MAX if least else Decimal(0)
    for path, amount in amounts:
        if not amount.is_finite() or not low <= amount <= PRICE_MAX:
            yield Fault(path, f"{amount} is no price; from {low} to {PRICE_MAX}")
