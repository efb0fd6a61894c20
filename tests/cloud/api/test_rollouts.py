"""Roll-outs over the API: planned, looked at, begun and ended by who may install there, and by nobody else."""

from __future__ import annotations

from cloud.registry.audit_book import Search
from cloud.registry.roles import Role
from tests.cloud.api.conftest import Api
from tests.proof.api_identity import KEY, enrol_gateway
from tests.proof.api_site_files import SITE_FILE, tell_site_file

PATH = "/api/v1/rollouts"
CHANGE = {"changes": ['set buffer.flush_every = "5 s"']}


async def prepared(api: Api) -> None:
    await enrol_gateway(api)
    await tell_site_file(api)


async def test_a_rollout_is_planned_looked_at_begun_and_ended(api: Api) -> None:
    await prepared(api)
    desk = api.services.configuring
    async with api.client(token=await api.token(Role.INSTALLER)) as client:
        made = await client.post(PATH, json=CHANGE, params={"reason": "calmer", "site": "east"})
        assert made.status_code == 201, made.text
        number = made.json()["id"]
        assert (made.json()["state"], made.json()["many"], api.published) == ("draft", 1, [])
        early = await client.post(f"{PATH}/{number}/start")
        assert (early.status_code, early.json()["error"]["code"]) == (409, "not_checked")
        assert await desk.rollouts.check(number)
        diff = await client.get(f"{PATH}/{number}/difference", params={"of_site": "east", "gateway": "b3"})
        assert '+flush_every = "5 s"' in diff.json()["diff"]
        begun = await client.post(f"{PATH}/{number}/start")
        assert begun.json()["state"] == "running", begun.text
        (row,) = await desk.rollouts.book.unfinished()
        await desk._runner.step(row)
        shown = (await client.get(f"{PATH}/{number}")).json()
        assert shown["counts"] == {"waiting": 1}
        assert shown["gateways"][0]["revision"] == 2
        revision = (await client.get("/api/v1/gateways/east/b3/config")).json()["revisions"][0]
        assert (revision["why"], revision["state"]) == ("calmer", "waiting")
        assert (await client.post(f"{PATH}/{number}/pause")).json()["halted"] == "person"
        assert (await client.post(f"{PATH}/{number}/continue")).json()["state"] == "running"
        ended = await client.post(f"{PATH}/{number}/abort", params={"back": True})
        assert ended.json()["state"] == "returned"
        assert (await client.post(f"{PATH}/{number}/pause")).json()["error"]["code"] == "not_now"
        assert [one["id"] for one in (await client.get(PATH)).json()["rollouts"]] == [number]
    records = await api.trail.book.search(Search(action="roll"), 20)
    assert {record.action.rpartition("/")[2] for record in records} >= {"start", "pause", "continue", "abort"}
    of_its_own = [record for record in records if record.via == "system"]
    assert any(f'"rollout":{number}' in record.facts for record in of_its_own)


async def test_who_installs_at_one_site_sees_and_changes_only_that(api: Api) -> None:
    await prepared(api)
    everywhere = await api.token(Role.INSTALLER)
    async with api.client(token=everywhere) as client:
        of_all = (await client.post(PATH, json=CHANGE, params={"reason": "x"})).json()["id"]
    async with api.client(token=await api.token(Role.INSTALLER, "west")) as client:
        for path in (f"{PATH}/{of_all}", f"{PATH}/{of_all}?site=west"):
            assert (await client.get(path)).status_code == 403
        assert (await client.post(f"{PATH}/{of_all}/abort?site=west")).status_code == 403
        assert (await client.get(PATH)).json()["rollouts"] == []
        assert (await client.post(PATH, json=CHANGE, params={"reason": "x"})).status_code == 403
        files = {"files": {"east/b3": SITE_FILE + "# more\n"}}
        other = await client.post(PATH, json=files, params={"reason": "x", "site": "west"})
        assert (other.status_code, other.json()["error"]["code"]) == (422, "unknown_gateway")
    async with api.client(token=everywhere) as client:
        await client.post(f"{PATH}/{of_all}/abort")
    async with api.client(token=await api.token(Role.INSTALLER, "east")) as client:
        own = await client.post(PATH, json=CHANGE, params={"reason": "x", "site": "east"})
        assert own.status_code == 201, own.text
        assert (await client.get(f"{PATH}/{own.json()['id']}")).status_code == 200
        assert len((await client.get(PATH)).json()["rollouts"]) == 1
        assert (await client.post(f"{PATH}/{own.json()['id']}/abort")).status_code == 200
    async with api.client(token=await api.token(Role.VIEWER)) as client:
        assert (await client.get(PATH)).status_code == 403


async def test_refusals_say_what_would_be_right(api: Api) -> None:
    await prepared(api)
    async with api.client(token=await api.token(Role.INSTALLER)) as client:
        for body, code, said in (
            ({"changes": ["flush = 1"]}, "bad_patch", "write set buffer"),
            ({}, "bad_patch", "one of the two"),
            ({**CHANGE, "stages": ["some"]}, "bad_stages", "write east/b3"),
            ({**CHANGE, "soak": 1}, "bad_body", "unknown field"),
            ({**CHANGE, "gateways": [f"{KEY.site}/b9"]}, "unknown_gateway", "east/*"),
        ):
            answer = await client.post(PATH, json=body, params={"reason": "x"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, code), answer.text
            assert said in answer.text
        assert (await client.get(f"{PATH}/99")).json()["error"]["code"] == "unknown_rollout"
        assert (await client.post(f"{PATH}/99/start")).status_code == 404
