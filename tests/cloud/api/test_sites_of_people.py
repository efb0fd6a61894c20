"""Lists and the live stream for somebody of some sites: only what is of those."""

import json

from cloud.api.stream_of_sites import OnlyOf
from cloud.registry.roles import Grant, Role
from cloud.store.contract import GatewayKey
from tests.cloud.api.conftest import GOOD, Api

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
