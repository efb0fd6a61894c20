"""Users, their roles by site, their logins and their second factor over HTTP."""

import asyncio
import base64
import json

import httpx
import pytest

from cloud.api.gate import COOKIE, Gate
from cloud.registry.audit_book import Search
from cloud.registry.roles import RIGHTS, Right, Role
from cloud.registry.second_factor import code_at
from cloud.registry.sessions import Sessions
from tests.cloud.api.conftest import GOOD, KEY, Api
from tests.waiting import until

VIEWER_EAST = {"role": "viewer", "site": "east"}


def code_of(secret: str, api: Api) -> str:
    return code_at(base64.b32decode(secret), api.clock.now_ms() // 30_000)


async def log_in(client: httpx.AsyncClient, name: str = "li", **more: str) -> httpx.Response:
    return await client.post("/api/v1/session", json={"name": name, "password": GOOD, **more})


async def test_a_user_is_made_with_a_password_for_once_and_roles_by_site(api: Api) -> None:
    async with api.client(token=await api.token(Role.ADMINISTRATOR)) as client:
        made = await client.post("/api/v1/users", json={"name": "Li", "grants": [VIEWER_EAST]})
        assert (made.status_code, made.json()["name"]) == (201, "li")
        assert (await client.post("/api/v1/users", json={"name": "li", "grants": [VIEWER_EAST]})).status_code == 409
        bad = [{"name": "a b", "grants": [VIEWER_EAST]}, {"name": "x", "grants": []}, {"name": "x", "role": "viewer"}]
        bad += [{"name": "x", "grants": [{"role": "king"}]}, {"name": "x", "grants": [{"role": "viewer", "site": "#"}]}]
        for body in bad:
            assert (await client.post("/api/v1/users", json=body)).status_code == 422, body
        (user,) = (await client.get("/api/v1/users")).json()["users"]
        assert (user["grants"], user["must_change_password"], user["sessions"]) == ([VIEWER_EAST], True, 0)
    async with api.client() as client:
        answer = await client.post("/api/v1/session", json={"name": "li", "password": made.json()["one_time_password"]})
        assert answer.json()["user"]["rights"] == {"ask": ["east"], "look": ["east"]}


async def test_a_change_of_roles_ends_logins_and_open_pages_within_seconds(api: Api) -> None:
    await api.person()
    watch = asyncio.create_task(api.gate.run(), name="gate")
    async with api.client() as page, api.client(token=await api.token(Role.ADMINISTRATOR)) as client:
        await log_in(page)
        principal = await api.gate.recognise(httpx.Headers({"cookie": f"{COOKIE}={page.cookies[COOKIE]}"}))  # type: ignore[arg-type]
        assert principal is not None
        with api.stream.join(None, credential=principal.credential, owner="li") as listening:
            for body in ({"grants": [VIEWER_EAST]}, {"disabled": True}):
                answer = await client.put("/api/v1/users/li", json=body)
                assert answer.status_code == 200
                await until(lambda: listening.closed)
                assert (await page.get("/api/v1/state")).status_code == 401
        assert (await log_in(page)).status_code == 401, "disabled"
    watch.cancel()


async def test_the_last_administrator_stays(api: Api) -> None:
    await api.person("boss", Role.ADMINISTRATOR)
    async with api.client(token=await api.token(Role.ADMINISTRATOR)) as client:
        for body in ({"disabled": True}, {"grants": [{"role": "administrator", "site": "east"}]}):
            assert (await client.put("/api/v1/users/boss", json=body)).status_code == 409
        assert (await client.put("/api/v1/users/nobody", json={"disabled": True})).status_code == 404


async def test_logins_are_listed_and_ended_by_their_owner_and_by_administrators(api: Api) -> None:
    await api.person()
    await api.person("wang")
    async with api.client() as one, api.client() as other, api.client() as stranger:
        for client, name in ((one, "li"), (other, "li"), (stranger, "wang")):
            await log_in(client, name)
        listed = (await one.get("/api/v1/sessions")).json()["sessions"]
        assert [each["this"] for each in listed].count(True) == 1
        assert len(listed) == 2
        assert other.cookies[COOKIE] not in json.dumps(listed)
        its = next(each["id"] for each in listed if not each["this"])
        assert (await stranger.delete(f"/api/v1/sessions/{its}")).status_code == 404, "another's login"
        assert (await one.delete(f"/api/v1/sessions/{its}")).status_code == 204
        assert (await other.get("/api/v1/session")).status_code == 401
        assert (await one.get("/api/v1/session")).status_code == 200
        async with api.client(token=await api.token(Role.ADMINISTRATOR)) as boss:
            assert len((await boss.get("/api/v1/users/li/sessions")).json()["sessions"]) == 1
            assert (await boss.delete("/api/v1/users/li/sessions")).status_code == 204
            assert (await boss.get("/api/v1/sessions")).json() == {"sessions": []}, "a token has none"
        assert (await one.get("/api/v1/session")).status_code == 401


async def test_logging_in_takes_a_code_once_there_is_a_second_factor(api: Api) -> None:
    await api.person()
    async with api.client() as client:
        await log_in(client)
        wrong = await client.post("/api/v1/second-factor", json={"password": "x"})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "wrong_password")
        shown = (await client.post("/api/v1/second-factor", json={"password": GOOD})).json()
        assert shown["secret"] in shown["address"]
        assert shown["qr"].startswith("<svg")
        body = {"code": code_of(shown["secret"], api)}
        codes = (await client.post("/api/v1/second-factor/confirm", json=body)).json()["recovery_codes"]
        assert len(codes) == 8
        again = await client.post("/api/v1/second-factor", json={"password": GOOD})
        assert (again.status_code, again.json()["error"]["code"]) == (409, "second_factor_there")
    async with api.client() as client:
        assert (await log_in(client)).json()["error"]["code"] == "code_needed"
        assert COOKIE not in client.cookies
        replayed = await log_in(client, code=body["code"])
        assert (replayed.status_code, replayed.json()["error"]["code"]) == (401, "wrong_code")
        api.clock.step(31_000)
        assert (await log_in(client, code=code_of(shown["secret"], api))).status_code == 200
        assert (await log_in(client, code=codes[0])).status_code == 200
        gone = await client.request("DELETE", "/api/v1/second-factor", json={"password": GOOD})
        assert gone.status_code == 204
        assert (await client.get("/api/v1/session")).status_code == 401, "this login ended too"
        assert (await log_in(client)).status_code == 200


