"""Identities of gateways for people: their certificates, a one-time code to enrol with, and taking it all back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import installer, principal_of
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.identity.authority import BadAuthority
from cloud.identity.certificate_watch import is_late
from cloud.identity.enrolling import CODE_LASTS_S, CODE_LASTS_S_MAX, NotEnrolled
from cloud.registry.identity_book import Enrolled
from cloud.registry.roles import Right
from cloud.registry.sessions import Principal
from cloud.store.contract import GatewayKey

IDENTITY: dict[str, Any] = {
    "site": "east-compound",
    "gateway": "b3-plant-room",
    "state": "enrolled",
    "enrolled_at": 1790000000000,
    "issued_at": 1790000000000,
    "expires_at": 1821536000000,
    "certificates": 1,
    "revoked_at": None,
    "reason": "",
    "code_until": None,
}
CODE: dict[str, Any] = {"code": "K7QFD-XXXXX-XXXXX-2XV4A", "expires_at": 1790003600000}
ID = "^[a-z0-9][a-z0-9-]{0,31}$"
REASON_MAX = 200


def routes(services: Services) -> APIRouter:
    """``/api/v1/identities``."""
    router = APIRouter(tags=["identity"])
    enrolling, clock = services.enrolling, services.clock

    @router.get("/api/v1/identities", response_class=Response, responses=example({"identities": [IDENTITY]}))
    async def listed(request: Request, site: Annotated[str | None, Query(max_length=32)] = None) -> Response:
        """Gateways that are enrolled, were, or have a code. `state`: `enrolled`, `ending` (not renewed though it was
        time), `expired`, `revoked`, `invited`.
        """
        who = principal_of(request)
        codes = {GatewayKey(code.site, code.gateway): code.expires_at for code in await enrolling.codes()}
        now = clock.now_ms()
        rows = [_shown(each, codes.pop(each.key, None), now) for each in await enrolling.listed()]
        rows += [_invited(key, until) for key, until in sorted(codes.items())]
        chosen = [row for row in rows if site in (None, row["site"]) and who.may(Right.INSTALL, str(row["site"]))]
        return json_answer({"identities": chosen})

    @router.post(
        "/api/v1/identities/{site}/{gateway}/code",
        status_code=201,
        response_class=Response,
        responses=example(CODE, 201),
    )
    async def invite(
        site: Annotated[str, Path(pattern=ID)],
        gateway: Annotated[str, Path(pattern=ID)],
        _: Annotated[Principal, Depends(installer)],
        lasts_s: Annotated[float, Query(ge=60, le=CODE_LASTS_S_MAX)] = CODE_LASTS_S,
    ) -> Response:
        """A one-time code with which one box becomes this gateway, in the place of a code it had. Shown only here."""
        try:
            made = await enrolling.invite(GatewayKey(site, gateway), lasts_s=lasts_s)
        except NotEnrolled as refused:
            raise ApiError(422, refused.code, str(refused)) from None
        except BadAuthority as error:
            raise ApiError(503, "no_authority", str(error)) from None
        return json_answer({"code": made.code, "expires_at": made.expires_at}, status=201)

    @router.post(
        "/api/v1/identities/{site}/{gateway}/revoke",
        response_class=Response,
        responses={**example({"revoked": True}), 409: {"description": "It is not enrolled"}},
    )
    async def revoke(
        site: Annotated[str, Path(pattern=ID)],
        gateway: Annotated[str, Path(pattern=ID)],
        _: Annotated[Principal, Depends(installer)],
        reason: Annotated[str, Query(min_length=1, max_length=REASON_MAX)],
    ) -> Response:
        """Take its certificates and its code back: it is cut off and stays out until it is enrolled anew."""
        try:
            await enrolling.revoke(GatewayKey(site, gateway), reason)
        except NotEnrolled as refused:
            raise ApiError(409, refused.code, str(refused)) from None
        return json_answer({"revoked": True})

    return router


def _shown(each: Enrolled, code_until: int | None, now: int) -> dict[str, object]:
    if each.revoked_at is not None:
        state = "revoked"
    elif each.expires_at is None:
        state = "expired"
    else:
        state = "ending" if is_late(each, now) else "enrolled"
    return {
        "site": each.key.site,
        "gateway": each.key.gateway,
        "state": state,
        "enrolled_at": each.enrolled_at,
        "issued_at": each.issued_at,
        "expires_at": each.expires_at,
        "certificates": each.certificates,
        "revoked_at": each.revoked_at,
        "reason": each.reason,
        "code_until": code_until,
    }


def _invited(key: GatewayKey, until: int) -> dict[str, object]:
    blank: dict[str, object] = dict.fromkeys(("enrolled_at", "issued_at", "expires_at", "revoked_at"))
    return {**key._asdict(), "state": "invited", **blank, "certificates": 0, "reason": "", "code_until": until}
