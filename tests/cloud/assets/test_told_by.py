"""A thing names the gateways its news come through."""

import pytest

from cloud.assets.book import AssetRoster
from cloud.assets.told_by import ToldBy
from cloud.live.things import Things
from cloud.registry.database import Database
from protocols.clock import ManualClock
from tests.cloud.assets.conftest import SITE, asset, put
from tests.cloud.live.conftest import World


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> World:
    world = World(database, clock)
    await world.born("north-contact", "north-reader")
    return world


async def test_they_are_those_of_its_devices_once_and_none_for_what_is_not_known(
    world: World, roster: AssetRoster
) -> None:
    north = asset("door", "north", ("contact", "north-contact"), ("reader", "north-reader"), ("strike", "unheard-of"))
    await put(roster, north, asset("door", "south", ("contact", "unheard-of")))
    told_by = ToldBy(roster, world.live)
    gateway = world.live.find(f"{SITE}/north-contact").gateway
    assert gateway
    assert told_by.gateways(f"{SITE}/door:north") == [gateway]
    for nobody in (f"{SITE}/door:south", f"{SITE}/door:gone", f"{SITE}/request:1", SITE):
        assert told_by.gateways(nobody) == []


async def test_a_thing_is_shown_with_them_and_without_as_soon_as_no_device_is_bound(
    world: World, roster: AssetRoster
) -> None:
    things = Things(world.live)
    things.told_by = ToldBy(roster, world.live).gateways
    door, room = f"{SITE}/door:north", f"{SITE}/room:301"
    await put(roster, asset("door", "north", ("contact", "north-contact")), asset("room", "301"))
    for name, kind in ((door, "door"), (room, "room")):
        things.show(name, kind, SITE, title="x", attributes={"state": "open"})
    assert world.shown(door).attributes["gateways"] == [world.live.find(f"{SITE}/north-contact").gateway]
    assert "gateways" not in world.shown(room).attributes
    await put(roster, asset("door", "north"))
    things.show(door, "door", SITE, title="x", attributes={"state": "open"})
    assert world.shown(door).attributes["gateways"] == []
