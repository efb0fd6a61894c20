"""Cards before readers: decided at once, the strike pulsed once, the decision recorded.

    reader --> MQTT driver --> hear: decide --> strike's queue --> obey (one pulse, before waiting polls) --> Records
                         `--> the path of all events, untouched

What `hear` does takes no disk, no network and no waiting. A read that may be old (sent again, kept by a broker, or by
its own time older than `OLD_MS`) opens nothing: nobody stands there any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from edge.access.decider import Asked, Decision, Place, decide
from edge.access.lists import Lists
from edge.access.records import Records
from edge.access.zones import Zones
from edge.commands import Command, CommandOutcome
from edge.settings import DoorSettings
from protocols.alive import stop_if_cancelled
from protocols.clock import MS_PER_S, Clock
from protocols.errors import StoreUnavailable
from protocols.reading import Event, Scalar
from protocols.status import GrantsReport

log = logging.getLogger(__name__)

SAME_READ_S = 1.0
"""A reader that tells one card again within this has read it once."""
OLD_MS = 60 * MS_PER_S
PULSES_WAITING_MAX = 4
"""Of one door. A strike that cannot keep up with four people has a bus that does not answer."""
READS_PER_S, READS_AT_ONCE = 5.0, 20.0
"""Of one reader. Nobody holds cards to it faster; what comes beyond it is counted, and decided by nobody."""
READERS_CARDS_KEPT = 64
TELL_LEFT_OUT_S = 60.0
SAVE_EVERY_S = 1.0
DETAIL_MAX = 400

TAPS = frozenset({"card_read", "access_granted", "access_denied"})
"""Kinds by which a reader says that a card was held to it. What it thinks of the card does not matter."""

Obey = Callable[[Command], Awaitable[CommandOutcome]]


def _as_read(event: Event) -> Event:
    if event.kind == "card_read":
        return event
    data: dict[str, Scalar] = {"card_key": event.data["card_key"], "known": event.kind == "access_granted"}
    if "reason" in event.data:
        data["access"] = event.data["reason"]
    return Event(event.device, "card_read", event.at, data, event.reason)


class _Reader:
    """One reader, at one side of one door."""

    def __init__(self, door: DoorSettings, direction: str, now_s: float) -> None:
        self.door, self.direction = door, direction
        inward = direction == "in"
        self.here = door.zone_out if inward else door.zone_in
        self.there = door.zone_in if inward else door.zone_out
        self.left_out = 0
        self._room, self._filled_s = READS_AT_ONCE, now_s
        self._heard: OrderedDict[str, float] = OrderedDict()

    def is_same(self, card: str, now_s: float) -> bool:
        """True when this card was told a moment ago."""
        before = self._heard.pop(card, None)
        self._heard[card] = now_s
        if len(self._heard) > READERS_CARDS_KEPT:
            self._heard.popitem(last=False)
        return before is not None and now_s - before < SAME_READ_S

    def has_room(self, now_s: float) -> bool:
        """False when reads come faster than people do."""
        self._room = min(READS_AT_ONCE, self._room + (now_s - self._filled_s) * READS_PER_S)
        self._filled_s = now_s
        if self._room < 1.0:
            self.left_out += 1
            return False
        self._room -= 1.0
        return True


class _Opening(NamedTuple):
    """A decision to let in that waits for its strike."""

    event: Event
    person: int
    gone: Place | None
    before: Place | None


class Access:
    """`hear` takes events of readers; `run` pulses, records and watches the list. ``now_ms``: the wall clock, or a
    lower bound while ``clock_known`` is False."""

    def __init__(
        self,
        doors: Sequence[DoorSettings],
        *,
        lists: Lists,
        zones: Zones,
        records: Records,
        obey: Obey,
        clock: Clock,
        clock_known: Callable[[], bool],
        now_ms: Callable[[], int],
    ) -> None:
        self.lists, self._zones, self._records = lists, zones, records
        self._obey, self._clock, self._clock_known, self._now_ms = obey, clock, clock_known, now_ms
        now_s = clock.monotonic()
        self._readers: Mapping[str, _Reader] = {
            device: _Reader(door, direction, now_s)
            for door in doors
            for direction, devices in (("in", door.reader_in), ("out", door.reader_out))
            for device in devices
        }
        self._doors = {door.id: door for door in doors}
        self._pulses: dict[str, asyncio.Queue[_Opening]] = {
            door.id: asyncio.Queue(PULSES_WAITING_MAX) for door in doors
        }
        self._opening = 0
        self._save = asyncio.Event()
        self.decisions = 0
        self.left_out = 0

    def hear(self, events: tuple[Event, ...], fresh: bool) -> tuple[Event, ...]:
        """Take what a device told, and return it as it is to be stored. fresh: it happened just now.

        What a reader of a door decided by itself opened nothing, so it is a card that was read. Never waits or raises.
        """
        began_s = self._clock.monotonic()
        kept = []
        for event in events:
            reader = self._readers.get(event.device)
            card = event.data.get("card_key")
            if reader is None or event.kind not in TAPS or not isinstance(card, str):
                kept.append(event)
                continue
            kept.append(_as_read(event))
            now_s = self._clock.monotonic()
            if reader.is_same(card, now_s):
                continue
            if not reader.has_room(now_s):
                self.left_out += 1
                continue
            self.decisions += 1
            self._decide(event, reader, card, fresh, began_s)
        return tuple(kept)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._records.run(), name="door-records")
            group.create_task(self.lists.run(), name="grant-lists")
            group.create_task(self._keep_places(), name="door-zones")
            group.create_task(self._tell_left_out(), name="door-floods")
            for door in self._doors.values():
                group.create_task(self._strike(door), name=f"strike[{door.id}]")

    async def drained(self) -> None:
        """Return when what was decided is on disk and no strike is waited for."""
        while self._opening:
            await self._clock.sleep(0.01)
        await self._records.drained()

    def close(self) -> None:
        """After `run` has ended: save who passed and let go of the file. Blocks; may be called again."""
        unsaved = self._zones.take_unsaved()
        if unsaved:
            try:
                self._zones.save(unsaved)
            except StoreUnavailable as error:
                log.error("anti-passback: %s", error)
        self._zones.close()

    def telling(self, obey: Obey, reason: str) -> Obey:
        """``obey``, where what opened a door is told as a decision too, or its opening would count as forced."""

        async def told(command: Command) -> CommandOutcome:
            asked_at = self._clock.now_ms()
            outcome = await obey(command)
            door = self._struck(command)
            if door is not None and outcome.ok is not False:
                strike = "done" if outcome.ok else "unknown"
                data: dict[str, Scalar] = {"door": door.id, "reason": reason, "strike": strike}
                device = next(iter((*door.reader_in, *door.reader_out)))
                self._records.add(Event(device, "access_granted", asked_at, data))
            return outcome

        return told

    def report(self) -> GrantsReport:
        """For the status."""
        return self.lists.fill(self.decisions, self.left_out)

    def _struck(self, command: Command) -> DoorSettings | None:
        if command.action not in ("pulse", "on"):
            return None
        place = (command.device, command.point)
        return next((door for door in self._doors.values() if (door.strike.device, door.strike.point) == place), None)

    def _decide(self, event: Event, reader: _Reader, card: str, fresh: bool, began_s: float) -> None:
        door, known = reader.door, self._clock_known()
        wall_ms = self._clock.now_ms()
        if not fresh or (known and wall_ms - event.at > OLD_MS):
            decision = Decision(False, "old_read")
        else:
            asked = Asked(
                card, door.id, self._now_ms(), known, door.level, reader.here, door.clock_unknown == "ignore-times"
            )
            decision = decide(asked, self.lists.held, self._zones.where)
        queue = self._pulses[door.id]
        if decision.granted and queue.full():
            decision = decision._replace(granted=False, reason="busy")
        data: dict[str, Scalar] = {"card_key": card, "door": door.id, "reason": decision.reason}
        data |= {"direction": reader.direction, "decision_ms": round((self._clock.monotonic() - began_s) * 1000, 3)}
        if decision.number:
            data["list"] = decision.number
        if decision.person is not None:
            data |= {"person": decision.person, "level": decision.level}
        if decision.passback:
            data["passback"] = decision.passback
        kind = "access_granted" if decision.granted else "access_denied"
        told = Event(event.device, kind, event.at if not fresh else wall_ms, data)
        if not decision.granted:
            self._records.add(told)
            return
        assert decision.person is not None
        gone = Place(reader.there, wall_ms) if reader.there and known else None
        before = self._zones.move(decision.person, gone) if gone is not None else None
        self._opening += 1
        queue.put_nowait(_Opening(told, decision.person, gone, before))

    async def _strike(self, door: DoorSettings) -> None:
        queue = self._pulses[door.id]
        command = Command(door.strike.device, door.strike.point, "pulse", door.strike.pulse_s)
        while True:
            opening = await queue.get()
            waited_ms = self._clock.now_ms() - opening.event.at
            try:
                outcome = await self._obey(command)
            except Exception as error:  # task top: whatever it was, the pulse is not sent again
                log.exception("door %s: the strike failed by a defect", door.id)
                outcome = CommandOutcome(None, f"it failed: {type(error).__name__}")
                stop_if_cancelled()
            finally:
                self._opening -= 1
            strike = "unknown" if outcome.ok is None else "done" if outcome.ok else "refused"
            data = {**opening.event.data, "strike": strike, "waited_ms": max(0, waited_ms)}
            if not outcome.ok:
                data["detail"] = outcome.detail[:DETAIL_MAX]
                log.warning("door %s: strike: %s: %s", door.id, strike, outcome.detail)
                if opening.gone is not None:
                    self._zones.put_back(opening.person, opening.gone, opening.before)
            self._records.add(Event(opening.event.device, opening.event.kind, opening.event.at, data))
            self._save.set()

    async def _keep_places(self) -> None:
        await self._load_places()
        told = ""
        while True:
            await self._save.wait()
            self._save.clear()
            unsaved = self._zones.take_unsaved()
            try:
                await self._save_places(unsaved)
                told = ""
            except StoreUnavailable as error:
                self._save.set()
                if not told:
                    log.error("anti-passback: who passed is in memory only: %s", error)
                told = str(error)
            await self._clock.sleep(SAVE_EVERY_S)

    async def _save_places(self, unsaved: dict[int, Place | None]) -> None:
        """Whole before it returns, also when cancelled: what `close` saves is newer, and must come later."""
        saving = asyncio.ensure_future(asyncio.to_thread(self._zones.save, unsaved))
        try:
            await asyncio.wait([saving])
        except asyncio.CancelledError:
            await asyncio.wait([saving])
            raise
        finally:
            if saving.done() and saving.exception() is not None:
                self._zones.give_back(unsaved)
        saving.result()

    async def _load_places(self) -> None:
        told = ""
        while True:
            try:
                self._zones.adopt(await asyncio.to_thread(self._zones.load))
                return
            except StoreUnavailable as error:
                if str(error) != told:
                    log.error("anti-passback: %s", error)
                told = str(error)
            await self._clock.sleep(SAVE_EVERY_S)

    async def _tell_left_out(self) -> None:
        while True:
            await self._clock.sleep(TELL_LEFT_OUT_S)
            for device, reader in self._readers.items():
                if reader.left_out:
                    data: dict[str, Scalar] = {"door": reader.door.id, "count": reader.left_out}
                    reader.left_out = 0
                    log.warning("door %s: %d reads of %s came too fast", reader.door.id, data["count"], device)
                    self._records.add(Event(device, "reads_left_out", self._clock.now_ms(), data))
