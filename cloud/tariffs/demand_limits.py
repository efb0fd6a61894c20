"""What power was agreed on for meters, by the tariffs that they are billed by."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.periods import period_of


class DemandLimit(NamedTuple):
    """``contracted`` kW; what is above ``over`` kW costs more. The billing period [since, until) of local days."""

    meter: str
    contracted: Decimal
    over: Decimal
    window_min: int
    sliding: bool
    since: date
    until: date


def demand_limits(desk: TariffDesk, site: str, today: date) -> Iterator[DemandLimit]:
    """Of each meter whose tariff has a contracted demand, in the billing period that holds the day."""
    for use in desk.uses(site):
        known = desk.find(site, use.tariff)
        demand = known.tariff.demand if known is not None else None
        if known is None or demand is None or demand.mode != "contracted" or not demand.contracted:
            continue
        since, until = period_of(today, known.tariff.read_day)
        over = demand.contracted * demand.over_from
        yield DemandLimit(
            use.meter, demand.contracted, over, demand.window_min, demand.window == "sliding", since, until
        )
