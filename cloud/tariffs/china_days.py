"""Holidays and make-up workdays (调休) of mainland China, to seed the table of days; offline.

The door of ``chinese_calendar``, which is made anew from each yearly notice of the State Council. The names are the
notices' own.
"""

from datetime import date

from chinese_calendar import constants

from cloud.tariffs.days import NamedDay

MAKEUP = "调休上班"
_NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋节",
    "Anti-Fascist 70th Day": "抗战胜利纪念日",
}


def years() -> range:
    """The years the library knows."""
    days: list[date] = list(constants.holidays)
    return range(min(days).year, max(days).year + 1)


def china_days(year: int) -> list[NamedDay]:
    """All named days of a year, in order. Raises ValueError for a year that the library does not know."""
    known = years()
    if year not in known:
        raise ValueError(
            f"the days of {year} are not in the table that came with this version ({known[0]} to {known[-1]}): "
            "enter them from the notice of the State Council, or take a newer version"
        )
    named = [NamedDay(day, False, _NAMES[name]) for day, name in constants.holidays.items() if day.year == year]
    named += [NamedDay(day, True, MAKEUP) for day in constants.workdays if day.year == year]
    return sorted(named)
