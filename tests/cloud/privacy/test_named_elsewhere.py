"""People in rounds of guards, deeds, tokens, cards and free text: found, chosen, erased, and others are not."""

import json

import msgspec
import pytest
import sqlalchemy as sa

from cloud.access.contract import Credential, Holder
from cloud.patrol.runs import Point, Run
from cloud.privacy.contract import GONE, subject_of
from cloud.privacy.desk import Changed
from cloud.registry.people_columns import IN_BOOKS, deed_places, text_places, whole
from cloud.registry.people_places import IN_ACCESS
from cloud.registry.people_search import PeopleSearch
from cloud.registry.schema import METADATA
from cloud.registry.tables import AlarmRow, TokenRow
from cloud.registry.tables_access import AccessRecordRow
from cloud.registry.tables_alarm_rules import AlarmDeedRow, AlarmMarkRow
from cloud.registry.tables_assets import AssetRow
from cloud.registry.tables_console import JournalRow
from cloud.registry.tables_energy import EnergyDeedRow
from cloud.registry.tables_identity import ApprovalRow, CommandRow
from cloud.registry.tables_places import PatrolRunRow
from cloud.registry.tables_requests import RequestHistoryRow
from protocols.clock import ManualClock
from tests.cloud.privacy.test_privacy import DAY_MS, ON_FILES, WHO, World, clock, settle, world

__all__ = ["clock", "world"]

OTHERS = "王芳"


def person(user: str, name: str, card: str, at: int, number: int) -> list[object]:
    """What one person left behind."""
    run = Run(
        id=f"r{number}", site="east", route="night", name="Night", from_at=at, until_at=at + 1, guard=f"g-{user}",
        state="done",
        checkpoints=(Point(id="c1", name="Gate", from_at=at, until_at=at, at=at, state="done", guard=f"g-{user}"),),
    )  # fmt: skip
    holder = Holder(id=f"h-{user}", number=number, name=name)
    records = [("holder", holder.id, holder), ("credential", card, Credential(id=card, holder=holder.id))]
    deed = {"site": "east", "gateway": "g", "device": "d", "point": "p", "action": "pulse", "issued_at": at}
    asked = {"lasts_ms": 1, "asked_by": user, "asked_by_id": 1, "asked_at": at, "until": at + 1, "state": "rejected"}
    return [
        AssetRow(site="east", kind="guard", id=f"g-{user}", name=name, changed_at=at),
        PatrolRunRow(site="east", id=run.id, from_at=at, run=msgspec.json.encode(run).decode()),
        *(AccessRecordRow(site="east", kind=kind, id=id_, record=msgspec.json.encode(each).decode(), changed_at=at)
          for kind, id_, each in records),
        AlarmRow(id=number, kind="k", source="s", priority=2, since=at, ended_at=at + 1),
        AlarmMarkRow(alarm=number, count=1, waiting=False, acknowledged_at=at, acknowledged_by=user,
                     note=f"call {name} back", rev=1),
        AlarmDeedRow(id=number, alarm=number, at=at, by=user, action="note", text=f"{name} called the plumber"),
        CommandRow(id=f"c{number}", by=user, approved_by="boss", state="done", expires_at=at, **deed),
        ApprovalRow(id=f"a{number}", reason=f"because {name} asked", **asked,
                    **{key: value for key, value in deed.items() if key != "issued_at"}),
        TokenRow(id=f"t{number}", name=f"phone of {name}", secret_hash=f"x{number}", role="viewer", created_at=at),
        RequestHistoryRow(site="east", number="9", at=at, by="boss", action="note", reason=f"{name} is ill",
                          before="{}", after="{}"),
        JournalRow(site="east", entity="east/room:1", kind="note", at=at,
                   facts=json.dumps({"text": f"{name} left the window open"})),
        EnergyDeedRow(site="east", version=number, at=at, by=user, why=f"{name} said so", kind="close"),
    ]  # fmt: skip


@pytest.fixture
async def known(world: World, clock: ManualClock) -> World:
    at = clock.now_ms() - 2 * DAY_MS
    async with world.database.writing() as session:
        session.add_all([*person("li", "李伟", "ck-li", at, 1), *person("wang", OTHERS, "ck-wang", at, 2)])
    return world


async def test_each_is_found_and_nothing_of_another(known: World) -> None:
    found = await known.desk.find(subject_of(WHO))
    assert {name: len(found[name]) for name in ("patrols", "holders", "tokens")} == {
        "patrols": 1, "holders": 2, "tokens": 1,
    }  # fmt: skip
    assert {each.facts["table"] for each in found["deeds"]} >= {
        "alarm_marks", "alarm_deeds", "commands", "command_approvals",
    }  # fmt: skip
    assert {each.facts["table"] for each in found["texts"]} >= {
        "alarm_marks", "alarm_deeds", "command_approvals", "request_history", "journal",
    }  # fmt: skip
    assert {each.stays for each in found["holders"]} == {IN_ACCESS}
    said = str({name: found[name] for name in ("patrols", "holders", "tokens", "deeds", "texts")})
    assert "李伟" in said
    assert not any(word in said for word in (OTHERS, "wang", "secret", "'x1'"))
    assert not any("李伟" in each.id or "ck-li" in each.id for name in found for each in found[name])


