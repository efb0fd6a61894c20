"""Every route, asked well about one site, by every role at that site and at another: nothing of the other gets out."""

from __future__ import annotations

from pathlib import Path

import httpx

from cloud.api.gate import OPEN, OPEN_FOLDER
from cloud.api.rights import BEFORE_PASSWORD_CHANGE, OWN_ACCOUNT, reads
from cloud.registry.roles import Role
from tests.proof.api_entries import (
    ADMINISTRATOR,
    DISPATCHER,
    ENDLESS,
    ENERGY_MANAGER,
    ENTRIES,
    FOR_PEOPLE,
    INSTALLER,
    REQUESTER,
    SECURITY_OFFICER,
    VIEWER,
)
from tests.proof.api_inputs import Route, routes_of, sound_request
from tests.proof.api_people import Credential
from tests.proof.api_world import World, compound

OF_ALL_SITES = {
    *(("GET", f"/api/v1/{path}") for path in ("health", "quarantine", "webhooks", "tokens", "users", "factors")),
    *(("GET", f"/api/v1/{path}") for path in ("alarm-rules", "alarms/shelves", "audit/verify")),
    ("GET", "/metrics"),
    ("GET", "/api/v1/webhooks/{name}/deliveries"),
    ("GET", "/api/v1/users/{name}/sessions"),
    ("PUT", "/api/v1/factors"),
    *((method, "/api/v1/alarm-rules/{name}") for method in ("PUT", "DELETE")),
    ("POST", "/api/v1/alarm-rules/{name}/dry-run"),
    *((method, "/api/v1/webhooks/{name}") for method in ("PUT", "DELETE")),
    ("POST", "/api/v1/webhooks/{name}/test"),
    ("POST", "/api/v1/tokens"),
    ("DELETE", "/api/v1/tokens/{number}"),
    ("POST", "/api/v1/users"),
    ("PUT", "/api/v1/users/{name}"),
    ("POST", "/api/v1/users/{name}/password"),
    *(("DELETE", f"/api/v1/users/{{name}}/{what}") for what in ("second-factor", "sessions")),
    ("POST", "/api/v1/assets/import"),
    ("POST", "/api/v1/rollouts"),
    ("GET", "/api/v1/privacy/retention"),
    *(("POST", f"/api/v1/privacy/{what}") for what in ("searches", "exports", "deletions", "holds")),
    ("DELETE", "/api/v1/privacy/holds/{number}"),
}
"""Of no one site: for those who have the right at all sites. (An import and a roll-out are of one when their address
names it.)"""
RANKS = {
    Role.REQUESTER: (REQUESTER, frozenset[tuple[str, str]]()),
    Role.VIEWER: (VIEWER, frozenset[tuple[str, str]]()),
    Role.DISPATCHER: (DISPATCHER, frozenset[tuple[str, str]]()),
    Role.ENERGY_MANAGER: (VIEWER, ENERGY_MANAGER),
    Role.SECURITY_OFFICER: (VIEWER, SECURITY_OFFICER),
    Role.INSTALLER: (VIEWER, INSTALLER),
    Role.ADMINISTRATOR: (ADMINISTRATOR, frozenset[tuple[str, str]]()),
}

AT_HOME = (Role.REQUESTER, Role.DISPATCHER, Role.ENERGY_MANAGER, Role.ADMINISTRATOR)
"""Who asks at their own site as well; that each role may what it may is asked of all of them by R15."""


def is_own(entry: tuple[str, str]) -> bool:
    own = OWN_ACCOUNT | BEFORE_PASSWORD_CHANGE | OPEN
    return entry in own or entry[1].startswith((OPEN_FOLDER, "/api/v1/sessions"))


async def test_nothing_of_a_site_is_for_those_of_another(tmp_path: Path) -> None:
    wrong: list[str] = []
    async with compound(tmp_path / "api") as world:
        asking = []
        for site in ("west", "east"):
            for role, (rank, also) in RANKS.items():
                if site == "east" and role not in AT_HOME:
                    continue
                token = {"Authorization": f"Bearer {await world.api.token(role, site)}"}
                asking.append((site, Credential(f"{role.value} at {site}", rank, token, also)))
        async with world.api.client(app=world.app) as client:
            for route in routes_of(world.app):
                if not is_own(route.entry) and route.entry != ENDLESS:
                    wrong += await asked_by_all(client, world, route, asking)
    assert wrong == []


async def asked_by_all(
    client: httpx.AsyncClient, world: World, route: Route, asking: list[tuple[str, Credential]]
) -> list[str]:
    """Those of the other site first: as nothing may come of what they ask, one good request will do for them all."""
    wrong = []
    good = sound_request(route, await world.sound(route.entry, asking[-1][1]))
    for site, credential in asking:
        changes = not reads(*route.entry) or "/requests/" in route.path
        if site == "east" and changes and credential.may(route.entry, ENTRIES[route.entry]):
            good = sound_request(route, await world.sound(route.entry, credential))
        headers = {**good.headers, **credential.headers}
        answer = await client.request(route.method, good.path, headers=headers, content=good.body)
        wrong += found(route, site, credential, answer)
    return wrong


def found(route: Route, site: str, credential: Credential, answer: httpx.Response) -> list[str]:
    told = f"{route.method} {route.path} answers {answer.status_code} to {credential.name}: {answer.content[:150]!r}"
    may = credential.may(route.entry, ENTRIES[route.entry]) and route.entry not in OF_ALL_SITES
    if site == "east" and route.entry in FOR_PEOPLE:
        return [] if answer.status_code == 403 else [told]  # those who ask here are tokens
    if site == "east":
        return [told] if may == (answer.status_code in (401, 403)) else []
    if answer.status_code >= 400:
        return []
    if not reads(*route.entry) or not may:
        return [told]
    return [told] if b"east" in answer.content and route.path != "/api/v1/openapi.json" else []
