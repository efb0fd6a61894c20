"""Which list each gateway says it holds, against the one it was given; and the alarms when that is not well."""

import logging
from typing import NamedTuple, Protocol

from cloud.access.gateway_doors import GatewayDoors
from cloud.access.publisher import Publisher
from cloud.ingest.contract import Committed
from cloud.places.alarm_sink import AlarmArgs, AlarmSink
from cloud.registry.access_book import AccessBook
from cloud.store.contract import GatewayKey
from protocols.birth import Birth
from protocols.clock import Clock
from protocols.errors import StoreUnavailable
from protocols.grants import MADE_AHEAD_MS_MAX
from protocols.reading import Event
from protocols.status import Status

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
OLD_AFTER_MS = 15 * 60_000
"""A gateway that is online and holds another list than it was given, for so long."""
SOON_MS = 24 * 3_600_000
"""A list that ends so soon is an alarm, wherever its gateway is."""


class Online(Protocol):
    """Whether gateways are there (``cloud.live.presence.Presence``)."""

    def online(self, key: GatewayKey) -> bool: ...


class Held(NamedTuple):
    """What a gateway said. ``number`` 0: it has no list. ``refused``: why it did not take the newest."""

    number: int
    expires_at: int | None
    told_at: int
    refused: str = ""


class Holding:
    """An ``AnnouncementHandler`` and a handler of commits: ``open`` first, then ``run``."""

    def __init__(
        self, publisher: Publisher, doors: GatewayDoors, book: AccessBook, alarms: AlarmSink, clock: Clock
    ) -> None:
        self.online: Online | None = None
        self._publisher, self._doors, self._book = publisher, doors, book
        self._alarms, self._clock = alarms, clock
        self._held: dict[GatewayKey, Held] = {}
        self._behind_since: dict[GatewayKey, int] = {}
        self._ahead: dict[GatewayKey, AlarmArgs] = {}
        """Gateways that refuse everybody: by their own time their list was not made yet."""
        publisher.lags_since = self._lags_since
        publisher.held_number = lambda key: held.number if (held := self._held.get(key)) else 0

    def held(self, key: GatewayKey) -> Held | None:
        """What a gateway said last; None while it never said anything."""
        return self._held.get(key)

    async def open(self) -> None:
        """Read what gateways said before. Raises StoreUnavailable."""
        for key, row in (await self._book.lists()).items():
            if row.told_at is not None:
                self._held[key] = Held(row.held_number or 0, row.held_expires_at, row.told_at, row.refused)

    async def birth(self, key: GatewayKey, birth: Birth, *, received_at: int, retained: bool) -> None:
        """Says nothing of lists."""

    async def status(self, key: GatewayKey, status: Status, *, received_at: int, retained: bool) -> None:
        """A gateway with doors says which list it goes by."""
        whole = status.report
        if whole is None or whole.grants is None or retained:
            return
        report = whole.grants
        ahead = report.issued_at - status.at
        self._ahead.pop(key, None)
        if ahead > MADE_AHEAD_MS_MAX and report.number and whole.clock.state != "unsynced":
            self._ahead[key] = {"number": report.number, "minutes": ahead // 60_000}
        await self._take(key, Held(report.number, report.expires_at or None, received_at, report.last_error))

    async def committed(self, committed: Committed) -> None:
        """Take what gateways say of lists as events: sooner than the next status."""
        for batch in committed.batches:
            for event in batch.events:
                key = GatewayKey(batch.site, batch.gateway)
                known = self._held.get(key)
                if event.kind == "grants_held" and (known is None or _number(event) > known.number):
                    await self._take(key, Held(_number(event), _instant(event), event.at))
                elif event.kind == "grants_refused" and known is not None:
                    why = f"{event.data.get('reason') or ''}: {event.data.get('detail') or ''}"
                    await self._take(key, known._replace(refused=why[:300]))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Raise and clear alarms."""
        now = self._clock.now_ms()
        for site in self._doors.sites():
            for key in self._doors.gateways(site):
                self._look_at(key, now)

    def _look_at(self, key: GatewayKey, now: int) -> None:
        source, given, held = f"{key.site}/{key.gateway}", self._publisher.given.get(key), self._held.get(key)
        online = self.online is not None and self.online.online(key)
        behind = given is not None and given.published_at is not None and (held is None or held.number != given.number)
        if not (behind and online):
            self._behind_since.pop(key, None)
        since = self._behind_since.setdefault(key, now) if behind and online else now
        old: AlarmArgs | None = None
        if given is not None and now - since > OLD_AFTER_MS:
            old = {"number": given.number, "held": held.number if held else 0, "detail": held.refused if held else ""}
        self._state("access_list_old", source, old)
        ends: AlarmArgs | None = None
        if held is not None and held.number and held.expires_at is not None and held.expires_at - now < SOON_MS:
            left = max(0, held.expires_at - now) // 3_600_000
            ends = {"number": held.number, "hours": left}
        self._state("access_list_expires", source, ends)
        self._state("access_list_ahead", source, self._ahead.get(key))
        fault = self._publisher.faults.get(key)
        self._state("access_list_not_made", source, {"detail": fault[:300]} if fault else None)

    def _lags_since(self, key: GatewayKey) -> int | None:
        given, held = self._publisher.given.get(key), self._held.get(key)
        is_older = given is not None and held is not None and held.number < given.number
        return self._behind_since.get(key) if is_older else None

    def _state(self, kind: str, source: str, args: AlarmArgs | None) -> None:
        if args is None:
            self._alarms.clear_alarm(kind, source)
        else:
            self._alarms.raise_alarm(kind, source, args)

    async def _take(self, key: GatewayKey, held: Held) -> None:
        before = self._held.get(key)
        self._held[key] = held
        if before is not None and before._replace(told_at=0) == held._replace(told_at=0):
            return
        try:
            await self._book.held(key, held.number, held.expires_at, held.told_at, refused=held.refused)
        except StoreUnavailable as error:
            log.warning("the list that %s/%s holds is not written down: %s", *key, error)


def _number(event: Event) -> int:
    number = event.data.get("number")
    return number if isinstance(number, int) else 0


def _instant(event: Event) -> int | None:
    at = event.data.get("expires_at")
    return at if isinstance(at, int) else None
