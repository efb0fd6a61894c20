"""How a request looks in live state and in the API."""

from typing import Any

import msgspec

from cloud.dispatch.matching import Suggested
from cloud.dispatch.plan import Visit
from cloud.dispatch.request import Request, actions_of


def attributes(request: Request, suggested: Suggested | None, visit: Visit | None) -> dict[str, Any]:
    """The attributes of its entity. The page has words for codes."""
    seen = msgspec.to_builtins(request)
    for name in ("rev", "site", "created_by", "opened_at", "passenger_names"):
        seen.pop(name)
    return {
        **seen,
        "id": request.id,
        "rev": request.rev,
        "actions": actions_of(request),
        "suggested": _suggested(request, suggested),
        "planned": None if visit is None else msgspec.to_builtins(visit),
    }


def whole(request: Request, suggested: Suggested | None, visit: Visit | None) -> dict[str, Any]:
    """As the API gives it."""
    return {
        "site": request.site,
        "created_by": request.created_by,
        "passenger_names": list(request.passenger_names),
        "started_at": request.opened_at,
        **attributes(request, suggested, visit),
    }


def _suggested(request: Request, suggested: Suggested | None) -> dict[str, Any] | None:
    """Only what changes with the suggestion itself, so that a page is not told of every second that passes."""
    if suggested is None or not request.may_be_served:
        return None
    return {"resource": suggested.resource, "name": suggested.name}
