"""Gateways that a site named and placed, beside what is known of them live."""

import pytest

from cloud.assets.book import AssetRoster
from cloud.assets.contract import AssetKey
from cloud.assets.gateways import PlacedGateways
from cloud.features_names import SourceNames
from cloud.live.things import Things
from cloud.registry.asset_book import SiteChange
from cloud.registry.database import Database
from protocols.clock import ManualClock
from tests.cloud.assets.conftest import SITE, asset, put
from tests.cloud.live.conftest import World


@pytest.fixture
def world(database: Database, clock: ManualClock, roster: AssetRoster) -> World:
    world = World(database, clock)
    placed = PlacedGateways(roster, world.live)
    roster.watch(placed.asset_changed)
    return world


async def test_a_gateway_says_where_it_stands_also_when_it_was_never_heard_of(
    world: World, roster: AssetRoster
) -> None:
    await put(roster, asset("gateway", "b3", latitude=30.1, longitude=120.2, building="b3"))
    shown = world.shown(f"{SITE}/@b3")
    assert shown.kind == "gateway"
    assert shown.attributes["placed"]["latitude"] == 30.1
    assert (shown.attributes["placed"]["name"], shown.attributes["placed"]["building"]) == ("B3", "b3")
    assert shown.observed_at is None


async def test_one_whose_id_on_the_wire_is_another_is_named_by_a_fact_and_forgotten_with_its_asset(
    world: World, roster: AssetRoster
) -> None:
    await put(roster, asset("gateway", "hall", gateway="gw-0017"))
    assert world.shown(f"{SITE}/@gw-0017").attributes["placed"]["asset"] == "hall"
    assert world.shown(f"{SITE}/@hall") is None
    await put(roster, asset("gateway", "hall", gateway="gw-0018"))
    assert world.shown(f"{SITE}/@gw-0017").attributes["placed"] is None
    await roster.change(SiteChange(SITE, removed=[AssetKey(SITE, "gateway", "hall")]))
    assert world.shown(f"{SITE}/@gw-0018").attributes["placed"] is None


async def test_what_alarms_are_of_is_called_what_people_call_it(world: World, roster: AssetRoster) -> None:
    names = SourceNames(world.inventory, world.live, roster)
    await world.born("m1", "b3")
    await put(roster, asset("door", "gate"))
    Things(world.live).show(f"{SITE}/visitor:7", "visitor", SITE, title="Zhou Min", attributes={})
    said = {
        ("calendar_missing", SITE): "东院",
        ("gateway_offline", f"{SITE}/b3"): "B3 plant room",
        ("device_lost", f"{SITE}/b3"): "B3",
        ("rule_high.volts", f"{SITE}/m1"): "M1",
        ("door_held", f"{SITE}/door:gate"): "GATE",
        ("visitor_overdue", f"{SITE}/visitor:7"): "Zhou Min",
        ("patrol_late", f"{SITE}/patrol:night-1"): "night-1",
        ("store_damaged", "collector"): "collector",
        ("gateway_offline", f"{SITE}/never-heard-of"): "never-heard-of",
    }
    assert {asked: names.name_of(*asked) for asked in said} == said
    await put(roster, asset("gateway", "b3"))
    assert names.name_of("gateway_offline", f"{SITE}/b3") == "B3"
