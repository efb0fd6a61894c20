"""Enrolment and commands over the API."""

import json

import msgspec
import pytest

from cloud.ingest.contract import Committed, CommittedBatch
from cloud.registry.audit_book import Search
from cloud.registry.roles import Role
from cloud.store.contract import GatewayKey
from protocols.certificates import command_key, make_request, new_key
from protocols.commands import open_order
from protocols.enrolment import ask, new_code, read_code
from protocols.errors import WireLost
from protocols.reading import Event
from tests.cloud.api.conftest import Api

KEY = GatewayKey("east", "b3")
ORDER = {"site": "east", "gateway": "b3", "device": "gate", "point": "relay_1", "action": "pulse", "value": 3.0}


async def enrolled(api: Api, key: GatewayKey = KEY) -> dict[str, object]:
    code = read_code((await api.enrolling.invite(key)).code)
    asked = ask(code, *key, make_request(new_key(), f"{key.site}/{key.gateway}").decode())
    async with api.client() as client:
        answer = await client.post("/api/v1/enrolment", json=msgspec.to_builtins(asked))
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


def answer_of(number: object, result: str, key: GatewayKey = KEY) -> Committed:
    import numpy as np

    nothing = np.empty(0)
    data = {"id": number, "command": "relay_1 pulse 3", "result": result, "ok": None, "detail": "so it was"}
    event = Event("gate", "command_result", 5, data)  # type: ignore[arg-type]
    batch = CommittedBatch(
        site=key.site,
        gateway=key.gateway,
        epoch="e",
        seq=1,
        received_at=1,
        stored_at=7,
        series=nothing.astype("i4"),
        at=nothing.astype("i8"),
        value=nothing,
        quality=nothing.astype("u1"),
        events=[event],
        refused=0,
        wire_bytes=0,
    )
    return Committed([batch])


async def test_a_box_needs_no_account_to_enrol_and_its_code_works_once(api: Api) -> None:
    code = read_code((await api.enrolling.invite(KEY)).code)
    async with api.client() as client:
        greeting = (await client.get("/api/v1/enrolment")).json()
        assert greeting["ca"].startswith("-----BEGIN CERTIFICATE-----")
        statuses = []
        for _ in range(2):
            asked = ask(code, *KEY, make_request(new_key(), "east/b3").decode())
            answer = await client.post("/api/v1/enrolment", json=msgspec.to_builtins(asked))
            statuses.append((answer.status_code, answer.json().get("error", {}).get("code")))
    assert statuses == [(201, None), (409, "code_used")]


async def test_a_question_of_a_stranger_makes_no_keys(api: Api) -> None:
    asked = ask(new_code(bytes(32)), *KEY, make_request(new_key(), "east/b3").decode())
    async with api.client() as client:
        assert (await client.get("/api/v1/enrolment")).status_code == 404
        assert (await client.post("/api/v1/enrolment", json=msgspec.to_builtins(asked))).status_code == 403
    assert not api.authority.folder.exists()


async def test_a_command_is_signed_sent_once_and_on_record_with_who_gave_it(api: Api) -> None:
    given = await enrolled(api)
    assert str(given["commands"]).startswith("-----BEGIN CERTIFICATE-----")
    async with api.client(token=await api.token(Role.DISPATCHER)) as client:
        answer = await client.post("/api/v1/commands", json={**ORDER, "lasts_s": 20})
        assert answer.status_code == 202, answer.text
        ((topic, payload),) = api.published
        assert topic == "dayuan/1/east/b3/cmd"
        key = command_key(api.authority.commands, api.authority.certificate)
        order = open_order(payload, key, site="east", gateway="b3")
        assert (order.id, order.value, order.expires_at - order.issued_at) == (answer.json()["id"], 3.0, 20_000)
        listed = (await client.get("/api/v1/commands")).json()["commands"]
    assert [(row["id"], row["state"], row["by"]) for row in listed] == [(order.id, "sent", "token test")]
    (record,) = await api.trail.book.search(Search(action="/commands"), 10)
    assert (record.actor, record.action, record.site) == ("token test", "POST /api/v1/commands", "east")
    told = {"command": order.id, "to": "east/b3/gate/relay_1", "action": ORDER["action"], "value": 3.0}
    assert json.loads(record.facts) == told


async def test_the_first_answer_of_the_right_gateway_stands(api: Api) -> None:
    await enrolled(api)
    commanding = api.services.commanding
    async with api.client(token=await api.token(Role.DISPATCHER)) as client:
        number = (await client.post("/api/v1/commands", json=ORDER)).json()["id"]
        await commanding.committed(answer_of(number, "done", GatewayKey("east", "b4")))
        await commanding.committed(answer_of(["odd"], "done"))
        await commanding.committed(answer_of(number, "odd"))
        assert (await client.get(f"/api/v1/commands/{number}")).json()["state"] == "sent"
        await commanding.committed(answer_of(number, "unknown"))
        await commanding.committed(answer_of(number, "done"))
        said = (await client.get(f"/api/v1/commands/{number}")).json()
    assert (said["state"], said["detail"], said["answered_at"]) == ("unknown", "so it was", 7)


async def test_a_command_nobody_answers_is_shown_as_such_and_not_sent_again(api: Api) -> None:
    await enrolled(api)
    async with api.client(token=await api.token(Role.DISPATCHER)) as client:
        number = (await client.post("/api/v1/commands", json=ORDER)).json()["id"]
        await api.clock.advance(200)
        assert (await client.get(f"/api/v1/commands/{number}")).json()["state"] == "no_answer"
    assert len(api.published) == 1


async def test_a_command_the_broker_did_not_confirm_is_unknown_until_the_gateway_says(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(topic: str, payload: bytes) -> None:
        raise WireLost("gone")

    await enrolled(api)
    monkeypatch.setattr(api.services.commanding, "_publish", lost)
    async with api.client(token=await api.token(Role.DISPATCHER)) as client:
        said = (await client.post("/api/v1/commands", json=ORDER)).json()
        assert (said["state"], said["answered_at"]) == ("unknown", None)
        await api.services.commanding.committed(answer_of(said["id"], "done"))
        assert (await client.get(f"/api/v1/commands/{said['id']}")).json()["state"] == "done"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"gateway": "b9"}, 409, "not_enrolled"),
        ({"action": "on"}, 422, "bad_command"),
        ({"lasts_s": 61}, 422, "bad_request"),
        ({"gateway": "b3/#"}, 422, "bad_request"),
        ({"action": "reboot"}, 422, "bad_request"),
        ({"more": 1}, 422, "bad_request"),
    ],
)
async def test_a_command_that_cannot_be_is_refused(api: Api, change: dict[str, object], status: int, code: str) -> None:
    await enrolled(api)
    async with api.client(token=await api.token(Role.DISPATCHER)) as client:
        answer = await client.post("/api/v1/commands", json={**ORDER, **change})
    assert (answer.status_code, json.loads(answer.text)["error"]["code"]) == (status, code)
    assert api.published == []


async def test_a_revoked_gateway_gets_no_command_and_a_viewer_gives_none(api: Api) -> None:
    await enrolled(api)
    async with api.client(token=await api.token(Role.VIEWER)) as client:
        assert (await client.post("/api/v1/commands", json=ORDER)).status_code == 403
    await api.enrolling.revoke(KEY)
    async with api.client(token=await api.token(Role.DISPATCHER)) as client:
        assert (await client.post("/api/v1/commands", json=ORDER)).status_code == 409
    assert api.published == []
