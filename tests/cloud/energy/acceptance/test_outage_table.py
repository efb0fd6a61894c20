"""What an outage of 4 h 10 min does to a day's bill, by policy. The true day: 528.0 kWh, 407.20.

Valley 0.30 from 22:00, flat 0.70 from 06:00 and 18:00, peak 1.10 from 08:00. Nothing arrives from 04:51:05.625 to
09:01:05.625: 68.90625 minutes of valley with 10 kWh, two hours of flat with 31, 61.09375 minutes of peak with 55. The
other 432 kWh are 111 in the valley, 161 flat and 160 peak: 322.00. By hand:

- true: 322.00 + 10 x 0.30 + 31 x 0.70 + 55 x 1.10 = 322.00 + 85.20 = 407.20
- all of it when it is back, as peak: 322.00 + 96 x 1.10 = 427.60
- nothing for it, and what comes afterwards dropped as above the limit: 432 kWh, 322.00
- evenly, 0.384 kWh a minute: 322.00 + 0.384 x (68.90625 x 0.30 + 120 x 0.70 + 61.09375 x 1.10) = 388.00
"""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from cloud.energy.contract import BASE_MS, MICRO, Intervals, Readings, Register, Source
from cloud.energy.intervals import floor, intervals
from cloud.energy.shape import shape_of
from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.contract import Bill
from cloud.tariffs.layout import midnight
from tests.cloud.energy.tracks import register_track
from tests.cloud.tariffs.material import DAYS, SHANGHAI, tariff

PRICED = """
id = "table"
name = "Three bands"

[[version]]
from = 2026-01-01
source = { document = "A notice" }

[[version.season]]
name = "all year"
months = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]

[[version.season.day]]
days = ["any"]
bands = { valley = ["22:00-06:00"], flat = ["06:00-08:00", "18:00-22:00"], peak = ["08:00-18:00"] }

[[price]]
from = "2026-01"
until = "2027-01"
energy = { valley = 0.30, flat = 0.70, peak = 1.10 }
source = { document = "A price list" }
"""
DAY = date(2026, 3, 24)
BEFORE = 21
CENT = Decimal("0.01")
"""By hand the day is rounded once, on a bill each line is."""
MIN, DAY_MS = 60_000, 86_400_000
GAP = (17_465_625, 32_465_625)
"""ms of the day: 04:51:05.625 to 09:01:05.625."""
USE = ((17_465_625, 78.59712), (21_600_000, 10), (28_800_000, 31), (32_465_625, 55), (64_800_000, 160),
       (79_200_000, 161), (86_400_000, 32.40288))  # fmt: skip
"""Until when of the day, and what was used since the one before (kWh); the 111 of the valley by its minutes."""
SINCE, START = midnight(DAY - timedelta(days=BEFORE), SHANGHAI), midnight(DAY, SHANGHAI)
REGISTER = Register(resolution=Decimal("0.000001"), rated=Decimal(2_000))


def used_until(of_day: np.ndarray) -> np.ndarray:
    """kWh from local midnight to each time of the day."""
    at, amount = zip(*USE, strict=True)
    return np.interp(of_day, [0, *at], np.cumsum([0, *amount]))


def readings(*, away: bool, seed: int) -> Readings:
    """The register every five minutes and at both ends of the outage. The days before are like this one, not equal."""
    rng = np.random.default_rng(seed)
    at_all, values, whole = [], [], 0.0
    for day in range(BEFORE + 1):
        today = START + (day - BEFORE) * DAY_MS
        of_day = np.unique(np.concatenate([np.arange(0, DAY_MS, 5 * MIN), GAP]))
        course = used_until(of_day)
        if day < BEFORE:
            steps = np.diff(np.append(course, 528.0)) * (1 + 0.03 * rng.standard_normal())
            course = np.concatenate([[0], np.cumsum(steps * (1 + 0.05 * rng.standard_normal(len(steps))))])
            course, end = course[:-1], float(course[-1])
        else:
            end = 528.0
            if away:
                kept = (of_day <= GAP[0]) | (of_day >= GAP[1])
                of_day, course = of_day[kept], course[kept]
        at_all += (today + of_day).tolist()
        values += (whole + course).tolist()
        whole += end
    return Readings.of([*at_all, START + DAY_MS], [*np.round(values, 6).tolist(), round(whole, 6)])


def made(*, away: bool, seed: int = 1, shaped: bool = False) -> Intervals:
    track = register_track(REGISTER, readings(away=away, seed=seed), ())
    whole = intervals(track, SINCE, START + DAY_MS)
    if shaped:
        shape = shape_of(whole, START + GAP[0], SHANGHAI.key, lambda day: DAYS.kind(day) in ("workday", "makeup"))
        whole = intervals(track, SINCE, START + DAY_MS, shape)
    return whole.between(START, START + DAY_MS)


def bill_of(used: Intervals) -> Bill:
    return make_bill(Metered(used), tariff(PRICED), DAYS, SHANGHAI, DAY, DAY + timedelta(days=1))


def others(policy: str) -> Intervals:
    """As rivals do it: what was used in the gap comes as one amount when it is back, or is dropped."""
    used = made(away=False)
    gap_micro = 96 * MICRO
    gap = used_in_gap()
    for place, micro in gap.items():
        used.micro[place] -= micro
    if policy == "lump":
        used.micro[(floor(START + GAP[1]) - START) // BASE_MS] += gap_micro
    if policy == "linear":
        for place, micro in used_in_gap(evenly=True).items():
            used.micro[place] += micro
    return used


def used_in_gap(*, evenly: bool = False) -> dict[int, int]:
    """Millionths by quarter hour of the day that were used in the gap, as they were or spread evenly."""
    found = {}
    for place in range(GAP[0] * 1 // BASE_MS, GAP[1] // BASE_MS + 1):
        edges = np.clip([place * BASE_MS, (place + 1) * BASE_MS], *GAP)
        amounts = edges / (GAP[1] - GAP[0]) * 96 if evenly else used_until(edges)
        found[place] = round(float(np.diff(amounts)[0]) * MICRO)
    return found


def test_the_true_day_costs_what_it_costs_by_hand() -> None:
    bill = bill_of(made(away=False))
    assert (bill.energy, bill.total) == (Decimal("528.000000"), Decimal("407.20"))


@pytest.mark.parametrize(
    ("policy", "kwh", "total", "error"),
    [
        ("lump", "528.0", "427.60", "0.050"),
        ("drop", "432.0", "322.00", "-0.209"),
        ("linear", "528.0", "388.00", "-0.047"),
    ],
)
def test_what_others_do_costs_what_the_table_says(policy: str, kwh: str, total: str, error: str) -> None:
    bill = bill_of(others(policy))
    assert float(bill.energy) == pytest.approx(float(kwh), abs=1e-4)
    assert abs(bill.total - Decimal(total)) <= CENT
    assert round(bill.total / Decimal("407.20") - 1, 3) == Decimal(error)


@pytest.mark.parametrize("seed", range(6))
def test_shaped_like_other_days_it_costs_what_it_cost_within_half_a_per_cent(seed: int) -> None:
    used = made(away=True, seed=seed, shaped=True)
    bill = bill_of(used)
    assert bill.energy == Decimal("528.000000")
    assert abs(bill.total / Decimal("407.20") - 1) < Decimal("0.005")
    assert set(used.source[20:36]) == {Source.ESTIMATED}
    assert bill.complete


def test_without_days_like_it_the_gap_is_spread_evenly_as_the_table_says() -> None:
    assert abs(bill_of(made(away=True)).total - Decimal("388.00")) <= CENT
