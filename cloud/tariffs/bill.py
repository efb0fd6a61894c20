"""A bill: every line with what it was worked out from, and what is not known beside the total.

Pure: the same intervals, tariff and days give the same bill, whenever it is asked for.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cloud.energy.contract import UNITS, Intervals, Source
from cloud.tariffs.contract import Bill, Coverage, Days, Line
from cloud.tariffs.energy_lines import EnergyPart, energy_part, prices_of
from cloud.tariffs.layout import DayPlans, lay_out, midnight
from cloud.tariffs.max_demand import MaxDemand, max_demand
from cloud.tariffs.money import ROUNDING, digits, rounded, units
from cloud.tariffs.periods import is_whole
from cloud.tariffs.power_factor import SOURCE as POWER_FACTOR_SOURCE
from cloud.tariffs.power_factor import adjustment, mean_power_factor
from cloud.tariffs.tariff import Demand, Tariff, month_of


class Metered(NamedTuple):
    """What a meter counted. ``max_kw``: the maximum of the period as the meter itself shows it, when somebody read it;
    it goes before the one found in the intervals."""

    active: Intervals
    reactive: Intervals | None = None
    max_kw: Decimal | None = None


def make_bill(metered: Metered, tariff: Tariff, days: Days, zone: ZoneInfo, since: date, until: date) -> Bill:
    """The bill of local days [since, until).

    Energy, surcharges and tax are of any days; demand, power factor and fixed amounts are of whole billing periods
    (``periods``): other days have no such lines, and a warning. Raises TariffFault where a day has no bands or prices,
    ValueError for an empty period.
    """
    if until <= since:
        raise ValueError(f"a period ends after it begins: {since} to {until} has no day")
    month = month_of(until - timedelta(days=1)) if tariff.price_month == "period" else None
    layout = lay_out(DayPlans(tariff, days), zone, since, until, month)
    energy = energy_part(metered.active, tariff, layout)
    whole = is_whole(since, until, tariff.read_day)
    lines = [*energy.lines]
    if whole:
        demand = _demand_lines(metered, tariff, zone, since, until)
        lines += demand
        lines += _power_factor_lines(metered, tariff, zone, since, until, energy, demand)
        lines += [_fixed(tariff, each.name, each.amount) for each in tariff.fixed]
    lines += _tax_lines(tariff, lines)
    return Bill(
        tariff.id,
        since,
        until,
        tariff.currency,
        UNITS[tariff.medium],
        tuple(lines),
        units(energy.micro),
        _total(tariff, lines),
        energy.coverage.whole and all(line.amount is not None for line in lines),
        energy.coverage,
        tuple(_warnings(tariff, days, since, until, whole, energy.coverage)),
        ROUNDING.format(digits=digits(tariff.currency)),
    )


def _demand_lines(metered: Metered, tariff: Tariff, zone: ZoneInfo, since: date, until: date) -> list[Line]:
    demand = tariff.demand
    if demand is None:
        return []
    month = month_of(until - timedelta(days=1))
    prices = prices_of(tariff, {m: each for each in tariff.price for m in range(each.first, each.end)}, month)
    price, source = prices.demand, str(prices.source)
    assert price is not None  # held by checks.faults
    if demand.mode == "capacity":
        return [_power_line(tariff, "capacity", demand.contracted, "kVA", price, source)]
    found = _maximum(metered, demand, zone, since, until)
    how = _how(demand, found, zone, metered.max_kw is not None)
    unknown = f"only {found.share:.2%} of the period was measured; a larger maximum may have been" * (
        metered.max_kw is None and found.share < 1
    )
    if demand.mode == "measured":
        note = unknown or ("" if found.kw is not None else "no maximum is known")
        return [_power_line(tariff, "maximum", found.kw, "kW", price, source, how, note)]
    agreed = demand.contracted
    assert agreed is not None
    lines = [_power_line(tariff, "contracted", agreed, "kW", price, source)]
    if found.kw is None:
        lines.append(_power_line(tariff, "over", None, "kW", price, source, how, "no maximum is known"))
    elif found.kw > agreed * demand.over_from or unknown:
        over = max(Decimal(0), found.kw - agreed * demand.over_from)
        how = f"{how}; above {demand.over_from} x {agreed} kW at {demand.over_factor} x the price"
        lines.append(_power_line(tariff, "over", over, "kW", price * demand.over_factor, source, how, unknown))
    return lines


def _maximum(metered: Metered, demand: Demand, zone: ZoneInfo, since: date, until: date) -> MaxDemand:
    if metered.max_kw is not None:
        return MaxDemand(metered.max_kw, None, None, 1.0)
    taken = metered.active.between(midnight(since, zone), midnight(until, zone))
    return max_demand(taken, zone, demand.window_min, demand.window)


def _how(demand: Demand, found: MaxDemand, zone: ZoneInfo, read: bool) -> str:
    if read:
        return "as the meter showed it"
    if found.since is None:
        return ""
    at = datetime.fromtimestamp(found.since / 1000, zone)
    how = f"mean of {demand.window_min} minutes from {at:%Y-%m-%d %H:%M}"
    if demand.window == "sliding":
        how += "; windows slid by quarters of an hour, a meter that slides finer may show more"
    return how


def _power_line(
    tariff: Tariff,
    name: str,
    quantity: Decimal | None,
    unit: str,
    price: Decimal,
    source: str,
    how: str = "",
    note: str = "",
) -> Line:
    amount = None if quantity is None else rounded(quantity * price, tariff.currency)
    return Line("demand", name, quantity, unit, price, amount, source=source, how=how, note=note)


def _power_factor_lines(
    metered: Metered,
    tariff: Tariff,
    zone: ZoneInfo,
    since: date,
    until: date,
    energy: EnergyPart,
    demand: Sequence[Line],
) -> list[Line]:
    if tariff.power_factor is None:
        return []
    standard = tariff.power_factor.standard
    if metered.reactive is None:
        note = "the reactive energy of the period is not known"
        return [Line("power_factor", standard, None, "", None, None, source=POWER_FACTOR_SOURCE, note=note)]
    reactive = metered.reactive.between(midnight(since, zone), midnight(until, zone))
    known = reactive.source != Source.MISSING
    factor = mean_power_factor(units(energy.micro), units(int(reactive.micro[known].sum())))
    if factor is None:
        note = "nothing was used, so there is no power factor"
        return [Line("power_factor", standard, None, "", None, Decimal(0), source=POWER_FACTOR_SOURCE, note=note)]
    percent = adjustment(standard, factor)
    taken_of = energy.adjusted + sum((line.amount for line in demand if line.amount is not None), Decimal(0))
    share = float(reactive.covered_ms[known].sum()) / max(1, midnight(until, zone) - midnight(since, zone))
    note = "" if share >= 1 else f"only {share:.2%} of the reactive energy is known"
    how = f"power factor {factor}, standard {standard}: {percent:+} % of {taken_of} (energy and demand)"
    amount = rounded(taken_of * percent / 100, tariff.currency)
    return [
        Line("power_factor", standard, taken_of, "", percent, amount, source=POWER_FACTOR_SOURCE, how=how, note=note)
    ]


def _fixed(tariff: Tariff, name: str, amount: Decimal) -> Line:
    return Line("fixed", name, Decimal(1), "", amount, rounded(amount, tariff.currency), how="per billing period")


def _tax_lines(tariff: Tariff, lines: Sequence[Line]) -> list[Line]:
    tax = tariff.tax
    if tax is None:
        return []
    of = _total(tariff, lines)
    amount = of * tax.rate / (1 + tax.rate) if tax.included else of * tax.rate
    how = f"{tax.rate:%} of what stands above" if not tax.included else f"{tax.rate:%}, held by the prices; not added"
    return [Line("tax", tax.name, of, "", tax.rate, rounded(amount, tariff.currency), how=how)]


def _total(tariff: Tariff, lines: Sequence[Line]) -> Decimal:
    held = tariff.tax is not None and tariff.tax.included
    known = (line.amount for line in lines if line.amount is not None and not (held and line.kind == "tax"))
    return sum(known, Decimal(0))


def _warnings(tariff: Tariff, days: Days, since: date, until: date, whole: bool, known: Coverage) -> list[str]:
    found = []
    if not known.whole:
        found.append(f"{known.share:.2%} of the period is known; what was used in the rest is in no line")
    months = {month_of(since), month_of(until - timedelta(days=1))}
    years = {month // 12 for month in range(min(months), max(months) + 1)}
    for year in sorted(years):
        if not days.knows(year) and _days_matter(tariff):
            found.append(f"the holidays of {year} were not entered: its days are taken as their weekday says")
    if not whole and (tariff.demand or tariff.power_factor or tariff.fixed):
        found.append(
            f"{since} to {until} is not a billing period (they begin on day {tariff.read_day}): "
            "demand, power factor and fixed amounts are left out"
        )
    return found


def _days_matter(tariff: Tariff) -> bool:
    seasons = [season for version in tariff.version for season in version.season]
    return any(len(season.day) > 1 for season in seasons) or any(version.special for version in tariff.version)
