"""The fleet: told of vehicles by the feed, it steps each one, shows it, raises alarms and keeps its days.

``observed`` and ``happened`` only take in; ``tick`` (once a second) does the work; ``redo_next`` works out days anew.
"""

import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, NamedTuple

from cloud.assets.contract import Asset, AssetKey, Happened, Journal, Observed, ResourceState, Shown, Travelled
from cloud.fleet.alarms import Board, FleetAlarms
from cloud.fleet.day import JOURNAL_KINDS, DayResult, began_of, findings_of, under_way
from cloud.fleet.display import KIND, Display
from cloud.fleet.fixes import ODOMETER, POINTS, READER, Sample
from cloud.fleet.history import CARD_READ, Told
from cloud.fleet.keeper import Keeper
from cloud.fleet.line import Line, Stepped
from cloud.fleet.rules import Turn
from cloud.fleet.step import Note, TripDone, VehicleState
from cloud.fleet.yards import Around, Yards
from cloud.geo.earth import Spot
from cloud.registry.trip_book import StoredService, TripBook
from cloud.store.contract import SeriesStore
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

TICK_S = 1.0
LAG_MS = 120_000
"""What falls due by silence is judged so much later: what comes within it is not late."""
REFRESH_MS = 5_000
KEEP_EVERY_MS = 300_000
QUIET_MS, PATIENCE_MS = 5_000, 60_000
"""Days are worked out anew when nothing late came for a while, or when it has waited for long."""
PAUSE_S = 0.2


class Core(NamedTuple):
    """What the fleet stands on. keep_days: how long raw readings are kept (None: for ever); older days stay."""

    around: Around
    book: TripBook
    store: SeriesStore
    shown: Shown
    journal: Journal
    alarms: Board
    clock: Clock
    keep_days: int | None = None
    travelled: Callable[[Travelled], None] = lambda _: None
    """Told of trips that teach how long a way takes: for an order or between places people know, and seen whole."""


