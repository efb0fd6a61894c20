"""Intervals and tariffs for the tests of this folder."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from cloud.energy.contract import BASE_MS, MICRO, Intervals, Source, missing
from cloud.tariffs.china_days import china_days
from cloud.tariffs.days import DayTable
from cloud.tariffs.layout import midnight
from cloud.tariffs.tariff import Tariff
from cloud.tariffs.tariff_file import parse_tariff
from protocols.settings import Document

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
DAYS = DayTable(china_days(2026))

SIMPLE = """
id = "simple"
name = "Two bands"

[[version]]
from = 2026-01-01
source = { document = "A notice" }

[[version.season]]
name = "all year"
months = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]

[[version.season.day]]
days = ["any"]
bands = { peak = ["08:30-22:00"], valley = ["22:00-08:30"] }

[[price]]
from = "2026-01"
until = "2027-01"
energy = { peak = 1.00, valley = 0.30 }
source = { document = "A price list" }
"""


def tariff(text: str = SIMPLE, **changed: object) -> Tariff:
    """A tariff from TOML; ``changed``: lines to put in front of the tables, by key."""
    head = "\n".join(f"{key} = {value}" for key, value in changed.items())
    return parse_tariff(Document("tariff.toml", head + text))


def at(local: str, zone: ZoneInfo = SHANGHAI) -> int:
    """ms UTC of a local time."""
    return round(datetime.fromisoformat(local).replace(tzinfo=zone).timestamp() * 1000)


def known(since: int, micro: Sequence[int]) -> Intervals:
    """Measured intervals from ``since`` on."""
    n = len(micro)
    return Intervals(
        since, np.array(micro, np.int64), np.full(n, BASE_MS, np.int32), np.zeros(n, np.uint8), np.zeros(n, np.uint8)
    )


def used(
    since: date, until: date, kwh: Callable[[datetime], float | None], zone: ZoneInfo = SHANGHAI, source: int = 0
) -> Intervals:
    """Local days of intervals: ``kwh`` says for each local time what was used in the quarter of an hour."""
    found = missing(midnight(since, zone), midnight(until, zone))
    for place, start in enumerate(found.starts.tolist()):
        value = kwh(datetime.fromtimestamp(start / 1000, zone))
        if value is not None:
            found.micro[place] = round(value * MICRO)
            found.covered_ms[place] = BASE_MS
            found.source[place] = source
    return found


def total(intervals: Intervals) -> Decimal:
    """What all of them come to, in units."""
    return Decimal(int(intervals.micro[intervals.source != Source.MISSING].sum())) / MICRO
