"""Logging in and out, and changing one's password."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import COOKIE, Gate, client_of, principal_of
from cloud.api.services import Services
from cloud.audit.note import current
from cloud.registry.roles import Right, Role
from cloud.registry.sessions import Principal, fingerprint
from cloud.registry.tables import UserRow
from cloud.registry.users import WeakPassword


class Login(BaseModel):
    """A name and its password, and a code where there is a second factor."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "admin", "password": "..."}})
    name: str = Field(max_length=200)
    password: str = Field(max_length=1024)
    code: str = Field(default="", max_length=20, description="of the second factor, or a recovery code")


class NewPassword(BaseModel):
    """One's own password, old and new. The new one needs at least 12 characters and must not be a common one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"old": "...", "new": "..."}})
    old: str = Field(max_length=1024)
    new: str = Field(max_length=1024)


class UserAnswer(BaseModel):
    """Who is logged in."""

    name: str
    role: Role
    """The widest one, wherever it holds."""
    must_change_password: bool
    needs_second_factor: bool = False
    rights: dict[Right, list[str] | None] = {}
    """What one may do, and at which sites; null for all of them."""


class SessionAnswer(BaseModel):
    """The current login."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "user": {
                    "name": "li",
                    "role": "viewer",
                    "must_change_password": False,
                    "needs_second_factor": False,
                    "rights": {"ask": None, "look": ["east-compound"]},
                }
            }
        }
    )
    user: UserAnswer


def routes(services: Services, gate: Gate) -> APIRouter:
    """``/api/v1/session`` and ``/api/v1/password``."""
    router = APIRouter(tags=["session"])

    @router.post("/api/v1/session", response_model=SessionAnswer)
    async def log_in(request: Request, login: Login) -> Response:
        """Log in. Too many wrong passwords make one wait: 429 with Retry-After."""
        client = client_of(request)
        await check_wait(services, login.name, client)
        async with services.logins.turn():
            await check_wait(services, login.name, client)
            user = await services.users.find(login.name)
            right = await services.passwords.verify(user.password_hash if user else None, login.password)
            _name_in_trail("login_failed", user, client)
            if user is None or not right or user.disabled:
                await services.logins.failed(login.name, client)
                raise ApiError(401, "wrong_login", "the name or the password is wrong")
            _name_in_trail("login", user, client)
            if await services.second_factors.has(user.id):
                await _check_code(services, user, login.code, client)
            await services.logins.succeeded(login.name, client)
        await services.users.note_login(user, login.password)
        secret = await services.sessions.begin(user, client)
        principal = await services.sessions.check(fingerprint(secret))
        if principal is None:
            raise ApiError(401, "not_logged_in", "this user was shut out this moment")
        answer = json_answer(_user(principal))
        _set_cookie(answer, request, secret, services.sessions.absolute_s)
        return answer

    @router.get("/api/v1/session", response_model=SessionAnswer)
    async def who_am_i(request: Request) -> Response:
        """Who is logged in."""
        return json_answer(_user(principal_of(request)))

    @router.delete("/api/v1/session", status_code=204)
    async def log_out(request: Request) -> Response:
        """End this session; its open streams end with it."""
        principal = principal_of(request)
        kind, _, hashed = principal.credential.partition(":")
        if kind == "session":
            await services.sessions.end(hashed)
            await gate.drop(principal)
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return answer

    @router.post("/api/v1/password", status_code=204)
    async def change_password(request: Request, change: NewPassword) -> Response:
        """Change one's own password. All other sessions of the user end; this one goes on under a new cookie."""
        principal = principal_of(request)
        if principal.user_id is None:
            raise ApiError(403, "not_allowed", "a token has no password")
        async with services.logins.turn():
            secret = await _changed(services, principal, change, client_of(request))
        await gate.recheck()
        answer = Response(status_code=204)
        _set_cookie(answer, request, secret, services.sessions.absolute_s)
        return answer

    return router


async def _changed(services: Services, principal: Principal, change: NewPassword, client: str) -> str:
    """Changes the password and begins a new session, whose secret is returned."""
    await check_wait(services, principal.name, client)
    user = await services.users.find(principal.name)
    if user is None:
        raise ApiError(401, "not_logged_in", "this user is gone")
    if not await services.passwords.verify(user.password_hash, change.old):
        await services.logins.failed(principal.name, client)
        raise ApiError(422, "wrong_password", "the old password is wrong")
    try:
        await services.users.change_password(user, change.new, same=change.new == change.old)
    except WeakPassword as error:
        raise ApiError(
            422, "weak_password", str(error), "at least 12 characters; several words in a row are easy to remember"
        ) from None
    services.password_changed(user.name)
    return await services.sessions.begin(user, client)


async def check_wait(services: Services, name: str, client: str) -> None:
    """Raises ApiError 429 while too many wrong passwords or codes make one wait."""
    wait_s = await services.logins.wait_s(name, client)
    if wait_s:
        raise ApiError(429, "wait", f"too many wrong passwords; wait {wait_s} s", "", {"Retry-After": str(wait_s)})


def _user(principal: Principal) -> dict[str, object]:
    rights = {}
    for right in Right:
        sites = principal.sites(right)
        if sites is None or sites:
            rights[right.value] = None if sites is None else sorted(sites)
    return {
        "user": {
            "name": principal.name,
            "role": principal.roles[-1].value,
            "must_change_password": principal.must_change_password,
            "needs_second_factor": principal.needs_second_factor,
            "rights": rights,
        }
    }


def _name_in_trail(action: str, user: UserRow | None, client: str) -> None:
    """Of a name that is none, nothing is recorded: people type passwords there."""
    note = current()
    if note is not None:
        note.action, note.actor, note.client = action, user.name if user is not None else "", client


async def _check_code(services: Services, user: UserRow, code: str, client: str) -> None:
    if not code:
        raise ApiError(401, "code_needed", "a code of the second factor is needed", "send it as `code`")
    if not await services.second_factors.check(user.id, code):
        _name_in_trail("login_failed", user, client)
        await services.logins.failed(user.name, client)
        raise ApiError(401, "wrong_code", "the code is wrong, or was used already", "wait for the next one")


def _set_cookie(answer: Response, request: Request, secret: str, max_age_s: int) -> None:
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=max_age_s,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.scope["scheme"] == "https",
    )
