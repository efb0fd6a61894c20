"""An instant as people write it on the command line: in the time zone of a site, or with its offset."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cloud.cli_desk import BadGateway, Desk
from cloud.registry.inventory import Inventory

FORM = '"2026-10-01 02:00" in the time zone of the site, or "2026-10-01T02:00+08:00"'


async def instant_asked(registry: Desk, option: str, text: str, site: str) -> int:
    """Milliseconds since 1970; 0 for "". ``site``: whose time zone is meant, "" for nobody's: then an offset is needed.

    Raises BadGateway for what is no instant, or that the clocks of the site leave out. One that they show twice is the
    first.
    """
    if not text:
        return 0
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadGateway(f"{option}: {text!r} is no instant; write {FORM}") from None
    if when.tzinfo is not None:
        return int(when.timestamp() * 1000)
    if not site:
        raise BadGateway(f"{option}: {text!r} is of no one site's clock; name --site, or write {FORM}")
    inventory = Inventory(registry.database, registry.settings.sites)
    await inventory.load()
    zone = ZoneInfo(inventory.time_zone(site))
    there = when.replace(tzinfo=zone)
    if there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != when:
        raise BadGateway(f"{option}: the clocks of {site} ({zone.key}) leave {text} out")
    return int(there.timestamp() * 1000)
