"""Lists and the live stream for somebody of some sites: only what is of those."""

import json
import re

import httpx

from cloud.api.gate import OPEN
from cloud.api.rights import reads
from cloud.api.site_asked import OF_NO_SITE, is_filtered
from cloud.api.stream_of_sites import OnlyOf
from cloud.registry.roles import Grant, Role
from cloud.store.contract import GatewayKey
from tests.cloud.api.conftest import GOOD, Api
from tests.cloud.api.console import ConsoleApi, console

__all__ = ["console"]
SITES = ("east", "north", "west")


def event(name: str, told: object, cursor: str = "") -> bytes:
    head = f"id: {cursor}\n" if cursor else ""
    return f"{head}event: {name}\ndata: {json.dumps(told)}\n\n".encode()


def test_the_stream_is_told_without_other_sites_in_pieces_of_any_size() -> None:
    ids = [{"id": f"{site}/m1"} for site in SITES]
    whole = b"".join(
        [
            event("snapshot", {"cursor": "e.1", "entities": ids}, "e.1"),
            event("alarm", {"id": "1", "source": "west/b3"}, "e.2"),
            event("alarm", {"id": "2", "source": "north/b3"}, "e.3"),
            event("alarm", {"id": "3", "source": "collector"}, "e.4"),
            event("delta", {"cursor": "e.5", "changes": [*ids, {"id": "west/m2", "deleted": True}]}, "e.5"),
            event("hb", {"cursor": "e.5"}),
        ]
    )
    for size in (1, 7, 4096):
        only = OnlyOf(["east", "north"])
        told = b"".join(only.taken(whole[at : at + size]) for at in range(0, len(whole), size))
        assert b"west" not in told
        assert b"collector" not in told
        assert told.count(b"north/m1") == 2
        assert told.count(b"id: e.") == 3, "snapshot, one alarm, delta"
        assert told.endswith(b'data: {"cursor": "e.5"}\n\n')


async def test_lists_without_a_site_hold_only_ones_own(api: Api) -> None:
    for site in SITES:
        await api.inventory.seen(GatewayKey(site, "b3"), 1)
        api.live.note_fence(GatewayKey(site, "b3"))
        api.alarms.raise_alarm("gateway_offline", f"{site}/b3", {})
    await api.users.add("li", Role.VIEWER, grants=[Grant(Role.VIEWER, "east"), Grant(Role.DISPATCHER, "north")])
    user = await api.users.find("li")
    assert user is not None
    await api.users.change_password(user, GOOD)
    async with api.client() as client:
        await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        for path in ("sites", "state", "gateways", "devices", "alarms"):
            answer = await client.get(f"/api/v1/{path}")
            assert answer.status_code == 200, path
            assert "west" not in answer.text, path
            if path != "devices":
                assert "north" in answer.text, path
            if path != "sites":
                assert (await client.get(f"/api/v1/{path}?site=west")).status_code == 403, path
        refused = await client.get("/api/v1/events")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "name_a_site")
        assert (await client.get("/api/v1/events?site=east&site=west")).status_code == 403
        assert (await client.get("/api/v1/health")).status_code == 403
        of = {alarm.source: alarm.id for alarm in api.alarms.active()}
        deed = "/api/v1/alarms/{}/acknowledge"
        statuses = [(await client.post(deed.format(of[f"{site}/b3"]), json={})).status_code for site in SITES]
        assert statuses == [403, 200, 403], "looks at one site, dispatches at another, is nobody at the third"


async def test_a_site_in_a_query_opens_no_route_that_does_not_take_it_from_there(console: ConsoleApi) -> None:
    """Administrator of one site; every route of the app, with that site in the query."""
    api = console.api
    await api.users.add("boss", Role.ADMINISTRATOR)
    await api.users.add("li", Role.ADMINISTRATOR, grants=[Grant(Role.ADMINISTRATOR, "east")])
    user = await api.users.find("li")
    assert user is not None
    await api.users.change_password(user, GOOD)
    described = console.app.openapi()["paths"]
    tried = []
    transport = httpx.ASGITransport(console.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
        await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        for template, operations in described.items():
            path = re.sub(r"\{[^}]*\}", "x", template)
            for method, about in operations.items():
                names = {each["name"] for each in about.get("parameters", ()) if each["in"] in ("query", "path")}
                answers_in_part = reads(method.upper(), path) and is_filtered(path)
                if "site" in names or answers_in_part or OF_NO_SITE.fullmatch(path) or not path.startswith("/api/"):
                    continue
                if (method.upper(), path) in OPEN or "entity" in names:
                    continue
                answer = await client.request(method.upper(), f"{path}?site=east&entity=east/m1", json={})
                assert answer.status_code == 403, (method, path, answer.text[:200])
                tried.append(f"{method} {template}")
        assert {"post /api/v1/users", "get /api/v1/users", "get /api/v1/audit/verify"} <= set(tried)
        assert {"post /api/v1/privacy/exports", "post /api/v1/privacy/deletions"} <= set(tried)
        assert len(tried) > 60
        new = {"name": "evil", "grants": [{"role": "administrator", "site": ""}]}
        assert (await client.post("/api/v1/users?site=east", json=new)).status_code == 403
