"""Access by the API: who may write, who may read, what is explained, and opening from afar."""

from __future__ import annotations

import httpx
import pytest

from cloud.registry.roles import Role
from protocols.certificates import command_key
from protocols.commands import open_order
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_refused import words_for
from tests.proof.api_access import CARD, connected, fill_access
from tests.proof.api_identity import of_identity

__all__ = ["console"]

RECORDS = "/api/v1/access/east/records"


@pytest.fixture
async def east(console: ConsoleApi) -> ConsoleApi:
    """A gate that a gateway decides for, and Li with a card."""
    async with await console.client() as client:
        bindings = [{"role": "reader", "device": "gate-reader"}, {"role": "contact", "device": "gate-contact"}]
        body = {"name": "North gate", "facts": {"gate": True}, "bindings": bindings}
        assert (await client.put("/api/v1/assets/east/door/gate-north", json=body)).status_code == 200
    await of_identity(console.api, ("POST", "/api/v1/commands"))
    connected(console.api, console.features)
    await fill_access(console.features)
    return console


async def test_a_security_officer_gives_somebody_a_card(east: ConsoleApi) -> None:
    async with await east.client(Role.SECURITY_OFFICER) as client:
        made = await client.put(f"{RECORDS}/holder/wu", json={"name": "Wu", "unit": "Logistics"})
        assert (made.status_code, made.json()["rev"]) == (200, 1)
        card = await client.put(f"{RECORDS}/credential/{'b' * 32}", json={"holder": "wu"})
        assert card.status_code == 200
        rule = await client.put(f"{RECORDS}/permission/wu-in", json={"holder": "wu", "door": "gate-north"})
        assert rule.status_code == 200
        who = (await client.get("/api/v1/access/east/doors/gate-north/who")).json()["allowed"]
        assert [(each["name"], each["now"]) for each in who] == [("Li Na", True), ("Wu", True)]
        found = (await client.get(f"{RECORDS}/credential?search=wu")).json()
        assert [each["id"] for each in found["records"]] == ["b" * 32]


async def test_a_dispatcher_reads_and_a_viewer_sees_nothing(east: ConsoleApi) -> None:
    async with await east.client(Role.DISPATCHER) as dispatcher, await east.client(Role.VIEWER) as viewer:
        assert (await dispatcher.get("/api/v1/access/east/doors/gate-north/who")).status_code == 200
        assert (await dispatcher.put(f"{RECORDS}/holder/wu", json={"name": "Wu"})).status_code == 403
        for path in ("doors", "doors/gate-north/who", "records/holder", "decisions", "unknown-cards"):
            assert (await viewer.get(f"/api/v1/access/east/{path}")).status_code == 403, path
        refused = await viewer.post("/api/v1/doors/east/gate-north/unlock", json={"reason": "please"})
        assert refused.status_code == 403


async def test_a_record_is_changed_on_the_revision_that_was_seen(east: ConsoleApi) -> None:
    async with await east.client() as client:
        assert (await client.put(f"{RECORDS}/holder/li?rev=1", json={"name": "Li"})).json()["rev"] == 2
        old = await client.put(f"{RECORDS}/holder/li?rev=1", json={"name": "Liu"})
        assert (old.status_code, old.json()["error"]["hint"]) == (409, "rev=2")
        number = (await client.get(f"{RECORDS}/holder/li")).json()["number"]
        assert number == 11


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("holder/li", {"name": "Li", "number": 5}, "number: no field of a holder"),
        ("credential/04a1b2c3", {"holder": "li"}, "no card key"),
        ("permission/p", {"holder": "li", "door": "nowhere"}, "there is no door 'nowhere'"),
        ("holder/li", [], "no field"),
        ("schedule/s", {"name": "S", "parts": ["whenever"]}, "is no schedule"),
    ],
)
async def test_what_is_wrong_is_said_with_its_field(east: ConsoleApi, path: str, body: object, says: str) -> None:
    async with await east.client() as client:
        answer = await client.put(f"{RECORDS}/{path}", json=body)
        assert answer.status_code == 422
        assert says in answer.json()["error"]["message"]


