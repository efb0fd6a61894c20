"""Good requests to the routes of enrolment, identities, commands and approvals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from cloud.identity.approving import Person
from cloud.registry.roles import Role
from cloud.store.contract import GatewayKey
from protocols.certificates import make_request, new_key
from protocols.enrolment import EnrolmentRequest, ask, read_code
from tests.cloud.api.conftest import Api

KEY = GatewayKey("east", "b3")
ORDER = {"site": "east", "gateway": "b3", "device": "gate", "point": "relay_2", "action": "on"}


class Made(NamedTuple):
    """What a request needs."""

    path: Mapping[str, str] = {}
    body: dict[str, Any] | None = None
    query: Mapping[str, str] = {}


async def of_identity(api: Api, entry: tuple[str, str]) -> Made:
    """What makes a request to ``entry`` a good one, with what it needs brought about."""
    method, path = entry
    if path == "/api/v1/enrolment":
        asked = await _asked(api, GatewayKey("east", "new"))
        return Made(body=msgspec.to_builtins(asked)) if method == "POST" else Made()
    await enrol_gateway(api)
    if path == "/api/v1/commands/{number}":
        row = await api.services.commanding.give(
            KEY, device="gate", point="relay_2", action="on", value=None, lasts_s=30, by="test"
        )
        return Made(path={"number": row.id})
    if path.startswith("/api/v1/identities/"):
        return Made(path={"site": "east", "gateway": "b3"}, query={"reason": "stolen"} if "revoke" in path else {})
    if path == "/api/v1/approvals":
        return Made(body={**ORDER, "reason": "delivery"} if method == "POST" else None)
    if path.startswith("/api/v1/approvals/"):
        return Made(path={"number": await _waiting(api)})
    return Made(body=ORDER if method == "POST" else None)


async def enrol_gateway(api: Api) -> None:
    """The gateway has a certificate."""
    if not any(each.key == KEY and each.revoked_at is None for each in await api.identity_book.enrolled()):
        await api.enrolling.enrol(await _asked(api, KEY))


async def _waiting(api: Api) -> str:
    """Asked for by somebody who never decides."""
    asker = await api.users.find("asker")
    if asker is None:
        await api.users.add("asker", Role.DISPATCHER)
        asker = await api.users.find("asker")
    assert asker is not None
    row = await api.services.approving.ask(
        KEY,
        device="gate",
        point="relay_2",
        action="on",
        value=None,
        lasts_s=30,
        reason="delivery",
        by=Person("asker", asker.id),
    )
    return row.id


async def _asked(api: Api, key: GatewayKey) -> EnrolmentRequest:
    code = read_code((await api.enrolling.invite(key)).code)
    return ask(code, *key, make_request(new_key(), "/".join(key)).decode("ascii"))
