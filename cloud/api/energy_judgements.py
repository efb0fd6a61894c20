"""What is said of a finding of energy: it is put aside for a time, accepted as normal here, or open again."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.analysis.judgements import REASON_MAX, BadJudgement
from cloud.analysis.site_findings import Finding
from cloud.api.answers import ApiError, json_answer
from cloud.api.energy_findings import FINDING, JUDGED, alarm_of, currency_of, finding_shown, judged_shown
from cloud.api.gate import energy_manager
from cloud.api.place_answers import CHANGED, actor_of, check_site, conflict, example
from cloud.api.services import Services
from cloud.registry.sessions import Principal
from cloud.registry.tariff_book import Changed
from protocols.reading import ID_PATTERN

CANNOT: dict[int | str, dict[str, Any]] = {422: {"description": "It cannot be; the message says why"}}
HISTORY: dict[str, Any] = {"site": "east-compound", "meter": "b3-f2", "kind": "night_load", "history": [JUDGED]}

Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
Meter = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
Kind = Annotated[str, Path(pattern="^[a-z_]{1,32}$", description="as `/api/v1/analysis/findings` names it")]


class JudgementBody(BaseModel):
    """`until` (ms): for `shelved`, and for nothing else. `rev`: of the `judged` that this follows, 0 for none."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"state": "shelved", "until": 1790600000000, "reason": "the pump is tested"}},
    )
    state: Literal["open", "shelved", "accepted"]
    until: int | None = Field(default=None, ge=0, le=2**53)
    reason: str = Field(default="", max_length=REASON_MAX)
    rev: int | None = Field(default=None, ge=0, le=2**53)


def routes(services: Services) -> APIRouter:
    """``/api/v1/analysis/findings/{site}/{meter}/{kind}``."""
    router = APIRouter(tags=["analysis"])
    assert services.features is not None
    watch, judgements = services.features.reports_of_energy.watch, services.features.reports_of_energy.judgements
    path = "/api/v1/analysis/findings/{site}/{meter}/{kind}"

    async def find(site: str, meter: str, kind: str) -> Finding:
        found = _one(watch.of(site).found, meter, kind) or _one((await watch.now(site)).found, meter, kind)
        if found is None:
            raise ApiError(
                404, "unknown_finding", f"no {kind} of {meter} is found now", "listed at /api/v1/analysis/findings"
            )
        return found

    @router.get(path, response_class=Response, responses=example(HISTORY))
    async def history(site: Site, meter: Meter, kind: Kind) -> Response:
        """What was said of a finding, newest first; `back`: it came back by itself (`worse`)."""
        check_site(services, site)
        said = [judged_shown(each) for each in await judgements.book.history(site, meter, kind)]
        return json_answer({"site": site, "meter": meter, "kind": kind, "history": said})

    @router.post(path, response_class=Response, responses={**example({"finding": FINDING}), **CHANGED, **CANNOT})
    async def judge(
        site: Site, meter: Meter, kind: Kind, body: JudgementBody, who: Annotated[Principal, Depends(energy_manager)]
    ) -> Response:
        """Put a finding aside until an instant, accept it as normal here, or open it again; with a reason, audited.

        It comes back by itself when its time is over, or when it takes a quarter more a week than now. What an alarm
        stands for is acknowledged or shelved there.
        """
        check_site(services, site)
        one = await find(site, meter, kind)
        alarm = alarm_of(services, site, one)
        if alarm is not None and body.state != "open":
            raise ApiError(
                409, "has_alarm", f"alarm {alarm} stands for it", f"shelve that: POST /api/v1/alarms/{alarm}/shelve"
            )
        now = services.clock.now_ms()
        try:
            await judgements.judge(
                site,
                one,
                body.state,
                by=actor_of(who),
                now=now,
                until=body.until,
                reason=body.reason,
                rev=body.rev,
            )
        except BadJudgement as bad:
            raise ApiError(422, "bad_judgement", str(bad)) from None
        except Changed as changed:
            raise conflict("the finding", changed.rev) from None
        return json_answer({"finding": finding_shown(services, site, one, currency_of(services, site))})

    return router


def _one(found: Iterable[Finding], meter: str, kind: str) -> Finding | None:
    return next((each for each in list(found) if (each.meter, each.kind) == (meter, kind)), None)
