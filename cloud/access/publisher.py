"""Gives each gateway with doors its list: when something changed, every day, and when the clock was put right.

What is known is compared twice a second. A list is written down with its number before it is sent, sent retained, and
sent again until the broker confirms it. Only enrolled gateways are given one: no other could tell whose it is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from cloud.access.contract import ControlledDoor, Lent, SiteAccess
from cloud.access.gateway_doors import GatewayDoors, controlled
from cloud.access.lists import ListContent, Period, build
from cloud.access.register import AccessRegister
from cloud.access.sealing import Sign, listed, sealed
from cloud.assets.contract import Roster
from cloud.registry.access_book import AccessBook, GivenList
from cloud.registry.asset_book import CalendarDay
from cloud.store.contract import GatewayKey
from protocols.clock import Clock
from protocols.errors import BadGrants, StoreUnavailable, WireLost
from protocols.topics import topic

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
AGAIN_AFTER_S = 1.0
"""A site's lists are made at most so often: a hundred changes at once make one list."""
FAULT_AGAIN_S = 300.0
"""What could not be made is tried again so late, unless something changes."""
DAY_MS = 86_400_000
LAGS_MS = 5 * 60_000
"""A gateway that is online and holds an older list for so long is sent the newest again: the broker lost it."""
LAGS_AGAIN_MS = 3_600_000
"""When that did not help: a list may be 1.5 MiB."""
AHEAD_MS = 60_000
"""A list made so far in the future was made by a wrong clock, and is made again by the right one."""
NOBODY = ListContent(doors={}, schedules={}, sets=(), cards={})
"""For a gateway none of whose doors is known as an asset."""


class Calendar(Protocol):
    """The site's days and zone (``cloud.assets.calendar.SiteCalendar``)."""

    def workday(self, site: str, day: date) -> bool: ...

    def days(self, site: str) -> list[CalendarDay]: ...

    def zone(self, site: str) -> ZoneInfo: ...


class Publish(Protocol):
    """Hands a message to the broker (``Ingest.publish``). Raises WireLost."""

    def __call__(self, topic: str, payload: bytes, *, retain: bool = False) -> Awaitable[None]: ...


class Sender(NamedTuple):
    """What a publisher needs to reach gateways. ``enrolled``: whether a gateway has a certificate of ours. ``sign``
    may be called from another thread."""

    publish: Publish
    sign: Sign
    enrolled: Callable[[GatewayKey], bool]


class Given(NamedTuple):
    """What a gateway was given last."""

    number: int
    digest: str
    cards: int
    doors: int
    issued_at: int
    expires_at: int
    published_at: int | None


class _Inputs(NamedTuple):
    """All that lists of a site are made of; alike means the same lists."""

    known: SiteAccess
    doors: Sequence[ControlledDoor]
    lent: Sequence[Lent]
    days: Sequence[CalendarDay]
    gateways: Sequence[GatewayKey]
    today: date


