"""Settings and fences of each site, made ready; read anew when they changed."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from cloud.assets.contract import Asset, Calendar, Fence, Orders, Roster, SiteMap
from cloud.fleet.rules import DISPATCHED_MS, Yard
from cloud.fleet.settings import FleetSettings
from cloud.fleet.shapes import Shapes
from cloud.registry.trip_book import StoredSettings, TripBook

DEFAULT = FleetSettings()


class Around(NamedTuple):
    """What the fleet stands on beside its own parts. zone: the IANA name of a site's zone."""

    roster: Roster
    map: SiteMap
    calendar: Calendar
    orders: Orders
    zone: Callable[[str], str]


class RevChanged(Exception):
    """Somebody else changed the settings in between; ``rev`` is theirs."""

    def __init__(self, rev: int) -> None:
        self.rev = rev
        super().__init__(f"the settings were changed meanwhile (now rev {rev})")


class Yards:
    """What rules know of each vehicle's site."""

    def __init__(self, around: Around, book: TripBook) -> None:
        self.around = around
        self._book = book
        self._settings: dict[str, tuple[FleetSettings, int]] = {}
        self._shapes: dict[str, tuple[Sequence[Fence], Shapes]] = {}

    async def open(self) -> None:
        """Read what sites changed."""
        for site, kept in (await self._book.settings()).items():
            self._settings[site] = (_settings_of(kept), kept.rev)

    def settings(self, site: str) -> tuple[FleetSettings, int]:
        """The settings of a site and how often they were changed."""
        return self._settings.get(site, (DEFAULT, 0))

    async def put_settings(self, site: str, settings: FleetSettings, rev: int | None) -> int:
        """Change them; ``rev`` is what the change was made from (None: whatever there is). Raises RevChanged."""
        known = self.settings(site)[1]
        if rev not in (None, known):
            raise RevChanged(known)
        await self._book.put_settings(site, msgspec.json.encode(settings).decode(), known + 1)
        self._settings[site] = (settings, known + 1)
        return known + 1

    def shapes(self, site: str) -> Shapes:
        """The fences of the site."""
        fences = self.around.map.fences(site)
        known = self._shapes.get(site)
        if known is None or (known[0] is not fences and list(known[0]) != list(fences)):
            known = self._shapes[site] = (fences, Shapes(fences))
        return known[1]

    def of(self, asset: Asset, now: int) -> Yard:
        """What rules know of this vehicle and its site."""
        site = asset.key.site
        around = self.around
        return Yard(
            asset,
            self.settings(site)[0],
            self.shapes(site),
            around.map,
            around.calendar,
            around.orders,
            now - DISPATCHED_MS,
        )


def _settings_of(kept: StoredSettings) -> FleetSettings:
    """An older or newer version's settings: what cannot be read is left at its default."""
    try:
        return msgspec.json.decode(kept.settings, type=FleetSettings)
    except msgspec.MsgspecError:
        known = {field.name for field in msgspec.structs.fields(FleetSettings)}
        values = msgspec.json.decode(kept.settings, type=dict[str, object])
        good = {name: value for name, value in values.items() if name in known and _is_right({name: value})}
        return msgspec.convert(good, FleetSettings)


def _is_right(values: dict[str, object]) -> bool:
    try:
        msgspec.convert(values, FleetSettings)
    except msgspec.ValidationError:
        return False
    return True