async def test_a_refusal_is_explained(east: ConsoleApi) -> None:
    async with await east.client(Role.DISPATCHER) as client, await east.client() as admin:
        asked = {"door": "gate-north", "card": CARD}
        ruled = (await client.get("/api/v1/access/east/ruling", params=asked)).json()
        assert (ruled["reason"], ruled["name"], ruled["permissions"]) == ("granted", "Li Na", ["in"])
        await admin.put(f"{RECORDS}/credential/{CARD}", json={"holder": "li", "blocked": "lost"})
        ruled = (await client.get("/api/v1/access/east/ruling", params=asked)).json()
        assert (ruled["reason"], ruled["detail"]) == ("blocked", "lost")
        unknown = (await client.get("/api/v1/access/east/ruling", params=asked | {"card": "c" * 32})).json()
        assert unknown["reason"] == "unknown_card"


@pytest.mark.parametrize("bad", [{"blocked": "lost"}, {"disabled": True}])
async def test_a_lost_card_is_lent_to_nobody_and_a_pass_of_before_opens_nothing(
    east: ConsoleApi, bad: dict[str, object]
) -> None:
    now = east.clock.now_ms()
    wanted = {"site": "east", "name": "X", "host": "Y", "card_key": CARD, "from": now, "until": now + 86_400_000}
    record = f"credential/{CARD}" if "blocked" in bad else "holder/li"
    body = {"holder": "li", **bad} if "blocked" in bad else {"name": "Li Na", **bad}
    async with await east.client(Role.DISPATCHER) as client, await east.client() as admin:
        assert (await client.post("/api/v1/passes", json=wanted | {"gate": "gate-north"})).status_code == 201
        assert (await admin.put(f"{RECORDS}/{record}", json=body)).status_code == 200
        refused = await client.post("/api/v1/passes", json=wanted)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_card")
        assert words_for(refused.json()["error"])
        ruled = (await client.get(f"/api/v1/access/east/ruling?door=gate-north&card={CARD}")).json()
        assert ruled["reason"] == next(iter(bad))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"card_key": "0441A2B3C4"}, "bad_card"),
        ({"card_key": "b" * 32, "gate": "nowhere"}, "bad_gate"),
        ({"card_key": "b" * 32, "gate": "lab"}, "bad_gate"),
    ],
)
async def test_a_pass_with_a_card_that_is_none_or_for_a_door_that_is_no_gate_is_refused(
    east: ConsoleApi, body: dict[str, str], code: str
) -> None:
    now = east.clock.now_ms()
    wanted = {"site": "east", "name": "X", "host": "Y", "from": now, "until": now + 86_400_000}
    async with await east.client(Role.DISPATCHER) as client, await east.client() as admin:
        lab = {"name": "Laboratory", "facts": {}, "bindings": []}
        assert (await admin.put("/api/v1/assets/east/door/lab", json=lab)).status_code == 200
        refused = await client.post("/api/v1/passes", json=wanted | body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, code)
        assert words_for(refused.json()["error"])
        assert body["card_key"] not in refused.text


async def test_a_list_is_shown_as_wanted_until_the_gateway_says_that_it_holds_it(east: ConsoleApi) -> None:
    await east.features.access.publisher.tick()
    assert [topic for topic, _ in east.api.published] == ["dayuan/1/east/b3/grants"]
    async with await east.client(Role.DISPATCHER) as client:
        told = (await client.get("/api/v1/access/east/doors")).json()
    assert [(each["door"], each["gateway"], each["lock"]) for each in told["doors"]] == [
        ("gate-north", "b3", "fail-secure")
    ]
    (shown,) = told["lists"]
    assert (shown["cards"], shown["held"], shown["enrolled"]) == (1, None, True)
    assert shown["wanted"] == east.clock.now_ms()


async def unlock(client: httpx.AsyncClient, reason: str = "delivery at the gate") -> httpx.Response:
    return await client.post("/api/v1/doors/east/gate-north/unlock", json={"reason": reason})


