"""One's own second factor: setting it up, and taking it away."""

import io

import segno
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import Gate, client_of, principal_of
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.api.session import check_wait
from cloud.registry.second_factor import BadSecondFactor, address_of
from cloud.registry.sessions import Principal
from cloud.registry.tables import UserRow

COLLECTOR = "Dayuan"
SHOWN = {
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "address": "otpauth://totp/Dayuan%3Ali?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Dayuan&digits=6&period=30",
    "qr": '<svg xmlns="http://www.w3.org/2000/svg" width="45" height="45"></svg>',
}
CODES = {"recovery_codes": ["7hq2k-m4xpa", "bn3te-9wzrf"]}


class OwnPassword(BaseModel):
    """Whoever sits at an open page is not yet its owner."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"password": "..."}})
    password: str = Field(max_length=1024)


class Code(BaseModel):
    """Six digits, as the app shows them."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"code": "123456"}})
    code: str = Field(max_length=20)


def routes(services: Services, gate: Gate) -> APIRouter:
    """``/api/v1/second-factor``."""
    router = APIRouter(tags=["session"])
    factors = services.second_factors

    @router.post("/api/v1/second-factor", response_class=Response, responses=example(SHOWN))
    async def begin(request: Request, body: OwnPassword) -> Response:
        """A new secret for an authenticator app, shown only now. It counts when a code of it was confirmed."""
        principal = principal_of(request)
        user = await _owner(services, principal, body.password, client_of(request))
        try:
            secret = await factors.begin(user.id)
        except BadSecondFactor as error:
            raise ApiError(409, "second_factor_there", str(error), "DELETE /api/v1/second-factor") from None
        address = address_of(secret, user.name, COLLECTOR)
        picture = io.BytesIO()
        segno.make(address, error="m", micro=False).save(picture, kind="svg", xmldecl=False, border=4, light="#fff")
        return json_answer({"secret": secret, "address": address, "qr": picture.getvalue().decode()})

    @router.post("/api/v1/second-factor/confirm", response_class=Response, responses=example(CODES))
    async def confirm(request: Request, body: Code) -> Response:
        """Show a first code. Answers recovery codes, each good once in place of a code; they are shown only now."""
        principal = principal_of(request)
        user_id = _user_id(principal)
        client = client_of(request)
        await check_wait(services, principal.name, client)
        async with services.logins.turn():
            await check_wait(services, principal.name, client)
            try:
                codes = await factors.confirm(user_id, body.code)
            except BadSecondFactor as error:
                await services.logins.failed(principal.name, client)
                raise ApiError(422, "wrong_code", str(error)) from None
        await gate.recheck()
        return json_answer({"recovery_codes": codes})

    @router.delete("/api/v1/second-factor", status_code=204)
    async def remove(request: Request, body: OwnPassword) -> Response:
        """Take one's own second factor away; all sessions end, this one too."""
        principal = principal_of(request)
        user = await _owner(services, principal, body.password, client_of(request))
        try:
            await factors.remove(user.name)
        except BadSecondFactor as error:
            raise ApiError(409, "no_second_factor", str(error)) from None
        await gate.recheck()
        return Response(status_code=204)

    return router


def _user_id(principal: Principal) -> int:
    if principal.user_id is None:
        raise ApiError(403, "not_allowed", "a token has no second factor")
    return principal.user_id


async def _owner(services: Services, principal: Principal, password: str, client: str) -> UserRow:
    _user_id(principal)
    await check_wait(services, principal.name, client)
    async with services.logins.turn():
        await check_wait(services, principal.name, client)
        user = await services.users.find(principal.name)
        if user is None:
            raise ApiError(401, "not_logged_in", "this user is gone")
        if not await services.passwords.verify(user.password_hash, password):
            await services.logins.failed(principal.name, client)
            raise ApiError(422, "wrong_password", "the password is wrong")
    return user
