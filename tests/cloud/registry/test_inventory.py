"""What births leave behind."""

import asyncio

import msgspec
import pytest
from sqlalchemy import select

from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from cloud.registry.inventory_rows import DEVICES_AT_ONCE
from cloud.registry.tables import DeviceRow
from cloud.settings import NamedSite
from cloud.store.contract import GatewayKey, SeriesKey
from protocols.birth import Birth, DeviceBirth, PointBirth, RemoteBirth
from protocols.errors import StoreUnavailable

KEY = GatewayKey("east", "b3")
POWER = PointBirth("active_power_total", "W", "gauge", 30.0)


def birth(*devices: str, gateway: str = "b3", started_at: int = 1000, **other: object) -> Birth:
    made = [
        DeviceBirth(name, name.upper(), "meter", "eastron/sdm630", "rs485-1", 10.0, 30.0, [POWER]) for name in devices
    ]
    return Birth(
        site="east",
        gateway=gateway,
        name="B3",
        site_name=str(other.get("site_name", "东院")),
        time_zone=str(other.get("time_zone", "Asia/Shanghai")),
        software="0.1.0",
        config_hash="abc",
        session=3,
        started_at=started_at,
        devices=made,
    )


async def test_a_birth_is_known_after_a_restart(database: Database) -> None:
    inventory = Inventory(database)
    await inventory.born(KEY, birth("m1", "m2"), 5000)
    again = Inventory(database)
    await again.load()
    assert again.devices() == inventory.devices()
    assert [site.name for site in again.sites()] == ["东院"]
    assert again.stale_after_ms(SeriesKey("east", "m1", "active_power_total")) == 30_000
    gateway = again.gateway(KEY)
    assert gateway is not None
    assert (gateway.announced, gateway.session, gateway.software) == (True, 3, "0.1.0")
    assert dict(again.births())[KEY].devices == birth("m1", "m2").devices


async def test_a_device_that_is_no_longer_named_is_removed_and_may_come_back(database: Database) -> None:
    inventory = Inventory(database)
    await inventory.born(KEY, birth("m1", "m2"), 5000)
    change = await inventory.born(KEY, birth("m1"), 6000)
    assert [device.id for device in change.removed] == ["m2"]
    assert [device.id for device in inventory.devices()] == ["m1"]
    change = await inventory.born(KEY, birth("m1", "m2"), 7000)
    assert [device.id for device in change.devices] == ["m2"]


async def test_the_same_birth_again_changes_no_device(database: Database) -> None:
    inventory = Inventory(database)
    await inventory.born(KEY, birth("m1"), 5000)
    written = database.path.with_name(database.path.name + "-wal").stat().st_size
    change = await inventory.born(KEY, birth("m1"), 6000)
    assert change.devices == change.removed == ()
    assert database.path.with_name(database.path.name + "-wal").stat().st_size == written, "nor the disk"


async def test_a_device_moves_to_the_gateway_that_started_last_whatever_order_births_come_in(
    database: Database,
) -> None:
    other = GatewayKey("east", "b4")
    for order in ([KEY, other], [other, KEY]):
        inventory = Inventory(database)
        for key in order:
            started_at = 2000 if key == other else 1000
            await inventory.born(key, birth("m1", gateway=key.gateway, started_at=started_at), 5000)
        device = inventory.device("east", "m1")
        assert device is not None
        assert device.gateway == "b4"


async def test_settings_win_over_what_a_gateway_says_of_its_site(database: Database) -> None:
    inventory = Inventory(database, [NamedSite("east", None, "Europe/Berlin"), NamedSite("west", "West", None)])
    await inventory.born(KEY, birth("m1"), 5000)
    assert inventory.site("east").time_zone == "Europe/Berlin"
    assert inventory.site("east").name == "东院"


async def test_a_zone_that_does_not_exist_is_not_taken(database: Database) -> None:
    inventory = Inventory(database)
    await inventory.born(KEY, birth("m1", time_zone="Mars/Olympus"), 5000)
    assert inventory.time_zone("east") == "Asia/Shanghai"


async def test_a_point_nobody_announced_is_read_from_the_vocabulary(database: Database) -> None:
    point = Inventory(database).point(SeriesKey("east", "x", "active_power_total"))
    assert (point.unit, point.kind, point.stale_after_s) == ("W", "gauge", 900.0)


async def test_what_may_be_ordered_of_a_device_is_known_after_a_restart_and_goes_with_the_next_birth(
    database: Database,
) -> None:
    relay = RemoteBirth(point="relay_1", actions=["pulse"], least=1.0, most=5.0, second_person=True, rate=3, rate_s=600)
    told = birth("m1")
    told.devices[0] = msgspec.structs.replace(told.devices[0], remote=[relay])
    inventory = Inventory(database)
    await inventory.born(KEY, told, 5000)
    again = Inventory(database)
    await again.load()
    assert again.devices()[0].remote == (relay,)
    assert dict(again.births())[KEY].devices == told.devices
    change = await again.born(KEY, birth("m1"), 6000)
    assert [device.remote for device in change.devices] == [()]


async def test_who_stores_batches_does_not_wait_for_what_the_registry_writes(database: Database) -> None:
    """Births of a thousand new gateways take minutes of a slow disk; acks must not stand behind them."""
    inventory = Inventory(database)
    async with database.writing():
        waiting = asyncio.create_task(inventory.born(KEY, birth("m1"), 5000))
        await asyncio.sleep(0)
        noted = [inventory.note(GatewayKey("east", f"g{number}"), 6000) for number in range(3)]
        assert not waiting.done()
    await waiting
    assert [gateway.id for gateway in noted] == ["g0", "g1", "g2"]
    assert inventory.note(KEY, 7000).announced
    again = Inventory(database)
    await again.load()
    assert [gateway.id for gateway in again.gateways()] == ["b3"], "not on disk yet"
    await inventory.keep_noted()
    await again.load()
    assert sorted(gateway.id for gateway in again.gateways()) == ["b3", "g0", "g1", "g2"]
    assert [(g.first_seen_at, g.announced) for g in again.gateways() if g.id == "g1"] == [(6000, False)]


async def test_one_that_was_noted_and_then_announced_stays_announced(database: Database) -> None:
    inventory = Inventory(database)
    inventory.note(KEY, 4000)
    await inventory.born(KEY, birth("m1"), 5000)
    await inventory.keep_noted()
    again = Inventory(database)
    await again.load()
    (gateway,) = again.gateways()
    assert (gateway.announced, gateway.first_seen_at) == (True, 4000)


async def test_what_cannot_be_written_now_is_written_later(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = Inventory(database)
    inventory.note(KEY, 4000)

    def full() -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(database, "writing", full)
        await inventory.keep_noted()
    await inventory.keep_noted()
    again = Inventory(database)
    await again.load()
    assert [each.key for each in again.gateways()] == [KEY]


async def test_many_devices_at_once_are_all_there_with_when_they_were_seen_first(database: Database) -> None:
    inventory = Inventory(database)
    names = [f"m{number:04d}" for number in range(DEVICES_AT_ONCE + 3)]
    await inventory.born(KEY, birth(*names), 5000)
    await inventory.born(KEY, birth(*names[1:], "new", site_name="东院"), 6000)
    again = Inventory(database)
    await again.load()
    assert again.devices() == inventory.devices()
    async with database.reading() as session:
        rows = {row.id: row for row in await session.scalars(select(DeviceRow))}
    assert {rows[name].first_seen_at for name in names} == {5000}
    assert (rows["new"].first_seen_at, rows[names[0]].removed_at) == (6000, 6000)
