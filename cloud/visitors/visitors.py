"""The feature: visitors of all sites, their passes and where they are."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from cloud.assets.contract import Asset, AssetKey, Happened, Journal, Roster, Shown
from cloud.places.alarm_sink import AlarmArgs, AlarmSink, Raised
from cloud.places.chronicle import Chronicle, Entry
from cloud.registry.passes_book import PassesBook
from cloud.visitors.visit import (
    ARRIVED,
    EXPECTED,
    IN,
    LEFT,
    OUT,
    OVERDUE,
    SEEN,
    Pass,
    Passage,
    Visit,
    counts_for,
    plain_plate,
    visit_of,
)
from protocols.clock import Clock
from protocols.errors import StoreUnavailable
from protocols.reading import Event

log = logging.getLogger(__name__)

KIND = "visitor_overdue"
TICK_S = 5.0
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MEMORY_MS = 2 * DAY_MS
"""Passes whose window ended longer ago are not looked at any more, unless the visitor is still inside."""
SHOWN_AFTER_MS = HOUR_MS
TAPS = frozenset({"card_read", "access_granted"})
PASSAGES_MAX = 500
AHEAD_MS = 5_000
"""The clock of a reader may be so far ahead."""


class Zones(Protocol):
    """Who knows the zone of a site."""

    def time_zone(self, site: str) -> str: ...


class Visitors:
    """A ``Listener`` of doors and readers. Retention empties names, phones and plates."""

    def __init__(
        self,
        clock: Clock,
        *,
        roster: Roster,
        shown: Shown,
        journal: Journal,
        zones: Zones,
        alarms: AlarmSink,
        book: PassesBook,
    ) -> None:
        self.book = book
        self._clock, self._roster, self._shown, self._journal, self._zones = clock, roster, shown, journal, zones
        self._raised = Raised(alarms)
        self.decided: Callable[[str, str], bool] = lambda _site, _reader: False
        """Whether a gateway decides at a reader: there a card passes by its decision, and not by being read."""
        self._passes: dict[str, Pass] = {}
        self._passages: dict[str, set[Passage]] = {}
        self._unwritten: list[tuple[str, Passage]] = []
        self._chronicles: dict[str, Chronicle] = {}

    # --- what is told ---

    async def observed(self, observed: Sequence[object]) -> None:
        """Readings say nothing about visitors."""

    async def happened(self, happened: Sequence[Happened]) -> None:
        for each in happened:
            site, event = each.asset.key.site, each.event
            if event.kind == "card_read" and self.decided(site, event.device):
                continue
            for found in self._fitting(site, event):
                means = "plate" if event.kind == "plate_read" else "card"
                gate, way = self._gate_of(each.asset), self._way_of(each.asset, event)
                self.passed(found, Passage(event.at, way, gate, means))

    # --- what people do ---

    async def add(self, given: Pass, *, once: str | None) -> Pass:
        """Make a pass. ``once``: asked again, the answer is the same."""
        if once is not None and (known := await self.book.once(once)):
            return known
        await self.book.add(given, once=once)
        self._take(given)
        entity = AssetKey(given.site, "visitor", given.id).entity
        self._journal.note(given.site, entity, "pass_made", given.created_at, {"by": given.created_by})
        return given

    async def cancel(self, given: Pass, by: str) -> Pass:
        """Nobody is expected any more. Raises PassChanged."""
        now = self._clock.now_ms()
        changed = await self.book.change(msgspec.structs.replace(given, cancelled_at=now), was=given.rev)
        entity = AssetKey(given.site, "visitor", given.id).entity
        self._journal.note(given.site, entity, "pass_cancelled", now, {"by": by})
        self._take(changed)
        return changed

    def passed(self, given: Pass, passage: Passage) -> None:
        """The visitor was seen at a gate, or somebody wrote that down; the same passage twice counts once."""
        known = self._passages.setdefault(given.id, set())
        if passage not in known and len(known) < PASSAGES_MAX:
            known.add(passage)
            self._unwritten.append((given.id, passage))
            self._work(given)

    # --- what is asked ---

    async def passes(self, site: str, since: int, until: int) -> list[tuple[Pass, Visit]]:
        """Passes whose window overlaps [since, until), and what became of them."""
        await self.flush()
        now = self._clock.now_ms()
        found = await self.book.of(site, since, until)
        passages = await self.book.passages([each.id for each in found])
        return [(each, visit_of(each, passages.get(each.id, ()), now)) for each in found]

    async def find(self, name: str) -> tuple[Pass, Visit, list[Passage]] | None:
        """One pass, what became of it, and when it was seen at a gate."""
        await self.flush()
        given = await self.book.find(name)
        if given is None:
            return None
        passages = (await self.book.passages([name])).get(name, [])
        return given, visit_of(given, passages, self._clock.now_ms()), passages

    def lent(self, site: str) -> list[Pass]:
        """Passes with a lent card that hold now or later, by their beginning."""
        now = self._clock.now_ms()
        return sorted(
            (
                each
                for each in self._passes.values()
                if each.site == site and each.card_key and each.cancelled_at is None and each.until_at > now
            ),
            key=lambda each: (each.from_at, each.id),
        )

    def lent_to(self, site: str, card: str, at: int) -> str:
        """Who carried a lent card at an instant, of the passes of these days; empty for nobody."""
        mine = (each for each in self._passes.values() if each.site == site and each.card_key == card)
        return next((each.name for each in mine if each.from_at <= at < each.until_at), "")

    # --- beside ---

    async def open(self) -> None:
        """Read the passes of these days, and of who is still inside however long ago they should have left."""
        now = self._clock.now_ms()
        begun = await self.book.begun(now - MEMORY_MS)
        seen = await self.book.passages([each.id for each in begun])
        open_ones = [each for each in begun if visit_of(each, seen[each.id], now).state == OVERDUE]
        for given in [*open_ones, *await self.book.of(None, now - MEMORY_MS, now + 400 * DAY_MS, limit=50_000)]:
            self._passes[given.id] = given
        for name, passages in (await self.book.passages(list(self._passes))).items():
            self._passages[name] = set(passages)
        for given in await self.book.nameless(KIND):
            self._end_unnamed(given)
        for given in list(self._passes.values()):
            self._work(given)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(TICK_S)
            await self.tick()

    async def tick(self) -> None:
        """Let time pass; write."""
        for given in list(self._passes.values()):
            self._work(given)
        try:
            await self.flush()
        except StoreUnavailable as error:
            log.warning("%d passages of visitors not written yet: %s", len(self._unwritten), error)

    async def flush(self) -> None:
        """Write down passages."""
        waiting, self._unwritten = self._unwritten, []
        if not waiting:
            return
        try:
            await self.book.put_passages(waiting)
        except StoreUnavailable:
            self._unwritten = waiting + self._unwritten
            raise

    def let_go(self, ids: Sequence[str]) -> None:
        """These were emptied at rest: nobody of them is shown any more, nor waited for."""
        for given in [self._passes[name] for name in ids if name in self._passes]:
            if self._raised.is_up(KIND, AssetKey(given.site, "visitor", given.id).entity):
                self._end_unnamed(given)
            self._forget(given)

    # --- inside ---

    def _take(self, given: Pass) -> None:
        self._passes[given.id] = given
        self._work(given)

    def _work(self, given: Pass) -> None:
        passages = sorted(self._passages.get(given.id, ()))
        now = self._clock.now_ms()
        if passages and passages[-1].at - now in range(AHEAD_MS):
            now = passages[-1].at
        visit = visit_of(given, passages, now)
        self._tell(given, passages, now)
        overdue: AlarmArgs | None = None
        if visit.state == OVERDUE:
            zone = ZoneInfo(self._zones.time_zone(given.site))
            until = datetime.fromtimestamp(given.until_at / 1000, zone).strftime("%m-%d %H:%M")
            overdue = {"name": given.name, "host": given.host, "unit": given.unit, "until": until}
        entity = AssetKey(given.site, "visitor", given.id).entity
        self._raised.state(KIND, entity, overdue)
        inside = visit.state in (ARRIVED, OVERDUE)
        if not inside and now > given.until_at + MEMORY_MS:
            self._forget(given)
        elif inside or (
            given.from_at - DAY_MS <= now and (visit.state == EXPECTED or now < visit.since + SHOWN_AFTER_MS)
        ):
            self._show(given, visit)
        else:
            self._shown.hide(entity)

    def _show(self, given: Pass, visit: Visit) -> None:
        self._shown.show(
            AssetKey(given.site, "visitor", given.id).entity,
            "visitor",
            given.site,
            title=given.name,
            attributes={
                "name": given.name,
                "host": given.host,
                "unit": given.unit,
                "plate": given.plate,
                "people": given.people,
                "from": given.from_at,
                "until": given.until_at,
                "state": visit.state,
                "since": visit.since,
                "arrived_at": visit.arrived_at,
                "left_at": visit.left_at,
                "gate": visit.gate or given.gate,
                "rev": given.rev,
            },
            urgent=True,
        )

    def _tell(self, given: Pass, passages: Sequence[Passage], now: int) -> None:
        """The journal by the passages in their order, whenever they arrived."""
        entity = AssetKey(given.site, "visitor", given.id).entity
        entries: list[Entry] = []
        before = EXPECTED
        moments = {each.at for each in passages} | {given.until_at}
        for at in sorted(moment for moment in moments if moment <= now):
            visit = visit_of(given, passages, at)
            if visit.state != before and visit.state in (ARRIVED, LEFT, OVERDUE):
                gate = next((each.gate for each in passages if each.at == at), "")
                entries.append(Entry(at, f"visitor_{visit.state}", {"gate": gate, "host": given.host}))
            before = visit.state
        chronicle = self._chronicles.get(given.id)
        if chronicle is None:
            if not entries:
                return
            kinds = [f"visitor_{state}" for state in (ARRIVED, LEFT, OVERDUE)]
            chronicle = self._chronicles[given.id] = Chronicle(self._journal, given.site, entity, kinds)
        chronicle.tell(given.created_at - DAY_MS, now + 1, entries)

    def _end_unnamed(self, given: Pass) -> None:
        """End the alarm without the name, which would stay with it."""
        entity = AssetKey(given.site, "visitor", given.id).entity
        self._raised.state(KIND, entity, {})
        self._raised.forget(KIND, entity)

    def _forget(self, given: Pass) -> None:
        entity = AssetKey(given.site, "visitor", given.id).entity
        self._raised.forget(KIND, entity)
        self._shown.hide(entity)
        self._passes.pop(given.id, None)
        self._passages.pop(given.id, None)
        self._chronicles.pop(given.id, None)

    def _fitting(self, site: str, event: Event) -> Iterator[Pass]:
        card = str(event.data.get("card_key") or "") if event.kind in TAPS else ""
        plate = plain_plate(str(event.data.get("plate") or "")) if event.kind == "plate_read" else ""
        if not card and not plate:
            return
        for given in self._passes.values():
            mine = (card and given.card_key == card) or (plate and plain_plate(given.plate) == plate)
            if mine and given.site == site and counts_for(given, event.at):
                yield given

    def _gate_of(self, asset: Asset) -> str:
        return asset.text("door") if asset.key.kind == "reader" and asset.text("door") else asset.key.id

    def _way_of(self, asset: Asset, event: Event) -> str:
        told = str(event.data.get("direction") or asset.text("direction"))
        return {"in": IN, "out": OUT}.get(told, SEEN)
