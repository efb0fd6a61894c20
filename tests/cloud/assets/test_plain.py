"""Assets that no feature shows are shown with what is known of them and how fresh their devices are."""

import pytest

from cloud.assets.book import AssetRoster
from cloud.assets.contract import AssetKey, Binding, Happened, Observed
from cloud.assets.plain import PlainAssets
from cloud.ingest.contract import Committed
from cloud.live.things import Things
from cloud.registry.asset_book import SiteChange
from cloud.registry.database import Database
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.assets.conftest import SITE, asset, put
from tests.cloud.live.conftest import World

READER = f"{SITE}/reader:r-1"


class Shown:
    def __init__(self, world: World, roster: AssetRoster) -> None:
        self.world, self.roster = world, roster
        self.plain = PlainAssets(roster, Things(world.live), world.live)
        roster.watch(self.plain.asset_changed)

    def view(self, name: str = READER):
        return self.world.shown(name)


@pytest.fixture
def shown(database: Database, clock: ManualClock, roster: AssetRoster) -> Shown:
    return Shown(World(database, clock), roster)


async def test_facts_are_shown_but_never_the_keys_of_cards(shown: Shown) -> None:
    await put(shown.roster, asset("driver", "d-1", cards=["secret"], phone="123"), asset("vehicle", "v-1", plate="x"))
    driver = shown.view(f"{SITE}/driver:d-1")
    assert driver.name == "D-1"
    assert driver.attributes["facts"] == {"phone": "123"}
    assert driver.stale_after_s is None
    assert shown.view(f"{SITE}/vehicle:v-1") is None


async def test_a_card_at_a_reader_says_whose_it_was(shown: Shown) -> None:
    reader = asset("reader", "r-1", ("reader", "gate"))
    await put(shown.roster, reader, asset("guard", "g-1", cards=["aa"]))
    binding = Binding("reader", "gate")
    for card, at in (("aa", 20), ("bb", 10)):
        await shown.plain.happened([Happened(reader, binding, Event("gate", "card_read", at, {"card_key": card}), 30)])
    view = shown.view()
    assert view.attributes["last"] == {"kind": "card_read", "at": 20, "who": "G-1"}
    assert (view.observed_at, view.received_at) == (20, 30)
    await shown.plain.happened([Happened(reader, binding, Event("gate", "card_read", 40, {"card_key": "bb"}), 41)])
    assert shown.view().attributes["last"] == {"kind": "card_read", "at": 40, "who": ""}


async def test_age_and_quality_are_those_of_the_newest_reading(shown: Shown) -> None:
    reader = asset("reader", "r-1", ("reader", "gate"))
    await put(shown.roster, reader)
    assert (shown.view().observed_at, shown.view().attributes["device_state"]) == (None, "waiting")
    binding = Binding("reader", "gate")
    await shown.plain.observed([Observed(reader, binding, 50, 51, {"battery_percent": 5.0}, "uncertain")])
    await shown.plain.observed([Observed(reader, binding, 40, 60, {"battery_percent": 6.0}, "good")])
    assert (shown.view().observed_at, shown.view().received_at, shown.view().quality) == (50, 51, "uncertain")


async def test_after_a_start_the_age_is_that_of_the_device(
    database: Database, clock: ManualClock, roster: AssetRoster
) -> None:
    world = World(database, clock)
    await world.live.committed(Committed([world.batch(("gate", "battery_percent", 5.0, 70))]))
    await put(roster, asset("reader", "r-1", ("reader", "gate")))
    again = Shown(world, roster)
    again.plain.open()
    assert again.view().observed_at == 70
    assert again.view().stale_after_s == 900.0


async def test_what_is_forgotten_is_not_shown(shown: Shown) -> None:
    await put(shown.roster, asset("reader", "r-1"))
    assert shown.view() is not None
    await shown.roster.change(SiteChange(SITE, removed=[AssetKey(SITE, "reader", "r-1")]))
    assert shown.view() is None
