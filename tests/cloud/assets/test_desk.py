"""Two processes change assets: the collector, and the command line beside it."""

from cloud.assets.book import AssetRoster
from cloud.assets.calendar import SiteCalendar
from cloud.assets.desk import AssetDesk
from cloud.assets.maps import SiteMaps
from cloud.registry.asset_book import AssetBook, SiteChange
from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from protocols.clock import ManualClock
from tests.cloud.assets.conftest import SITE, asset


async def opened(database: Database, clock: ManualClock) -> AssetDesk:
    book = AssetBook(database, clock)
    desk = AssetDesk(book, AssetRoster(book), SiteCalendar(Inventory(database)), SiteMaps(), clock)
    await desk.open()
    return desk


async def test_what_another_process_wrote_just_before_an_own_change_is_taken_over(
    database: Database, clock: ManualClock
) -> None:
    here, beside = await opened(database, clock), await opened(database, clock)
    await beside.apply(SiteChange(SITE, put=[asset("room", "r1", capacity=4)], units=["Office"]))
    await here.apply(SiteChange(SITE, put=[asset("room", "r2", capacity=6)]))
    assert await here.reload()
    assert [each.key.id for each in here.roster.all()] == ["r1", "r2"]
    assert here.units(SITE) == ("Office",)
    assert not await here.reload()
