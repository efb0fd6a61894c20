"""Tokens that read energy and may stand in an address: made, listed and taken away by administrators."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import administrator
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.registry.roles import Role
from cloud.registry.sessions import Principal
from cloud.registry.tables import TokenRow
from cloud.registry.tokens import BadToken, Scope

TOKEN: dict[str, Any] = {
    "id": "0f3a9b12",
    "name": "Excel of the finance office",
    "role": "viewer",
    "for": "energy",
    "created_at": 1790000000000,
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
DAY_S = 86_400
TOKENS_MAX = 1_000


class NewToken(BaseModel):
    """What it is for, and for how long."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    lasts_days: Annotated[int | None, Field(ge=1, le=3650)] = None


def routes(services: Services) -> APIRouter:
    """``/api/v1/tokens``."""
    router = APIRouter(tags=["tokens"])
    tokens = services.tokens

    @router.get("/api/v1/tokens", response_class=Response, responses=example({"tokens": [TOKEN]}))
    async def listed(_: Annotated[Principal, Depends(administrator)]) -> Response:
        """All tokens, without their secrets, which are kept nowhere."""
        return json_answer({"tokens": [_shown(row) for row in await tokens.all()]})

    @router.post(
        "/api/v1/tokens",
        status_code=201,
        response_class=Response,
        responses=example({**TOKEN, "token": "dayuan_..."}, 201),
    )
    async def add(body: NewToken, _: Annotated[Principal, Depends(administrator)]) -> Response:
        """Make a token that reads energy and nothing else; it alone may stand in an address (`?token=`), and only in
        those of `/api/v1/energy/export` and of reports. `token` is shown this once. Others are made by
        `dayuan-cloud token add`.
        """
        if sum(row.revoked_at is None for row in await tokens.all()) >= TOKENS_MAX:
            raise ApiError(409, "too_many", f"there are {TOKENS_MAX} tokens; revoke those that nobody uses")
        lasts_s = None if body.lasts_days is None else float(body.lasts_days * DAY_S)
        try:
            number, secret = await tokens.add(body.name, Role.VIEWER, lasts_s=lasts_s, scope=Scope.ENERGY)
        except (BadToken, UnicodeEncodeError) as error:
            raise ApiError(422, "bad_token", str(error)) from None
        made = next(row for row in await tokens.all() if row.id == number)
        return json_answer({**_shown(made), "token": secret}, status=201)

    @router.delete("/api/v1/tokens/{number}", status_code=204, response_class=Response)
    async def revoke(
        number: Annotated[str, Path(pattern="^[0-9a-f]{1,16}$")], _: Annotated[Principal, Depends(administrator)]
    ) -> Response:
        """End a token at once; it stays in the list as revoked."""
        try:
            await tokens.revoke(number)
        except BadToken as error:
            raise ApiError(404, "unknown_token", str(error)) from None
        return Response(status_code=204)

    return router


def _shown(row: TokenRow) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "role": row.role,
        "for": row.scope,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }
