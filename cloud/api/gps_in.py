"""Positions that phones send: Traccar Client and OsmAnd, and OwnTracks.

These routes are open to the gate and ask for a tracker's token themselves, wherever an app can put one.
"""

import base64
import binascii
import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import Gate, client_of
from cloud.api.services import Services
from cloud.api.wrong_tokens import WrongTokens
from cloud.gps_in.contract import BadPosition, Overloaded, Position, Taken, TooFast
from cloud.gps_in.intake import Intake
from cloud.gps_in.osmand import parse_json, parse_parameters
from cloud.gps_in.owntracks import parse_message
from cloud.gps_in.trackers import tracker_of
from cloud.registry.tokens import Scope

EXAMPLE: dict[str, Any] = {"stored": 1, "repeated": 0, "refused": [], "expired": 0}
JSON_BODY: dict[str, Any] = {
    "location": {"timestamp": "2026-11-22T08:00:00.000Z", "coords": {"latitude": 30.2712, "longitude": 120.1486}},
    "device_id": "dayuan_...",
}
OWNTRACKS_BODY: dict[str, Any] = {"_type": "location", "lat": 30.2712, "lon": 120.1486, "tst": 1790000000, "acc": 8}

PARAMETERS = [
    {"name": name, "in": "query", "required": name != "timestamp", "schema": {"type": "string"}}
    for name in ("id", "lat", "lon", "timestamp")
]
"""As described; they are read by hand, as apps send more, and in a form too."""

FIELDS_MAX = 64


class Desk:
    """Finds out who sends, and hands on what is sent."""

    def __init__(self, services: Services, gate: Gate) -> None:
        assert services.features is not None
        self._intake: Intake = services.features.gps_in
        self._gate = gate
        self._wrong = WrongTokens(services.clock)

    async def tracker(self, request: Request, said: Sequence[str]) -> tuple[str, str]:
        """Site and device of the first of these secrets that is a tracker's. Raises ApiError 401, 429."""
        client = client_of(request)
        self._wrong.check(client, said)
        for secret in said:
            about = await self._gate.holder(secret, Scope.TRACKER)
            if about is not None:
                self._wrong.passed(secret)
                return tracker_of(about)
        self._wrong.note(client)
        raise ApiError(
            401,
            "not_logged_in",
            "this is no tracker's token",
            "made by: dayuan-cloud tracker add SITE/DEVICE",
            {"WWW-Authenticate": 'Basic realm="dayuan trackers"'},
        )

    async def take(self, sender: tuple[str, str], positions: Sequence[Position]) -> Taken:
        """Raises ApiError 429, 503."""
        try:
            return await self._intake.take(*sender, positions)
        except TooFast as error:
            wait = {"Retry-After": str(math.ceil(error.wait_s))}
            raise ApiError(429, "too_many_requests", str(error), "", wait) from None
        except Overloaded as error:
            hint = "the app keeps the position and sends it again"
            raise ApiError(503, "unavailable", str(error), hint, {"Retry-After": "10"}) from None


def routes(services: Services, gate: Gate) -> APIRouter:
    """``/api/v1/gps-in/...``."""
    router = APIRouter(tags=["trackers"])
    desk = Desk(services, gate)
    _add_osmand(router, desk)
    _add_owntracks(router, desk)
    return router


def _add_osmand(router: APIRouter, desk: Desk) -> None:
    answers: dict[int | str, dict[str, Any]] = {
        200: {"content": {"application/json": {"example": EXAMPLE}}},
        400: {"description": "No position; the message says what is missing"},
    }

    @router.get(
        "/api/v1/gps-in/osmand", response_class=Response, responses=answers, openapi_extra={"parameters": PARAMETERS}
    )
    async def from_address(request: Request) -> Response:
        """A position in the address, as OsmAnd and Traccar Client before 9 send it: `lat`, `lon`, `timestamp` (s, ms or
        ISO 8601), `speed` (knots), `bearing`, `altitude`, `accuracy`, `batt`, `charge`, `valid`. The tracker's token is
        `id` (or `token`, or in the header Authorization). 200 says that it is durably stored; `refused` names positions
        that can never be taken, `expired` counts those of them that are older than positions may be kept.
        """
        said = _fields(request.scope["query_string"])
        sender = await desk.tracker(request, [*_in_header(request.headers), *_named(said)])
        return _answer(await desk.take(sender, [_read(said)]))

    @router.post(
        "/api/v1/gps-in/osmand",
        response_class=Response,
        responses=answers,
        openapi_extra={"requestBody": {"content": {"application/json": {"example": JSON_BODY}}}},
    )
    async def from_body(request: Request) -> Response:
        """As `GET`, with the parameters in the address or in a form; or the JSON of Traccar Client 9, where the token
        is `device_id` and `location` may be a list.
        """
        body = await request.body()
        said = _fields(request.scope["query_string"])
        secrets = [*_in_header(request.headers), *_named(said)]
        if body.lstrip()[:1] != b"{":
            said |= _fields(body)
            sender = await desk.tracker(request, [*secrets, *_named(said)])
            return _answer(await desk.take(sender, [_read(said)]))
        try:
            device, positions = parse_json(body)
        except BadPosition as error:
            await desk.tracker(request, secrets)
            raise _bad(error) from None
        sender = await desk.tracker(request, [*secrets, device])
        return _answer(await desk.take(sender, positions))


def _add_owntracks(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/api/v1/gps-in/owntracks",
        response_class=Response,
        responses={
            200: {"content": {"application/json": {"example": []}}},
            400: {"description": "No message of OwnTracks, or an encrypted one"},
        },
        openapi_extra={"requestBody": {"content": {"application/json": {"example": OWNTRACKS_BODY}}}},
    )
    async def owntracks(request: Request) -> Response:
        """A message of the OwnTracks app in its HTTP mode. The token is the password (or the user's name) of HTTP
        Basic. Messages that hold no position are taken and not used. 200 says that it is durably stored.
        """
        sender = await desk.tracker(request, _in_header(request.headers))
        try:
            position = parse_message(await request.body())
        except BadPosition as error:
            raise _bad(error) from None
        if position is not None:
            await desk.take(sender, [position])
        return json_answer([])


def _in_header(headers: Headers) -> list[str]:
    """What may be a token in ``Authorization``: Bearer, or both parts of Basic."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return [rest.strip()]
    if scheme.lower() != "basic":
        return []
    try:
        name, _, password = base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return []
    return [password, name]


def _fields(query: bytes) -> dict[str, str]:
    try:
        named = parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise ApiError(400, "bad_position", f"more than {FIELDS_MAX} parameters") from None
    return dict(named)


def _named(said: dict[str, str]) -> list[str]:
    return [said[name] for name in ("token", "id", "deviceid") if name in said]


def _read(said: dict[str, str]) -> Position:
    try:
        return parse_parameters(said)
    except BadPosition as error:
        raise _bad(error) from None


def _bad(error: BadPosition) -> ApiError:
    return ApiError(400, "bad_position", str(error), "see docs/GPS_IN.md")


def _answer(taken: Taken) -> Response:
    refused = [each._asdict() for each in taken.refused]
    return json_answer(
        {"stored": taken.stored, "repeated": taken.repeated, "refused": refused, "expired": taken.expired}
    )
