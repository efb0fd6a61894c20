"""Opening a door from afar: the pulse of its strike as a signed command, with a reason, at most so often."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from cloud.access.gateway_doors import Known
from cloud.assets.contract import AssetKey, Journal
from cloud.registry.tables_identity import CommandRow
from cloud.store.contract import GatewayKey
from protocols.clock import Clock
from protocols.commands import Action
from protocols.errors import Permanent

log = logging.getLogger(__name__)

LASTS_S = 15.0
"""A door that opened later than this would open for nobody."""
DOOR_EVERY_S = 3.0
PERSON_MAX, PERSON_WITHIN_S = 10, 60.0
KEPT, KEPT_MS = 200, 31 * 24 * 3_600_000
"""Unlocks that the page shows; the record of all of them is the audit trail and the list of commands."""
UNLOCKED = "door_unlocked"


class BadUnlock(Permanent):
    """A door that is not opened from afar. ``reason``: not_controlled, not_remote, offline or too_often."""

    def __init__(self, reason: str, detail: str, hint: str = "") -> None:
        self.reason, self.detail, self.hint = reason, detail, hint
        super().__init__(detail)


class Commands(Protocol):
    """Who gives commands (``cloud.identity.commanding.Commanding``)."""

    async def give(
        self, key: GatewayKey, *, device: str, point: str, action: Action, value: float | None, lasts_s: float, by: str
    ) -> CommandRow: ...


class Noted(Protocol):
    """One note of the journal."""

    @property
    def at(self) -> int: ...

    @property
    def facts(self) -> Mapping[str, Any]: ...


class Book(Journal, Protocol):
    """The journal, which is read here too."""

    async def of(
        self, entity: str, since: int, until: int, *, kinds: Sequence[str] = (), limit: int = 1_000
    ) -> Sequence[Noted]: ...


class Unlocked(NamedTuple):
    """One unlock: who, why, and the number of the command, which says what became of it."""

    door: str
    command: str
    by: str
    reason: str
    at: int


class Unlocking:
    """``unlock`` sends one command; nobody sends it again. ``find``: the gateway's door behind a door asset."""

    def __init__(
        self,
        find: Callable[[AssetKey], Known | None],
        online: Callable[[GatewayKey], bool],
        commands: Commands,
        journal: Book,
        clock: Clock,
    ) -> None:
        self._find, self._online, self._commands, self._journal, self._clock = find, online, commands, journal, clock
        self._doors: dict[AssetKey, float] = {}
        self._people: dict[str, deque[float]] = {}

    async def unlock(self, door: AssetKey, *, reason: str, by: str) -> CommandRow:
        """Pulse the strike of a door, once. Raises BadUnlock, and BadCommand, WireLost, StoreUnavailable as
        ``Commanding.give``."""
        known = self._find(door)
        if known is None:
            raise BadUnlock("not_controlled", f"no gateway decides for the door {door.id!r}", "bind its reader to it")
        key, strike = known
        if not strike.remote:
            raise BadUnlock(
                "not_remote",
                f"the site file of {key.gateway} does not let {strike.id!r} be opened from afar",
                "remote = true of its [[door]]",
            )
        if not self._online(key):
            raise BadUnlock("offline", f"{key.gateway} is offline: the door would not open", "send somebody")
        self._count(door, by)
        row = await self._commands.give(
            key,
            device=strike.device,
            point=strike.point,
            action="pulse",
            value=strike.pulse_s or None,
            lasts_s=LASTS_S,
            by=by,
        )
        self.note(door, row, reason=reason, by=by)
        return row

    def note(self, door: AssetKey, row: CommandRow, *, reason: str, by: str) -> None:
        """Put a command that was sent among the unlocks of a door."""
        facts = {"by": by, "reason": reason, "command": row.id}
        self._journal.note(door.site, door.entity, UNLOCKED, row.issued_at, facts)

    async def lately(self, doors: Iterable[AssetKey]) -> list[Unlocked]:
        """Unlocks of these doors in the last month, the newest first. Raises StoreUnavailable."""
        until = self._clock.now_ms() + 1
        found: list[Unlocked] = []
        for door in doors:
            for note in await self._journal.of(door.entity, until - KEPT_MS, until, kinds=(UNLOCKED,), limit=KEPT):
                facts = note.facts
                found.append(Unlocked(door.id, str(facts["command"]), str(facts["by"]), str(facts["reason"]), note.at))
        return sorted(found, key=lambda each: -each.at)[:KEPT]

    def _count(self, door: AssetKey, by: str) -> None:
        now = self._clock.monotonic()
        mine = self._people.setdefault(by, deque())
        while mine and now - mine[0] >= PERSON_WITHIN_S:
            mine.popleft()
        if now - self._doors.get(door, -DOOR_EVERY_S) < DOOR_EVERY_S:
            raise BadUnlock("too_often", f"{door.id} was opened a moment ago", f"once in {DOOR_EVERY_S:g} s")
        if len(mine) >= PERSON_MAX:
            raise BadUnlock("too_often", f"{PERSON_MAX} doors in a minute", "wait a minute")
        self._doors[door] = now
        mine.append(now)