class Fleet:
    """A ``Listener`` of vehicles, and ``Resources`` of them. ``open`` first; ``tasks`` run it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.book = core.book
        self.yards = Yards(core.around, core.book)
        self._display = Display(core.shown)
        self._alarms = FleetAlarms(core.alarms, core.around.zone)
        self._keeper = Keeper(core.book)
        self._lines: dict[AssetKey, Line] = {}
        self._told: dict[AssetKey, tuple[Asset, Told]] = {}
        self._service: dict[AssetKey, StoredService] = {}
        self._refreshed: dict[AssetKey, int] = {}
        self._kept: dict[AssetKey, int] = {}
        self._changed: set[AssetKey] = set()
        self._waiting_since: dict[AssetKey, int] = {}

    async def open(self) -> None:
        """Take up what was known; what was stored since is worked out from the store, in the background."""
        await self.yards.open()
        now = self._core.clock.now_ms()
        for service in await self.book.services():
            self._service[AssetKey(service.site, KIND, service.vehicle)] = service
        for day in await self.book.last_days():
            began = began_of(day)
            if began is not None:
                self._line(AssetKey(day.site, KIND, day.vehicle)).begin_with(began)
        for key, first in (await self.book.redo()).items():
            self._line(key).mark_late(first, now)
        self._look_at_roster(now)

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled."""
        yield "fleet", self._run()
        yield "fleet days", self._run_redo()

    async def observed(self, observed: Sequence[Observed]) -> None:
        """Take what devices of vehicles said."""
        now = self._core.clock.now_ms()
        moved: dict[AssetKey, Asset] = {}
        for one in observed:
            role = one.binding.role
            if role not in POINTS or (role, one.binding.device) not in self._told_of(one.asset).series:
                continue
            points = {name: one.points[name] for name in POINTS[role] if name in one.points}
            if not points:
                continue
            sample = Sample(one.at, role, one.binding.device, points, one.received_at)
            self._offer(one.asset, sample, now)
            moved[one.asset.key] = one.asset
        for key, asset in moved.items():
            self._display.moved(self._lines[key], self.yards.of(asset, now))

    async def happened(self, happened: Sequence[Happened]) -> None:
        """Take cards held to readers in vehicles."""
        now = self._core.clock.now_ms()
        for one in happened:
            card = one.event.data.get("card_key")
            if one.event.kind == CARD_READ and one.binding.role == READER and isinstance(card, str):
                sample = Sample(one.event.at, READER, one.binding.device, {}, one.received_at, card)
                self._offer(one.asset, sample, now)
                self._changed.add(one.asset.key)

    def states(self, site: str, kind: str) -> Sequence[ResourceState]:
        """See ``Resources``."""
        return self._display.states(site) if kind == KIND else ()

    def tick(self) -> None:
        """Step what came, let time pass, show what changed."""
        now = self._core.clock.now_ms()
        self._look_at_roster(now)
        for key, line in self._lines.items():
            asset = self._core.around.roster.find(key)
            if asset is None:
                continue
            yard = self.yards.of(asset, now)
            stepped = line.go_on(yard, self._core.around.roster, now, until=now - LAG_MS)
            if stepped.outcomes:
                self._take(line, stepped)
            if line.redo_from is not None and key not in self._waiting_since:
                self._waiting_since[key] = now
                self._keeper.redo(key, line.redo_from)
            if line.account is not None and line.state is not None and now - self._kept.get(key, 0) >= KEEP_EVERY_MS:
                self._keep(line, now)
            if key in self._changed or stepped.outcomes or now - self._refreshed.get(key, 0) >= REFRESH_MS:
                self._changed.discard(key)
                self._refreshed[key] = now
                self._display.refresh(line, yard, self._service.get(key), now)

    async def redo_next(self) -> bool:
        """Work out anew the days of the vehicle that waits longest; whether there was one."""
        now = self._core.clock.now_ms()
        due = [
            (since, key)
            for key, since in self._waiting_since.items()
            if now - self._lines[key].late_at >= QUIET_MS or now - since >= PATIENCE_MS
        ]
        if not due:
            return False
        key = min(due)[1]
        line, asset = self._lines[key], self._core.around.roster.find(key)
        if asset is None or line.redo_from is None:
            del self._waiting_since[key]
            return True
        yard, core = self.yards.of(asset, now), self._core
        redone = await line.redo(yard, core.around.roster, core.store, self.book, now)
        self._waiting_since.pop(key, None)
        for day in redone.days:
            await self._replace(key, day, now)
        if redone.current and line.state is not None:
            self._alarms.agree(key, line.state)
        self._keeper.redo(key, line.redo_from)
        self._changed.add(key)
        return True

    async def flush(self) -> None:
        """Write what was gathered."""
        await self._keeper.flush()

    def current(self, key: AssetKey) -> DayResult | None:
        """The day under way of a vehicle; None when nothing was heard of it."""
        line = self._lines.get(key)
        if line is None or line.account is None or line.state is None:
            return None
        return under_way(line.account, line.state)

    def state(self, key: AssetKey) -> VehicleState | None:
        """All that is remembered of a vehicle; None when nothing was heard of it."""
        line = self._lines.get(key)
        return line.state if line is not None else None

    def service(self, key: AssetKey) -> StoredService | None:
        """Why a dispatcher took the vehicle out of service; None when nobody did."""
        return self._service.get(key)

    async def put_service(self, key: AssetKey, service: StoredService | None) -> None:
        """Take a vehicle out of service, or (None) into it again."""
        await self.book.put_service(key, service)
        before = self._service.pop(key, None)
        at = self._core.clock.now_ms()
        if service is not None:
            self._service[key] = service
            facts = {"reason": service.reason, "by": service.by}
            self._core.journal.note(key.site, key.entity, "out_of_service", at, facts)
        elif before is not None:
            self._core.journal.note(key.site, key.entity, "back_in_service", at, {"since": before.since})
        self._refreshed.pop(key, None)

    def _offer(self, asset: Asset, sample: Sample, now: int) -> None:
        keep_days = self._core.keep_days
        if keep_days is not None and now - sample.at > (keep_days - 1) * 86_400_000:
            return
        self._line(asset.key).offer(sample, self.yards.of(asset, now), now)

    def _line(self, key: AssetKey) -> Line:
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(key)
        return line

    def _told_of(self, asset: Asset) -> Told:
        known = self._told.get(asset.key)
        if known is None or known[0] is not asset:
            known = self._told[asset.key] = (asset, Told.of(asset))
        return known[1]

    def _look_at_roster(self, now: int) -> None:
        """Every vehicle is shown, also one of which nothing was heard."""
        for asset in self._core.around.roster.all(KIND):
            if asset.key not in self._lines:
                self._line(asset.key)
        for key in [key for key in self._refreshed if self._core.around.roster.find(key) is None]:
            del self._refreshed[key]
            self._display.hide(key)
        del now

    def _take(self, line: Line, stepped: Stepped) -> None:
        key, keep = line.key, False
        for outcome in stepped.outcomes:
            if isinstance(outcome, Note):
                self._core.journal.note(key.site, key.entity, outcome.kind, outcome.at, outcome.facts)
            elif isinstance(outcome, Turn):
                assert line.state is not None
                self._alarms.turned(key, outcome, line.state)
                keep = True
            elif isinstance(outcome, TripDone):
                keep = True
                if not outcome.gap and (outcome.request or (outcome.from_name and outcome.to_name)):
                    self._core.travelled(_travelled(key, outcome))
        for day in stepped.ended:
            self._keeper.keep(key, day)
        if keep or stepped.ended:
            self._keep(line, self._core.clock.now_ms())

    def _keep(self, line: Line, now: int) -> None:
        if line.account is not None and line.state is not None:
            self._kept[line.key] = now
            self._keeper.keep(line.key, under_way(line.account, line.state))

    async def _replace(self, key: AssetKey, day: DayResult, now: int) -> None:
        before = await self.book.day(key, day.day)
        self._alarms.found_late(key, day, findings_of(before) if before is not None else (), now)
        rows = [(note.kind, note.at, note.facts) for note in day.notes]
        self._core.journal.replace(key.site, key.entity, JOURNAL_KINDS, day.day, day.day_end, rows)
        self._keeper.keep(key, day)

    async def _run(self) -> None:
        while True:
            self.tick()
            await self._keeper.flush()
            await self._core.clock.sleep(TICK_S)

    async def _run_redo(self) -> None:
        while True:
            try:
                worked = await self.redo_next()
            except StoreUnavailable as error:
                log.warning("days of vehicles are worked out later: %s", error)
                worked = False
            await self._core.clock.sleep(PAUSE_S if worked else TICK_S)


def _travelled(key: AssetKey, trip: TripDone) -> Travelled:
    km = trip.km if trip.source == ODOMETER else None
    return Travelled(
        key.site, KIND, trip.started_at, trip.ended_at, Spot(*trip.from_), Spot(*trip.to), km, trip.request
    )