class Publisher:
    """``open`` first, then ``run``. Without a ``sender`` nothing is given to anybody."""

    def __init__(
        self,
        register: AccessRegister,
        doors: GatewayDoors,
        roster: Roster,
        calendar: Calendar,
        lent: Callable[[str], list[Lent]],
        book: AccessBook,
        clock: Clock,
        *,
        lasts_days: int,
    ) -> None:
        self.sender: Sender | None = None
        self.faults: dict[GatewayKey, str] = {}
        """Why a gateway has no newer list, in words; of those that have, nothing."""
        self.given: dict[GatewayKey, Given] = {}
        self.held_number: Callable[[GatewayKey], int] = lambda _: 0
        """What a gateway says that it holds."""
        self.lags_since: Callable[[GatewayKey], int | None] = lambda _: None
        """Since when (ms) a gateway has been online with an older list than the broker took for it; None: it is not."""
        self._register, self._doors, self._roster, self._calendar = register, doors, roster, calendar
        self._lent, self._book, self._clock, self._lasts_ms = lent, book, clock, lasts_days * DAY_MS
        self._made: dict[str, tuple[_Inputs, float]] = {}
        """By site: of what its lists were made, and when (monotonic)."""
        self._again_at: dict[GatewayKey, float] = {}
        """When to try again (monotonic) what could not be made."""
        self._unsent: dict[GatewayKey, tuple[int, bytes]] = {}

    async def open(self) -> None:
        """Read what was given before. Raises StoreUnavailable."""
        for key, row in (await self._book.lists()).items():
            self.given[key] = Given(
                row.number, row.digest, row.cards, row.doors, row.issued_at, row.expires_at, row.published_at
            )

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.tick()
            await self._clock.sleep(LOOK_EVERY_S)

    async def tick(self) -> None:
        """Make and send what is due."""
        if self.sender is None:
            return
        for site in sorted(self._doors.sites()):
            try:
                await self._look_at(site, self.sender)
            except StoreUnavailable as error:
                log.warning("the lists of %s wait: %s", site, error)
        for key, (number, payload) in list(self._unsent.items()):
            await self._send(key, number, payload, self.sender)

    def controlled(self, site: str) -> list[ControlledDoor]:
        """The door assets of a site that gateways decide for."""
        return controlled(site, self._roster, self._doors.all(site))

    def lent(self, site: str) -> list[Lent]:
        """Cards lent to visitors of now and later."""
        return self._lent(site)

    # --- inside ---

    async def _look_at(self, site: str, sender: Sender) -> None:
        now = self._clock.now_ms()
        today = self._today(site, now)
        gateways = [key for key in self._doors.gateways(site) if sender.enrolled(key)]
        inputs = _Inputs(
            self._register.site(site),
            self.controlled(site),
            self.lent(site),
            self._calendar.days(site),
            gateways,
            today,
        )
        before, made_at = self._made.get(site, (None, -AGAIN_AFTER_S))
        due = [key for key in gateways if self._is_due(key, now)]
        ticks = self._clock.monotonic()
        waits = all(ticks < self._again_at.get(key, ticks) for key in due)
        if (before is not None and _alike(before, inputs) and waits) or ticks - made_at < AGAIN_AFTER_S:
            return
        period = Period(now, now + self._lasts_ms, today)
        try:
            contents = await asyncio.to_thread(
                build, site, inputs.known, inputs.doors, inputs.lent, self._calendar, period
            )
        except (ValueError, LookupError, ArithmeticError) as error:
            for key in gateways:
                self._fault(key, f"{type(error).__name__}: {error}")
            self._made[site] = inputs, self._clock.monotonic()
            return
        for key in gateways:
            content = contents.get(key.gateway, NOBODY)
            known = self.given.get(key)
            if known is None or known.digest != content.digest or key in due or self._was_never_sent(key):
                await self._give(key, content, period, sender)
        self._made[site] = inputs, self._clock.monotonic()

    async def _give(self, key: GatewayKey, content: ListContent, period: Period, sender: Sender) -> None:
        known = self.given.get(key)
        number = max((known.number if known else 0) + 1, self.held_number(key) + 1, period.now)
        grants = listed(
            key,
            content,
            number=number,
            issued_at=period.now,
            expires_at=period.until,
            zone=self._calendar.zone(key.site).key,
        )
        try:
            payload = await asyncio.to_thread(sealed, grants, sender.sign)
        except BadGrants as error:
            self._fault(key, str(error))
            return
        self.faults.pop(key, None)
        self._again_at.pop(key, None)
        cards, doors = len(content.cards), len(content.doors)
        digest = content.digest
        await self._book.give(GivenList(key, number, digest, cards, doors, period.now, period.until))
        self.given[key] = Given(number, digest, cards, doors, period.now, period.until, None)
        self._unsent[key] = number, payload
        log.info("list %d for %s/%s: %d cards at %d doors", number, *key, cards, doors)

    async def _send(self, key: GatewayKey, number: int, payload: bytes, sender: Sender) -> None:
        if not sender.enrolled(key):
            del self._unsent[key]
            return
        try:
            await sender.publish(topic(*key, "grants"), payload, retain=True)
        except WireLost:
            return  # the next tick tries again
        if self._unsent.get(key, (0, b""))[0] == number:
            del self._unsent[key]
        self.given[key] = self.given[key]._replace(published_at=self._clock.now_ms())
        try:
            await self._book.sent(key, number)
        except StoreUnavailable as error:
            log.warning("it is not written down that %s/%s was sent list %d: %s", *key, number, error)

    def _is_due(self, key: GatewayKey, now: int) -> bool:
        """Whether a list has to be made though nothing changed."""
        known = self.given.get(key)
        if known is None or key in self.faults or self.held_number(key) > known.number:
            return True
        made_ago = now - known.issued_at
        if not -AHEAD_MS <= made_ago < DAY_MS:
            return True
        since = self.lags_since(key)
        if since is None or now - since < LAGS_MS:
            return False
        return known.issued_at <= since or made_ago >= LAGS_AGAIN_MS

    def _fault(self, key: GatewayKey, why: str) -> None:
        if self.faults.get(key) != why:
            log.error("%s/%s gets no newer list: %s", *key, why)
        self.faults[key] = why
        self._again_at[key] = self._clock.monotonic() + FAULT_AGAIN_S

    def _was_never_sent(self, key: GatewayKey) -> bool:
        """Given by a process that ended before the broker had it: its bytes are gone."""
        return self.given[key].published_at is None and key not in self._unsent

    def _today(self, site: str, now: int) -> date:
        return datetime.fromtimestamp(now / 1000, UTC).astimezone(self._calendar.zone(site)).date()


def _alike(before: _Inputs, now: _Inputs) -> bool:
    """What is known is never changed in place, so that the same object says the same; comparing it would take long."""
    return before.known is now.known and before[1:] == now[1:]
