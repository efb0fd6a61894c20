"""The wiring of who may open which door, of lists for gateways, and of opening from afar; a part of ``features``."""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, NamedTuple

from cloud.access.contract import Lent
from cloud.access.gateway_doors import GatewayDoors, Known, door_behind
from cloud.access.holding import Holding, Online
from cloud.access.publisher import Publisher, Sender
from cloud.access.register import AccessRegister
from cloud.access.rulings import Situation
from cloud.access.unlocking import Commands, Unlocking
from cloud.alarms.board import AlarmBoard
from cloud.assets.book import AssetRoster
from cloud.assets.calendar import SiteCalendar
from cloud.assets.contract import AssetKey
from cloud.registry.access_book import AccessBook
from cloud.registry.database import Database
from cloud.registry.journal_book import JournalBook
from cloud.store.contract import GatewayKey
from cloud.visitors.visitors import Visitors
from protocols.birth import DoorBirth
from protocols.clock import Clock


class AccessGround(NamedTuple):
    """What access stands on."""

    database: Database
    roster: AssetRoster
    calendar: SiteCalendar
    visitors: Visitors
    journal: JournalBook
    alarms: AlarmBoard
    clock: Clock
    lists_last_days: int


class AccessFeatures:
    """Register, publisher, what gateways hold, and unlocking. ``connect`` gives the way to gateways."""

    def __init__(self, ground: AccessGround) -> None:
        self._ground = ground
        self.book = AccessBook(ground.database, ground.clock)
        self.register = AccessRegister(self.book, self._has_door, ground.clock)
        self.doors = GatewayDoors(self.book)
        self.publisher = Publisher(
            self.register,
            self.doors,
            ground.roster,
            ground.calendar,
            self._lent,
            self.book,
            ground.clock,
            lasts_days=ground.lists_last_days,
        )
        self.holding = Holding(self.publisher, self.doors, self.book, ground.alarms, ground.clock)
        self.unlocking: Unlocking | None = None
        self.online: Callable[[GatewayKey], bool] = lambda _: False

    def connect(self, sender: Sender, commands: Commands, presence: Online) -> None:
        """The way to gateways; without it nothing is sent."""
        self.publisher.sender = sender
        self.holding.online = presence
        self.online = presence.online
        ground = self._ground
        self.unlocking = Unlocking(self.door_behind, presence.online, commands, ground.journal, ground.clock)

    async def open(self) -> None:
        """Read what was written down. After the roster and the visitors. Raises StoreUnavailable."""
        await self.register.open()
        await self.doors.open()
        await self.publisher.open()
        await self.holding.open()

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled, with its name."""
        yield "access changed elsewhere", self.register.run()
        yield "lists of grants", self.publisher.run()
        yield "lists held", self.holding.run()

    def situation(self, site: str) -> Situation:
        """What is known of a site now."""
        publisher = self.publisher
        known = self.register.site(site)
        return Situation(site, known, publisher.controlled(site), publisher.lent(site), self._ground.calendar)

    def door_behind(self, key: AssetKey) -> Known | None:
        """The door of a gateway behind a door asset."""
        asset = self._ground.roster.find(key)
        return door_behind(asset, self._ground.roster, self.doors.all(key.site)) if asset is not None else None

    def asset_of(self, key: GatewayKey, door: DoorBirth) -> AssetKey | None:
        """The door asset in front of a gateway's door; None when there is none."""
        found = (key.gateway, door.id)
        doors = self.publisher.controlled(key.site)
        return next((AssetKey(key.site, "door", one.door) for one in doors if (one.gateway, one.local) == found), None)

    def visitor_of(self, site: str, card: str, at: int) -> str:
        """The name of the visitor to whom a card was lent at an instant (ms); empty for nobody that is known."""
        return self._ground.visitors.lent_to(site, card, at) if card else ""

    def carriers(self, site: str, tags: Iterable[str]) -> dict[str, str]:
        """Names by the first digits of card keys; without those that are nobody's, or of several people."""
        known = self.register.site(site)
        found: dict[str, set[str]] = {tag: set() for tag in tags}
        length = {len(tag) for tag in found}
        for card, credential in known.credentials.items():
            for size in length:
                if card[:size] in found:
                    found[card[:size]].add(known.holders[credential.holder].name)
        for lent in self._ground.visitors.lent(site):
            for size in length:
                if lent.card_key[:size] in found:
                    found[lent.card_key[:size]].add(lent.name)
        return {tag: next(iter(names)) for tag, names in found.items() if len(names) == 1}

    def _has_door(self, site: str, door: str) -> bool:
        return self._ground.roster.find(AssetKey(site, "door", door)) is not None

    def _lent(self, site: str) -> list[Lent]:
        return [
            Lent(each.id, each.card_key, each.gate, each.from_at, each.until_at)
            for each in self._ground.visitors.lent(site)
            if is_card_key(each.card_key)
        ]


def is_card_key(text: str) -> bool:
    """Whether a gateway could meet this card."""
    return len(text) == 32 and not set(text) - set("0123456789abcdef")
