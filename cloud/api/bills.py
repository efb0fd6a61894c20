"""Bills: any period of any meter, by its tariff, by another, or by one that is only tried."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, Query, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import energy_manager
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.registry.sessions import Principal
from cloud.tariffs.bill_shown import bill_shown
from cloud.tariffs.billing import Billing, NoBill, Wanted
from cloud.tariffs.checks import faults
from cloud.tariffs.contract import TariffFault
from cloud.tariffs.periods import periods
from cloud.tariffs.tariff import Tariff

LINE: dict[str, Any] = {
    "kind": "energy",
    "name": "peak",
    "band": "peak",
    "month": "2026-10",
    "quantity": "21700",
    "unit": "kWh",
    "price": "1.15",
    "amount": "24955.00",
    "source": "浙发改价格〔2026〕112号",
    "how": "",
    "note": "",
    "coverage": {"share": 1.0, "seconds": 781200, "valid_s": 781200, "by_source": {"measured": 781200}},
    "not_measured": "0",
    "split": "0",
}
BILL: dict[str, Any] = {
    "site": "east-compound",
    "meter": "main",
    "tariff": "zhejiang-two-part",
    "from": "2026-10-01",
    "until": "2026-11-01",
    "currency": "CNY",
    "unit": "kWh",
    "energy": "74400",
    "total": "56894.25",
    "per_unit": "0.7647",
    "complete": True,
    "coverage": {"share": 1.0, "seconds": 2678400, "valid_s": 2678400, "by_source": {"measured": 2678400}},
    "lines": [LINE],
    "warnings": [],
    "rounding": "Energy is not rounded. Each line is quantity x price, rounded once, half up, to 2 decimals; ...",
}
PERIODS = {"tariff": "zhejiang-two-part", "read_day": 1, "periods": [{"from": "2026-10-01", "until": "2026-11-01"}]}
CANNOT: dict[int | str, dict[str, Any]] = {
    422: {"description": "A day has no bands or no prices, or the meter no tariff: the message names which"}
}
PERIODS_MAX = 240

SiteQuery = Annotated[str, Query(max_length=32)]
From = Annotated[date, Query(alias="from", description="first local day")]
Until = Annotated[date, Query(description="first local day that is not of it")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/bill``, ``/api/v1/bill/try``, ``/api/v1/billing-periods``."""
    router = APIRouter(tags=["tariffs"])
    features = services.features
    assert features is not None
    billing, desk = features.tariffs.billing, features.tariffs.desk
    max_kw = Query(ge=0, le=10_000_000, max_digits=15, description="the maximum as the meter itself showed it")

    @router.get("/api/v1/bill", response_class=Response, responses={**example(BILL), **CANNOT})
    async def bill(
        site: SiteQuery,
        meter: Annotated[str, Query(max_length=64)],
        since: From,
        until: Until,
        tariff: Annotated[str | None, Query(max_length=48, description="another than the meter's")] = None,
        max_kw: Annotated[Decimal | None, max_kw] = None,
    ) -> Response:
        """The bill of local days, line by line, worked out from the intervals as they are known now.

        Nothing is stored and no data is touched: any period can be priced anew. What is missing is in no line: look at
        `complete`, at each `coverage` and `note`. Demand, power factor and fixed amounts are of whole billing periods.
        """
        check_site(services, site)
        chosen = None
        if tariff is not None:
            known = desk.find(site, tariff)
            if known is None:
                raise ApiError(404, "unknown_tariff", f"{site} has no tariff {tariff!r}", "listed at /api/v1/tariffs")
            chosen = known.tariff
        return await _answer(billing, Wanted(site, meter, since, until, chosen, max_kw))

    @router.post("/api/v1/bill/try", response_class=Response, responses={**example(BILL), **CANNOT})
    async def try_tariff(
        site: SiteQuery,
        meter: Annotated[str, Query(max_length=64)],
        since: From,
        until: Until,
        body: Annotated[dict[str, Any], Body(description="a tariff, as /api/v1/tariffs has it")],
        _: Annotated[Principal, Depends(energy_manager)],
    ) -> Response:
        """What the bill would be by a tariff that is not put: nothing is stored."""
        check_site(services, site)
        try:
            tariff = msgspec.convert(body, Tariff)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise ApiError(422, "bad_tariff", str(error)) from None
        found = faults(tariff)
        if found:
            raise ApiError(422, "bad_tariff", found[0].message)
        return await _answer(billing, Wanted(site, meter, since, until, tariff))

    @router.get("/api/v1/billing-periods", response_class=Response, responses=example(PERIODS))
    async def billing_periods(
        site: SiteQuery, tariff: Annotated[str, Query(max_length=48)], since: From, until: Until
    ) -> Response:
        """The billing periods of a tariff that overlap these days, whole, from read day to read day."""
        known = desk.find(site, tariff)
        if known is None:
            raise ApiError(404, "unknown_tariff", f"{site} has no tariff {tariff!r}", "listed at /api/v1/tariffs")
        if not 0 < (until - since).days <= PERIODS_MAX * 31 or since.year < 1900 or until.year > 2200:
            raise ApiError(422, "bad_period", f"{since} to {until}", f"1 day to {PERIODS_MAX} months, 1900 to 2200")
        read_day = known.tariff.read_day
        found = [{"from": each.since, "until": each.until} for each in periods(since, until, read_day)]
        return json_answer({"tariff": tariff, "read_day": read_day, "periods": found})

    return router


async def _answer(billing: Billing, wanted: Wanted) -> Response:
    if wanted.since.year < 1900 or wanted.until.year > 2200:
        raise ApiError(422, "bad_period", f"{wanted.since} to {wanted.until}", "days from 1900 to 2200")
    try:
        made = await billing.bill(wanted)
    except (NoBill, TariffFault) as error:
        raise ApiError(422, "no_bill", str(error)) from None
    return json_answer({"site": wanted.site, "meter": wanted.meter, **bill_shown(made)})
