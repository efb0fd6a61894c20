"""What an anomaly costs: its extra energy at the prices of the bands in which it was used."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from cloud.analysis.anomaly import Anomaly
from cloud.energy.contract import BASE_MS, MICRO, missing
from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.contract import Days
from cloud.tariffs.tariff import Tariff


def worth(anomaly: Anomaly, tariff: Tariff, days: Days, zone: ZoneInfo) -> Decimal:
    """Energy and surcharges of the extra kWh; below 0 when less was used than expected. No demand, no power factor.

    Raises TariffFault where a day has no bands or prices.
    """
    if not len(anomaly.starts):
        return Decimal(0)
    first = _day(int(anomaly.starts[0]), zone)
    until = _day(int(anomaly.starts[-1]), zone) + timedelta(days=1)
    extra = missing(int(anomaly.starts[0]), int(anomaly.starts[-1]) + BASE_MS)
    place = (anomaly.starts - extra.first) // BASE_MS
    extra.micro[place] = np.round(anomaly.extra * MICRO)
    extra.covered_ms[place] = BASE_MS
    extra.source[place] = 0
    lines = make_bill(Metered(extra), tariff, days, zone, first, until).lines
    return sum((each.amount for each in lines if each.kind in ("energy", "surcharge") and each.amount), Decimal(0))


def _day(at: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at / 1000, zone).date()
