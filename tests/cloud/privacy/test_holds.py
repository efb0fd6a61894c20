"""What a legal hold names stays: by class, site, person and text, however it was typed, and whoever is deleted."""

import pytest

from cloud.privacy.contract import subject_of
from cloud.privacy.desk import Held
from cloud.privacy.holding import HELD
from protocols.clock import ManualClock
from tests.cloud.privacy.test_lent_cards import LENT, lent
from tests.cloud.privacy.test_privacy import DAY_MS, WHO, World, clock, settle, world

__all__ = ["clock", "lent", "world"]


async def gone(world: World, clock: ManualClock, *words: str) -> dict[str, int]:
    """Delete a person; what went, source by source."""
    subject = subject_of(list(words))
    plan = await world.desk.plan(subject)
    await settle(clock, world.desk.delete(subject, plan.confirm))
    return {name: count for name, count in plan.goes.items() if count}


@pytest.mark.parametrize(("kept", "site"), [("access", "east"), ("access", ""), ("", "east"), ("", "")])
async def test_a_hold_on_a_class_or_site_keeps_it_from_a_deletion(
    world: World, clock: ManualClock, kept: str, site: str
) -> None:
    await world.both(clock.now_ms() - DAY_MS)
    await world.book.hold(kept, site, "", "case 1", "boss")
    plan = await world.desk.plan(subject_of(WHO))
    assert plan.stays["access"] == {HELD: 2}
    assert ("visits" in await gone(world, clock, *WHO)) is bool(kept)
    assert len(await world.store.find_events(["ck-li"])) == 1
    assert len((await world.desk.find(subject_of(WHO)))["access"]) == 2


async def test_a_hold_on_another_site_or_class_holds_nothing_here(world: World, clock: ManualClock) -> None:
    await world.both(clock.now_ms() - DAY_MS)
    await world.book.hold("access", "west", "", "case 1", "boss")
    await world.book.hold("tracks", "", "", "case 2", "boss")
    went = await gone(world, clock, *WHO)
    assert (went["access"], "trips" in went) == (2, False)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("name: 李伟", ["name:李伟", "card:ck-li"]),
        ("user:Li", ["user:li", "card:ck-li"]),
        ("plate:浙a·12345", ["plate:浙A12345"]),
        ("name:李伟", ["phone:13912345678"]),
    ],
)
async def test_who_is_held_is_held_however_that_was_typed(
    world: World, clock: ManualClock, typed: str, words: list[str]
) -> None:
    await world.both(clock.now_ms() - DAY_MS)
    await world.book.hold("", "", typed, "case 2", "boss")
    with pytest.raises(Held, match="case 2"):
        await gone(world, clock, *words)
    assert sum((await world.desk.plan(subject_of(words))).goes.values()) == 0


async def test_what_names_somebody_who_is_held_stays_when_another_is_deleted(lent: World, clock: ManualClock) -> None:
    await lent.book.hold("", "", "name:王芳", "case 3", "boss")
    before = await lent.desk.find(subject_of(["name:王芳"]))
    went = await gone(lent, clock, "user:wang", f"card:{LENT}")
    assert sum(went.values()) == 0
    assert await lent.desk.find(subject_of(["name:王芳"])) == before
    assert (await gone(lent, clock, "name:李伟", "phone:13912345678"))["visits"] == 1
    assert await gone(lent, clock, "name:Zhang", "user:guard") == {}
    assert await lent.desk.find(subject_of(["name:王芳"])) == before
