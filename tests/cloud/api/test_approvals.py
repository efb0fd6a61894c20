"""Commands that need two people, over the API."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from sqlalchemy import text

from cloud.api.gate import COOKIE
from cloud.identity.approving import WAITS_MS
from cloud.registry.audit_book import Search
from cloud.registry.roles import Grant, Role
from cloud.registry.tables import UserRow
from cloud.registry.tables_identity import CommandRow
from cloud.registry.tables_people import GrantRow
from protocols.certificates import command_key
from protocols.commands import open_order
from tests.cloud.api.conftest import Api
from tests.cloud.api.test_identity import KEY, ORDER, enrolled

ASKED = {**ORDER, "lasts_s": 20, "reason": "delivery for the canteen"}


@asynccontextmanager
async def login(api: Api, name: str) -> AsyncIterator[httpx.AsyncClient]:
    user = await api.users.find(name)
    assert user is not None
    async with api.client() as client:
        client.headers["Origin"] = "http://collector"
        client.headers["Cookie"] = f"{COOKIE}={await api.sessions.begin(user, 'client')}"
        yield client


async def person(api: Api, name: str, *grants: Grant) -> None:
    """Somebody whose password is of no matter here: to hash one takes a while."""
    rows = [GrantRow(site=site, role=role.value) for role, site in grants]
    row = UserRow(name=name, password_hash="x", created_at=1, password_changed_at=1, grant_rows=rows)
    async with api.database.writing() as session:
        session.add(row)


async def people(api: Api) -> None:
    await enrolled(api)
    for name in ("fang", "wei"):
        await person(api, name, Grant(Role.DISPATCHER))
    await person(api, "lin", Grant(Role.VIEWER))


async def asked(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/v1/approvals", json=ASKED)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_command_for_two_is_signed_in_both_names_when_the_second_approves(api: Api) -> None:
    await people(api)
    async with login(api, "fang") as fang, login(api, "wei") as wei:
        number = await asked(fang)
        assert api.published == []
        (waiting,) = (await wei.get("/api/v1/approvals")).json()["approvals"]
        assert (waiting["id"], waiting["state"], waiting["mine"]) == (number, "waiting", False)
        await api.clock.advance(120)
        answer = await wei.post(f"/api/v1/approvals/{number}/approve")
        assert answer.status_code == 200, answer.text
        said = answer.json()
        (decided,) = (await fang.get("/api/v1/approvals")).json()["approvals"]
    assert (said["id"], said["by"], said["approved_by"], said["state"]) == (number, "fang", "wei", "sent")
    assert (decided["state"], decided["decided_by"], decided["mine"]) == ("approved", "wei", True)
    ((_, payload),) = api.published
    key = command_key(api.authority.commands, api.authority.certificate)
    order = open_order(payload, key, site="east", gateway="b3")
    ids = [user.id for name in ("fang", "wei") if (user := await api.users.find(name)) is not None]
    assert (order.id, list(order.issuers), order.people) == (number, ids, 2)
    assert order.issued_at == api.clock.now_ms()
    assert order.expires_at - order.issued_at == 20_000
    records = await api.trail.book.search(Search(action="/approvals"), 10)
    assert {(record.actor, "approve" in record.action) for record in records} == {("fang", False), ("wei", True)}
    assert all("delivery for the canteen" in record.facts for record in records)


async def test_nobody_approves_what_they_asked_for_and_a_token_is_nobody(api: Api) -> None:
    await people(api)
    async with login(api, "fang") as fang, api.client(token=await api.token(Role.ADMINISTRATOR)) as token:
        number = await asked(fang)
        address = f"/api/v1/approvals/{number}/approve"
        assert code(await fang.post(address)) == (403, "same_person")
        assert code(await token.post(address)) == (403, "person_needed")
        assert code(await token.post("/api/v1/approvals", json=ASKED)) == (403, "person_needed")
    assert api.published == []


async def test_who_may_not_command_may_neither_see_nor_decide(api: Api) -> None:
    await people(api)
    async with login(api, "fang") as fang, login(api, "lin") as lin:
        number = await asked(fang)
        assert (await lin.get("/api/v1/approvals")).status_code == 403
        for deed in ("approve", "reject"):
            assert (await lin.post(f"/api/v1/approvals/{number}/{deed}")).status_code == 403
        assert (await lin.post("/api/v1/approvals", json=ASKED)).status_code == 403
    assert api.published == []


async def test_a_dispatcher_of_another_site_may_neither_see_nor_decide(api: Api) -> None:
    await people(api)
    await person(api, "far", Grant(Role.DISPATCHER, "west"))
    async with login(api, "fang") as fang, login(api, "far") as far:
        number = await asked(fang)
        assert (await far.get("/api/v1/approvals")).json()["approvals"] == []
        assert (await far.post(f"/api/v1/approvals/{number}/approve")).status_code == 403
    assert api.published == []


async def test_it_is_decided_once_and_not_after_its_time(api: Api) -> None:
    await people(api)
    async with login(api, "fang") as fang, login(api, "wei") as wei:
        first, second, third = [await asked(fang) for _ in range(3)]
        assert (await wei.post(f"/api/v1/approvals/{first}/approve")).status_code == 200
        assert code(await wei.post(f"/api/v1/approvals/{first}/approve")) == (409, "decided")
        rejected = await wei.post(f"/api/v1/approvals/{second}/reject?reason=not%20today")
        assert (rejected.json()["state"], rejected.json()["opinion"]) == ("rejected", "not today")
        assert code(await wei.post(f"/api/v1/approvals/{second}/approve")) == (409, "decided")
        await api.clock.advance(WAITS_MS / 1000)
        assert code(await wei.post(f"/api/v1/approvals/{third}/approve")) == (409, "expired")
        states = [row["state"] for row in (await wei.get("/api/v1/approvals")).json()["approvals"]]
        assert sorted(states) == ["approved", "expired", "rejected"]
        assert code(await wei.post(f"/api/v1/approvals/{'0' * 32}/approve")) == (404, "unknown_approval")
    assert len(api.published) == 1


async def test_of_two_who_approve_at_once_one_does_and_it_is_sent_once(api: Api) -> None:
    await people(api)
    await person(api, "jun", Grant(Role.DISPATCHER))
    async with login(api, "fang") as fang, login(api, "wei") as wei, login(api, "jun") as jun:
        for sent in range(1, 6):
            address = f"/api/v1/approvals/{await asked(fang)}/approve"
            answers = await asyncio.gather(wei.post(address), jun.post(address))
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            assert len(api.published) == sent


async def no_keys(api: Api) -> Callable[[], Awaitable[None]]:
    """The keys cannot be read any more; what is returned mends that."""
    folder, away = api.authority.folder, api.authority.folder.with_name("away")
    folder.rename(away)
    folder.touch()
    api.authority._key = None

    async def mend() -> None:
        folder.unlink()
        away.rename(folder)

    return mend


async def no_room(api: Api) -> Callable[[], Awaitable[None]]:
    """Commands cannot be written any more; what is returned mends that."""

    async def rename(one: str, other: str) -> None:
        async with api.database.writing() as session:
            await session.execute(text(f"ALTER TABLE {one} RENAME TO {other}"))

    table = CommandRow.__tablename__
    await rename(table, "away")
    return lambda: rename("away", table)


@pytest.mark.parametrize("trouble", [no_keys, no_room])
async def test_what_cannot_be_signed_or_written_down_is_not_approved_and_waits_on(
    api: Api, trouble: Callable[[Api], Awaitable[Callable[[], Awaitable[None]]]]
) -> None:
    await people(api)
    async with login(api, "fang") as fang, login(api, "wei") as wei:
        number = await asked(fang)
        mend = await trouble(api)
        for _ in range(2):
            assert (await wei.post(f"/api/v1/approvals/{number}/approve")).status_code == 503
        (waiting,) = (await wei.get("/api/v1/approvals")).json()["approvals"]
        assert (waiting["state"], waiting["decided_by"], waiting["decided_at"]) == ("waiting", "", None)
        assert api.published == []
        await mend()
        answer = await wei.post(f"/api/v1/approvals/{number}/approve")
        assert (answer.status_code, answer.json()["approved_by"]) == (200, "wei")
    assert len(api.published) == 1


@pytest.mark.parametrize("lost", ["disabled", "role"])
async def test_who_lost_the_right_since_asking_stands_for_nothing(api: Api, lost: str) -> None:
    await people(api)
    async with login(api, "fang") as fang, login(api, "wei") as wei:
        number = await asked(fang)
        if lost == "disabled":
            await api.users.set_disabled("fang", disabled=True)
        else:
            await api.users.set_role("fang", Role.VIEWER)
        assert code(await wei.post(f"/api/v1/approvals/{number}/approve")) == (409, "asker_may_not")
    assert api.published == []


async def test_a_gateway_revoked_meanwhile_gets_nothing_and_the_queue_is_bounded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.identity.approving.WAITING_MAX", 3)
    await people(api)
    async with login(api, "fang") as fang, login(api, "wei") as wei:
        number = await asked(fang)
        for _ in range(2):
            await asked(fang)
        assert code(await fang.post("/api/v1/approvals", json=ASKED)) == (429, "too_many")
        await api.enrolling.revoke(KEY)
        assert code(await wei.post(f"/api/v1/approvals/{number}/approve")) == (409, "not_enrolled")
        assert code(await fang.post("/api/v1/approvals", json=ASKED)) == (409, "not_enrolled")
    assert api.published == []


@pytest.mark.parametrize("change", [{"reason": ""}, {"reason": "x" * 201}, {"lasts_s": 61}, {"more": 1}])
async def test_what_cannot_be_asked_for_is_refused(api: Api, change: dict[str, object]) -> None:
    await people(api)
    async with login(api, "fang") as fang:
        assert (await fang.post("/api/v1/approvals", json={**ASKED, **change})).status_code == 422
