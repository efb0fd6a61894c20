"""Bills, worked out by hand beside each."""

from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from cloud.energy.contract import Source
from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.contract import Bill, Line
from cloud.tariffs.periods import period_of, periods
from cloud.tariffs.tariff_file import read_tariff, samples
from tests.cloud.tariffs.material import DAYS, SHANGHAI, SIMPLE, tariff, used

ZHEJIANG = read_tariff(samples()["zhejiang-two-part"])
LIAONING = read_tariff(samples()["liaoning-one-part"])
OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))
MARCH = (date(2026, 3, 1), date(2026, 4, 1))

POWER = SIMPLE.replace("[[version]]", '[demand]\nmode = "MODE"\nMORE\n\n[[version]]', 1).replace(
    "energy = {", "demand = 40\nenergy = {"
)


def amounts(bill: Bill) -> dict[str, str]:
    return {f"{line.kind} {line.name}": str(line.amount) for line in bill.lines}


def line_of(bill: Bill, kind: str, name: str = "") -> Line:
    return next(line for line in bill.lines if line.kind == kind and name in line.name)


def test_a_day_of_one_kilowatt_hour_each_quarter_in_liaoning() -> None:
    """peak 07:30-10:30, 16:00-21:00 = 8 h = 32 kWh x 0.98 = 31.36; valley 11:30-12:30, 22:00-05:00 = 8 h = 32 kWh
    x 0.33 = 10.56; flat the other 8 h = 32 kWh x 0.65 = 20.80; together 62.72."""
    day, until = date(2026, 3, 2), date(2026, 3, 3)
    bill = make_bill(Metered(used(day, until, lambda _: 1.0)), LIAONING, DAYS, SHANGHAI, day, until)
    assert amounts(bill) == {"energy peak": "31.36", "energy flat": "20.80", "energy valley": "10.56"}
    assert (bill.total, bill.energy, bill.per_unit, bill.complete) == (Decimal("62.72"), 96, Decimal("0.6533"), True)


def test_october_2026_at_a_constant_hundred_kilowatts_in_zhejiang() -> None:
    """Hours. An ordinary day: peak 16-23 = 7, flat 7-11, 14-16, 23-24 = 7, valley 0-7, 11-14 = 10. On 1 to 3 October
    9-15 is deep: of these 6 h, 3 were flat and 3 valley. 31 days: peak 217, flat 28 x 7 + 3 x 4 = 208,
    valley 28 x 10 + 3 x 7 = 301, deep 18; together 744 h = 74 400 kWh.

    peak 21 700 x 1.15 = 24 955.00; flat 20 800 x 0.66 = 13 728.00; valley 30 100 x 0.30 = 9 030.00;
    deep 1 800 x 0.16 = 288.00; energy 48 001.00. Funds 74 400 x 0.028 = 2 083.20. Demand 100 kW x 42 = 4 200.00.

    Power factor: reactive is 0.75 of active, 1 / sqrt(1 + 0.5625) = 0.80, ten hundredths below 0.90 at 0.5 % = +5 %
    of 48 001.00 + 4 200.00 = 52 201.00: 2 610.05 (funds are left out). Total 56 894.25.
    Tax held by the prices: 56 894.25 x 0.13 / 1.13 = 6 545.36.
    """
    metered = Metered(used(*OCTOBER, lambda _: 25.0), used(*OCTOBER, lambda _: 18.75))
    bill = make_bill(metered, ZHEJIANG, DAYS, SHANGHAI, *OCTOBER)
    assert amounts(bill) == {
        "energy peak": "24955.00",
        "energy flat": "13728.00",
        "energy valley": "9030.00",
        "energy deep": "288.00",
        "surcharge 政府性基金及附加": "2083.20",
        "demand maximum": "4200.00",
        "power_factor 0.90": "2610.05",
        "tax 增值税": "6545.36",
    }
    assert (bill.total, bill.energy, bill.complete) == (Decimal("56894.25"), 74_400, True)
    assert bill.warnings == ()
    assert line_of(bill, "power_factor").how == (
        "power factor 0.80, standard 0.90: +5 % of 52201.00 (energy and demand)"
    )


def test_february_2026_with_the_spring_festival_and_its_makeup_days_in_zhejiang() -> None:
    """By the notice of 2024, 10 kWh each quarter of an hour (40 kW), spring season. An ordinary day: peak 8-11, 13-17
    = 7 h, flat 17-24 = 7, valley 0-8, 11-13 = 10. The nine days 15 to 23 February have 10-14 deep: of these 4 h, 2
    were peak (10-11, 13-14) and 2 valley (11-13). The make-up Saturdays 14 and 28 are ordinary.

    28 days: peak 28 x 7 - 18 = 178, flat 196, valley 280 - 18 = 262, deep 36; together 672 h = 26 880 kWh.
    7 120 x 1.05 = 7 476.00; 7 840 x 0.65 = 5 096.00; 10 480 x 0.32 = 3 353.60; 1 440 x 0.18 = 259.20.
    """
    february = (date(2026, 2, 1), date(2026, 3, 1))
    bill = make_bill(Metered(used(*february, lambda _: 10.0)), ZHEJIANG, DAYS, SHANGHAI, *february)
    energy = {name: amount for name, amount in amounts(bill).items() if name.startswith("energy")}
    assert energy == {
        "energy peak": "7476.00",
        "energy flat": "5096.00",
        "energy valley": "3353.60",
        "energy deep": "259.20",
    }


