"""What people do about alarms: acknowledge, shelve, take out of service, note. Each is kept with name and time."""

import msgspec

from cloud.alarms.board import AlarmBoard
from cloud.alarms.shown import AlarmView
from cloud.registry.alarm_book import AlarmBook, Deed, Shelf, StoredAlarm
from protocols.clock import Clock
from protocols.errors import Permanent

SHELF_MAX_MS = 7 * 86_400_000
SHELVED, OUT_OF_SERVICE = "shelved", "out_of_service"


class UnknownAlarm(Permanent):
    """No alarm of that id is remembered."""


class AlarmChanged(Permanent):
    """The alarm is not at the expected revision any more; ``rev`` is the one it has."""

    def __init__(self, rev: int) -> None:
        self.rev = rev
        super().__init__(f"the alarm is at revision {rev} now")


class NotPossible(Permanent):
    """This cannot be done to the alarm as it is."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Who does it, on what revision (None: whichever), and in what words."""

    by: str
    rev: int | None = None
    text: str = ""
    until: int | None = None


class AlarmDesk:
    """Every method is durable when it returns; raises UnknownAlarm, AlarmChanged, NotPossible or StoreUnavailable."""

    def __init__(self, board: AlarmBoard, book: AlarmBook, clock: Clock) -> None:
        self._board, self._book, self._clock = board, book, clock

    async def find(self, alarm_id: int) -> StoredAlarm:
        """The alarm of that id, active or not."""
        alarm = self._board.by_id(alarm_id)
        if alarm is None:
            await self._board.flush()
            alarm = await self._book.find(alarm_id)
        if alarm is None:
            raise UnknownAlarm(f"no alarm {alarm_id}")
        return alarm

    async def acknowledge(self, alarm_id: int, act: Act) -> AlarmView:
        """Somebody has seen it and takes care. Whoever was first stays named; one that ended leaves the board."""
        alarm = await self._taken(alarm_id, act)
        if alarm.acknowledged_at is None:
            alarm.acknowledged_at, alarm.acknowledged_by = self._clock.now_ms(), act.by
            alarm.count = 1
            if act.text:
                alarm.note = act.text
            self._did(alarm, act, "acknowledged")
            if alarm.waiting:
                self._board.let_go(alarm)
            else:
                self._board.tell(alarm)
        return await self._kept(alarm)

    async def note(self, alarm_id: int, act: Act) -> AlarmView:
        """Words for the next shift. The last ones stand with the alarm, all are in its history."""
        alarm = await self._taken(alarm_id, act)
        alarm.note = act.text
        self._did(alarm, act, "noted")
        self._board.tell(alarm)
        return await self._kept(alarm)

    async def shelve(self, alarm_id: int, act: Act) -> AlarmView:
        """Hide it, and what comes of the same kind and source, until an instant; then it returns by itself."""
        now = self._clock.now_ms()
        if act.until is None or not now < act.until <= now + SHELF_MAX_MS:
            raise NotPossible("until is not within the next 7 days")
        return await self._hide(alarm_id, act, SHELVED)

    async def out_of_service(self, alarm_id: int, act: Act) -> AlarmView:
        """Hide it, and what comes of the same kind and source, until somebody puts it back in service."""
        return await self._hide(alarm_id, msgspec.structs.replace(act, until=None), OUT_OF_SERVICE)

    async def unshelve(self, alarm_id: int, act: Act) -> AlarmView:
        """Show it again: it was shelved or out of service."""
        alarm = await self._taken(alarm_id, act)
        if self._board.shelf(alarm.kind, alarm.source) is None:
            raise NotPossible("it is neither shelved nor out of service")
        self._did(alarm, act, "unshelved")
        self._board.set_shelf(alarm.kind, alarm.source, None)
        self._board.tell(alarm)
        return await self._kept(alarm)

    async def _hide(self, alarm_id: int, act: Act, mode: str) -> AlarmView:
        alarm = await self._taken(alarm_id, act)
        if not act.text.strip():
            raise NotPossible("a reason is needed, for whoever comes next")
        now = self._clock.now_ms()
        self._did(alarm, act, mode)
        shelf = Shelf(alarm.kind, alarm.source, mode, act.until, act.text, act.by, now, alarm.id)
        self._board.set_shelf(alarm.kind, alarm.source, shelf)
        if alarm.waiting:
            self._board.let_go(alarm)
        elif alarm.ended_at is not None:
            self._board.tell(alarm)
        return await self._kept(alarm)

    async def _taken(self, alarm_id: int, act: Act) -> StoredAlarm:
        alarm = await self.find(alarm_id)
        if act.rev is not None and act.rev != alarm.rev:
            raise AlarmChanged(alarm.rev)
        return alarm

    def _did(self, alarm: StoredAlarm, act: Act, action: str) -> None:
        alarm.rev += 1
        self._board.done(Deed(alarm.id, self._clock.now_ms(), act.by, action, act.text, act.until))

    async def _kept(self, alarm: StoredAlarm) -> AlarmView:
        await self._board.write()
        return self._board.show(alarm)