async def test_guessing_codes_makes_one_wait(api: Api) -> None:
    await api.person()
    async with api.client() as client:
        await log_in(client)
        shown = (await client.post("/api/v1/second-factor", json={"password": GOOD})).json()
        await client.post("/api/v1/second-factor/confirm", json={"code": code_of(shown["secret"], api)})
    async with api.client() as client:
        found = [(await log_in(client, code=f"{number:06}")).status_code for number in range(12)]
        assert 429 in found


async def test_a_role_that_must_have_a_second_factor_can_do_nothing_else_before(api: Api) -> None:
    api.sessions = Sessions(
        api.database, api.clock, idle_s=3600, absolute_s=86_400, second_factor_for=[Role.ADMINISTRATOR]
    )
    gate = Gate(api.sessions, api.tokens, api.stream, api.clock)
    api.gate = gate
    app = api.build(sessions=api.sessions)
    await api.person("boss", Role.ADMINISTRATOR)
    await api.person("li", Role.VIEWER)
    async with api.client(app=app) as client:
        assert (await log_in(client, "boss")).json()["user"]["needs_second_factor"] is True
        refused = await client.get("/api/v1/state")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "needs_second_factor")
        shown = (await client.post("/api/v1/second-factor", json={"password": GOOD})).json()
        await client.post("/api/v1/second-factor/confirm", json={"code": code_of(shown["secret"], api)})
        assert (await client.get("/api/v1/state")).status_code == 200
    async with api.client(app=app) as client:
        assert (await log_in(client, "li")).json()["user"]["needs_second_factor"] is False
        assert (await client.get("/api/v1/state")).status_code == 200


