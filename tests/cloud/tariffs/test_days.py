"""Days: what the State Council gave notice of, what people enter, and the warning for the year that is missing."""

import tomllib
from datetime import date

import pytest

from cloud.tariffs.china_days import china_days, years
from cloud.tariffs.days import DayTable, NamedDay, missing_year, table_of
from tests.architecture.source import ROOT

# The notice of the General Office of the State Council of 4 November 2025, as Xinhua printed it (first, last).
NOTICE_2026 = {
    "元旦": ("2026-01-01", "2026-01-03"),
    "春节": ("2026-02-15", "2026-02-23"),
    "清明节": ("2026-04-04", "2026-04-06"),
    "劳动节": ("2026-05-01", "2026-05-05"),
    "端午节": ("2026-06-19", "2026-06-21"),
    "中秋节": ("2026-09-25", "2026-09-27"),
    "国庆节": ("2026-10-01", "2026-10-07"),
}
MAKEUP_2026 = {"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"}


def days_of(first: str, last: str) -> set[date]:
    low, high = date.fromisoformat(first), date.fromisoformat(last)
    return {date.fromordinal(each) for each in range(low.toordinal(), high.toordinal() + 1)}


def test_the_seed_for_2026_is_the_notice_of_the_state_council() -> None:
    seeded = china_days(2026)
    holidays = {(day.name, day.day) for day in seeded if not day.works}
    assert holidays == {(name, day) for name, span in NOTICE_2026.items() for day in days_of(*span)}
    assert {day.day.isoformat() for day in seeded if day.works} == MAKEUP_2026


def test_the_simulated_compound_keeps_the_same_days() -> None:
    scenario = tomllib.loads((ROOT / "simulators/scenarios/east-compound.toml").read_text("utf-8"))
    kept = [NamedDay(each["day"], each["type"] == "workday", each["name"]) for each in scenario["day"]]
    assert kept == china_days(2026)


def test_each_year_of_the_seed_makes_a_table_without_a_contradiction() -> None:
    for year in years():
        table = DayTable(china_days(year))
        assert table.knows(year), year
        assert not table.knows(year + 1)


def test_a_makeup_saturday_is_neither_a_weekend_nor_an_ordinary_workday() -> None:
    table = DayTable(china_days(2026))
    assert [table.kind(date(2026, 10, day)) for day in (1, 7, 8, 10, 11, 12)] == [
        "holiday",
        "holiday",
        "workday",
        "makeup",
        "weekend",
        "workday",
    ]


def test_a_holiday_knows_its_name_and_which_of_its_days_it_is() -> None:
    table = DayTable(china_days(2026))
    assert table.holiday(date(2026, 10, 1)) == ("国庆节", 1)
    assert table.holiday(date(2026, 10, 3)) == ("国庆节", 3)
    assert table.holiday(date(2026, 9, 30)) == ("", 0)
    assert table.holiday(date(2026, 10, 10)) == ("", 0)


def test_holidays_that_touch_are_counted_apart() -> None:
    touching = [NamedDay(date(2020, 10, 1), False, "中秋节"), NamedDay(date(2020, 10, 2), False, "国庆节")]
    assert DayTable(touching).holiday(date(2020, 10, 2)) == ("国庆节", 1)


@pytest.mark.parametrize(
    ("today", "missing"),
    [
        ("2026-06-01", None),
        ("2026-10-31", None),
        ("2026-11-01", 2027),
        ("2026-12-31", 2027),
        ("2027-01-01", 2027),
        ("2027-06-01", 2027),
        ("2025-06-01", 2025),
    ],
)
def test_from_november_on_the_next_year_is_asked_for(today: str, missing: int | None) -> None:
    assert missing_year(DayTable(china_days(2026)), date.fromisoformat(today)) == missing


def test_the_year_is_no_longer_asked_for_once_it_was_entered() -> None:
    entered = [*china_days(2026), NamedDay(date(2027, 1, 1), False, "元旦")]
    assert missing_year(DayTable(entered), date(2026, 11, 22)) is None


def test_a_lone_makeup_day_does_not_make_a_year_entered() -> None:
    table = DayTable([*china_days(2026), NamedDay(date(2027, 1, 3), True, "调休上班")])
    assert not table.knows(2027)


def test_a_day_that_is_named_twice_is_refused_with_both_names() -> None:
    twice = [NamedDay(date(2026, 10, 1), False, "国庆节"), NamedDay(date(2026, 10, 1), True, "值班")]
    with pytest.raises(ValueError, match="2026-10-01 is named twice: holiday '国庆节' and workday '值班'"):
        DayTable(twice)


def test_a_year_beyond_the_seed_says_what_to_do() -> None:
    beyond = years()[-1] + 1
    with pytest.raises(ValueError, match=f"the days of {beyond} are not in the table .* enter them from the notice"):
        china_days(beyond)


def test_the_days_of_a_site_become_a_table() -> None:
    table = table_of({date(2026, 10, 1): ("holiday", "国庆节"), date(2026, 10, 10): ("workday", "调休上班")})
    assert (table.kind(date(2026, 10, 1)), table.kind(date(2026, 10, 10))) == ("holiday", "makeup")
