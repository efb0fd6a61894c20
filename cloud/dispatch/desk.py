"""The desk: files requests, does what people decide about them, and writes everything down before it says so.

One change at a time. A change stands on the request's rev: who looked at an older one is told so and looks again.
An Idempotency-Key that comes again is answered with what was done the first time.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from cloud.assets.contract import Calendar, Journal, SiteMap
from cloud.dispatch import clocks
from cloud.dispatch.choosing import Chooser
from cloud.dispatch.contract import Actor, Book, Conflict, NoSuchRequest, NotYours, Refused, Remembered, Written
from cloud.dispatch.deciding import Act, decide
from cloud.dispatch.filing import Draft, request_of
from cloud.dispatch.orders import KEPT_MS, OrderBook
from cloud.dispatch.request import History, NotPossible, Request, moved
from cloud.dispatch.settings import DispatchSettings
from protocols.clock import Clock
from protocols.errors import DayuanError

KEY_MS = 86_400_000
KEY_MAX = 200
REQUESTERS_OWN = frozenset({"cancel", "rate"})
"""What a requester may do to its own requests."""
OPEN_MAX = 5_000


class Room(NamedTuple):
    """What the desk stands on."""

    book: Book
    clock: Clock
    orders: OrderBook
    chooser: Chooser
    places: SiteMap
    calendar: Calendar
    journal: Journal
    settings_of: Callable[[str], DispatchSettings]
    zone_of: Callable[[str], ZoneInfo]
    knows_site: Callable[[str], bool]


class Desk:
    """All requests that are open or ended in the last days, in RAM; the others in the book."""

    def __init__(self, room: Room) -> None:
        self.changed: Callable[[Request], None] = lambda _: None
        """Told of every request that is new or different, once it is written down."""
        self.follow: Callable[[Request, Request, str], Awaitable[None]] = _nothing
        """Told before it is written down what it was, what it becomes and by whom; may refuse."""
        self._room = room
        self._requests: dict[str, Request] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._order = asyncio.Lock()

    async def open(self) -> None:
        """Take up everything as it was."""
        for request in await self._room.book.open_requests(self._room.clock.now_ms() - KEPT_MS):
            self._take(request)

    def all(self, site: str | None = None) -> list[Request]:
        """Open ones and those that ended in the last days, by number."""
        found = [request for request in self._requests.values() if site in (None, request.site)]
        return sorted(found, key=lambda request: (request.site, request.created_at, request.number))

    def open_ones(self, site: str | None = None) -> list[Request]:
        return [request for request in self.all(site) if request.open]

    async def get(self, name: str, actor: Actor) -> Request:
        """By id (``site.number``), entity, or number alone when only one site has it. Raises NoSuchRequest."""
        request = self._requests.get(_id_of(name)) or self._by_number(name)
        if request is None:
            site, _, number = _id_of(name).partition(".")
            request = await self._room.book.find(site, number)
        if request is None or not (actor.sees_all or request.created_by == actor.name):
            raise NoSuchRequest(name)
        return request

    async def history(self, request: Request) -> list[History]:
        """The oldest first."""
        return await self._room.book.history(request.site, request.number)

    async def file(self, draft: Draft, actor: Actor, key: str = "") -> Request:
        """A new request. Raises Refused."""
        async with self._order:
            now = self._room.clock.now_ms()
            digest = _digest("file", draft)
            known = await self._replayed(actor, key, digest, now)
            if known is not None:
                return known
            if not self._room.knows_site(draft.site):
                raise Refused("bad_request", f"site: there is no site {draft.site[:60]!r}", "GET /api/v1/sites")
            if sum(request.open for request in self._requests.values()) >= OPEN_MAX:
                raise Refused("too_many", f"{OPEN_MAX} requests are open", "finish or cancel old ones first")
            day, last = await self._last_number(draft.site, now)
            request = self.made(draft, f"{day}-{last + 1:03d}", actor, now)
            filed = History(at=now, by=actor.name, action="file", after={"status": request.status})
            remembered = Remembered(actor.name, key, digest, request.id, now) if key else None
            await self._room.book.write([Written(request, (filed,), None, remembered)])
            self._numbers[draft.site, day] = last + 1
            self._done(request, filed)
            return request

    def made(self, draft: Draft, number: str, actor: Actor, now: int) -> Request:
        """The request that a draft would become; nothing is filed. Raises Refused."""
        room = self._room
        settings = room.settings_of(draft.site)
        return request_of(draft, number, actor, now, places=room.places, calendar=room.calendar, settings=settings)

    async def act(self, name: str, act: Act, actor: Actor, key: str = "") -> Request:
        """Do something to a request. Raises Refused, Conflict, NotPossible."""
        async with self._order:
            now = self._room.clock.now_ms()
            digest = _digest(name, act)
            known = await self._replayed(actor, key, digest, now)
            if known is not None:
                return known
            request = await self.get(name, actor)
            _check_rights(request, act, actor)
            if act.rev is not None and act.rev != request.rev:
                raise Conflict(request)
            settings = self._room.settings_of(request.site)
            decided = decide(request, act, actor, now, settings, self._room.chooser, self.open_ones(request.site))
            remembered = Remembered(actor.name, key, digest, request.id, now) if key else None
            written = Written(decided.request, (decided.history,), request.rev, remembered, decided.suggestion)
            await self.follow(request, decided.request, actor.name)
            try:
                await self._room.book.write([written])
            except DayuanError:
                await self.follow(decided.request, request, actor.name)
                raise
            self._done(decided.request, decided.history)
            return decided.request

    async def tick(self) -> list[Request]:
        """Move the clocks on and let expire what nobody will come for; returns what changed its clocks or status."""
        async with self._order:
            now = self._room.clock.now_ms()
            changes: list[Written] = []
            for request in list(self._requests.values()):
                change = self._ticked(request, now)
                if change is not None:
                    changes.append(change)
            if changes:
                await self._room.book.write(changes)
            for change in changes:
                self._done(change.request, *change.history)
            return [change.request for change in changes]

    def let_go(self, ids: Sequence[str]) -> None:
        """These were emptied at rest: what is over is read from there again."""
        for name in ids:
            request = self._requests.get(name)
            if request is not None and not request.open:
                del self._requests[name]

    async def forget_old(self) -> None:
        """Let go of what ended days ago, and of keys that nobody will use again."""
        now = self._room.clock.now_ms()
        for name, request in list(self._requests.items()):
            if request.ended_at is not None and request.ended_at < now - KEPT_MS:
                del self._requests[name]
        self._room.orders.forget(now - KEPT_MS)
        for site, day in list(self._numbers):
            if day != self._day(site, now):
                del self._numbers[site, day]
        await self._room.book.forget_keys(now - KEY_MS)

    def _ticked(self, request: Request, now: int) -> Written | None:
        settings = self._room.settings_of(request.site)
        if request.status in ("new", "waiting", "awaiting_approval"):
            over = max(request.window.latest, request.created_at + 3_600_000) + settings.expire_after_s * 1000
            if now >= over:
                gone, line = moved(request, "expire", at=now, by="clock", reason="nobody was sent within the window")
                return Written(gone, (line,), request.rev)
        stepped = clocks.stepped(request, now, settings.ladder)
        if stepped is request:
            return None
        late = [name for name, clock in stepped.clocks.items() if clock.step == 100 > request.clocks[name].step]
        lines = [
            History(at=now, by="clock", action="overdue", after={"clock": name, "due_at": stepped.clocks[name].due_at})
            for name in late
        ]
        return Written(stepped, lines, request.rev)

    def _done(self, request: Request, *lines: History) -> None:
        self._take(request)
        for line in lines:
            facts = {"by": line.by, "reason": line.reason, "status": request.status, "request": request.entity}
            self._room.journal.note(request.site, request.entity, f"request_{line.action}", line.at, facts)
            if request.assigned is not None and line.action != "overdue":
                resource = request.assigned.resource
                self._room.journal.note(request.site, resource, f"request_{line.action}", line.at, facts)
        self.changed(request)

    def _take(self, request: Request) -> None:
        self._requests[request.id] = request
        self._room.orders.take(request)

    def _by_number(self, name: str) -> Request | None:
        if "." in name or "/" in name:
            return None
        found = [request for request in self._requests.values() if request.number == name]
        return found[0] if len(found) == 1 else None

    async def _replayed(self, actor: Actor, key: str, digest: str, now: int) -> Request | None:
        if not key:
            return None
        if len(key) > KEY_MAX or not key.isprintable():
            raise Refused("bad_request", "Idempotency-Key: too long or unprintable", f"1 to {KEY_MAX} characters")
        known = await self._room.book.remembered(actor.name, key, now - KEY_MS)
        if known is None:
            return None
        if known.digest != digest:
            raise Refused("key_reused", "this Idempotency-Key was used for something else", "a new key for each change")
        return await self.get(known.request, actor)

    async def _last_number(self, site: str, now: int) -> tuple[str, int]:
        day = self._day(site, now)
        last = self._numbers.get((site, day))
        return day, await self._room.book.last_number(site, day) if last is None else last

    def _day(self, site: str, now: int) -> str:
        return datetime.fromtimestamp(now / 1000, UTC).astimezone(self._room.zone_of(site)).strftime("%Y%m%d")


async def _nothing(before: Request, after: Request, by: str) -> None:
    del before, after, by


def _check_rights(request: Request, act: Act, actor: Actor) -> None:
    if act.action == "rate":
        if request.created_by != actor.name:
            raise NotYours("only who filed a request rates it")
        return
    if actor.dispatcher:
        return
    if act.action not in REQUESTERS_OWN or request.created_by != actor.name:
        raise NotYours(f"only a dispatcher may {act.action} this request")
    if act.action == "cancel" and request.status in ("under_way", "arrived"):
        raise NotPossible(request, act.action, hint="somebody is on the way: call the dispatcher")


def _digest(name: str, content: object) -> str:
    return hashlib.blake2b(name.encode() + b"\0" + msgspec.json.encode(content), digest_size=16).hexdigest()


def _id_of(name: str) -> str:
    """``site/request:number`` and ``site.number`` are the same."""
    return name.replace("/request:", ".", 1)


def in_order(requests: Sequence[Request]) -> list[Request]:
    """As a dispatcher reads them: emergencies, then by tier, priority and age."""
    tiers = {"real_time": 0, "4h": 1, "24h": 2}
    return sorted(requests, key=lambda r: (not r.emergency, tiers[r.tier], r.priority, r.created_at, r.number))
