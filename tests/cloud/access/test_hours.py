"""Schedules as hours of days."""

from datetime import date

from cloud.access.contract import Schedule
from cloud.access.hours import hours_of, of_date
from tests.cloud.access.site import calendar

MONDAY = date(2026, 11, 23)
EVENING, MORNING = (22 * 60, 1440), (0, 6 * 60)


def test_a_night_is_two_spans_and_the_week_goes_round() -> None:
    weekdays = Schedule(id="s", name="s", parts=("mon-fri 22:00-06:00",))
    weekly = hours_of(weekdays, "east", calendar(), MONDAY, 1).weekly
    assert weekly == (
        (EVENING,),
        *([(MORNING, EVENING)] * 4),
        (MORNING,),
        (),
    )
    sunday = Schedule(id="s", name="s", parts=("sun 22:00-06:00",))
    assert hours_of(sunday, "east", calendar(), MONDAY, 1).weekly[0] == (MORNING,)


def test_a_day_with_hours_of_its_own_has_those_and_leaves_nothing_to_the_next() -> None:
    night = Schedule(id="s", name="s", parts=("daily 22:00-06:00",), dates={"2026-11-24": ("08:00-09:00",)})
    assert of_date(night, "east", calendar(), date(2026, 11, 24)) == ((8 * 60, 9 * 60),)
    assert of_date(night, "east", calendar(), date(2026, 11, 25)) == (EVENING,)
    found = hours_of(night, "east", calendar(), MONDAY, 7)
    assert found.dates == {"2026-11-24": ((480, 540),), "2026-11-25": (EVENING,)}


def test_a_holiday_and_a_worked_saturday_are_dates_of_their_own() -> None:
    work = Schedule(id="s", name="s", parts=("workday 08:00-18:00",))
    found = hours_of(work, "east", calendar(), MONDAY, 7)
    assert found.dates == {"2026-11-25": (), "2026-11-28": ((480, 1080),)}


def test_hours_that_touch_or_overlap_are_one() -> None:
    made = Schedule(id="s", name="s", parts=("daily 08:00-12:00", "daily 12:00-14:00", "daily 13:00-15:00"))
    assert of_date(made, "east", calendar(), MONDAY) == ((480, 900),)
