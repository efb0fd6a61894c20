"""What energy costs: lines by version, month and band. The part of a bill that holds for any days."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from cloud.energy.contract import UNITS, Intervals, Longs
from cloud.tariffs.contract import BANDS, Coverage, Line, TariffFault
from cloud.tariffs.layout import Layout, Stretch
from cloud.tariffs.money import rounded, units
from cloud.tariffs.sharing import Shares, coverage, share_out
from cloud.tariffs.tariff import Prices, Tariff, month_name


class EnergyPart(NamedTuple):
    """Lines of energy and surcharges. ``adjusted``: what the power factor changes of it."""

    lines: tuple[Line, ...]
    micro: int
    coverage: Coverage
    adjusted: Decimal


def energy_part(intervals: Intervals, tariff: Tariff, layout: Layout) -> EnergyPart:
    """Price what was used in the layout. Raises TariffFault that names the month and the band that has no price."""
    shares = share_out(intervals, layout)
    by_month = {prices_month: prices for prices in tariff.price for prices_month in range(prices.first, prices.end)}
    groups: defaultdict[Stretch, list[int]] = defaultdict(list)
    for place, stretch in enumerate(layout.stretches):
        groups[stretch].append(place)
    lines = []
    order = sorted(groups, key=lambda each: (each.month, each.version, BANDS.index(each.band)))
    for stretch in order:
        prices = prices_of(tariff, by_month, stretch.month)
        lines.append(_energy_line(tariff, prices, stretch, shares, np.array(groups[stretch], np.int64)))
    surcharges, adjusted = _surcharges(tariff, by_month, groups, shares)
    adjusted += sum((line.amount for line in lines if line.amount is not None), Decimal(0))
    return EnergyPart((*lines, *surcharges), int(shares.micro.sum()), coverage(shares), adjusted)


def prices_of(tariff: Tariff, by_month: Mapping[int, Prices], month: int) -> Prices:
    """The prices of a month. Raises TariffFault when there are none."""
    found = by_month.get(month)
    if found is None:
        raise TariffFault(
            f"tariff {tariff.id}: no prices for {month_name(month)}; enter them from the utility's notice of that month"
        )
    return found


def _energy_line(tariff: Tariff, prices: Prices, stretch: Stretch, shares: Shares, chosen: Longs) -> Line:
    price = prices.energy.get(stretch.band)
    if price is None:
        raise TariffFault(
            f"tariff {tariff.id}: no price for the band {stretch.band} in {month_name(stretch.month)}; "
            f"the prices from {prices.since} have {', '.join(prices.energy) or 'none'}"
        )
    quantity = units(int(shares.micro[chosen].sum()))
    known = coverage(shares, chosen)
    version = tariff.version[stretch.version]
    return Line(
        "energy",
        stretch.band,
        quantity,
        UNITS[tariff.medium],
        price,
        rounded(quantity * price, tariff.currency),
        band=stretch.band,
        month=month_name(stretch.month),
        source=f"{prices.source}; {version.source}"
        if str(prices.source) != str(version.source)
        else str(prices.source),
        note=""
        if known.whole
        else f"{known.share:.2%} of the time in this band is known; the rest is not in the amount",
        coverage=known,
        not_measured=units(int(shares.not_measured[chosen].sum())),
        split=units(int(shares.split[chosen].sum())),
    )


def _surcharges(
    tariff: Tariff, by_month: Mapping[int, Prices], groups: Mapping[Stretch, list[int]], shares: Shares
) -> tuple[list[Line], Decimal]:
    places: defaultdict[int, list[int]] = defaultdict(list)
    for stretch, found in groups.items():
        places[stretch.month] += found
    lines: list[Line] = []
    adjusted = Decimal(0)
    for month in sorted(places):
        prices = prices_of(tariff, by_month, month)
        chosen = np.array(sorted(places[month]), np.int64)
        quantity = units(int(shares.micro[chosen].sum()))
        for each in prices.surcharge:
            amount = rounded(quantity * each.price, tariff.currency)
            adjusted += amount if each.in_power_factor else 0
            lines.append(
                Line(
                    "surcharge",
                    each.name,
                    quantity,
                    UNITS[tariff.medium],
                    each.price,
                    amount,
                    month=month_name(month),
                    source=str(prices.source),
                    coverage=coverage(shares, chosen),
                    not_measured=units(int(shares.not_measured[chosen].sum())),
                )
            )
    return lines, adjusted
