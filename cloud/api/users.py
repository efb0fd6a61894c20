"""People who may log in, looked after by administrators."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import Gate, principal_of
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.api.sessions import session_shown
from cloud.registry.roles import RIGHTS, Grant, Role
from cloud.registry.second_factor import BadSecondFactor
from cloud.registry.tables import UserRow
from cloud.registry.users import BadUser
from protocols.reading import ID_PATTERN

GRANT: dict[str, Any] = {"role": "dispatcher", "site": "east-compound"}
LAST: dict[str, Any] = {"description": "They are the last administrator of all sites"}
USER: dict[str, Any] = {
    "name": "li",
    "grants": [GRANT],
    "disabled": False,
    "must_change_password": False,
    "second_factor": True,
    "created_at": 1780000000000,
    "password_changed_at": 1785000000000,
    "last_login_at": 1790000000000,
    "sessions": 1,
}
SESSION = {"id": "3f9a0b12c4d5e6f7", "created_at": 1790000000000, "seen_at": 1790000300000}
SESSION |= {"expires_at": 1790600000000, "client": "192.0.2.17", "this": False}
GRANTS_MAX = 200
Name = Annotated[str, Path(max_length=64)]


class GrantBody(BaseModel):
    """A role at a site; without a site, at all of them."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": GRANT})
    role: Role
    site: str = Field(default="", max_length=32, pattern=f"^({ID_PATTERN.pattern})?$")


class NewUser(BaseModel):
    """A name to log in with, and what they may do where."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "li", "grants": [GRANT]}})
    name: str = Field(max_length=64)
    grants: list[GrantBody] = Field(min_length=1, max_length=GRANTS_MAX)


class UserChange(BaseModel):
    """What is given is changed. Either ends the user's logins."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"disabled": True}})
    grants: list[GrantBody] | None = Field(default=None, min_length=1, max_length=GRANTS_MAX)
    disabled: bool | None = None


def routes(services: Services, gate: Gate) -> APIRouter:
    """``/api/v1/users``."""
    router = APIRouter(tags=["users"])
    _add_accounts(router, services, gate)
    _add_ways_in(router, services, gate)
    return router


def _add_accounts(router: APIRouter, services: Services, gate: Gate) -> None:
    users = services.users

    @router.get(
        "/api/v1/users",
        response_class=Response,
        responses=example({"users": [USER], "roles": {"viewer": ["ask", "look"]}}),
    )
    async def listed() -> Response:
        """All users, by name, and what each role may do. For administrators of all sites."""
        held = await services.second_factors.held()
        counts = await services.sessions.counts()
        shown = [_shown(each, held, counts) for each in await users.all()]
        return json_answer({"users": shown, "roles": {role: sorted(rights) for role, rights in RIGHTS.items()}})

    @router.post(
        "/api/v1/users",
        status_code=201,
        response_class=Response,
        responses={
            201: example({"name": "li", "one_time_password": "k7wq-3mzp-x9rt-hb4e"})[200],
            409: {"description": "There is a user of that name"},
        },
    )
    async def add(body: NewUser) -> Response:
        """Make a user. The one-time password is shown only now, and must be changed at the first login."""
        grants = _grants(body.grants)
        try:
            password = await users.add(body.name, grants[0].role, grants=grants)
        except BadUser as error:
            raise ApiError(409 if "already" in str(error) else 422, "bad_user", str(error)) from None
        return json_answer({"name": body.name.strip().lower(), "one_time_password": password}, status=201)

    @router.put("/api/v1/users/{name}", response_class=Response, responses={**example({"user": USER}), 409: LAST})
    async def change(name: Name, body: UserChange) -> Response:
        """Change what a user may do, or shut them out or let them in; their logins end within seconds."""
        user = await _find(services, name)
        try:
            if body.grants is not None:
                await users.set_grants(user.name, _grants(body.grants))
            if body.disabled is not None:
                await users.set_disabled(user.name, disabled=body.disabled)
        except BadUser as error:
            raise ApiError(409, "bad_user", str(error)) from None
        await gate.recheck()
        now = await _find(services, name)
        held, counts = await services.second_factors.held(), await services.sessions.counts()
        return json_answer({"user": _shown(now, held, counts)})


def _add_ways_in(router: APIRouter, services: Services, gate: Gate) -> None:
    @router.post(
        "/api/v1/users/{name}/password",
        response_class=Response,
        responses=example({"name": "li", "one_time_password": "k7wq-3mzp-x9rt-hb4e"}),
    )
    async def reset_password(name: Name) -> Response:
        """Give a user a new one-time password, shown only now; their logins end."""
        user = await _find(services, name)
        password = await services.users.reset(user.name)
        await gate.recheck()
        return json_answer({"name": user.name, "one_time_password": password})

    @router.delete(
        "/api/v1/users/{name}/second-factor", status_code=204, responses={409: {"description": "There is none"}}
    )
    async def reset_second_factor(name: Name) -> Response:
        """Take a user's second factor away, when the phone is lost; their logins end."""
        user = await _find(services, name)
        try:
            await services.second_factors.remove(user.name)
        except BadSecondFactor as error:
            raise ApiError(409, "no_second_factor", str(error)) from None
        await gate.recheck()
        return Response(status_code=204)

    @router.get("/api/v1/users/{name}/sessions", response_class=Response, responses=example({"sessions": [SESSION]}))
    async def sessions(request: Request, name: Name) -> Response:
        """A user's logins, the one used last first."""
        user = await _find(services, name)
        mine = principal_of(request).credential
        return json_answer({"sessions": [session_shown(row, mine) for row in await services.sessions.of(user.id)]})

    @router.delete("/api/v1/users/{name}/sessions", status_code=204)
    async def end_sessions(name: Name) -> Response:
        """End all logins of a user; open pages end with them."""
        user = await _find(services, name)
        await services.sessions.end_all(user.id)
        await gate.recheck()
        return Response(status_code=204)


def _grants(bodies: list[GrantBody]) -> list[Grant]:
    return [Grant(each.role, each.site) for each in bodies]


async def _find(services: Services, name: str) -> UserRow:
    user = await services.users.find(name)
    if user is None:
        raise ApiError(404, "unknown_user", f"there is no user {name[:64]!r}", "GET /api/v1/users")
    return user


def _shown(user: UserRow, held: set[int], counts: dict[int, int]) -> dict[str, object]:
    return {
        "name": user.name,
        "grants": [{"role": role.value, "site": site} for role, site in user.grants],
        "disabled": user.disabled,
        "must_change_password": user.must_change_password,
        "second_factor": user.id in held,
        "created_at": user.created_at,
        "password_changed_at": user.password_changed_at,
        "last_login_at": user.last_login_at,
        "sessions": counts.get(user.id, 0),
    }
