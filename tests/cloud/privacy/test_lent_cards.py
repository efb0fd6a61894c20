"""One card is lent to many, one plate is written in many ways: of each goes what is theirs, and nothing of others."""

import json

import msgspec
import pytest
import sqlalchemy as sa

from cloud.access.contract import Credential, Holder
from cloud.privacy.contract import subject_of
from cloud.registry.people_search import PeopleSearch
from cloud.registry.tables_access import AccessRecordRow
from cloud.registry.tables_console import JournalRow
from cloud.registry.tables_places import PassRow
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.privacy.test_privacy import DAY_MS, World, clock, settle, world
from tests.cloud.store.works import work

__all__ = ["clock", "world"]

LENT = "a" * 32


@pytest.fixture
async def lent(world: World, clock: ManualClock) -> World:
    """The same card on two days, in two hands."""
    now = clock.now_ms()
    await world.live(now - 3 * DAY_MS, "李伟", "13912345678", LENT, "浙A12345", "li")
    await world.live(now - 1 * DAY_MS, "王芳", "13800000000", LENT, "浙B99999", "wang")
    return world


async def test_a_lent_card_is_no_word_of_who_carried_it_and_still_leads_to_them(lent: World) -> None:
    search = PeopleSearch(lent.database)
    for text, names in (("李伟", {"name:李伟"}), (LENT, {"name:李伟", "name:王芳"})):
        visits = [each for each in await search.find(text) if each.of == "visits"]
        assert {each.words[0] for each in visits} == names
        assert not [word for each in visits for word in each.words if word.startswith("card:")]


@pytest.mark.parametrize("words", [["name:李伟", f"card:{LENT}"], ["phone:13912345678"], ["plate:浙A12345"]])
async def test_of_a_lent_card_only_the_time_of_the_visit_is_the_visitors(lent: World, words: list[str]) -> None:
    found = await lent.desk.find(subject_of(words))
    assert [each.facts["name"] for each in found["visits"]] == ["李伟"]
    assert [each.facts["vehicle"] for each in found["trips"]] == ["car-li"]
    cards = [each for each in found["access"] if each.facts["kind"] == "card_read"]
    assert len(cards) == 1
    assert "王芳" not in str(found)
    assert "浙B99999" not in str(found)


async def test_deleting_one_visitor_leaves_the_next_one_of_the_card(lent: World, clock: ManualClock) -> None:
    subject = subject_of(["name:李伟", "phone:13912345678", f"card:{LENT}"])
    await settle(clock, lent.desk.delete(subject, (await lent.desk.plan(subject)).confirm))
    async with lent.database.reading() as session:
        left = [(row.name, row.card_key) for row in await session.scalars(sa.select(PassRow).order_by(PassRow.from_at))]
    assert left == [("", ""), ("王芳", LENT)]
    assert len(await lent.store.find_events([LENT])) == 1
    wang = await lent.desk.find(subject_of(["name:王芳"]))
    assert (len(wang["visits"]), len(wang["trips"])) == (1, 1)
    assert await lent.desk.find(subject_of([f"card:{LENT}"])) == {name: [] for name in wang}


async def test_a_holder_keeps_their_own_card_but_for_the_hours_somebody_had_it_by_a_pass(
    lent: World, clock: ManualClock
) -> None:
    now = clock.now_ms()
    holder = Holder(id="h-1", number=1, name="Zhao")
    records = [("holder", "h-1", holder), ("credential", LENT, Credential(id=LENT, holder="h-1"))]
    async with lent.database.writing() as session:
        for kind, name, record in records:
            text = msgspec.json.encode(record).decode()
            session.add(AccessRecordRow(site="east", kind=kind, id=name, record=text, changed_at=now))
    at = now - 60 * DAY_MS
    tap = Event("r-1", "card_read", at, {"card_key": LENT})
    lent.store.commit(work(90, [(0, at, 1.0)], [tap], received_at=now))
    zhao = await lent.desk.find(subject_of(["name:Zhao", f"card:{LENT}"]))
    assert [each.at for each in zhao["access"]] == [at]
    li = await lent.desk.find(subject_of(["name:李伟", f"card:{LENT}"]))
    assert [each.at for each in li["access"] if each.facts["kind"] == "card_read"] == [now - 3 * DAY_MS]


@pytest.mark.parametrize("asked", ["plate:浙A88888", "plate:浙a·88888"])
async def test_a_plate_is_the_same_however_it_is_written(world: World, clock: ManualClock, asked: str) -> None:
    at = clock.now_ms() - DAY_MS
    await world.live(at, "李伟", "13912345678", "ck-li", "浙A-88888", "li")
    plates = ["浙A·88888", "浙a 88888", "浙A888889", "浙B88888", "A88888", "沪A88888"]
    events = [Event("r-1", "plate_read", at + number, {"plate": plate}) for number, plate in enumerate(plates)]
    world.store.commit(work(91, [(0, at, 1.0)], events, received_at=at))
    async with world.database.writing() as session:
        for number, text in enumerate(("浙A·88888", "let 浙A 88888 in please", "let 浙A 888880 in please")):
            facts = json.dumps({"plate": text}, ensure_ascii=number == 0)
            session.add(JournalRow(site="east", entity="east/gate:1", kind="note", at=at, facts=facts))
    found = await world.desk.find(subject_of([asked]))
    assert len(found["visits"]) == 1
    assert [each.facts["data"] for each in found["access"] if each.facts["kind"] == "plate_read"] == [
        {"plate": "浙A-88888"}, {"plate": "浙A·88888"}, {"plate": "浙a 88888"},
    ]  # fmt: skip
    assert len(found["timeline"]) == 1
    assert [each.facts["facts"] for each in found["texts"]] == ["let 浙A 88888 in please"]