async def test_an_administrator_takes_the_second_factor_of_a_lost_phone_away(api: Api) -> None:
    await api.person()
    async with api.client() as client, api.client(token=await api.token(Role.ADMINISTRATOR)) as boss:
        assert (await boss.delete("/api/v1/users/li/second-factor")).status_code == 409
        await log_in(client)
        shown = (await client.post("/api/v1/second-factor", json={"password": GOOD})).json()
        await client.post("/api/v1/second-factor/confirm", json={"code": code_of(shown["secret"], api)})
        assert (await boss.get("/api/v1/users")).json()["users"][0]["second_factor"] is True
        assert (await boss.delete("/api/v1/users/li/second-factor")).status_code == 204
        assert (await log_in(client)).status_code == 200


async def test_what_was_done_is_in_the_trail_by_whom_and_without_secrets(api: Api) -> None:
    await api.person("boss", Role.ADMINISTRATOR)
    api.live.note_fence(KEY)
    async with api.client() as client:
        await client.post("/api/v1/session", json={"name": "boss", "password": "wrong"})
        await client.post("/api/v1/session", json={"name": "my-secret-typed-here", "password": "wrong"})
        await log_in(client, "boss")
        made = await client.post("/api/v1/users?why=new+colleague", json={"name": "li", "grants": [VIEWER_EAST]})
        await client.put("/api/v1/users/li", json={"disabled": True})
        await client.post("/api/v1/gateways/east/b3/unfence")
        assert (await client.get("/api/v1/audit/verify")).json()["first_bad"] is not None, "no checkpoint yet"
        await api.trail.sign()
        assert (await client.get("/api/v1/audit/verify")).json()["first_bad"] is None
        told = (await client.get("/api/v1/audit?actor=boss")).json()["records"]
    async with api.client(token=await api.token(Role.VIEWER)) as viewer:
        assert (await viewer.put("/api/v1/users/li", json={"disabled": False})).status_code == 403
    records = list(reversed(await api.trail.book.search(Search(), 100)))
    assert [each.action for each in records if "audit" not in each.action] == [
        "login_failed",
        "login_failed",
        "login",
        "POST /api/v1/users",
        "PUT /api/v1/users/li",
        "POST /api/v1/gateways/east/b3/unfence",
        "PUT /api/v1/users/li",
    ]
    added, refused = records[3], records[-1]
    assert (added.actor, added.via, added.reason) == ("boss", "session", "new colleague")
    assert json.loads(added.facts)["roles"] == ["viewer@east"]
    assert json.loads(refused.facts) == {"refused": "not_allowed"}
    assert "my-secret" not in str(records)
    assert made.json()["one_time_password"] not in str(records)
    assert told[0]["number"] > told[-1]["number"]


async def test_a_security_officer_of_one_site_reads_the_trail_of_that_site(api: Api) -> None:
    async with api.client(token=await api.token(Role.ADMINISTRATOR)) as boss:
        api.live.note_fence(KEY)
        await boss.post("/api/v1/gateways/east/b3/unfence")
        await boss.post("/api/v1/users", json={"name": "li", "grants": [VIEWER_EAST]})
    async with api.client(token=await api.token(Role.SECURITY_OFFICER, "east")) as client:
        told = (await client.get("/api/v1/audit")).json()["records"]
        assert {each["site"] for each in told} == {"east"}
        assert (await client.get("/api/v1/audit?site=west")).status_code == 403


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_ask_and_only_administrators_may_all(role: Role) -> None:
    assert Right.ASK in RIGHTS[role]
    assert (RIGHTS[role] == frozenset(Right)) == (role is Role.ADMINISTRATOR)