def test_a_bill_without_reactive_energy_is_not_complete_and_its_total_leaves_the_line_out() -> None:
    bill = make_bill(Metered(used(*OCTOBER, lambda _: 25.0)), ZHEJIANG, DAYS, SHANGHAI, *OCTOBER)
    line = line_of(bill, "power_factor")
    assert (line.amount, line.note) == (None, "the reactive energy of the period is not known")
    assert (bill.complete, bill.total) == (False, Decimal("54284.20"))


def test_the_same_bill_twice_is_the_same_and_another_tariff_changes_no_interval() -> None:
    intervals = used(*OCTOBER, lambda local: 1 + local.hour / 7)
    before = [column.copy() for column in (intervals.micro, intervals.covered_ms, intervals.source, intervals.flags)]
    first = make_bill(Metered(intervals), ZHEJIANG, DAYS, SHANGHAI, *OCTOBER)
    other = make_bill(Metered(intervals), tariff(), DAYS, SHANGHAI, *OCTOBER)
    assert make_bill(Metered(intervals), ZHEJIANG, DAYS, SHANGHAI, *OCTOBER) == first
    assert first.energy == other.energy
    after = (intervals.micro, intervals.covered_ms, intervals.source, intervals.flags)
    assert all((old == new).all() for old, new in zip(before, after, strict=True))


def test_a_line_is_rounded_once_half_up_and_the_total_is_the_sum_of_the_lines() -> None:
    """5.05 kWh x 0.30 = 1.515 becomes 1.52; 1.005 kWh x 1.00 = 1.005 becomes 1.01."""
    day, until = date(2026, 3, 2), date(2026, 3, 3)
    values = {0: 5.05, 12 * 60: 1.005}
    intervals = used(day, until, lambda local: values.get(local.hour * 60 + local.minute, 0.0))
    bill = make_bill(Metered(intervals), tariff(), DAYS, SHANGHAI, day, until)
    assert amounts(bill) == {"energy peak": "1.01", "energy valley": "1.52"}
    assert bill.total == Decimal("2.53")
    assert "rounded once, half up, to 2 decimals" in bill.rounding


def test_a_currency_without_cents_has_none() -> None:
    day, until = date(2026, 3, 2), date(2026, 3, 3)
    bill = make_bill(Metered(used(day, until, lambda _: 0.37)), tariff(currency='"JPY"'), DAYS, SHANGHAI, day, until)
    assert all(line.amount == line.amount.to_integral_value() for line in bill.lines if line.amount is not None)


# --- power ---


def peaky(local: datetime) -> float:
    """30 kW, and 61.6 kW from 10:15 to 10:45 on the 9th."""
    return 15.4 if (local.day, local.hour) == (9, 10) and local.minute in (15, 30) else 7.5


@pytest.mark.parametrize(
    ("mode", "more", "expected"),
    [
        ("measured", "", {"demand maximum": "2464.00"}),  # 61.6 kW x 40
        ("measured", "window_min = 30", {"demand maximum": "1832.00"}),  # 10:00-10:30 (30 + 61.6) / 2 = 45.8 kW
        ("measured", 'window_min = 30\nwindow = "sliding"', {"demand maximum": "2464.00"}),
        ("capacity", "contracted = 80", {"demand capacity": "3200.00"}),
        ("contracted", "contracted = 60", {"demand contracted": "2400.00"}),  # 61.6 is below 1.05 x 60 = 63
        # 61.6 - 1.05 x 50 = 9.1 kW at 2 x 40
        ("contracted", "contracted = 50", {"demand contracted": "2000.00", "demand over": "728.00"}),
    ],
)
def test_power_is_paid_for_as_the_contract_says(mode: str, more: str, expected: dict[str, str]) -> None:
    which = tariff(POWER.replace("MODE", mode).replace("MORE", more))
    bill = make_bill(Metered(used(*MARCH, peaky)), which, DAYS, SHANGHAI, *MARCH)
    assert {name: amount for name, amount in amounts(bill).items() if name.startswith("demand")} == expected


def test_the_maximum_says_when_it_was() -> None:
    which = tariff(POWER.replace("MODE", "measured").replace("MORE", ""))
    line = line_of(make_bill(Metered(used(*MARCH, peaky)), which, DAYS, SHANGHAI, *MARCH), "demand")
    assert (line.quantity, line.how) == (Decimal("61.6"), "mean of 15 minutes from 2026-03-09 10:15")


