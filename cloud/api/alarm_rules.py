"""Rules of alarms set by people, and what one would have done."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.alarms.rule import Rule
from cloud.alarms.rule_watch import RuleChanged, RuleWatch
from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import administrator
from cloud.api.place_answers import CHANGED, actor_of, conflict, example
from cloud.api.services import Services
from cloud.registry.sessions import Principal

RULES_MAX = 500
DAY_MS = 86_400_000
BODY: dict[str, Any] = {
    "name": "Voltage of the feeder is high",
    "site": "east-compound",
    "device": "",
    "point": "voltage_l1_n",
    "condition": "high",
    "limit": 253.0,
    "deadband": 2.0,
    "delay_s": 60.0,
    "priority": 2,
    "todo": "Tell the substation.",
    "enabled": True,
}
RULE: dict[str, Any] = {
    "id": "feeder-voltage",
    **BODY,
    "rev": 1,
    "changed_at": 1790000000000,
    "changed_by": "administrator",
}
Name = Annotated[str, Path(max_length=32, pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class RuleBody(BaseModel):
    """A rule. `condition`: high, low, rate (units a minute), state (is `limit`) or stale; each for `delay_s`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": BODY})
    name: str = Field(min_length=1, max_length=100)
    site: str = Field(max_length=32)
    device: str = Field(default="", max_length=32)
    point: str = Field(min_length=1, max_length=64)
    condition: str = Field(pattern="^(high|low|rate|stale|state)$")
    limit: float | None = Field(default=None, ge=-1e12, le=1e12)
    deadband: float = Field(default=0, ge=0, le=1e12)
    delay_s: float = Field(default=0, ge=0, le=7 * 86_400)
    priority: int = Field(default=2, ge=1, le=3)
    todo: str = Field(default="", max_length=300)
    enabled: bool = True
    rev: int | None = Field(default=None, ge=0, le=2**53)


def routes(services: Services) -> APIRouter:
    """``/api/v1/alarm-rules``."""
    assert services.features is not None
    router = APIRouter(tags=["alarms"])
    watch: RuleWatch = services.features.alarm_rules

    @router.get("/api/v1/alarm-rules", response_class=Response, responses=example({"rules": [RULE]}))
    async def all_rules() -> Response:
        """All rules."""
        return json_answer({"rules": [_shown(*each) for each in watch.all()]})

    answers = {**example({"rule": RULE}), **CHANGED}

    @router.put("/api/v1/alarm-rules/{name}", response_class=Response, responses=answers)
    async def put(name: Name, body: RuleBody, who: Annotated[Principal, Depends(administrator)]) -> Response:
        """Make or change one. It begins anew: what it had raised ends and is raised again after its delay."""
        rule = _rule(name, body)
        if len(watch.all()) >= RULES_MAX and all(known.id != name for known, _ in watch.all()):
            raise ApiError(409, "too_many", f"there are {RULES_MAX} rules", "take one away first")
        try:
            stored = await watch.put(rule, by=actor_of(who), rev=body.rev)
        except RuleChanged as error:
            raise conflict("the rule", error.rev) from None
        return json_answer({"rule": _shown(rule, stored)})

    @router.delete("/api/v1/alarm-rules/{name}", status_code=204, response_class=Response)
    async def remove(name: Name, _: Annotated[Principal, Depends(administrator)]) -> Response:
        """Take one away; its alarms end. No error when there was none."""
        await watch.remove(name)
        return Response(status_code=204)

    @router.post(
        "/api/v1/alarm-rules/{name}/dry-run",
        response_class=Response,
        responses=example({"days": 7, "raised": 3, "series": 12, "readings": 120960, "whole": True}),
    )
    async def dry_run(
        name: Name,
        body: RuleBody,
        _: Annotated[Principal, Depends(administrator)],
        days: Annotated[int, Query(ge=1, le=31)] = 7,
    ) -> Response:
        """How often it would have raised an alarm in the last days. `whole` false: too much to look at all of it."""
        now = services.clock.now_ms()
        found = await watch.dry_run(_rule(name, body), now - days * DAY_MS, now)
        return json_answer({"days": days, **found._asdict()})

    return router


def _rule(name: str, body: RuleBody) -> Rule:
    try:
        rule = msgspec.convert({"id": name, **body.model_dump(exclude={"rev"})}, Rule)
    except msgspec.ValidationError as error:
        raise ApiError(422, "bad_rule", str(error), "see /api/v1/openapi.json") from None
    fault = rule.fault()
    if fault is not None:
        raise ApiError(422, "bad_rule", fault, "see /api/v1/openapi.json")
    return rule


def _shown(rule: Rule, stored: Any) -> dict[str, object]:
    changed = {"rev": stored.rev, "changed_at": stored.changed_at, "changed_by": stored.changed_by}
    return {**msgspec.structs.asdict(rule), **changed}
