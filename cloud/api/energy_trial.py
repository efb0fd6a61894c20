"""What a record of a meter would change, before it is made."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import energy_manager
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.energy.contract import MICRO, UNITS, EnergyFault, Recorded
from cloud.energy.pages import Total
from cloud.registry.sessions import Principal
from protocols.reading import ID_PATTERN

RECORD: dict[str, Any] = {"type": "confirmed", "since": 1790006400000, "until": 1790010000000}
TRIED: dict[str, Any] = {
    "unit": "kWh",
    "more": False,
    "days": [
        {
            "from": 1790006400000,
            "until": 1790092800000,
            "before": {"value": 1201.5, "coverage": 0.96, "source": "measured"},
            "after": {"value": 1284.0, "coverage": 1.0, "source": "measured"},
        }
    ],
}
Name = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/records/{site}/{meter}/try``."""
    router = APIRouter(tags=["energy"])
    assert services.features is not None
    energy, of_reports = services.features.energy, services.features.reports_of_energy

    @router.post(
        "/api/v1/energy/records/{site}/{meter}/try",
        response_class=Response,
        responses={**example(TRIED), 422: {"description": "It cannot be; the message says why"}},
    )
    async def tried(
        site: Name,
        meter: Name,
        body: Annotated[dict[str, Any], Body(openapi_examples={"confirmed": {"value": RECORD}})],
        _: Annotated[Principal, Depends(energy_manager)],
    ) -> Response:
        """What the days that a record touches come to without it and with it: nothing is stored.

        `more`: it would change later days, too, as a ratio does.
        """
        check_site(services, site)
        known = energy.structure(site).structure.meter.get(meter)
        if known is None or known.reads == "virtual":
            raise ApiError(404, "unknown_meter", f"{site} has no meter {meter} that is read")
        held = [each.what for each in await energy.records(site, meter) if each.revoked_at is None]
        try:
            what: Recorded = msgspec.convert(body, Recorded)
            found = await of_reports.trial.of(site, known, held, what)
        except (msgspec.ValidationError, UnicodeEncodeError, EnergyFault) as error:
            raise ApiError(422, "bad_record", str(error)) from None
        days = [
            {"from": each.day, "until": each.until, "before": _shown(each.before), "after": _shown(each.after)}
            for each in found.days
        ]
        return json_answer({"unit": UNITS[known.medium], "more": found.more, "days": days})

    return router


def _shown(total: Total) -> dict[str, object]:
    return {
        "value": None if total.micro is None else total.micro / MICRO,
        "coverage": round(total.coverage, 6),
        "source": total.source.name.lower(),
    }
