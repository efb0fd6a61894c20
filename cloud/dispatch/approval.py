"""Which requests need somebody's consent, and until when. An emergency is served first and approved after."""

import msgspec

from cloud.assets.contract import Calendar
from cloud.dispatch.request import Approval, Request
from cloud.dispatch.settings import ApprovalRule, DispatchSettings
from cloud.geo.earth import distance_m


def needed(request: Request, calendar: Calendar, settings: DispatchSettings) -> Request:
    """The request as filed, waiting for approval when a rule asks for it. The first rule that holds is named."""
    rule = next((each.when for each in settings.approval if _holds(each, request, calendar, settings)), "")
    if not rule:
        return request
    limit_s = settings.emergency_approve_s if request.emergency else settings.tiers.of(request.tier).approve_s
    approval = Approval(
        needed=True,
        state="pending",
        rule=rule,
        after=request.emergency,
        due_at=request.created_at + round(limit_s * 1000),
    )
    status = request.status if request.emergency else "awaiting_approval"
    return msgspec.structs.replace(request, approval=approval, status=status)


def decided(approval: Approval, *, yes: bool, by: str, at: int, opinion: str) -> Approval:
    """After somebody said yes or no."""
    return msgspec.structs.replace(approval, state="approved" if yes else "refused", by=by, at=at, opinion=opinion)


def _holds(rule: ApprovalRule, request: Request, calendar: Calendar, settings: DispatchSettings) -> bool:
    if rule.kind and rule.kind != request.kind:
        return False
    match rule.when:
        case "always":
            return True
        case "out_of_town":
            return request.out_of_town or _far(request, settings)
        case "after_hours":
            return not calendar.within(request.site, request.window.earliest, settings.office_hours)


def _far(request: Request, settings: DispatchSettings) -> bool:
    start, end = request.origin.spot, request.to.spot if request.to else None
    return start is not None and end is not None and distance_m(start, end) > settings.out_of_town_km * 1000
