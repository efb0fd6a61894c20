"""What a site decided about what is watched without a rule: limits, priorities, and what is no alarm at all."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query, Response

from cloud.alarms.kinds import ALARM_KINDS
from cloud.alarms.settings import AlarmSettings, KindChoice, settable
from cloud.alarms.site_alarms import Decided, SettingsChanged
from cloud.alarms.titles import title_of
from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import administrator
from cloud.api.place_answers import CHANGED, actor_of, check_site, conflict, example
from cloud.api.services import Services
from cloud.registry.sessions import Principal
from protocols.reading import ID_PATTERN

SETTINGS: dict[str, Any] = {
    "door_held_s": 45.0,
    "door_denied_burst": 3,
    "card_travel_kmh": 30.0,
    "backlog_age_s": 600.0,
    "gateway_silent_s": 60.0,
    "clock_unset_s": 0.0,
    "gateway_hot_c": 80.0,
    "kinds": {"door_held": {"priority": 1, "off": False}, "wrong_parking": {"priority": None, "off": True}},
}
ANSWER: dict[str, Any] = {
    "site": "east-compound",
    "rev": 3,
    "changed_at": 1790000000000,
    "changed_by": "administrator",
    "settings": SETTINGS,
    "kinds": [{"kind": "door_held", "title": {"en": "Door held open", "zh": "门未关闭"}, "priority": 2}],
}
Name = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/alarm-settings/{site}``."""
    router = APIRouter(tags=["alarms"])
    assert services.features is not None
    site_alarms = services.features.site_alarms

    @router.get("/api/v1/alarm-settings/{site}", response_class=Response, responses=example(ANSWER))
    async def settings(site: Name) -> Response:
        """What holds at the site, also what nobody changed; `kinds` beside it: those that can be set, as built in."""
        check_site(services, site)
        return json_answer(_shown(site, site_alarms.decided(site)))

    @router.put("/api/v1/alarm-settings/{site}", response_class=Response, responses={**example(ANSWER), **CHANGED})
    async def put_settings(
        site: Name,
        body: Annotated[dict[str, Any], Body(openapi_examples={"held": {"value": SETTINGS}})],
        who: Annotated[Principal, Depends(administrator)],
        rev: Annotated[int | None, Query(ge=0, le=2**53, description="refuse (409) when not at this revision")] = None,
    ) -> Response:
        """Decide anew; what is not named is as built in again. Holds at once, also for alarms there are: what is
        switched off ends, and begins again when it is switched on while its condition lasts."""
        check_site(services, site)
        try:
            wanted = msgspec.convert(body, AlarmSettings)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half a surrogate pair is no text
            raise ApiError(422, "bad_request", str(error), "GET the same address shows all that can be set") from None
        fault = wanted.fault()
        if fault is not None:
            raise ApiError(422, "bad_request", fault, "GET the same address names those that can be set")
        chosen = {kind: each for kind, each in wanted.kinds.items() if each != KindChoice()}
        try:
            decided = await site_alarms.put(
                site, msgspec.structs.replace(wanted, kinds=chosen), by=actor_of(who), rev=rev
            )
        except SettingsChanged as error:
            raise conflict("the settings", error.rev) from None
        return json_answer(_shown(site, decided))

    return router


def _shown(site: str, decided: Decided) -> dict[str, object]:
    kinds = [{"kind": kind, "title": title_of(kind), "priority": ALARM_KINDS[kind].priority} for kind in settable()]
    return {"site": site, **decided._asdict(), "kinds": kinds}
