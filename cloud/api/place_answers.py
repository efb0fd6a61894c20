"""What routes of rooms, patrols, passes and gates share: the features, who acts, how bookings and passes look."""

from typing import Annotated, Any

from fastapi import Header

from cloud.api.answers import ApiError
from cloud.api.services import Services
from cloud.features_places import PlaceFeatures
from cloud.registry.roles import Right
from cloud.registry.sessions import Principal
from cloud.rooms.booking import Booking
from cloud.visitors.visit import Pass, Visit, masked_phone

Key = Annotated[str, Header(alias="Idempotency-Key", max_length=200, description="a change with a key is made once")]
FAR_S = 400 * 86_400


def places_of(services: Services) -> PlaceFeatures:
    """The features. Only for routes that are there when features are."""
    assert services.features is not None
    return services.features.places


CHANGED: dict[int | str, dict[str, Any]] = {
    409: {"description": "It changed meanwhile, `X-Current-Rev` says its rev; or there are too many"}
}


def example(example: object, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """How an answer looks."""
    return {status: {"content": {"application/json": {"example": example}}}}


def actor_of(principal: Principal) -> str:
    """Who acts, in words."""
    return principal.name


def once_of(principal: Principal, key: str) -> str | None:
    """Names a request that may be sent twice."""
    return f"{principal.user_id}:{principal.name}:{key}" if key else None


def check_site(services: Services, site: str) -> None:
    """404 for a site nobody knows."""
    known = any(each.id == site for each in services.inventory.sites())
    if not known and services.features is not None and not services.features.roster.all(site=site):
        raise ApiError(404, "unknown_site", f"no site {site!r}", "listed at /api/v1/sites")


def check_length(since: int, until: int) -> None:
    """422 for a period nobody needs whole."""
    if until - since > FAR_S * 1000:
        raise ApiError(422, "bad_period", "longer than 400 days", "a shorter period")


def conflict(what: str, rev: int) -> ApiError:
    """It changed since the one who asks looked at it."""
    message = f"{what} was changed by somebody else meanwhile"
    return ApiError(409, "conflict", message, f"its rev is {rev}: look again", {"X-Current-Rev": str(rev)})


def booking_shown(booking: Booking, principal: Principal, now: int) -> dict[str, object]:
    """A booking; who only looks sees no whole phone number."""
    return {
        "id": booking.id,
        "site": booking.site,
        "room": booking.room,
        "unit": booking.unit,
        "subject": booking.subject,
        "organiser": booking.organiser,
        "phone": booking.phone if principal.may(Right.DISPATCH) else masked_phone(booking.phone),
        "people": booking.people,
        "from": booking.from_at,
        "until": booking.until_at,
        "state": booking_state(booking, now),
        "series": booking.series,
        "created_at": booking.created_at,
        "created_by": booking.created_by,
        "booking_s": booking.booking_s,
        "signed_in_at": booking.signed_in_at,
        "cancelled_at": booking.cancelled_at,
        "released_at": booking.released_at,
        "rev": booking.rev,
    }


def booking_state(booking: Booking, now: int) -> str:
    """``cancelled``, ``released``, ``ended``, ``signed_in`` or ``booked``."""
    if booking.cancelled_at is not None:
        return "cancelled"
    if booking.released_at is not None:
        return "released"
    if now >= booking.until_at:
        return "ended"
    return "signed_in" if booking.signed_in_at is not None else "booked"


def pass_shown(given: Pass, visit: Visit, principal: Principal) -> dict[str, object]:
    """A pass and what became of it; who only looks sees no whole phone number and no card key."""
    is_dispatcher = principal.may(Right.GUARD)
    return {
        "id": given.id,
        "site": given.site,
        "name": given.name,
        "phone": given.phone if is_dispatcher else masked_phone(given.phone),
        "host": given.host,
        "unit": given.unit,
        "plate": given.plate,
        "card": bool(given.card_key),
        "people": given.people,
        "purpose": given.purpose,
        "gate": given.gate,
        "from": given.from_at,
        "until": given.until_at,
        "state": visit.state,
        "since": visit.since,
        "arrived_at": visit.arrived_at,
        "left_at": visit.left_at,
        "came_by": visit.gate,
        "created_at": given.created_at,
        "created_by": given.created_by,
        "cancelled_at": given.cancelled_at,
        "rev": given.rev,
    }
