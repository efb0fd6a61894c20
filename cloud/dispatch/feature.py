"""Dispatch as one part: what it is built from, what it shows, and what runs beside.

requests (desk) -> micro-batch (matching) and plan (planning) -> suggestions -> a dispatcher decides (desk) -> orders
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from cloud.assets.contract import Booked, Calendar, Journal, Resources, Roster, Shown, SiteMap, Travelled
from cloud.dispatch.assignment import solvers
from cloud.dispatch.batch import Prepared, Solution, solve
from cloud.dispatch.breaches import Breaches
from cloud.dispatch.choosing import Chooser
from cloud.dispatch.contract import (
    CLOCKWORK,
    Alarms,
    Book,
    Decided,
    NoSuchRequest,
    PlaceFigures,
    Refused,
    RoomBookings,
    SettingsChanged,
    TravelRow,
)
from cloud.dispatch.deciding import Act
from cloud.dispatch.desk import Desk, Room
from cloud.dispatch.eta import TravelTimes
from cloud.dispatch.gather import Ground
from cloud.dispatch.learned import KEPT_PER_SITE, Learned, teaches
from cloud.dispatch.matching import Matching
from cloud.dispatch.orders import OrderBook
from cloud.dispatch.planning import Planner, Task
from cloud.dispatch.progress import Progress
from cloud.dispatch.request import SENT, NotPossible, Request
from cloud.dispatch.roads import RoadBook
from cloud.dispatch.settings import DispatchSettings
from cloud.dispatch.shown import attributes
from cloud.geo.earth import distance_m
from protocols.clock import Clock
from protocols.errors import DayuanError

log = logging.getLogger(__name__)

TICK_S = 1.0
PLAN_EVERY_S = 60.0
UPKEEP_EVERY_S = 3600.0
SHOWN_AFTER_MS = 3_600_000
"""A request that ended is shown so long."""
INLINE_PAIRS = 5_000
"""A batch up to this size is solved at once; a larger one in a thread, so that card events pass."""
LEARN_MAX = 1_000
SAME_JOURNEY_MS = 120_000


class Needs(NamedTuple):
    """What dispatch takes from the rest of the collector."""

    book: Book
    clock: Clock
    roster: Roster
    resources: Resources
    places: SiteMap
    calendar: Calendar
    shown: Shown
    journal: Journal
    alarms: Alarms
    zone_of: Callable[[str], ZoneInfo]
    knows_site: Callable[[str], bool]
    figures: PlaceFigures | None = None
    bookings: RoomBookings | None = None


class Dispatch:
    """``orders`` is what the other features ask; ``desk``, ``matching`` and ``planner`` are what the API asks."""

    def __init__(self, needs: Needs) -> None:
        self.needs = needs
        self.orders = OrderBook()
        self.learned = Learned()
        self.travel = TravelTimes(self.learned, RoadBook(needs.places), self.settings_of, needs.zone_of)
        ground = Ground(
            needs.roster,
            needs.resources,
            self.orders,
            needs.calendar,
            self.travel,
            self.settings_of,
            self._taken,
            self._suggested,
        )
        self.matching = Matching(ground, needs.zone_of)
        self.planner = Planner(self.matching, needs.clock)
        self.desk = Desk(
            Room(
                needs.book,
                needs.clock,
                self.orders,
                Chooser(self.matching),
                needs.places,
                needs.calendar,
                needs.journal,
                self.settings_of,
                needs.zone_of,
                needs.knows_site,
            )
        )
        self.desk.changed = self._changed
        self.desk.follow = self._follow
        self._breaches = Breaches(needs.alarms, self.settings_of, needs.zone_of)
        self._progress = Progress(needs.resources, self.settings_of, self.travel.hour_of)
        self._settings: dict[str, Decided] = {}
        self._shown: dict[str, Request] = {}
        self._to_learn: list[TravelRow] = []
        self._arrived: dict[str, int] = {}
        """Request (entity) -> its arrival, when that was learned from."""
        self._replan = asyncio.Event()

    def settings_of(self, site: str) -> DispatchSettings:
        """What the site decided, or the defaults."""
        return self.decided(site).settings

    def decided(self, site: str) -> Decided:
        """What the site decided, and how often."""
        return self._settings.get(site, Decided())

    async def set_settings(self, site: str, settings: DispatchSettings, by: str, rev: int | None = None) -> int:
        """From now on; clocks that run keep their ends. ``rev`` is what the change was made from (None: whatever there
        is). Returns the new one; raises SettingsChanged."""
        known = self.decided(site).rev
        if rev not in (None, known):
            raise SettingsChanged(known)
        decided = Decided(settings, known + 1)
        await self.needs.book.set_settings(site, decided, self.needs.clock.now_ms(), by)
        self._settings[site] = decided
        self._replan.set()
        return decided.rev

    async def open(self) -> None:
        """Take up requests, clocks, orders, settings and travel times as they were. After the roster."""
        self._settings = await self.needs.book.settings()
        self.learned.take(await self.needs.book.travels(KEPT_PER_SITE))
        await self.desk.open()
        for request in self.desk.all():
            self._changed(request)

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled, with its name."""
        yield "dispatch clocks", self._every(TICK_S, self.tick)
        yield "dispatch batch", self._batches()
        yield "dispatch plan", self._plans()
        yield "dispatch upkeep", self._every(UPKEEP_EVERY_S, self.desk.forget_old)

    def journey_ended(self, row: TravelRow) -> None:
        """A trip that another feature saw, to learn from. Called in the event loop; never raises."""
        if teaches(row) and len(self._to_learn) < LEARN_MAX:
            self.learned.take([row])
            self._to_learn.append(row)

    def travelled(self, trip: Travelled) -> None:
        """A trip of the fleet ended. What a request's arrival taught already is not learned twice."""
        arrived_at = self._arrived.get(trip.request)
        if arrived_at is not None and trip.started_at <= arrived_at <= trip.ended_at + SAME_JOURNEY_MS:
            return
        self.journey_ended(
            TravelRow(
                site=trip.site,
                kind=trip.kind,
                at=trip.ended_at,
                hour=self.travel.hour_of(trip.site, trip.started_at),
                straight_m=distance_m(trip.start, trip.end),
                road_m=None if trip.km is None else trip.km * 1000,
                travel_s=(trip.ended_at - trip.started_at) / 1000,
                source="trip",
            )
        )

    async def tick(self) -> None:
        """One second of the clocks: rungs of the ladder, arrivals by position, what has been shown long enough."""
        now = self.needs.clock.now_ms()
        await self.desk.tick()
        for step in self._progress.look(self.desk.open_ones(), now):
            act = Act(action=step.action, rev=step.request.rev, reason="by position", automatic=True)
            if await self._did(step.request, act):
                row = self._progress.journey(step)
                if row is not None:
                    self.journey_ended(row)
                    self._arrived[step.request.entity] = row.at
                    while len(self._arrived) > LEARN_MAX:
                        del self._arrived[next(iter(self._arrived))]
        for request in list(self._shown.values()):
            if request.ended_at is not None and request.ended_at <= now - SHOWN_AFTER_MS:
                self.needs.shown.hide(request.entity)
                del self._shown[request.entity]
            else:
                self._breaches.look(request, now)
        if self._to_learn:
            rows = list(self._to_learn)
            await self.needs.book.learn(rows, KEPT_PER_SITE)
            del self._to_learn[: len(rows)]

    async def batch(self) -> None:
        """One micro-batch of all sites."""
        now = self.needs.clock.now_ms()
        for (site, kind), requests in self.matching.due(self.desk.open_ones(), now).items():
            solution = await _solved(self.matching.problem(site, kind, requests, now))
            changed = set(self.matching.keep(solution))
            for request in requests:
                if request.entity in changed:
                    self._show(request)
            await self._assign_automatically(requests, solution)

    async def plan(self) -> None:
        """Plan what is booked, of all sites."""
        requests = self.desk.open_ones()
        before = {request.entity: self.planner.visit(request) for request in requests}
        for task in self.planner.gather(requests, self.needs.clock.now_ms()):
            self.planner.keep(task, await asyncio.to_thread(Task.run, task))
        for request in requests:
            if self.planner.visit(request) != before[request.entity] and request.entity in self._shown:
                self._show(self._shown[request.entity])

    async def _assign_automatically(self, requests: list[Request], solution: Solution) -> None:
        tiers = self.settings_of(solution.problem.site).automatic
        for request in requests:
            row = solution.row(request.entity)
            chosen = solution.suggested(row) if row is not None and request.tier in tiers else None
            if chosen is not None:
                act = Act(action="assign", rev=request.rev, resource=chosen.key.entity, automatic=True)
                await self._did(request, act)

    async def _did(self, request: Request, act: Act) -> bool:
        """Somebody may have been quicker: then nothing is done."""
        try:
            await self.desk.act(request.id, act, CLOCKWORK)
        except (Refused, NotPossible, NoSuchRequest) as error:
            log.info("%s of %s not done by itself: %s", act.action, request.id, error)
            return False
        return True

    def _changed(self, request: Request) -> None:
        now = self.needs.clock.now_ms()
        if not request.may_be_served:
            self.matching.forget(request.entity)
        if request.ended_at is None or request.ended_at > now - SHOWN_AFTER_MS:
            self._show(request, urgent=True)
        self._breaches.look(request, now)
        if request.tier != "real_time" and request.kind in SENT:
            self._replan.set()

    def _show(self, request: Request, *, urgent: bool = False) -> None:
        self._shown[request.entity] = request
        self.needs.shown.show(
            request.entity,
            "request",
            request.site,
            title=request.title or request.number,
            attributes=attributes(request, self.matching.suggested.get(request.entity), self.planner.visit(request)),
            urgent=urgent,
        )

    def _taken(self, site: str) -> Sequence[Booked]:
        return self.needs.bookings.taken(site) if self.needs.bookings is not None else ()

    async def _follow(self, before: Request, after: Request, by: str) -> None:
        if self.needs.bookings is not None:
            await self.needs.bookings.follow(before, after, by)

    def _suggested(self, request: str) -> str:
        found = self.matching.suggested.get(request)
        return (found.resource or "") if found is not None else ""

    async def _batches(self) -> None:
        await asyncio.to_thread(solvers)
        while True:
            sites = {request.site for request in self.desk.open_ones()}
            await self.needs.clock.sleep(min((self.settings_of(site).batch_s for site in sites), default=2.0))
            await self._guarded(self.batch)

    async def _plans(self) -> None:
        while True:
            await self.needs.clock.sleep(2.0)
            deadline = self.needs.clock.monotonic() + PLAN_EVERY_S
            while not self._replan.is_set() and self.needs.clock.monotonic() < deadline:
                await self.needs.clock.sleep(1.0)
            self._replan.clear()
            await self._guarded(self.plan)

    async def _every(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await self.needs.clock.sleep(seconds)
            await self._guarded(work)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A full disk stops nothing for good: it is tried again at the next turn."""
        try:
            await work()
        except DayuanError as error:
            log.warning("dispatch: %s not done now: %s", getattr(work, "__name__", "work"), error)


async def _solved(prepared: Prepared) -> Solution:
    problem = prepared.problem
    if len(problem.jobs) * len(problem.candidates) <= INLINE_PAIRS:
        return solve(prepared)
    return await asyncio.to_thread(solve, prepared)
