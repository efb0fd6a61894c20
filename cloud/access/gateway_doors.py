"""The doors that gateways said they have, and which door assets those are."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cloud.access.contract import PASSBACK, ControlledDoor
from cloud.assets.contract import Asset, Roster
from cloud.registry.access_book import AccessBook
from cloud.store.contract import GatewayKey
from protocols.birth import Birth, DoorBirth
from protocols.errors import StoreUnavailable
from protocols.status import Status

log = logging.getLogger(__name__)


class Known(NamedTuple):
    """A door of a gateway, and what it said of it."""

    gateway: GatewayKey
    door: DoorBirth


class GatewayDoors:
    """An ``AnnouncementHandler``: ``open`` first. What births say is in RAM at once and on disk soon after."""

    def __init__(self, book: AccessBook) -> None:
        self._book = book
        self._doors: dict[GatewayKey, list[DoorBirth]] = {}

    async def open(self) -> None:
        """Read what births said before."""
        self._doors = await self._book.doors()

    async def birth(self, key: GatewayKey, birth: Birth, *, received_at: int, retained: bool) -> None:
        """A gateway says what it has."""
        doors = list(birth.doors)
        if self._doors.get(key, []) == doors:
            return
        self._doors[key] = doors
        try:
            await self._book.put_doors(key, doors)
        except StoreUnavailable as error:
            log.warning("the doors of %s/%s are not written down: %s", *key, error)

    async def status(self, key: GatewayKey, status: Status, *, received_at: int, retained: bool) -> None:
        """Says nothing of which doors there are."""

    def decides(self, site: str, reader: str) -> bool:
        """Whether a gateway decides who passes at this reader: then a card that was read says nothing by itself."""
        return any(reader in door.readers for key in self._doors if key.site == site for door in self._doors[key])

    def gateways(self, site: str) -> list[GatewayKey]:
        """Those of a site that have doors, or had: one whose last door is gone is still told so."""
        return sorted(key for key in self._doors if key.site == site)

    def sites(self) -> set[str]:
        """Where there are such gateways."""
        return {key.site for key in self._doors}

    def all(self, site: str) -> list[Known]:
        """Every door of every gateway of a site."""
        return [Known(key, door) for key in self.gateways(site) for door in self._doors[key]]

    def struck(self, key: GatewayKey, device: str, point: str) -> DoorBirth | None:
        """The door of a gateway that a point opens."""
        return next((door for door in self._doors.get(key, ()) if (door.device, door.point) == (device, point)), None)


def controlled(site: str, roster: Roster, known: Sequence[Known]) -> list[ControlledDoor]:
    """The door assets of a site that a gateway decides for, by asset.

    Rules of the door are facts of the asset: ``card_level``, ``passback``, ``forgiven_min``, ``gate``.
    """
    if not known:
        return []
    readers = _readers_by_door(site, roster)
    found = [(asset, _behind(asset, readers, known)) for asset in roster.all("door", site)]
    return [_controlled(asset, mine) for asset, mine in found if mine is not None]


def door_behind(asset: Asset, roster: Roster, known: Sequence[Known]) -> Known | None:
    """The gateway's door that shares a reader or a contact with a door asset. What opens a door is not looked at: one
    module opens many."""
    return _behind(asset, _readers_by_door(asset.key.site, roster), known)


def _readers_by_door(site: str, roster: Roster) -> dict[str, set[str]]:
    """Devices of the readers that name a door, by its id."""
    found: dict[str, set[str]] = {}
    for reader in roster.all("reader", site):
        found.setdefault(reader.text("door"), set()).update(each.device for each in reader.bindings)
    return found


def _behind(asset: Asset, readers: Mapping[str, set[str]], known: Sequence[Known]) -> Known | None:
    bound = {each.device for each in asset.bindings if each.role in ("reader", "contact", "lock")}
    bound |= readers.get(asset.key.id, set())
    return next((each for each in known if bound & {*each.door.readers, each.door.contact}), None)


def _controlled(asset: Asset, known: Known) -> ControlledDoor:
    passback = asset.text("passback")
    return ControlledDoor(
        door=asset.key.id,
        name=asset.name,
        gateway=known.gateway.gateway,
        local=known.door.id,
        gate=asset.facts.get("gate") is True,
        least=int(asset.number("card_level", 1)),
        passback=passback if passback in PASSBACK else "off",
        forgiven_min=int(asset.number("forgiven_min", 0)),
    )
