"""Site files over the API: what runs, what is wanted, what became of it; nothing is wanted that the reader refuses."""

from __future__ import annotations

import json

import numpy as np

from cloud.ingest.contract import Committed, CommittedBatch
from cloud.registry.audit_book import Search
from cloud.registry.roles import Role
from protocols.certificates import command_key
from protocols.reading import Event, Scalar
from protocols.site_config import open_offer, sha256_of
from tests.cloud.api.conftest import Api
from tests.proof.api_identity import KEY, enrol_gateway
from tests.proof.api_site_files import SITE_FILE, tell_site_file

PATH = "/api/v1/gateways/east/b3/config"
MORE = SITE_FILE + "# more\n"


def answer_of(kind: str, **data: Scalar) -> Committed:
    nothing = np.empty(0)
    batch = CommittedBatch(
        site=KEY.site,
        gateway=KEY.gateway,
        epoch="e",
        seq=1,
        received_at=1,
        stored_at=7,
        series=nothing,
        at=nothing,
        value=nothing,
        quality=nothing,
        events=[Event("gateway", kind, 5, data)],
        refused=0,
        wire_bytes=0,
    )
    return Committed([batch])


async def prepared(api: Api) -> None:
    await enrol_gateway(api)
    await tell_site_file(api)


async def test_a_file_is_wanted_sent_retained_and_followed(api: Api) -> None:
    await prepared(api)
    desk = api.services.configuring
    async with api.client(token=await api.token(Role.INSTALLER)) as client:
        before = (await client.get(PATH)).json()
        assert before["now"]["sha256"] == sha256_of(SITE_FILE.encode())
        assert [(row["revision"], row["state"], row["by"]) for row in before["revisions"]] == [(1, "found", "the box")]
        answer = await client.post(PATH, content=MORE, params={"reason": "a new meter", "after": 1})
        assert answer.status_code == 202, answer.text
        assert (answer.json()["revision"], answer.json()["state"]) == (2, "waiting")

        desk._take(await desk.book.wanted(0))
        await desk._send()
        ((topic, payload),) = api.published
        assert topic == "dayuan/1/east/b3/config"
        key = command_key(api.authority.commands, api.authority.certificate)
        offer, text = open_offer(payload, key, site="east", gateway="b3")
        assert (offer.revision, offer.bases, text.decode()) == (2, (sha256_of(SITE_FILE.encode()),), MORE)

        for odd in ({}, {"revision": "2"}, {"revision": -1}):
            await desk.committed(answer_of("config_applied", **odd))  # type: ignore[arg-type]
        await desk.committed(answer_of("config_applied", revision=2, sha256="x"))
        await tell_site_file(api, MORE, 2)
        after = (await client.get(PATH)).json()
        assert (after["wanted"], after["now"]["revision"]) == (2, 2)
        assert [row["state"] for row in after["revisions"]] == ["applied", "found"]
        one = (await client.get(f"{PATH}/2")).json()
        assert one["text"] == MORE
        assert "+# more" in one["diff"]

        back = await client.post(PATH, params={"reason": "not good", "revert_to": 1})
        assert back.json()["revision"] == 3
        assert back.json()["sha256"] == sha256_of(SITE_FILE.encode())
    records = await api.trail.book.search(Search(action="/config"), 10)
    assert {record.reason for record in records} == {"a new meter", "not good"}
    assert {json.loads(record.facts)["revision"] for record in records} == {2, 3}


async def test_what_the_reader_refuses_is_not_wanted(api: Api) -> None:
    await prepared(api)
    async with api.client(token=await api.token(Role.INSTALLER)) as client:
        bad = MORE.replace('kind = "modbus-tcp"', 'kind = "modbus"')
        found = (await client.post(f"{PATH}/dry-run", content=bad)).json()
        assert (found["ok"], found["by"], found["key"], found["line"]) == (False, "collector", "bus[0].kind", 11)
        assert "modbus-tcp" in found["allowed"]
        assert "-kind = " in found["diff"]
        refused = await client.post(PATH, content=bad, params={"reason": "x"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_site_file")
        widened = MORE.replace("enabled = true", "enabled = true\nmay_allow_commands = true")
        refused = await client.post(PATH, content=widened, params={"reason": "x"})
        assert "cannot be changed from afar" in refused.text
        assert (await client.get(PATH)).json()["wanted"] is None


async def test_refusals_say_what_would_be_right(api: Api) -> None:
    async with api.client(token=await api.token(Role.INSTALLER)) as client:
        codes = []
        for step in (enrol_gateway, tell_site_file, None, None):
            answer = await client.post(PATH, content=MORE, params={"reason": "x", "after": 1})
            codes.append((answer.status_code, answer.json().get("error", {}).get("code")))
            if step is not None:
                await step(api)
        same = await client.post(PATH, content=SITE_FILE, params={"reason": "x"})
        assert codes == [(409, "not_enrolled"), (409, "not_told"), (202, None), (409, "changed")]
        assert same.status_code == 202, "what runs now is wanted again, as something else was wanted meanwhile"
        assert (await client.post(PATH, content=MORE)).status_code == 422
        assert (await client.get(f"{PATH}/99")).json()["error"]["code"] == "unknown_revision"
        assert (await client.post(PATH, content=b"\xff", params={"reason": "x"})).status_code == 422


async def test_only_installers_and_administrators_see_site_files(api: Api) -> None:
    await prepared(api)
    for role, status in ((Role.VIEWER, 403), (Role.DISPATCHER, 403), (Role.INSTALLER, 200), (Role.ADMINISTRATOR, 200)):
        async with api.client(token=await api.token(role)) as client:
            assert (await client.get(PATH)).status_code == status, role


async def test_a_gateway_that_has_not_answered_is_sent_its_file_again_when_it_is_born(api: Api) -> None:
    await prepared(api)
    desk = api.services.configuring
    await desk.want(KEY, MORE, by="test", why="x")
    desk._take(await desk.book.wanted(0))
    await desk._send()
    await tell_site_file(api)
    await desk._send()
    assert len(api.published) == 2
    await desk.book.answer(KEY, 2, state="refused", detail="", setting="", line=0, at=7)
    await tell_site_file(api)
    await desk._send()
    assert len(api.published) == 2


async def test_a_file_found_on_the_box_is_a_revision_of_its_own(api: Api) -> None:
    await prepared(api)
    await tell_site_file(api, SITE_FILE + "# by hand\n")
    await tell_site_file(api, SITE_FILE + "# by hand\n")
    rows = await api.services.configuring.book.revisions(KEY, 10)
    assert [(row.revision, row.origin) for row in rows] == [(2, "box"), (1, "box")]
    made = await api.services.configuring.want(KEY, MORE, by="test", why="x")
    assert made.bases == rows[0].sha256, "a file from before the hand edit is no base"
