"""Hours, days and months by the site's clock, in every zone; the highest demand."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from cloud.energy.buckets import buckets, highest
from cloud.energy.contract import BASE_MS, MICRO, Intervals, Source, missing

ZONES = ("Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns")


def local(zone: str, text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def steady(since: int, until: int, kwh: float = 1.0) -> Intervals:
    found = missing(since, until)
    found.micro[:], found.covered_ms[:], found.source[:] = round(kwh * MICRO), BASE_MS, Source.MEASURED
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_days_add_up_to_the_year_in_every_zone(zone: str) -> None:
    since, until = local(zone, "2026-01-01"), local(zone, "2027-01-01")
    year = steady(since, until)
    days, months = buckets(year, zone, "1d"), buckets(year, zone, "1mo")
    assert len(days) == 365
    assert len(months) == 12
    for parts in (days, months, buckets(year, zone, "1h")):
        assert sum(part.total.micro or 0 for part in parts) == 365 * 96 * MICRO
        assert all(one.end == other.start for one, other in pairwise(parts))
    assert [part.start for part in months][2] == local(zone, "2026-03-01")
    assert days[180].start == local(zone, "2026-06-30")


@pytest.mark.parametrize(
    ("zone", "day", "hours", "kwh"),
    [
        ("Europe/Berlin", "2026-03-29", 23, 92),
        ("Europe/Berlin", "2026-10-25", 25, 100),
        ("Australia/Lord_Howe", "2026-04-05", 25, 98),
        ("Australia/Lord_Howe", "2026-10-04", 24, 94),
        ("America/St_Johns", "2026-11-01", 25, 100),
    ],
)
def test_a_day_on_which_clocks_change_has_the_hours_it_has(zone: str, day: str, hours: int, kwh: int) -> None:
    since = local(zone, day)
    until = local(zone, f"{day[:-2]}{int(day[-2:]) + 1:02}")
    found = buckets(steady(since, until), zone, "1h")
    assert len(found) == hours
    assert sum(part.total.micro or 0 for part in found) == kwh * MICRO


def test_the_highest_demand_is_of_intervals_known_in_full() -> None:
    day = steady(0, 96 * BASE_MS)
    day.micro[10], day.covered_ms[10] = 9 * MICRO, BASE_MS - 1
    day.micro[20] = 3 * MICRO
    found = highest(day)
    assert found is not None
    assert (found.kw, found.at) == (12.0, 20 * BASE_MS)
    assert highest(missing(0, BASE_MS)) is None
