"""What a closed period keeps: its bills and factors as they held on the day it was closed."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from cloud.energy.contract import Intervals
from cloud.tariffs.bill_shown import bill_shown
from cloud.tariffs.billing import Billing, NoBill, Wanted
from cloud.tariffs.contract import TariffFault
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.factors import Factor, FactorFault


class _Closed:
    """The intervals of a period as they are closed, for a bill."""

    def __init__(self, meters: Mapping[str, Intervals]) -> None:
        self._meters = meters

    async def intervals(self, site: str, meter: str, since: int, until: int) -> Intervals | None:
        del site
        known = self._meters.get(meter)
        return None if known is None else known.between(since, until)


class Snapshot:
    """Makes it."""

    def __init__(self, desk: TariffDesk, billing: Billing) -> None:
        self._desk, self._billing = desk, billing

    async def of(self, site: str, meters: Mapping[str, Intervals], since: date, until: date) -> Mapping[str, Any]:
        """``bills`` of the meters that a tariff is used for, and ``factors`` of the period's years.

        What cannot be priced is kept as why not.
        """
        closed = self._billing.of_others(_Closed(meters))
        bills: dict[str, Any] = {}
        for meter in meters:
            use = self._desk.use_of(site, meter)
            if use is None:
                continue
            known = self._desk.find(site, use.tariff)
            said = {"tariff": use.tariff, "rev": known.rev if known is not None else None}
            try:
                bill = await closed.bill(Wanted(site, meter, since, until))
                bills[meter] = {**bill_shown(bill), **said}
            except (NoBill, TariffFault) as fault:
                bills[meter] = {**said, "why_not": str(fault)}
        factors = await asyncio.to_thread(self._factors, since, until)
        return {"bills": bills, "factors": factors, "factors_rev": self._desk.factors.rev}

    def _factors(self, since: date, until: date) -> list[dict[str, object]]:
        """Every factor that holds in a year of the period, of whatever region and calibre."""
        known = self._desk.factors.factors
        found: dict[tuple[object, ...], Factor] = {}
        for year in range(since.year, (until - timedelta(days=1)).year + 1):
            for each in known.all():
                try:
                    factor = known.find(each.quantity, each.medium, year, each.region, each.calibre)
                except FactorFault:
                    continue
                found[factor[:5]] = factor
        return [msgspec.to_builtins(each._asdict()) for each in found.values()]