async def test_deeds_go_and_what_is_asked_for_goes_only_when_it_is_chosen(known: World, clock: ManualClock) -> None:
    subject = subject_of(WHO)
    plan = await known.desk.plan(subject)
    asked = {each.found.id: each for each in plan.asks}
    assert {each.source for each in plan.asks} == {"texts", "tokens"}
    with pytest.raises(Changed):
        await known.desk.delete(subject, plan.confirm, ['["alarm_deeds","text",1,[2]]'])
    chosen = [each.found.id for each in plan.asks if each.found.facts.get("table") != "request_history"]
    await settle(clock, known.desk.delete(subject, plan.confirm, chosen))
    found = await known.desk.find(subject)
    assert {each.facts["table"] for each in found["texts"]} <= {"request_history", "energy_deeds"}
    assert found["tokens"] == found["patrols"] == []
    assert not [each for each in found["deeds"] if not each.stays]
    async with known.database.reading() as session:
        deeds = list(
            await session.scalars(sa.select(AlarmDeedRow).where(AlarmDeedRow.by != "").order_by(AlarmDeedRow.id))
        )
        assert [(each.by, each.text) for each in deeds] == [(GONE, GONE), ("wang", f"{OTHERS} called the plumber")]
        marks = list(await session.scalars(sa.select(AlarmMarkRow).order_by(AlarmMarkRow.alarm)))
        assert [each.acknowledged_by for each in marks] == [GONE, "wang"]
        runs = list(await session.scalars(sa.select(PatrolRunRow).order_by(PatrolRunRow.id)))
        assert ["g-li" in each.run for each in runs] == [False, False]
        assert ["g-wang" in each.run for each in runs] == [False, True]
        assert [each.id for each in await session.scalars(sa.select(TokenRow))] == ["t2"]
        assert [each.reason for each in await session.scalars(sa.select(ApprovalRow).order_by(ApprovalRow.id))] == [
            GONE, f"because {OTHERS} asked",
        ]  # fmt: skip
    assert asked


@ON_FILES
async def test_words_that_were_chosen_are_in_no_file_any_more(known: World, clock: ManualClock) -> None:
    subject = subject_of(WHO)
    plan = await known.desk.plan(subject)
    await settle(clock, known.desk.delete(subject, plan.confirm, [each.found.id for each in plan.asks]))
    await known.database.close()
    for words in ("called the plumber", "left the window open", "phone of 李伟", "because 李伟 asked"):
        forms = known.anywhere(words.replace("李伟", OTHERS) if "李伟" in words else words)
        assert forms == ["registry.sqlite"], "what is another's stays"
    for words in ("李伟 called the plumber", "李伟 left the window open", "phone of 李伟", "because 李伟 asked"):
        assert known.anywhere(words) == [], words


async def test_an_alarm_that_goes_on_keeps_who_answers_for_it(known: World, clock: ManualClock) -> None:
    async with known.database.writing() as session:
        await session.execute(sa.update(AlarmRow).where(AlarmRow.id == 1).values(ended_at=None))
    found = await known.desk.find(subject_of(WHO))
    of_alarms = [each for each in found["deeds"] if str(each.facts["table"]).startswith("alarm_")]
    assert len(of_alarms) == 2
    assert all(each.stays for each in of_alarms)


async def test_somebody_is_found_by_a_part_and_with_their_cards(known: World, clock: ManualClock) -> None:
    search = PeopleSearch(known.database)
    await known.both(clock.now_ms() - DAY_MS)
    found = {each.of: each for each in await search.find("李")}
    assert found["holders"].words == ("name:李伟", "card:ck-li")
    assert found["visits"].words == ("name:李伟", "phone:13912345678", "plate:浙A12345")
    assert found["bookings"].words == found["requests"].words == ("name:李伟", "phone:13912345678")
    assert {each.words for each in await search.find("ck-l")} == {found["holders"].words, found["visits"].words}
    assert await search.find("100%") == []
    assert not any(OTHERS in word for each in await search.find("139") for word in each.words)


def test_a_name_is_found_as_a_whole() -> None:
    pattern = whole(["Li", "李伟", "x", "A12"])
    assert pattern is not None
    assert all(pattern.search(text) for text in ("call li back", "请Li联系", "找李伟明", "(A12)"))
    assert not any(pattern.search(text) for text in ("Lima", "xx", "A123"))
    assert whole(["x"]) is None


def test_every_column_that_names_somebody_is_looked_at() -> None:
    """A new table is in by itself; without an instant another's row could be erased after a restore."""
    instants = ("at", "acknowledged_at", "changed_at", "issued_at", "asked_at", "made_at", "entered_at", "created_at")
    timeless = {place.table.name for place in deed_places() if not any(name in place.table.c for name in instants)}
    assert timeless == {"vehicle_service"}
    tables = {place.table.name for place in (*deed_places(), *text_places())}
    assert {"alarm_deeds", "alarm_marks", "commands", "command_approvals", "requests", "journal"} <= tables
    assert all(any(name.startswith(part) for name in METADATA.tables) for part in IN_BOOKS)
