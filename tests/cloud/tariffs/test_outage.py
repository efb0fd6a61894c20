"""What an outage of 4 h 10 min over valley, flat and peak does to the bill: the total is exact, its shape is not known.

Liaoning in March: valley until 05:00, flat until 07:30, then peak. The gateway was away from 04:20 to 08:30 while the
building woke up.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from cloud.energy.contract import BASE_MS, Intervals, SegmentKind, Source, State, Track
from cloud.energy.intervals import intervals
from cloud.energy.shape import shape_of
from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.contract import Bill
from cloud.tariffs.layout import midnight
from cloud.tariffs.tariff_file import read_tariff, samples
from tests.cloud.tariffs.material import DAYS, SHANGHAI, at

DAY = date(2026, 3, 24)
SINCE = midnight(DAY - timedelta(days=21), SHANGHAI)
UNTIL = midnight(DAY + timedelta(days=1), SHANGHAI)
AWAY = (at("2026-03-24T04:20"), at("2026-03-24T08:30"))
EVERY_MS = 300_000
LIAONING = read_tariff(samples()["liaoning-one-part"])


def kw(local: datetime) -> float:
    """60 kW by night, 220 from 08:30 to 18:00 of a workday, and a slope between from 05:30 on."""
    hour = local.hour + local.minute / 60
    if DAYS.kind(local.date()) in ("weekend", "holiday") or hour < 5.5 or hour >= 18:
        return 60.0
    return 60 + 160 * min(1.0, (hour - 5.5) / 3)


def track(*, away: bool, seed: int) -> Track:
    """The register every five minutes, and not at all while away."""
    rng = np.random.default_rng(seed)
    at_all = np.arange(SINCE, UNTIL + 1, EVERY_MS)
    day_factor = {}
    power = []
    for start in at_all[:-1].tolist():
        local = datetime.fromtimestamp(start / 1000, SHANGHAI)
        factor = day_factor.setdefault(local.date(), 1 + 0.05 * rng.standard_normal())
        power.append(kw(local) * factor * (1 + 0.02 * rng.standard_normal()))
    register = np.concatenate([[0], np.cumsum(np.round(np.array(power) * EVERY_MS / 3.6).astype(np.int64))])
    kept = np.ones(len(at_all), bool)
    if away:
        kept[(at_all > AWAY[0]) & (at_all < AWAY[1])] = False
    knots, micro = at_all[kept], np.diff(register[kept])
    n = len(micro)
    kind = np.full(n, SegmentKind.KNOWN, np.uint8)
    return Track(knots, micro, kind, np.zeros(n, np.uint8), np.zeros(n, np.uint8), (), State())


def bill_of(used: Intervals) -> Bill:
    return make_bill(Metered(used), LIAONING, DAYS, SHANGHAI, DAY, DAY + timedelta(days=1))


@pytest.mark.parametrize("seed", range(4))
def test_an_outage_shaped_like_other_days_costs_what_it_cost_within_half_a_per_cent(seed: int) -> None:
    gap = track(away=True, seed=seed)
    true = bill_of(intervals(track(away=False, seed=seed), SINCE, UNTIL))
    shape = shape_of(
        intervals(gap, SINCE, UNTIL), AWAY[0], SHANGHAI.key, lambda day: DAYS.kind(day) in ("workday", "makeup")
    )
    shaped, even = bill_of(intervals(gap, SINCE, UNTIL, shape)), bill_of(intervals(gap, SINCE, UNTIL))
    assert shaped.energy == even.energy == true.energy
    assert abs(shaped.total / true.total - 1) < Decimal("0.005")
    assert abs(even.total / true.total - 1) > Decimal("0.01")
    assert shaped.complete


def test_what_an_outage_made_an_estimate_is_told_line_by_line() -> None:
    used = intervals(track(away=True, seed=1), SINCE, UNTIL)
    bill = bill_of(used)
    told = {line.band: line.not_measured > 0 for line in bill.lines}
    assert told == {"peak": True, "flat": True, "valley": True}
    away = (used.starts >= AWAY[0] - BASE_MS) & (used.starts < AWAY[1])
    assert (used.source[away] == Source.ESTIMATED).sum() >= 16
    assert bill.coverage.by_source["estimated"] >= 15_000
