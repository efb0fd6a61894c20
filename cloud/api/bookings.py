"""Bookings of rooms."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import principal_of
from cloud.api.place_answers import Key, actor_of, booking_shown, check_length, conflict, example, once_of, places_of
from cloud.api.services import Services
from cloud.api.times import TIME_MAX_MS, parse_period
from cloud.assets.contract import Asset
from cloud.audit.note import tell_site
from cloud.registry.bookings_book import BookingChanged, RoomTaken
from cloud.registry.sessions import Principal
from cloud.rooms.booking import Booking
from cloud.rooms.icalendar import calendar_text
from cloud.rooms.making import BadBooking, cancelled, checked, extended, new_id, signed_in, weekly

BOOKING: dict[str, Any] = {
    "id": "b-9f2c41d07b",
    "site": "east-compound",
    "room": "b3-201",
    "unit": "Finance office",
    "subject": "Budget",
    "organiser": "Li Na",
    "phone": "138****8000",
    "people": 8,
    "from": 1790000000000,
    "until": 1790003600000,
    "state": "booked",
    "series": "",
    "created_at": 1789990000000,
    "created_by": "dispatch-1",
    "booking_s": 41.2,
    "signed_in_at": None,
    "cancelled_at": None,
    "released_at": None,
    "rev": 1,
}
NEW: dict[str, Any] = {
    "site": "east-compound",
    "room": "b3-201",
    "unit": "Finance office",
    "subject": "Budget",
    "organiser": "Li Na",
    "people": 8,
    "from": 1790000000000,
    "until": 1790003600000,
    "started_at": 1789989958800,
}
WEEK_S = 7 * 86_400
Instant = Field(ge=0, le=TIME_MAX_MS, description="ms")
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "Somebody has the room then, or the booking changed meanwhile"}
}


class NewBooking(BaseModel):
    """A room for a time. `started_at`: when the form was opened, so that it is known how long booking takes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": NEW})
    site: str = Field(max_length=32)
    room: str = Field(max_length=32)
    unit: str = Field(min_length=1, max_length=100)
    subject: str = Field(default="", max_length=200)
    organiser: str = Field(default="", max_length=100)
    phone: str = Field(default="", max_length=40)
    people: int = Field(default=0, ge=0, le=5_000)
    from_at: int = Field(alias="from", ge=0, le=TIME_MAX_MS, description="ms")
    until_at: int = Field(alias="until", ge=0, le=TIME_MAX_MS, description="not included")
    started_at: int | None = Field(default=None, ge=0, le=TIME_MAX_MS)
    repeat_weeks: int = Field(
        default=0, ge=0, le=52, description="also at this time in so many weeks after; all or none"
    )


class Rev(BaseModel):
    """The revision that was looked at; 409 when there is a newer one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"rev": 1}})
    rev: int | None = Field(default=None, ge=1, le=2**53)


class NewEnd(Rev):
    """Another end."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"rev": 1, "until": 1790005400000}})
    until: int = Instant


def routes(services: Services) -> APIRouter:
    """``/api/v1/bookings``."""
    router = APIRouter(tags=["rooms"])

    @router.get("/api/v1/bookings", response_class=Response, responses=example({"bookings": [BOOKING]}))
    async def bookings(
        request: Request,
        site: Annotated[str, Query(max_length=32)],
        room: Annotated[str | None, Query(max_length=32)] = None,
        from_: Annotated[str | None, Query(alias="from", max_length=40, description="default: now")] = None,
        to: Annotated[str | None, Query(max_length=40, description="default: a week ahead")] = None,
        ended: Annotated[bool, Query(description="also cancelled and released ones")] = False,
    ) -> Response:
        """Bookings that overlap the period, by their beginning."""
        since, until = _period(services, from_, to)
        found = await places_of(services).rooms.book.of(site, since, until, room=room)
        principal, now = principal_of(request), services.clock.now_ms()
        chosen = [each for each in found if ended or (each.cancelled_at is None and each.released_at is None)]
        return json_answer({"bookings": [booking_shown(each, principal, now) for each in chosen]})

    @router.get(
        "/api/v1/bookings.ics",
        response_class=Response,
        responses={200: {"content": {"text/calendar": {"schema": {"type": "string"}}}}},
    )
    async def calendar(
        site: Annotated[str, Query(max_length=32)], room: Annotated[str | None, Query(max_length=32)] = None
    ) -> Response:
        """Bookings of the last and the next 90 days as iCalendar, for programs that subscribe to calendars."""
        now = services.clock.now_ms()
        features = places_of(services)
        found = await features.rooms.book.of(site, now - 90 * 86_400_000, now + 90 * 86_400_000, room=room)
        assert services.features is not None
        rooms = {asset.key.id: asset.name for asset in services.features.roster.all("room", site)}
        title = rooms.get(room, room) if room else services.inventory.site(site).name
        text = calendar_text(title, ZoneInfo(services.inventory.time_zone(site)), found, rooms)
        return Response(text, media_type="text/calendar")

    @router.post(
        "/api/v1/bookings",
        status_code=201,
        response_class=Response,
        responses={**example({"bookings": [BOOKING]}, 201), **CONFLICT, 404: {"description": "There is no such room"}},
    )
    async def book(request: Request, body: NewBooking, key: Key = "") -> Response:
        """Book a room. 409 `room_taken` says who has it, and which rooms are free then."""
        principal = principal_of(request)
        tell_site(body.site)
        made = await _book(services, body, principal, key)
        now = services.clock.now_ms()
        return json_answer({"bookings": [booking_shown(each, principal, now) for each in made]}, status=201)

    _changes(router, services)
    return router


