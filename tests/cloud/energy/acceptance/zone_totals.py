"""Prints, as JSON, what a meter used by local day and month in several zones, with its bill: run it under any TZ."""

import json
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from cloud.analysis.local_series import localised
from cloud.energy.buckets import buckets
from cloud.energy.contract import Readings, Register
from cloud.energy.intervals import intervals
from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.layout import midnight
from tests.cloud.energy.tracks import register_track
from tests.cloud.tariffs.material import DAYS, tariff

LONG_AND_SHORT = {
    "Asia/Shanghai": ("2026-03-07", "2026-03-09"),
    "Europe/Berlin": ("2026-03-28", "2026-10-24"),
    "Australia/Lord_Howe": ("2026-04-04", "2026-10-03"),
    "Asia/Kathmandu": ("2026-03-07", "2026-10-24"),
    "America/St_Johns": ("2026-03-07", "2026-10-31"),
}
"""Days before those on which clocks change, where they do."""
KWH_A_MINUTE = 0.1


def told(zone_name: str, first_day: str) -> dict[str, object]:
    """Three local days from ``first_day`` on, with a reading a minute of 6 kW."""
    zone = ZoneInfo(zone_name)
    since, until = date.fromisoformat(first_day), date.fromisoformat(first_day) + timedelta(days=3)
    first, last = midnight(since, zone), midnight(until, zone)
    at = np.arange(first, last + 1, 60_000)
    value = np.round(np.arange(len(at)) * KWH_A_MINUTE, 1)
    register = Register(resolution=Decimal("0.1"), rated=Decimal(100))
    used = intervals(register_track(register, Readings.of(at.tolist(), value.tolist()), ()), first, last)
    days = buckets(used, zone_name, "1d")
    series = localised(used, zone, DAYS)
    bill = make_bill(Metered(used), tariff(), DAYS, zone, since, until)
    return {
        "days": [(each.start, each.end, each.total.micro) for each in days],
        "hours": len(buckets(used, zone_name, "1h")),
        "local": [datetime.fromtimestamp(each.start / 1000, zone).isoformat() for each in days],
        "slots": np.unique(series.day, return_counts=True)[1].tolist(),
        "bill": [(line.name, str(line.quantity), str(line.amount)) for line in bill.lines],
        "total": str(bill.total),
    }


if __name__ == "__main__":
    found = {zone: [told(zone, day) for day in days] for zone, days in LONG_AND_SHORT.items()}
    json.dump(found, sys.stdout, sort_keys=True)
