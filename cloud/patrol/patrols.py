"""The feature: guards, technicians and their rounds."""

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from cloud.assets.contract import Asset, AssetKey, Calendar, Happened, Journal, Observed, Roster, Shown, SiteMap
from cloud.patrol.crew import COARSE_M, KINDS, Crew, seen_of
from cloud.patrol.people import Seen
from cloud.patrol.routes import Checkpoint, Route, Standing, run_starts
from cloud.patrol.runs import EARLY_MS, LATE_MS, Run, judge, run_id
from cloud.patrol.scans import Checkpoints, Scans, scans_of
from cloud.patrol.telling import HOUR_MS, SHOWN_AFTER_MS, Telling, Zones, on_patrol
from cloud.places.alarm_sink import AlarmSink
from cloud.places.history import History
from protocols.clock import Clock
from protocols.errors import StoreUnavailable
from protocols.reading import Event

log = logging.getLogger(__name__)

TICK_S = 2.0
WRITE_EVERY_S = 6.0
AHEAD_MS = 12 * HOUR_MS
SCANS = frozenset({"card_read", "access_granted", "access_denied"})


class Book(Protocol):
    """Where routes and runs rest (``cloud.registry.patrol_book``)."""

    async def routes(self) -> dict[str, list[Standing]]: ...

    async def put_routes(self, site: str, routes: Sequence[Standing]) -> None: ...

    async def put_runs(self, runs: Sequence[Run], *, now: int) -> None: ...

    async def runs(self, site: str, since: int, until: int, *, limit: int = ...) -> list[Run]: ...

    async def run(self, site: str, run: str) -> Run | None: ...


