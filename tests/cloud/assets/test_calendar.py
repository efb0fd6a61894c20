"""Days and schedules of a site, by its own clocks and its own holidays."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cloud.assets.calendar import SiteCalendar, parse_day, schedule_fault
from cloud.registry.asset_book import CalendarDay

HOUR = 3_600_000
ZONES = {
    "east": "Asia/Shanghai",
    "berlin": "Europe/Berlin",
    "lord-howe": "Australia/Lord_Howe",
    "cuba": "America/Havana",
}


class Zoned:
    def time_zone(self, site: str) -> str:
        return ZONES[site]


@pytest.fixture
def calendar() -> SiteCalendar:
    calendar = SiteCalendar(Zoned())
    calendar.take(
        [
            CalendarDay("east", "2026-10-01", "holiday", "国庆节"),
            CalendarDay("east", "2026-10-10", "workday", "调休上班"),
            CalendarDay("berlin", "2026-10-03", "holiday", "Einheit"),
        ]
    )
    return calendar


def at(text: str, site: str = "east") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONES[site])).timestamp() * 1000)


def test_make_up_saturdays_are_workdays_and_holidays_are_not(calendar: SiteCalendar) -> None:
    told = {day: calendar.is_workday("east", at(f"{day}T12:00")) for day in (
        "2026-09-30", "2026-10-01", "2026-10-02", "2026-10-09", "2026-10-10", "2026-10-11", "2026-10-17"
    )}  # fmt: skip
    assert told == {
        "2026-09-30": True,
        "2026-10-01": False,
        "2026-10-02": True,
        "2026-10-09": True,
        "2026-10-10": True,
        "2026-10-11": False,
        "2026-10-17": False,
    }
    assert calendar.is_workday("berlin", at("2026-10-01T12:00", "berlin"))
    assert calendar.name_of("east", datetime(2026, 10, 1).date()) == "国庆节"


def test_the_day_is_the_sites_and_not_the_worlds(calendar: SiteCalendar) -> None:
    assert calendar.is_workday("east", at("2026-10-01T00:00") - 1)
    assert not calendar.is_workday("east", at("2026-10-01T00:00"))
    assert not calendar.is_workday("east", at("2026-10-02T00:00") - 1)


@pytest.mark.parametrize(
    ("site", "day", "hours"),
    [
        ("east", "2026-03-29", 24),
        ("berlin", "2026-03-29", 23),
        ("berlin", "2026-10-25", 25),
        ("lord-howe", "2026-04-05", 24.5),
        ("cuba", "2026-03-08", 23),
    ],
)
def test_days_are_as_long_as_clocks_make_them(calendar: SiteCalendar, site: str, day: str, hours: float) -> None:
    first, following = calendar.day_of(site, at(f"{day}T12:00", site))
    assert following - first == hours * HOUR
    assert calendar.day_of(site, first) == (first, following)
    assert calendar.day_of(site, following - 1) == (first, following)
    assert calendar.day_of(site, following)[0] == following


@pytest.mark.parametrize(
    ("schedule", "inside", "outside"),
    [
        ("mon-fri 08:00-18:00", ["2026-10-09T08:00", "2026-10-09T17:59"], ["2026-10-09T18:00", "2026-10-10T09:00"]),
        ("workday 07:30-19:00", ["2026-10-10T07:30"], ["2026-10-10T07:29", "2026-10-01T12:00", "2026-10-11T12:00"]),
        ("holiday", ["2026-10-01T00:00", "2026-10-11T23:59"], ["2026-10-10T12:00"]),
        ("daily", ["2026-10-01T03:00", "2026-10-09T03:00"], []),
        ("daily 22:00-06:00", ["2026-10-09T22:00", "2026-10-09T05:59"], ["2026-10-09T06:00", "2026-10-09T21:59"]),
        ("fri 22:00-06:00", ["2026-10-09T23:00", "2026-10-10T05:00"], ["2026-10-09T05:00", "2026-10-10T23:00"]),
        ("sat-mon", ["2026-10-10T09:00", "2026-10-11T09:00", "2026-10-12T09:00"], ["2026-10-13T00:00"]),
        ("tue,thu 9:00-10:00", ["2026-10-13T09:30"], ["2026-10-14T09:30"]),
        ("12:00-13:00", ["2026-10-01T12:30"], ["2026-10-01T13:00"]),
        ("mon 00:00-24:00", ["2026-10-12T23:59"], ["2026-10-13T00:00"]),
    ],
)
def test_schedules_hold_when_they_say(
    calendar: SiteCalendar, schedule: str, inside: list[str], outside: list[str]
) -> None:
    assert schedule_fault(schedule) is None
    for moment in inside:
        assert calendar.within("east", at(moment), [schedule]), moment
    for moment in outside:
        assert not calendar.within("east", at(moment), [schedule]), moment


def test_one_part_of_several_is_enough_and_none_is_never(calendar: SiteCalendar) -> None:
    parts = ["mon-fri 08:00-12:00", "sat 09:00-10:00"]
    assert calendar.within("east", at("2026-10-10T09:30"), parts)
    assert not calendar.within("east", at("2026-10-10T09:30"), [])


@pytest.mark.parametrize(
    "text", ["", "someday", "mon-", "mon 8-18", "mon 08:00-25:00", "mon 08:60-09:00", "24:00-01:00", "mon fri"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    fault = schedule_fault(text)
    assert fault is not None
    assert "mon-fri 08:00-18:00" in fault


@pytest.mark.parametrize(
    "values", [{}, {"day": "2026-13-01", "type": "holiday"}, {"day": "2026-10-01", "type": "party"}, {"day": 5}]
)
def test_what_is_no_day_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"day"):
        parse_day(values, "east")
