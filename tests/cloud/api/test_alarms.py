"""Alarms by the API: states, deeds by dispatchers with rev, history, figures."""

import pytest

from cloud.registry.roles import Role
from tests.cloud.api.conftest import Api

ONE = "/api/v1/alarms/1"


@pytest.fixture
async def two(api: Api) -> Api:
    """Two alarms of two sites."""
    api.alarms.raise_alarm("device_lost", "east/m1", {"error": "timeout"})
    api.alarms.raise_alarm("gateway_offline", "west/b9", {})
    return api


async def test_a_dispatcher_acknowledges_with_a_rev_and_a_viewer_may_not(two: Api) -> None:
    async with two.client(token=await two.token(Role.VIEWER)) as viewer:
        assert (await viewer.post(f"{ONE}/acknowledge", json={})).status_code == 403
        assert (await viewer.get(ONE)).json()["alarm"]["state"] == "unacknowledged"
    async with two.client(token=await two.token(Role.DISPATCHER)) as client:
        done = (await client.post(f"{ONE}/acknowledge", json={"rev": 1, "text": "on the way"})).json()["alarm"]
        assert (done["state"], done["note"], done["rev"]) == ("acknowledged", "on the way", 2)
        assert done["acknowledged_by"] == "token test"
        late = await client.post(f"{ONE}/note", json={"rev": 1, "text": "x"})
        assert (late.status_code, late.headers["X-Current-Rev"]) == (409, "2")
        history = (await client.get(ONE)).json()["history"]
        assert [(deed["action"], deed["by"]) for deed in history] == [("acknowledged", "token test")]
        assert (await client.post("/api/v1/alarms/77/note", json={"text": "x"})).status_code == 404


async def test_shelving_needs_a_reason_and_an_end_and_can_be_undone(two: Api) -> None:
    ends = two.clock.now_ms() + 3_600_000
    async with two.client(token=await two.token(Role.DISPATCHER)) as client:
        assert (await client.post(f"{ONE}/shelve", json={"until": ends})).status_code == 422
        assert (await client.post(f"{ONE}/shelve", json={"reason": "x", "until": 5})).status_code == 409
        done = (await client.post(f"{ONE}/shelve", json={"reason": "being replaced", "until": ends})).json()["alarm"]
        assert (done["state"], done["shelved_until"]) == ("shelved", ends)
        (shelf,) = (await client.get("/api/v1/alarms/shelves")).json()["shelves"]
        assert (shelf["alarm"], shelf["reason"], shelf["mode"]) == ("1", "being replaced", "shelved")
        back = (await client.post(f"{ONE}/unshelve", json={})).json()["alarm"]
        assert back["state"] == "unacknowledged"
        out = (await client.post(f"{ONE}/out-of-service", json={"reason": "maintenance"})).json()["alarm"]
        assert (out["state"], out["shelved_until"]) == ("out_of_service", None)


async def test_alarms_are_filtered_and_those_that_ended_are_history(two: Api) -> None:
    two.alarms.clear_alarm("device_lost", "east/m1")
    async with two.client(token=await two.token()) as client:

        async def ids(query: str) -> list[str]:
            found = (await client.get(f"/api/v1/alarms{query}")).json()["alarms"]
            return [f"{alarm['id']} {alarm['state']}" for alarm in found]

        assert await ids("") == ["2 unacknowledged", "1 returned"]
        assert await ids("?state=returned") == ["1 returned"]
        assert await ids("?site=west") == ["2 unacknowledged"]
        assert await ids("?kind=device_lost&priority=2") == ["1 returned"]
        assert await ids("?priority=1") == []
        assert await ids("?ended=10") == ["2 unacknowledged", "1 returned"]
        assert await ids("/history") == ["2 unacknowledged", "1 returned"]
        assert await ids("/history?site=east") == ["1 returned"]
        page = (await client.get("/api/v1/alarms/history?limit=1")).json()
        assert page["next"] == 2
        assert await ids("/history?limit=1&before=2") == ["1 returned"]
        assert (await client.get("/api/v1/alarms?state=odd")).status_code == 422


async def test_figures_count_and_name_what_stands_for_long(two: Api) -> None:
    for number in range(12):
        two.alarms.raise_alarm("device_lost", f"east/x{number}", {"error": ""})
    async with two.client(token=await two.token()) as client:
        found = (await client.get("/api/v1/alarms/figures?site=east")).json()
        assert (found["total"], found["by_priority"]["2"]) == (13, 13)
        assert found["flood"]["alarms"] == 14
        assert found["flood"]["since"] is not None
        two.clock.step(86_400_001)
        later = (await client.get("/api/v1/alarms/figures")).json()
        assert later["now"]["standing_24h"] == 14
        assert later["flood"] == {"begun_10min": 0, "since": None, "alarms": 0}


async def test_the_past_shows_an_alarm_that_is_over_as_active(two: Api) -> None:
    from tests.cloud.api.console import make_console

    then = two.clock.now_ms()
    two.clock.step(60_000)
    two.alarms.clear_alarm("device_lost", "east/m1")
    console = await make_console(two)
    async with await console.client(Role.VIEWER) as client:
        found = (await client.get(f"/api/v1/past?site=east&at={then}")).json()["alarms"]
        assert [(alarm["active"], alarm["state"]) for alarm in found] == [(True, "unacknowledged")]
    await console.features.close()