class Patrols:
    """A ``Listener`` of guards, technicians, readers and doors."""

    def __init__(
        self,
        clock: Clock,
        *,
        crew: Crew,
        roster: Roster,
        calendar: Calendar,
        zones: Zones,
        shown: Shown,
        journal: Journal,
        site_map: SiteMap,
        alarms: AlarmSink,
        book: Book,
        history: History,
    ) -> None:
        self._clock, self._crew, self._roster, self._calendar = clock, crew, roster, calendar
        self._book, self._history = book, history
        self._checkpoints, self._scans = Checkpoints(site_map), Scans()
        self._telling = Telling(shown=shown, journal=journal, alarms=alarms, roster=roster, zones=zones)
        self._routes: dict[str, dict[str, Standing]] = {}
        self._begun: set[tuple[str, str]] = set()
        """Runs that had begun before the route became what it is, of an earlier process."""
        self._runs: dict[tuple[str, str], tuple[Route, Run]] = {}
        self._unwritten: dict[tuple[str, str], Run] = {}
        self._written_at = 0.0

    # --- what is told ---

    async def observed(self, observed: Sequence[Observed]) -> None:
        changed: dict[AssetKey, Asset] = {}
        for each in observed:
            if each.asset.key.kind not in KINDS or each.binding.role != "position":
                continue
            seen = seen_of(each.at, each.points)
            if seen is None:
                continue
            if self._crew.see(each.asset, seen):
                changed[each.asset.key] = each.asset
            if (seen.accuracy_m or 0.0) <= COARSE_M and seen.spot is not None:
                site = each.asset.key.site
                there = self._checkpoints.at_spot(self.routes(site), site, seen.spot)
                self._scan(each.asset.key, there, each.at)
        if self._scans.changed:
            self._judge()
        else:
            self._crew.work(self._clock.now_ms(), changed.values())

    async def happened(self, happened: Sequence[Happened]) -> None:
        for each in happened:
            if each.event.kind in SCANS:
                self._event(each.asset, each.event)
        self._judge()

    def asset_changed(self, key: AssetKey, asset: Asset | None) -> None:
        """A watcher of the roster."""
        if key.kind in KINDS:
            if asset is None:
                self._crew.forget(key)
            else:
                self._crew.work(self._clock.now_ms(), [asset])

    # --- what people do, and what is asked ---

    def routes(self, site: str) -> list[Route]:
        """The routes of a site, by id."""
        known = self._routes.get(site, {})
        return [known[name].route for name in sorted(known)]

    async def put_routes(self, site: str, routes: Sequence[Route]) -> None:
        """These are all routes of the site from now on; runs that have begun are judged by what was before, and a route
        that is new or changed is asked for from now on."""
        now, before = self._clock.now_ms(), self._routes.get(site, {})
        standing = [
            known if (known := before.get(route.id)) is not None and known.route == route else Standing(route, now)
            for route in routes
        ]
        await self._book.put_routes(site, standing)
        self._routes[site] = {each.route.id: each for each in standing}
        for key, (_, run) in list(self._runs.items()):
            if key[0] == site and run.from_at > now:
                self._drop(key)
        self._plan(now)
        self._judge()

    async def runs(self, site: str, since: int, until: int) -> list[Run]:
        """Runs that begin in [since, until), the newest first; also those to come."""
        await self.write()
        found = {run.id: run for run in await self._book.runs(site, since, until)}
        found |= {run.id: run for _, run in self._runs.values() if run.site == site and since <= run.from_at < until}
        return sorted(found.values(), key=lambda run: (-run.from_at, run.id))

    # --- beside ---

    async def open(self) -> None:
        """Read routes, and what was reached of the runs of these days."""
        now = self._clock.now_ms()
        self._routes = {
            site: {each.route.id: each for each in routes} for site, routes in (await self._book.routes()).items()
        }
        for site in self._routes:
            for run in await self._book.runs(site, self._first(site, now), now + AHEAD_MS):
                self._begun.add((site, run.id))
                for scan in scans_of(run):
                    self._scans.put(site, scan)
        self._crew.open()
        self._plan(now)
        self._judge()

    async def run(self) -> None:
        """Take up events from before, then look at the time every other second, until cancelled."""
        now = self._clock.now_ms()
        for site in self._routes:
            for event in await self._history.events(site, None, self._first(site, now), now + 1):
                if event.kind in SCANS:
                    for asset, _ in self._roster.bound(site, event.device):
                        self._event(asset, event)
        self._judge()
        while True:
            await self._clock.sleep(TICK_S)
            await self.tick()

    async def tick(self) -> None:
        """Let time pass: runs begin and end, windows close, people go off duty or silent."""
        now = self._clock.now_ms()
        self._plan(now)
        self._judge()
        if self._scans.late:
            await self._judge_late()
        mono = self._clock.monotonic()
        if mono - self._written_at >= WRITE_EVERY_S:
            self._written_at = mono
            await self.write()

    async def write(self) -> None:
        """Runs that changed."""
        runs, self._unwritten = self._unwritten, {}
        try:
            if runs:
                await self._book.put_runs(list(runs.values()), now=self._clock.now_ms())
        except StoreUnavailable as error:
            log.warning("%d patrol runs not written yet: %s", len(runs), error)
            self._unwritten = runs | self._unwritten

    # --- inside ---

    def _event(self, asset: Asset, event: Event) -> None:
        """A card at a reader, or a tag at a device that somebody carries."""
        site, card = asset.key.site, str(event.data.get("card_key") or "")
        if asset.key.kind in KINDS:
            self._scan(asset.key, self._checkpoints.with_tag(self.routes(site), card), event.at)
            return
        person = self._roster.by_card(site, card) if card else None
        if person is None or person.key.kind not in KINDS:
            return
        self._crew.see(person, Seen(event.at, asset.spot, None, by=asset.name))
        there = self._checkpoints.at_reader(self.routes(site), event.device, asset.text("checkpoint"))
        self._scan(person.key, there, event.at)

    def _scan(self, person: AssetKey, there: Iterable[Checkpoint], at: int) -> None:
        self._scans.take(person, there, at, self._first(person.site, self._clock.now_ms()) - LATE_MS)

    async def _judge_late(self) -> None:
        """Runs that are over for days: what was reached of them, and what has come now."""
        late, self._scans.late = self._scans.late, {}
        for site, scans in late.items():
            for standing in list(self._routes.get(site, {}).values()):
                route = standing.route
                reach = route.length_ms + LATE_MS
                of_route = {each.id for each in route.checkpoints}
                mine = [scan for scan in scans if scan.checkpoint in of_route]
                begun = {
                    starts
                    for scan in mine
                    for starts in run_starts(route, self._calendar, site, scan.at - reach, scan.at + EARLY_MS)
                }
                for starts in sorted(begun):
                    known = self._unwritten.get((site, run_id(route.id, starts)))
                    known = known or await self._book.run(site, run_id(route.id, starts))
                    if known is None and not standing.asks(starts):
                        continue
                    together = {*mine, *(scans_of(known) if known else ())}
                    run = judge(route, site, starts, sorted(together), starts + reach)
                    if run != known and (run.done or known):
                        self._telling.note(run)
                        self._unwritten[site, run.id] = run

    def _plan(self, now: int) -> None:
        """Runs from yesterday to twelve hours ahead are in memory."""
        for site, routes in self._routes.items():
            first = self._first(site, now)
            for standing in routes.values():
                route = standing.route
                for starts in run_starts(route, self._calendar, site, first, now + AHEAD_MS):
                    key = (site, run_id(route.id, starts))
                    if key not in self._runs and (standing.asks(starts) or key in self._begun):
                        self._runs[key] = (route, judge(route, site, starts, (), starts))
            self._scans.forget_before(site, first - LATE_MS)
            for key in [key for key, (_, run) in self._runs.items() if key[0] == site and run.from_at < first]:
                self._drop(key)

    def _judge(self) -> None:
        now = self._clock.now_ms()
        patrols: dict[AssetKey, dict[str, object]] = {}
        changed, self._scans.changed = self._scans.changed, set()
        for key, (route, before) in self._runs.items():
            since, until = before.from_at - EARLY_MS, before.until_at + LATE_MS
            goes_on = since <= now <= until + SHOWN_AFTER_MS
            if not goes_on and not any(site == key[0] and since <= at < until for site, at in changed):
                continue
            run = judge(route, key[0], before.from_at, self._scans.between(key[0], since, until), now)
            if run != before:
                self._runs[key] = (route, run)
                self._unwritten[key] = run
                self._telling.note(run)
            self._telling.alarm(route, run, now)
            self._telling.show(run, now)
            if run.guard and run.done < len(run.checkpoints) and run.done and now < run.until_at:
                patrols |= {AssetKey(key[0], kind, run.guard): on_patrol(run) for kind in KINDS}
        self._crew.patrols = patrols
        self._crew.work(now)

    def _drop(self, key: tuple[str, str]) -> None:
        del self._runs[key]
        self._begun.discard(key)
        self._telling.drop(*key)

    def _first(self, site: str, now: int) -> int:
        today = self._calendar.day_of(site, now)[0]
        return self._calendar.day_of(site, today - HOUR_MS)[0]
