"""Assets over a registry on disk, fed by hand."""

import pytest

from cloud.assets.book import AssetRoster
from cloud.assets.contract import Asset, AssetKey, Binding
from cloud.registry.asset_book import AssetBook, SiteChange
from cloud.registry.database import Database
from protocols.clock import ManualClock

SITE = "east"


def asset(kind: str, name: str, *bound: tuple[str, str], **facts: object) -> Asset:
    """An asset of the site, with (role, device) bound to it."""
    bindings = tuple(Binding(role, device) for role, device in bound)
    return Asset(key=AssetKey(SITE, kind, name), name=name.upper(), facts=facts, bindings=bindings)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def book(database: Database, clock: ManualClock) -> AssetBook:
    return AssetBook(database, clock)


@pytest.fixture
async def roster(book: AssetBook) -> AssetRoster:
    roster = AssetRoster(book)
    await roster.open()
    return roster


async def put(roster: AssetRoster, *assets: Asset) -> None:
    await roster.change(SiteChange(SITE, put=assets))
