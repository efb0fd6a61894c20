"""One card at two readers further apart than anybody gets in that time: it was copied, or lent through a fence.

Pure in event time and whatever the order of arrival. Readers without a place take that of their door; where neither has
one, nothing is said. Clocks of two gateways may differ by ``CLOCKS_MS``, and readers nearer than ``NEAR_M`` are one
place: two lanes of a gate, or a spot drawn a little off.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from cloud.assets.contract import Asset, AssetKey, Happened, Observed, Roster
from cloud.geo.earth import Spot, distance_m
from cloud.places.alarm_sink import AlarmSink
from protocols.clock import Clock
from protocols.reading import Event

KIND = "card_two_places"
TAPS = frozenset({"access_granted", "access_denied", "card_read"})
CLOCKS_MS = 5_000
NEAR_M = 50.0
KEPT_MS, KEPT_EACH, CARDS_MAX = 3_600_000, 8, 20_000
OLD_MS = 24 * 3_600_000
"""What comes later than this is history, and nobody's to run after."""
ENDS_AFTER_S = 600.0
LOOK_EVERY_S = 10.0
M_PER_KM, MS_PER_H = 1000.0, 3_600_000.0


class Sighting(NamedTuple):
    """A card at a reader at an instant (ms)."""

    at: int
    spot: Spot
    door: str


class Leap(NamedTuple):
    """Two sightings of one card that no one person makes; ``first`` is the earlier."""

    first: Sighting
    second: Sighting
    metres: float


def leap(one: Sighting, other: Sighting, kmh: float) -> Leap | None:
    """What is impossible about two sightings at ``kmh``; None when somebody can have gone there."""
    metres = distance_m(one.spot, other.spot)
    first, second = sorted((one, other))
    if kmh <= 0 or metres < NEAR_M or second.at - first.at + CLOCKS_MS >= metres / M_PER_KM / kmh * MS_PER_H:
        return None
    return Leap(first, second, metres)


class Zones(Protocol):
    """Who knows the zone of a site."""

    def time_zone(self, site: str) -> str: ...


class CardTravel:
    """A ``Listener`` of doors and readers. ``kmh``: by site, how fast a card gets about; 0 looks at nothing. An alarm
    ends ten minutes after the last such pair. ``left``: cards (sources) of which one is up from before a start."""

    def __init__(
        self,
        clock: Clock,
        *,
        roster: Roster,
        zones: Zones,
        alarms: AlarmSink,
        kmh: Callable[[str], float],
        left: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._clock, self._roster, self._zones, self._alarms = clock, roster, zones, alarms
        self._kmh, self._left = kmh, left
        self._seen: OrderedDict[tuple[str, str], deque[Sighting]] = OrderedDict()
        self._up: dict[str, float] = {}

    async def observed(self, observed: Sequence[Observed]) -> None:
        """Readings say nothing about cards."""

    async def happened(self, happened: Sequence[Happened]) -> None:
        for each in happened:
            card = each.event.data.get("card_key")
            if each.event.kind in TAPS and isinstance(card, str) and card and is_certain(each.event):
                self._saw(each.asset, each.event, card)

    async def run(self) -> None:
        """End alarms when their time is over, until cancelled."""
        began_s = self._clock.monotonic()
        self._up |= {source: began_s for source in self._left() if source not in self._up}
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.tick()

    def tick(self) -> None:
        """Let time pass."""
        now_s = self._clock.monotonic()
        for source, since_s in list(self._up.items()):
            if now_s - since_s >= ENDS_AFTER_S:
                del self._up[source]
                self._alarms.clear_alarm(KIND, source)

    def _saw(self, asset: Asset, event: Event, card: str) -> None:
        site, now = asset.key.site, self._clock.now_ms()
        kmh, door = self._kmh(site), self._door_of(asset)
        spot = asset.spot or (door.spot if door is not None else None)
        if kmh <= 0 or spot is None or not now - OLD_MS <= event.at <= now + CLOCKS_MS:
            return
        sighting = Sighting(event.at, spot, (door or asset).name or asset.key.id)
        key = (site, card)
        before = self._seen.setdefault(key, deque(maxlen=KEPT_EACH))
        self._seen.move_to_end(key)
        if len(self._seen) > CARDS_MAX:
            self._seen.popitem(last=False)
        near = (leap(each, sighting, kmh) for each in before if abs(each.at - sighting.at) <= KEPT_MS)
        found = max((each for each in near if each is not None), key=lambda each: each.metres, default=None)
        before.append(sighting)
        if found is not None:
            self._tell(site, card, found)

    def _tell(self, site: str, card: str, found: Leap) -> None:
        source = f"{site}/card:{card[:12]}"
        known = self._roster.by_card(site, card)
        zone = ZoneInfo(self._zones.time_zone(site))
        at = datetime.fromtimestamp(found.second.at / 1000, zone).strftime("%H:%M:%S")
        self._up[source] = self._clock.monotonic()
        args: dict[str, str | int] = {
            "who": known.name if known is not None else f"Card {card[:6]}",
            "who_zh": known.name if known is not None else f"卡 {card[:6]}",
            "first": found.first.door,
            "second": found.second.door,
            "at": at,
            "seconds": round((found.second.at - found.first.at) / 1000),
            "metres": round(found.metres),
        }
        self._alarms.raise_alarm(KIND, source, {**args})

    def _door_of(self, asset: Asset) -> Asset | None:
        if asset.key.kind == "door":
            return asset
        return self._roster.find(AssetKey(asset.key.site, "door", asset.text("door"))) if asset.text("door") else None


def is_certain(event: Event) -> bool:
    """Whether somebody held the card there at that instant: no time that is guessed, no read that may be an old one."""
    return not event.reason and event.data.get("reason") != "old_read"