def test_the_maximum_that_somebody_read_from_the_meter_goes_before_ours() -> None:
    which = tariff(POWER.replace("MODE", "measured").replace("MORE", ""))
    metered = Metered(used(*MARCH, peaky), max_kw=Decimal("63.2"))
    line = line_of(make_bill(metered, which, DAYS, SHANGHAI, *MARCH), "demand")
    assert (line.amount, line.how) == (Decimal("2528.00"), "as the meter showed it")


def test_a_maximum_is_never_taken_from_an_estimate_and_says_what_was_not_seen() -> None:
    intervals = used(*MARCH, peaky)
    where = intervals.micro == 15_400_000
    intervals.source[where] = Source.ESTIMATED
    which = tariff(POWER.replace("MODE", "measured").replace("MORE", ""))
    line = line_of(make_bill(Metered(intervals), which, DAYS, SHANGHAI, *MARCH), "demand")
    assert line.quantity == 30
    assert line.note == "only 99.93% of the period was measured; a larger maximum may have been"


def test_days_that_are_no_billing_period_have_energy_only_and_say_so() -> None:
    which = tariff(POWER.replace("MODE", "measured").replace("MORE", ""))
    bill = make_bill(Metered(used(*MARCH, peaky)), which, DAYS, SHANGHAI, date(2026, 3, 2), date(2026, 3, 9))
    assert {line.kind for line in bill.lines} == {"energy"}
    assert bill.warnings == (
        "2026-03-02 to 2026-03-09 is not a billing period (they begin on day 1): "
        "demand, power factor and fixed amounts are left out",
    )


def test_fixed_amounts_and_a_tax_on_top_come_last() -> None:
    extras = SIMPLE.replace(
        "[[version]]",
        '[tax]\nname = "VAT"\nrate = 0.19\nincluded = false\n[[fixed]]\nname = "meter"\namount = 12\n[[version]]',
        1,
    )
    bill = make_bill(Metered(used(*MARCH, lambda _: 0.0)), tariff(extras), DAYS, SHANGHAI, *MARCH)
    assert amounts(bill) == {"energy peak": "0.00", "energy valley": "0.00", "fixed meter": "12.00", "tax VAT": "2.28"}
    assert bill.total == Decimal("14.28")


def test_a_period_without_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-03-02 to 2026-03-02 has no day"):
        make_bill(Metered(used(*MARCH, peaky)), tariff(), DAYS, SHANGHAI, date(2026, 3, 2), date(2026, 3, 2))


# --- read days ---


@pytest.mark.parametrize(
    ("day", "read_day", "since", "until"),
    [
        ("2026-03-14", 15, "2026-02-15", "2026-03-15"),
        ("2026-03-15", 15, "2026-03-15", "2026-04-15"),
        ("2026-01-01", 28, "2025-12-28", "2026-01-28"),
        ("2026-12-31", 1, "2026-12-01", "2027-01-01"),
        ("2026-02-28", 28, "2026-02-28", "2026-03-28"),
    ],
)
def test_a_billing_period_goes_from_read_day_to_read_day(day: str, read_day: int, since: str, until: str) -> None:
    assert period_of(date.fromisoformat(day), read_day) == (date.fromisoformat(since), date.fromisoformat(until))


def test_periods_follow_each_other_without_a_gap() -> None:
    found = list(periods(date(2026, 1, 1), date(2027, 1, 1), 25))
    assert (found[0].since, found[-1].until, len(found)) == (date(2025, 12, 25), date(2027, 1, 25), 13)
    assert all(before.until == after.since for before, after in pairwise(found))


def test_a_read_day_cuts_at_its_local_midnight_and_the_periods_add_up() -> None:
    year = (date(2026, 1, 1), date(2026, 12, 31))
    intervals = used(*year, lambda local: local.hour + local.day / 7)
    each = [
        make_bill(Metered(intervals), tariff(read_day=25), DAYS, SHANGHAI, *period)
        for period in periods(date(2026, 1, 25), date(2026, 12, 25), 25)
    ]
    whole = make_bill(Metered(intervals), tariff(), DAYS, SHANGHAI, date(2026, 1, 25), date(2026, 12, 25))
    assert len(each) == 11
    assert sum(bill.energy for bill in each) == whole.energy
    first = make_bill(Metered(intervals), tariff(read_day=25), DAYS, SHANGHAI, date(2026, 2, 25), date(2026, 3, 25))
    inside = used(date(2026, 2, 25), date(2026, 3, 25), lambda local: local.hour + local.day / 7)
    assert first.energy == Decimal(int(inside.micro.sum())) / 1_000_000


def test_a_read_day_that_some_month_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="every month has the days 1 to 28"):
        period_of(date(2026, 1, 1), 31)
