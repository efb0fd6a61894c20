"""What is kept of people, over HTTP: who may ask, in two steps, with a reason, and in the trail without the person."""

import io
import json
import zipfile

from cloud.registry.audit_book import Search
from cloud.registry.roles import Role
from protocols.reading import Event
from tests.cloud.api.conftest import START, Api

DAY_MS = 86_400_000
LI = {"person": ["user:li", "card:ck-li"], "reason": "asked for by letter"}


async def test_everything_on_a_person_is_given_out_and_deleted_in_two_steps(api: Api) -> None:
    import numpy as np

    await api.person("li")
    at = api.clock.now_ms() - DAY_MS
    api.put(np.array([at]), np.array([1.0]), [Event("r-1", "card_read", at, {"card_key": "ck-li"})])
    async with api.client(token=await api.token(Role.SECURITY_OFFICER)) as client:
        export = await client.post("/api/v1/privacy/exports", json=LI)
        assert (export.status_code, export.headers["content-type"]) == (200, "application/zip")
        with zipfile.ZipFile(io.BytesIO(export.content)) as file:
            assert json.loads(file.read("account.json"))[0]["name"] == "li"
            assert json.loads(file.read("access.json"))[0]["data"] == {"card_key": "ck-li"}
        plan = (await client.post("/api/v1/privacy/deletions", json=LI)).json()
        assert (plan["goes"]["account"], plan["goes"]["access"], plan["deleted"]) == (1, 1, False)
        assert await api.users.find("li") is not None
        wrong = await client.post("/api/v1/privacy/deletions", json={**LI, "confirm": "no"})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (409, "changed")
        done = await client.post("/api/v1/privacy/deletions", json={**LI, "confirm": plan["confirm"]})
        assert (done.status_code, done.json()["deleted"]) == (200, True)
        assert await api.users.find("li") is None
        assert (await client.post("/api/v1/privacy/deletions", json=LI)).json()["goes"]["access"] == 0
        nobody = await client.post("/api/v1/privacy/exports", json={**LI, "person": ["li"]})
        assert (nobody.status_code, nobody.json()["error"]["code"]) == (422, "bad_person")
        assert "user:..." in nobody.json()["error"]["message"]
    records = await api.trail.book.search(Search(action="privacy"), 20)
    assert records
    assert all("ck-li" not in each.facts and "asked for by letter" in each.facts for each in records)


async def test_only_administrators_hold_and_the_page_is_told_what_is_kept(api: Api) -> None:
    hold = {"class": "access", "reason": "case 7"}
    async with api.client(token=await api.token(Role.SECURITY_OFFICER)) as client:
        assert (await client.post("/api/v1/privacy/holds", json=hold)).status_code == 403
    async with api.client(token=await api.token(Role.DISPATCHER)) as client:
        assert (await client.get("/api/v1/privacy/retention")).status_code == 403
    async with api.client(token=await api.token(Role.SECURITY_OFFICER, "east")) as client:
        assert (await client.post("/api/v1/privacy/exports", json=LI)).status_code == 403
    async with api.client(token=await api.token(Role.ADMINISTRATOR)) as client:
        made = (await client.post("/api/v1/privacy/holds", json=hold)).json()["hold"]
        told = (await client.get("/api/v1/privacy/retention?due=true")).json()
        days = {each["class"]: each["days"] for each in told["classes"]}
        assert (days["access"], days["tracks"], days["visitors"], days["energy"]) == (90, 60, 90, None)
        assert told["holds"][0]["reason"] == "case 7"
        assert (await client.delete(f"/api/v1/privacy/holds/{made['id']}")).status_code == 204
        assert (await client.delete(f"/api/v1/privacy/holds/{made['id']}")).status_code == 404


async def test_rounds_are_told_in_the_metrics(api: Api) -> None:
    assert api.services.privacy is not None
    await api.services.privacy.book.note_run("access", START, 7, 12)
    async with api.client(token=await api.token()) as client:
        text = (await client.get("/metrics")).text
    assert 'dayuan_retention_deleted_total{class="access"} 7' in text
    assert "dayuan_retention_unclean_bytes 0" in text
    assert 'dayuan_retention_longest_slice_ms{class="access"} 12' in text


async def test_somebody_is_found_by_a_part_of_what_they_are_known_by(api: Api) -> None:
    await api.person("li")
    await api.person("wang")
    async with api.client(token=await api.token(Role.SECURITY_OFFICER)) as client:
        found = (await client.post("/api/v1/privacy/searches", json={"text": " LI "})).json()["people"]
        assert [each["words"] for each in found] == [["user:li"]]
        for wrong in ("", "  ", "x" * 200):
            assert (await client.post("/api/v1/privacy/searches", json={"text": wrong})).status_code == 422
        assert (await client.get("/api/v1/privacy/retention")).json()["next_round_at"] is None
    async with api.client(token=await api.token(Role.DISPATCHER)) as client:
        assert (await client.post("/api/v1/privacy/searches", json={"text": "li"})).status_code == 403
    (record,) = await api.trail.book.search(Search(action="privacy/searches"), 1)
    assert "li" not in record.facts
