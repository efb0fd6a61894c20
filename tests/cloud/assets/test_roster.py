"""Assets in RAM are what is on disk, and everybody is told when one changes."""

import pytest

from cloud.assets.book import AssetRoster, RevConflict
from cloud.assets.contract import Asset, AssetKey
from cloud.assets.facts import FACTS, check_facts
from cloud.registry.asset_book import AssetBook, SiteChange
from tests.cloud.assets.conftest import SITE, asset, put


async def test_what_was_put_is_there_after_a_restart(roster: AssetRoster, book: AssetBook) -> None:
    car = asset("vehicle", "car-01", ("position", "car-01"), ("reader", "cab-01"), plate="浙A·3M902", seats=4)
    await put(roster, car, asset("room", "r-307", capacity=12))
    again = AssetRoster(book)
    await again.open()
    assert again.find(car.key) == car
    assert [each.key.id for each in again.all()] == ["r-307", "car-01"]
    assert [each.key.id for each in again.all("vehicle", SITE)] == ["car-01"]
    assert again.bound(SITE, "cab-01") == ((car, car.bindings[1]),)
    assert again.rev(car.key) == 1


async def test_a_device_may_tell_about_two_assets_and_is_let_go_by_one(roster: AssetRoster) -> None:
    room, door = asset("room", "r1", ("presence", "d1"), capacity=4), asset("door", "r1-door", ("contact", "d1"))
    await put(roster, room, door)
    assert {each.key.kind for each, _ in roster.bound(SITE, "d1")} == {"room", "door"}
    await put(roster, asset("door", "r1-door"))
    assert [each.key.kind for each, _ in roster.bound(SITE, "d1")] == ["room"]
    await roster.change(SiteChange(SITE, removed=[room.key]))
    assert roster.bound(SITE, "d1") == ()


async def test_people_are_found_by_card_until_they_hand_it_in(roster: AssetRoster) -> None:
    await put(roster, asset("guard", "g1", cards=["aa", "bb"]), asset("vehicle", "c1", cards=["cc"], plate="x"))
    found = roster.by_card(SITE, "bb")
    assert found is not None
    assert found.key.id == "g1"
    assert roster.by_card(SITE, "cc") is None
    assert roster.by_card("west", "bb") is None
    await put(roster, asset("guard", "g1", cards=["aa"]), asset("driver", "d1", cards=["bb"]))
    moved = roster.by_card(SITE, "bb")
    assert moved is not None
    assert moved.key.kind == "driver"


async def test_a_card_that_moves_in_one_change_belongs_to_the_new_holder_whatever_the_order(
    roster: AssetRoster,
) -> None:
    await put(roster, asset("guard", "g1", cards=["aa"]))
    await put(roster, asset("guard", "g0", cards=["aa"]), asset("guard", "g1", cards=[]))
    found = roster.by_card(SITE, "aa")
    assert found is not None
    assert found.key.id == "g0"


async def test_watchers_are_told_after_everything_is_in_place(roster: AssetRoster) -> None:
    told: list[tuple[str, bool]] = []

    def watch(key: AssetKey, one: Asset | None) -> None:
        told.append((key.id, one is not None))
        assert (roster.find(key) is not None) == (one is not None)

    roster.watch(watch)
    await put(roster, asset("door", "d1"))
    await roster.change(SiteChange(SITE, removed=[AssetKey(SITE, "door", "d1"), AssetKey(SITE, "door", "nobody")]))
    assert told == [("d1", True), ("d1", False)]


async def test_who_writes_over_a_change_he_did_not_see_is_told(roster: AssetRoster) -> None:
    await put(roster, asset("door", "d1"))
    await put(roster, asset("door", "d1", gate=True))
    with pytest.raises(RevConflict) as conflict:
        roster.expect(AssetKey(SITE, "door", "d1"), 1)
    assert conflict.value.rev == 2
    roster.expect(AssetKey(SITE, "door", "d1"), 2)
    roster.expect(AssetKey(SITE, "door", "d1"), None)
    await put(roster, asset("door", "d1"))
    assert roster.rev(AssetKey(SITE, "door", "d1")) == 3


def test_all_faults_of_facts_are_named_at_once() -> None:
    faults = check_facts(
        "vehicle",
        {"seats": 0, "class": "tank", "plaet": "x", "latitude": 91, "shift": ["someday"], "x_tag": {"no": 1}},
    )
    found = {fault.fact: fault for fault in faults}
    assert set(found) == {"plate", "seats", "class", "plaet", "latitude", "longitude", "shift", "x_tag"}
    assert "did you mean 'plate'" in found["plaet"].message
    assert found["seats"].allowed == "a whole number from 1 to 100"
    assert "sedan" in found["class"].allowed


def test_sound_facts_of_every_kind_pass() -> None:
    sample = {"text": "a", "number": 5.5, "whole": 2, "flag": True, "texts": ["a"], "schedule": ["mon-fri 8:00-18:00"]}
    for kind, facts in FACTS.items():
        full = {name: fact.choices[0] if fact.choices else sample[fact.type] for name, fact in facts.items()}
        assert check_facts(kind, full) == [], kind


def test_numbers_that_are_none_are_refused() -> None:
    for wrong in (True, "4", 4.5, float("nan"), 10**400):
        assert [fault.fact for fault in check_facts("room", {"capacity": wrong})] == ["capacity"], wrong
