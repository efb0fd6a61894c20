"""Bookings as calendar feeds: the secret in the address is all a calendar program needs."""

import hashlib
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from cloud.api.answers import ApiError
from cloud.api.gate import Gate, client_of
from cloud.api.place_answers import places_of
from cloud.api.services import Services
from cloud.api.wrong_tokens import WrongTokens
from cloud.registry.tokens import Scope
from cloud.rooms.feeds import Feed, read_feed
from cloud.rooms.icalendar import calendar_text

AROUND_MS = 90 * 86_400_000
PARAMETERS = [{"name": "token", "in": "query", "required": True, "schema": {"type": "string"}}]


def routes(services: Services, gate: Gate) -> APIRouter:
    """``/api/v1/calendars/bookings.ics``."""
    router = APIRouter(tags=["rooms"])
    wrong = WrongTokens(services.clock)
    answers: dict[int | str, dict[str, Any]] = {
        200: {"content": {"text/calendar": {"schema": {"type": "string"}}}},
        304: {"description": "Unchanged"},
    }

    @router.get(
        "/api/v1/calendars/bookings.ics",
        response_class=Response,
        responses=answers,
        openapi_extra={"parameters": PARAMETERS},
    )
    async def feed(request: Request) -> Response:
        """Bookings of the last and the next 90 days as iCalendar, of a site, a room or an organiser, whose secret
        `token` this is (`dayuan-cloud calendar add`). It opens nothing else and can be revoked.
        """
        client = client_of(request)
        secret = request.query_params.get("token", "")
        wrong.check(client, [secret])
        about = await gate.holder(secret, Scope.CALENDAR)
        if about is None:
            wrong.note(client)
            hint = "made by: dayuan-cloud calendar add SITE"
            raise ApiError(401, "not_logged_in", "this is no calendar's address", hint)
        wrong.passed(secret)
        text = (await _text(services, read_feed(about))).encode()
        tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
            return Response(status_code=304, headers=headers)
        return Response(text, media_type="text/calendar", headers=headers)

    return router


async def _text(services: Services, feed: Feed) -> str:
    features = services.features
    assert features is not None
    now = services.clock.now_ms()
    book = places_of(services).rooms.book
    found = await book.of(feed.site, now - AROUND_MS, now + AROUND_MS, room=feed.room or None)
    rooms = {asset.key.id: asset.name for asset in features.roster.all("room", feed.site)}
    title = rooms.get(feed.room, feed.room) or feed.organiser or services.inventory.site(feed.site).name
    zone = ZoneInfo(services.inventory.time_zone(feed.site))
    return calendar_text(title, zone, feed.chosen(found), rooms)