def _changes(router: APIRouter, services: Services) -> None:
    answers: dict[int | str, dict[str, Any]] = {**example({"booking": BOOKING}), **CONFLICT}

    @router.post("/api/v1/bookings/{booking}/cancel", response_class=Response, responses=answers)
    async def cancel(request: Request, booking: str, body: Rev) -> Response:
        """The room is free of it from now on."""
        before, _ = await _find(services, booking, body.rev)
        return await _change(
            services, request, before, _allowed(cancelled, before, services.clock.now_ms()), "cancelled"
        )

    @router.post("/api/v1/bookings/{booking}/extend", response_class=Response, responses=answers)
    async def extend(request: Request, booking: str, body: NewEnd) -> Response:
        """Another end, later or earlier. 409 `room_taken` says who comes next."""
        before, room = await _find(services, booking, body.rev)
        assert services.features is not None
        calendar, now = services.features.calendar, services.clock.now_ms()
        after = _allowed(extended, before, body.until, room, calendar, now)
        return await _change(services, request, before, after, "extended")

    @router.post("/api/v1/bookings/{booking}/sign-in", response_class=Response, responses=answers)
    async def sign_in(request: Request, booking: str, body: Rev) -> Response:
        """They came. A card at the room's reader says the same."""
        before, room = await _find(services, booking, body.rev)
        after = _allowed(signed_in, before, room, services.clock.now_ms())
        if after is before:
            return json_answer({"booking": booking_shown(before, principal_of(request), services.clock.now_ms())})
        return await _change(services, request, before, after, "signed_in")


def _period(services: Services, from_: str | None, to: str | None) -> tuple[int, int]:
    now = services.clock.now_ms()
    since, until = parse_period(from_ or str(now), to or str(now + WEEK_S * 1000), now)
    check_length(since, until)
    return since, until


async def _book(services: Services, body: NewBooking, principal: Principal, key: str) -> list[Booking]:
    features = services.features
    assert features is not None
    now = services.clock.now_ms()
    room = features.places.rooms.room(body.site, body.room)
    if room is None:
        raise ApiError(404, "unknown_room", f"no room {body.room!r} at site {body.site!r}", "/api/v1/assets?kind=room")
    first = Booking(
        id=new_id(),
        site=body.site,
        room=body.room,
        unit=body.unit.strip() or body.unit,
        subject=body.subject,
        organiser=body.organiser,
        phone=body.phone,
        people=body.people,
        from_at=body.from_at,
        until_at=body.until_at,
        created_at=now,
        created_by=actor_of(principal),
        opened_at=body.started_at if body.started_at is not None and body.started_at <= now else None,
    )
    bookings = weekly(first, body.repeat_weeks, ZoneInfo(services.inventory.time_zone(body.site)))
    once = once_of(principal, key)
    if once is not None and (known := await features.places.rooms.book.once(once)):
        return known
    for each in bookings:
        _allowed(checked, each, room, features.calendar, now)
    try:
        return await features.places.rooms.add(bookings, once=once)
    except RoomTaken as error:
        raise await _taken(services, room, error, body.people) from None


def _allowed(step: Any, *given: Any) -> Booking:
    try:
        result = step(*given)
    except BadBooking as error:
        raise ApiError(409 if error.code == "not_possible" else 422, error.code, error.message, error.hint) from None
    assert isinstance(result, Booking)
    return result


async def _find(services: Services, booking: str, rev: int | None) -> tuple[Booking, Asset]:
    found = await places_of(services).rooms.find(booking[:64])
    if found is None:
        raise ApiError(404, "unknown_booking", f"no booking {booking[:64]!r}", "/api/v1/bookings?site=")
    if rev is not None and rev != found.rev:
        raise conflict("the booking", found.rev)
    room = places_of(services).rooms.room(found.site, found.room)
    if room is None:
        raise ApiError(409, "not_possible", f"room {found.room!r} is not registered any more", "register it again")
    return found, room


async def _change(services: Services, request: Request, before: Booking, after: Booking, kind: str) -> Response:
    principal = principal_of(request)
    word = kind if kind == "signed_in" else f"booking_{kind}"
    rooms = places_of(services).rooms
    try:
        changed = await rooms.change(before, after, word, actor_of(principal))
    except BookingChanged as error:
        raise conflict("the booking", error.now.rev) from None
    except RoomTaken as error:
        room = rooms.room(before.site, before.room)
        assert room is not None
        raise await _taken(services, room, error, after.people) from None
    return json_answer({"booking": booking_shown(changed, principal, services.clock.now_ms())})


async def _taken(services: Services, room: Asset, error: RoomTaken, people: int) -> ApiError:
    by = error.by[0]
    zone = ZoneInfo(services.inventory.time_zone(by.site))
    since, until = (datetime.fromtimestamp(at / 1000, zone) for at in (by.from_at, by.ends_at))
    about = f" ({by.subject})" if by.subject else ""
    message = f"{room.name} is taken by {by.unit}{about} from {since:%m-%d %H:%M} to {until:%H:%M}"
    free = await places_of(services).rooms.free_rooms(by.site, by.from_at, by.ends_at, people)
    names = ", ".join(asset.name for asset in free[:5])
    return ApiError(409, "room_taken", message, f"free then: {names}" if names else "no other room is free then")
