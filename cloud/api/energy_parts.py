"""Parts of a site on a day, to be ranked: its buildings, or the units of its organisation; what each used and cost."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from cloud.api.answers import json_answer
from cloud.api.energy_look import By, Look, Looks, Shape
from cloud.api.energy_overview_example import PART
from cloud.api.energy_shown import number, total_shown
from cloud.api.energy_targets import SiteQuery, Target, check_days, local_day
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.energy.contract import MICRO, UNITS
from cloud.tariffs.contract import TariffFault
from cloud.tariffs.indices import index


def parts_shown(look: Look) -> list[dict[str, object]]:
    """Every part of a look: use, what is typical, and cost."""
    return [_part(look, each) for each in look.parts]


def _part(look: Look, of: Target) -> dict[str, object]:
    shape = look.shapes[of.id]
    part = of.space or of.unit_of
    assert part is not None
    value = None if shape.total.micro is None else shape.total.micro / MICRO
    known = shape.total.coverage

    def per(by: object, name: str) -> dict[str, object]:
        found = index(_decimal(value), _decimal(by), name, known)
        return {"value": None if found.value is None else float(found.value), "note": found.note}

    return {
        "id": of.id,
        "name": of.name,
        "parent": part.parent,
        "total": total_shown(shape.total, of.unit),
        **typical_shown(shape),
        "area_m2": None if part.area_m2 is None else float(part.area_m2),
        "people": part.people,
        "per_area": per(part.area_m2, "the floor area"),
        "per_head": per(part.people, "the number of people"),
        "cost": _cost(look, of),
    }


def _cost(look: Look, of: Target) -> dict[str, object]:
    """Energy, surcharges and tax of the part's meters, each at the tariff that bills it or what feeds it."""
    tariffs = [look.prices.of(meter, look.structure) for meter in of.meters]
    chosen = [each for each in tariffs if each is not None]
    if not chosen or len(chosen) < len(tariffs):
        return {"amount": None, "currency": None, "note": "no_tariff"}
    currencies = {each.currency for each in chosen}
    if len(currencies) > 1:
        return {"amount": None, "currency": None, "note": "currencies"}
    try:
        bills = [look.prices.bill(meter.id, tariff) for meter, tariff in zip(of.meters, chosen, strict=True)]
    except TariffFault:
        return {"amount": None, "currency": None, "note": "no_prices"}
    known = any(int(look.prices.used[meter.id].covered_ms.sum()) for meter in of.meters)
    return {
        "amount": str(sum((each.total for each in bills), Decimal(0))) if known else None,
        "currency": currencies.pop() if known else None,
        "note": "" if known else "no_data",
    }


def routes(services: Services, looks: Looks) -> APIRouter:
    """``/api/v1/energy/parts``."""
    router = APIRouter(tags=["energy"])
    features = services.features
    assert features is not None
    shown: dict[str, Any] = {"site": "east-compound", "day": "2026-11-21", "from": 1795190400000}
    shown |= {"until": 1795276800000, "as_of": 1795242600000, "medium": "electricity", "unit": "kWh", "by": "unit"}

    @router.get("/api/v1/energy/parts", response_class=Response, responses=example({**shown, "parts": [PART]}))
    async def ranked(
        site: SiteQuery,
        day: Annotated[date | None, Query(description="a local day; today")] = None,
        medium: Literal["electricity", "water", "gas", "heat"] = "electricity",
        by: Annotated[By, Query(description="buildings, or units of the organisation")] = "space",
    ) -> Response:
        """A day of each building of a site, or of each unit of its organisation: use, what is typical, and cost.

        What a unit used is the sum of the meters that belong to it or to a unit below it. `cost` is energy, surcharges
        and tax at the tariff that bills the meters or what feeds them; null, and `note` says why, where there is none.
        """
        check_site(services, site)
        now = services.clock.now_ms()
        asked = day or local_day(now, features.tariffs.billing.zone(site))
        check_days(asked, asked + timedelta(days=1), 1)
        look = await looks.at(site, asked, medium, by, now)
        moment = look.moment
        head = {"site": site, "day": asked, "from": moment.since, "until": moment.end}
        head |= {"as_of": moment.until, "medium": medium, "unit": UNITS[medium], "by": by}
        return json_answer({**head, "parts": await asyncio.to_thread(parts_shown, look)})

    return router


def typical_shown(shape: Shape) -> dict[str, object]:
    """Beside a total: what such a day is like."""
    found = shape.so_far
    return {
        "compared": number(found.used),
        "typical": number(found.typical),
        "typical_day": number(found.whole),
        "typical_of": shape.typical.days,
        "change": None if found.change is None else round(found.change, 4),
    }


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))
