"""The bills of docs/GOLDEN_BILLS.md, made and compared line by line with the tables there."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.contract import Bill
from cloud.tariffs.days import DayTable
from cloud.tariffs.periods import period_of
from cloud.tariffs.tariff_file import read_tariff, samples
from tests.cloud.tariffs.material import DAYS, SHANGHAI, SIMPLE, tariff, used

PAPER = Path(__file__).parents[3] / "docs" / "GOLDEN_BILLS.md"
WORKDAYS = SIMPLE.replace(
    """days = ["any"]
bands = { peak = ["08:30-22:00"], valley = ["22:00-08:30"] }""",
    """days = ["workday", "makeup"]
bands = { peak = ["08:30-22:00"], valley = ["22:00-08:30"] }

[[version.season.day]]
days = ["weekend", "holiday"]
bands = { valley = ["00:00-24:00"] }""",
)


def tables() -> list[dict[str, str]]:
    """Of each bill of the paper, the amount of each line."""
    found = []
    for part in re.split(r"^## ", PAPER.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"]
        found.append({row[0]: row[-1] for row in rows[2:]})
    return found


def bill(number: int) -> Bill:
    if number == 0:
        day = (date(2026, 3, 2), date(2026, 3, 3))
        liaoning = read_tariff(samples()["liaoning-one-part"])
        return make_bill(Metered(used(*day, lambda _: 1.0)), liaoning, DAYS, SHANGHAI, *day)
    if number == 3:
        by_read_day = tariff(WORKDAYS, read_day=25)
        period = period_of(date(2026, 10, 10), 25)
        return make_bill(Metered(used(*period, lambda _: 5.0)), by_read_day, DAYS, SHANGHAI, *period)
    zhejiang = read_tariff(samples()["zhejiang-two-part"])
    if number == 1:
        month = (date(2026, 10, 1), date(2026, 11, 1))
        metered = Metered(used(*month, lambda _: 25.0), used(*month, lambda _: 18.75))
    else:
        month = (date(2026, 2, 1), date(2026, 3, 1))
        metered = Metered(used(*month, lambda _: 10.0))
    return make_bill(metered, zhejiang, DAYS, SHANGHAI, *month)


@pytest.mark.parametrize("number", range(4))
def test_a_bill_of_the_paper_is_the_bill_that_is_made(number: int) -> None:
    wanted, made = tables()[number], bill(number)
    lines: dict[str, Decimal] = {}
    for line in made.lines:  # of a period in two months each month has its own
        name = f"{line.kind} {line.name}"
        lines[name] = lines.get(name, Decimal(0)) + (line.amount or 0)
    for name, amount in wanted.items():
        assert (made.total if name == "total" else lines[name]) == Decimal(amount), name
    energy = {name for name in lines if name.startswith(("energy", "surcharge", "demand"))}
    assert energy <= wanted.keys(), "no line is left out of the paper"


def test_the_bill_without_reactive_energy_says_that_it_is_not_complete() -> None:
    assert [bill(number).complete for number in range(4)] == [True, True, False, True]


def test_half_past_eight_and_the_makeup_saturday_make_the_difference_the_paper_names() -> None:
    period = period_of(date(2026, 10, 10), 25)
    early = tariff(WORKDAYS.replace("08:30", "08:00"), read_day=25)
    metered = Metered(used(*period, lambda _: 5.0))
    assert str(make_bill(metered, early, DAYS, SHANGHAI, *period).total) == "7456.00"
    saturday = (date(2026, 10, 10), date(2026, 10, 11))
    one = Metered(used(*saturday, lambda _: 5.0))
    as_makeup = make_bill(one, tariff(WORKDAYS), DAYS, SHANGHAI, *saturday).total
    as_saturday = make_bill(one, tariff(WORKDAYS), DayTable([]), SHANGHAI, *saturday).total
    assert str(bill(3).total - as_makeup + as_saturday) == "7155.00"