async def test_a_dispatcher_opens_a_door_once_with_a_reason_that_is_written_down(east: ConsoleApi) -> None:
    async with await east.client(Role.DISPATCHER) as client:
        made = await unlock(client)
        assert (made.status_code, made.json()["state"]) == (202, "sent")
        topic, payload = east.api.published[-1]
        order = open_order(
            payload, command_key(east.api.authority.commands, east.api.authority.certificate), site="east", gateway="b3"
        )
        assert (topic, order.device, order.point, order.action, order.value) == (
            "dayuan/1/east/b3/cmd",
            "gate",
            "relay_1",
            "pulse",
            3.0,
        )
        again = await unlock(client)
        assert (again.status_code, again.json()["error"]["code"]) == (429, "too_often")
        listed = (await client.get("/api/v1/doors/east/unlocks")).json()["unlocks"]
        assert [(each["reason"], each["by"], each["state"]) for each in listed] == [
            ("delivery at the gate", "token test dispatcher", "sent")
        ]
    async with await east.client(Role.SECURITY_OFFICER) as officer:
        records = (await officer.get("/api/v1/audit?action=unlock")).json()["records"]
        assert [each["reason"] for each in records] == ["delivery at the gate"]
        assert '"door":"gate-north"' in records[0]["facts"]


async def test_unlocks_of_before_a_restart_are_listed(east: ConsoleApi) -> None:
    async with await east.client(Role.DISPATCHER) as client:
        assert (await unlock(client)).status_code == 202
        connected(east.api, east.features)
        listed = (await client.get("/api/v1/doors/east/unlocks?door=gate-north")).json()["unlocks"]
        assert [(each["reason"], each["by"]) for each in listed] == [("delivery at the gate", "token test dispatcher")]
        assert (await client.get("/api/v1/doors/east/unlocks?door=elsewhere")).json() == {"unlocks": []}


async def test_who_carries_a_card_is_told_by_its_tag_to_those_who_may_know(east: ConsoleApi) -> None:
    async with await east.client(Role.DISPATCHER) as dispatcher, await east.client(Role.VIEWER) as viewer:
        path = f"/api/v1/access/east/carriers?tags={CARD[:6]},999999"
        assert (await dispatcher.get(path)).json() == {"carriers": {CARD[:6]: "Li Na"}}
        assert (await viewer.get(path)).status_code == 403
        assert (await dispatcher.get("/api/v1/access/east/carriers?tags=Li")).status_code == 422
    async with await east.client() as client:
        twin = CARD[:6] + "f" * 26
        assert (await client.put(f"{RECORDS}/holder/wu", json={"name": "Wu"})).status_code == 200
        assert (await client.put(f"{RECORDS}/credential/{twin}", json={"holder": "wu"})).status_code == 200
        assert (await client.get(path)).json() == {"carriers": {}}, "it may be either of them"


@pytest.mark.parametrize("reason", ["", "  ", "x", "a\u0000bc"])
async def test_without_a_reason_nothing_is_opened(east: ConsoleApi, reason: str) -> None:
    async with await east.client(Role.DISPATCHER) as client:
        assert (await unlock(client, reason)).status_code == 422
    assert east.api.published == []


async def test_nobody_opens_ten_doors_in_a_minute_and_one_more(east: ConsoleApi) -> None:
    async with await east.client(Role.DISPATCHER) as client:
        for _ in range(10):
            assert (await unlock(client)).status_code == 202
            await east.clock.advance(4.0)
        assert (await unlock(client)).status_code == 429
        await east.clock.advance(60.0)
        assert (await unlock(client)).status_code == 202


async def test_a_file_of_people_is_checked_first(east: ConsoleApi) -> None:
    async with await east.client(Role.SECURITY_OFFICER) as client:
        path = "/api/v1/access/east/import?format=csv"
        bad = await client.post(path, content="id,name,card\nwu,Wu,04A1\n")
        assert (bad.status_code, bad.json()["errors"][0]["line"]) == (422, 2)
        dry = await client.post(f"{path}&dry_run=true", content="id,name\nwu,Wu\n")
        assert (dry.json()["names"], dry.json()["written"]) == (["holder:wu"], False)
        assert (await client.post(path, content="id,name\nwu,Wu\n")).json()["written"] is True
