"""Nothing is open. The matrix is made from the app's own routes, so that a new route is in it by itself."""

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from cloud.api.gate import COOKIE
from cloud.registry.roles import Role
from tests.cloud.api.conftest import GOOD, Api
from tests.waiting import until

OPEN = {
    ("GET", "/healthz"),
    ("POST", "/api/v1/session"),
    ("GET", "/api/v1/enrolment"),
    ("POST", "/api/v1/enrolment"),
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/web/x"),
    ("HEAD", "/web/x"),
}
FOR_ADMINISTRATORS = {
    ("POST", "/api/v1/gateways/x/x/unfence"),
    ("GET", "/api/v1/quarantine"),
    ("GET", "/api/v1/approvals"),
    ("GET", "/api/v1/identities"),
    ("GET", "/api/v1/tokens"),
    ("GET", "/api/v1/users"),
    ("GET", "/api/v1/users/x/sessions"),
    ("GET", "/api/v1/audit"),
    ("GET", "/api/v1/audit/verify"),
    ("GET", "/api/v1/privacy/retention"),
    ("GET", "/api/v1/gateways/x/x/config"),
    ("GET", "/api/v1/gateways/x/x/config/x"),
    ("GET", "/api/v1/rollouts"),
    ("GET", "/api/v1/rollouts/x"),
    ("GET", "/api/v1/rollouts/x/difference"),
    ("GET", "/api/v1/access/x/carriers"),
}
OWN = ("/api/v1/session", "/api/v1/password", "/api/v1/sessions/x", "/api/v1/second-factor")


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of every route there is, with something in place of the parameters."""
    found = []
    pending = list(app.routes)
    while pending:
        route = pending.pop()
        if isinstance(route, APIRoute | Route):
            path = re.sub(r"\{[^}]*\}", "x", route.path)
            found += [(method, path) for method in sorted(route.methods or ())]
        else:
            inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
            assert inner, f"a route of a kind this test does not know: {route!r}"
            pending += inner
    assert len(found) > 15
    return found


async def test_without_login_every_route_but_the_open_ones_is_shut(api: Api) -> None:
    async with api.client() as client:
        for method, path in routes_of(api.app):
            answer = await client.request(method, path)
            if (method, path) in OPEN:
                assert answer.status_code != 401, (method, path)
            else:
                assert answer.status_code == 401, (method, path)
                assert method == "HEAD" or answer.json()["error"]["code"] == "not_logged_in"
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
            for path in (
                "/api/v1/nothing",
                "/docs",
                "/redoc",
                "/openapi.json",
                "/api/v1/openapi.json",
                "/web",
                "/healthz/",
            ):
                assert (await client.request(method, path)).status_code == 401, (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer dayuan_" + "x" * 43},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."},
        {"Cookie": f"{COOKIE}=x"},
        {"Cookie": f"{COOKIE}="},
        {"Cookie": COOKIE},
        {"Cookie": f"{COOKIE}=' OR 1=1 --"},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-User": "admin"},
    ],
)
async def test_a_made_up_credential_opens_nothing(api: Api, headers: dict[str, str]) -> None:
    async with api.client() as client:
        assert (await client.get("/api/v1/sites", headers=headers)).status_code == 401


async def test_a_viewer_may_read_but_change_nothing(api: Api) -> None:
    token = await api.token(Role.VIEWER)
    async with api.client(token=token) as client:
        for method, path in routes_of(api.app):
            if path == "/api/v1/stream" or (method, path) in OPEN or path.startswith(OWN):
                continue
            status = (await client.request(method, path)).status_code
            shut = method not in ("GET", "HEAD") or (method, path) in FOR_ADMINISTRATORS
            assert (status == 403) == shut, (method, path, status)
        assert (await client.post("/api/v1/whatever-comes-later")).status_code == 403


async def test_an_administrator_lifts_a_fence(api: Api) -> None:
    api.live.note_fence(next(iter(api.ingest.gateways())))
    async with api.client(token=await api.token(Role.ADMINISTRATOR)) as client:
        assert (await client.get("/api/v1/gateways/east/b3")).json()["fenced"] is True
        answer = await client.post("/api/v1/gateways/east/b3/unfence")
        assert answer.json() == {"lifted": 1}
        assert (await client.get("/api/v1/gateways/east/b3")).json()["fenced"] is False
        assert (await client.get("/api/v1/quarantine")).status_code == 200


async def test_before_the_one_time_password_is_changed_nothing_else_works(api: Api) -> None:
    one_time = await api.users.found_first()
    async with api.client() as client:
        answer = await client.post("/api/v1/session", json={"name": "admin", "password": one_time})
        user = answer.json()["user"]
        assert (user["name"], user["role"], user["must_change_password"]) == ("admin", "administrator", True)
        assert user["rights"]["administer"] is None, "at all sites"
        for path in ("/api/v1/state", "/api/v1/stream", "/metrics", "/api/v1/openapi.json"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "must_change_password")
        weak = await client.post("/api/v1/password", json={"old": one_time, "new": "password1234"})
        assert (weak.status_code, weak.json()["error"]["code"]) == (422, "weak_password")
        wrong = await client.post("/api/v1/password", json={"old": "x", "new": GOOD})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "wrong_password")
        before = client.cookies[COOKIE]
        assert (await client.post("/api/v1/password", json={"old": one_time, "new": GOOD})).status_code == 204
        assert client.cookies[COOKIE] != before, "a new session id"
        assert (await client.get("/api/v1/state")).status_code == 200
        old = httpx.Cookies({COOKIE: before})
        assert (await client.get("/api/v1/state", headers={"Cookie": f"{COOKIE}={old[COOKIE]}"})).status_code == 401


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(api: Api) -> None:
    await api.person()
    async with api.client() as client:
        answer = await client.post("/api/v1/session", json={"name": "LI", "password": GOOD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        assert "secure" not in cookie
    transport = httpx.ASGITransport(api.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://collector") as client:
        answer = await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        assert "secure" in answer.headers["set-cookie"].lower()
        assert "max-age" in answer.headers["strict-transport-security"]


async def test_logging_out_ends_the_session(api: Api) -> None:
    await api.person()
    async with api.client() as client:
        await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        kept = client.cookies[COOKIE]
        assert (await client.get("/api/v1/session")).json()["user"]["name"] == "li"
        assert (await client.delete("/api/v1/session")).status_code == 204
        assert (await client.get("/api/v1/session", headers={"Cookie": f"{COOKIE}={kept}"})).status_code == 401


async def test_a_session_id_brought_along_is_not_adopted(api: Api) -> None:
    await api.person()
    async with api.client() as client:
        client.cookies.set(COOKIE, "chosen-by-somebody-else")
        answer = await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        assert "chosen-by-somebody-else" not in answer.headers["set-cookie"]


async def test_a_disabled_user_is_out_within_seconds_though_the_gate_remembers(api: Api) -> None:
    await api.person("boss", Role.ADMINISTRATOR)
    await api.person()
    async with api.client() as client:
        await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        assert (await client.get("/api/v1/sites")).status_code == 200
        await api.users.set_disabled("li", disabled=True)
        await api.clock.advance(2.1)
        assert (await client.get("/api/v1/sites")).status_code == 401
        answer = await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "wrong_login")


async def test_open_streams_of_a_disabled_user_end(api: Api) -> None:
    await api.person("boss", Role.ADMINISTRATOR)
    await api.person()
    async with api.client() as client:
        await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        await client.get("/api/v1/sites")
    user = await api.users.find("li")
    assert user is not None
    from cloud.registry.sessions import fingerprint

    credential = f"session:{fingerprint(await api.sessions.begin(user, 'client'))}"
    token = f"token:{fingerprint(await api.token())}"
    with api.stream.join(None, credential=credential, owner="li") as open_one:
        with api.stream.join(None, credential=token, owner="token") as other:
            await api.gate.recheck()
            assert not open_one.closed
            await api.users.set_disabled("li", disabled=True)
            await api.gate.recheck()
            assert open_one.closed
            assert not other.closed


async def test_wrong_logins_look_alike_and_make_one_wait(api: Api) -> None:
    await api.person()
    async with api.client() as client:
        answers = []
        for name in ("li", "nobody"):
            answers.append(await client.post("/api/v1/session", json={"name": name, "password": "wrong"}))
        assert answers[0].content == answers[1].content
        for _ in range(6):
            last = await client.post("/api/v1/session", json={"name": "li", "password": "wrong"})
        assert last.status_code == 429
        wait_s = int(last.headers["retry-after"])
        assert wait_s >= 1
        right = await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        assert right.status_code == 429, "even the right password waits"
        await api.clock.advance(wait_s)
        right = await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        assert right.status_code == 200


async def test_guesses_sent_at_once_see_each_others_failures(api: Api) -> None:
    await api.person()
    async with api.client() as client:
        tries = [client.post("/api/v1/session", json={"name": "li", "password": f"wrong{n}"}) for n in range(25)]
        answers = await asyncio.gather(*tries)
    tried = [answer for answer in answers if answer.status_code == 401]
    assert len(tried) <= 6
    assert {answer.status_code for answer in answers} == {401, 429}


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://collector"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://collector.evil.example"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://collector"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
    ],
)
async def test_another_sites_page_cannot_act_in_our_name(api: Api, headers: dict[str, str], allowed: bool) -> None:
    await api.person()
    async with api.client() as client:
        login = await client.post("/api/v1/session", json={"name": "li", "password": GOOD}, headers=headers)
        assert login.status_code == (200 if allowed else 403)
        await client.post("/api/v1/session", json={"name": "li", "password": GOOD})
        assert (await client.delete("/api/v1/session", headers=headers)).status_code == (204 if allowed else 403)


async def test_extra_fields_in_a_login_are_refused(api: Api) -> None:
    async with api.client() as client:
        body = {"name": "li", "password": "x", "role": "administrator"}
        answer = await client.post("/api/v1/session", json=body)
        assert answer.status_code == 422
        assert "role" in answer.json()["error"]["message"]
        assert "Traceback" not in answer.text


async def test_a_host_name_that_is_not_ours_is_refused_when_ours_are_named(api: Api) -> None:
    app = api.build(hosts=("collector",))
    async with api.client(app=app) as client:
        assert (await client.get("/healthz")).status_code == 200
        for host in ("evil.example", "collector.evil.example", "collector:80@evil", "collector:x", "[::1]"):
            answer = await client.get("/healthz", headers={"Host": host})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_host")
        assert (await client.get("/healthz", headers={"Host": "collector:8080"})).status_code == 200


async def test_bodies_are_limited_announced_or_not(api: Api) -> None:
    async def endless():
        for _ in range(100):
            yield b"x" * 4096

    async with api.client() as client:
        assert (await client.post("/api/v1/session", content=b"x" * 70_000)).status_code == 413
        assert (await client.post("/api/v1/session", content=endless())).status_code == 413
        headers = {"Content-Length": "-5"}
        assert (await client.post("/api/v1/session", content=b"x", headers=headers)).status_code == 413


async def test_every_answer_has_the_security_headers(api: Api) -> None:
    async with api.client(token=await api.token()) as client:
        for method, path in routes_of(api.app):
            if path == "/api/v1/stream":
                continue
            answer = await client.request(method, path)
            assert "default-src 'none'" in answer.headers["content-security-policy"], path
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert "cache-control" in answer.headers
            assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_fault_inside_shows_nothing_of_the_inside(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail /etc/dayuan")

    api.alarms.active = broken  # type: ignore[method-assign,assignment]
    async with api.client(token=await api.token()) as client:
        answer = await client.get("/api/v1/alarms")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    number = answer.json()["error"]["hint"].split()[-1]
    assert number in caplog.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_secrets_do_not_reach_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    one_time = await api.users.found_first()
    assert one_time
    token = await api.token()
    async with api.client() as client:
        await client.post("/api/v1/session", json={"name": "admin", "password": one_time})
        await client.post("/api/v1/session", json={"name": "admin", "password": "wrong-" + one_time})
        await client.get(f"/api/v1/{one_time}", headers={"Authorization": f"Bearer {token}"})
        cookie = client.cookies[COOKIE]
    ours = [
        record
        for record in caplog.records
        if not record.name.startswith(("httpx", "httpcore", "aiosqlite", "sqlalchemy"))
    ]
    for secret in (one_time, token, cookie):
        assert not any(secret in record.getMessage() for record in ours)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"name":' * 6000,
        b"\xff\xfe",
        b"",
        b"null",
        b"[]",
        b'{"name": 1, "password": []}',
        b'{"name":"\\ud800","password":"x"}',
    ],
)
async def test_a_body_that_is_no_login_is_refused_without_harm(api: Api, body: bytes) -> None:
    async with api.client() as client:
        answer = await client.post("/api/v1/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 401, 422)
    assert answer.json()["error"]["code"]


async def test_one_token_cannot_ask_without_end_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.api.gate.ASKING_MAX", 3)
    waiting = asyncio.Event()

    async def slow(**_: object) -> None:
        await waiting.wait()

    api.store.quarantine = slow  # type: ignore[method-assign,assignment]
    async with (
        api.client(token=await api.token(Role.ADMINISTRATOR)) as client,
        api.client(token=await api.token()) as other,
    ):
        asked = [asyncio.create_task(client.get("/api/v1/quarantine"), name=f"ask {n}") for n in range(3)]
        await api.clock.advance(0.1)

        async def full() -> bool:
            return (await client.get("/api/v1/sites")).status_code == 429

        await until(full)
        assert (await other.get("/api/v1/sites")).status_code == 200
        waiting.set()
        await asyncio.gather(*asked)
        assert (await client.get("/api/v1/sites")).status_code == 200
