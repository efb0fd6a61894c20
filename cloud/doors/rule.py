"""The rule of one door, pure and in event time.

closed, open; held: open for longer than the door's own limit; forced: opened without a decision within
``decision_ms`` before (or ``afterwards_ms`` after, as clocks of two devices differ a little), asked only of doors that
have a reader and no free exit; unknown: nothing known, a bad reading, a contact that is lost, or one that was silent
for longer than its own limit. The first thing ever heard of a door is no opening and therefore never forced.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cloud.doors import inputs
from cloud.places.chronicle import Entry
from cloud.places.daybook import Input

CLOSED, OPEN, HELD, FORCED, UNKNOWN = "closed", "open", "held", "forced", "unknown"
STANDING = frozenset({OPEN, HELD, FORCED})

BURST_MS = 60_000
LOOK_AGAIN_MS = 60_000
"""How often a door that may stand open is looked at again."""
TAMPER_QUIET_MS = 15 * 60_000
"""A device that only says when it was tampered with counts as well again after so long."""
TAP_MS = 60_000
"""Taps of one card within this are one person who tries again."""
QUEUE_MS = 30_000
"""People who follow each other within this stand in a queue, from the third on."""
DOUBLE_MS = 5_000
WAITING_MAX = 64


class Limits(NamedTuple):
    """What holds for one door. stale_ms None: its contact says only what changes. standing: it may stand open then."""

    held_ms: int = 30_000
    decides: bool = False
    """Somebody must be let in: an opening without a decision is forced."""
    contact: bool = True
    stale_ms: int | None = None
    burst: int = 3
    decision_ms: int = 10_000
    afterwards_ms: int = 2_000
    standing: Callable[[int], bool] = lambda _: False


class Tap(NamedTuple):
    """Somebody at the reader. granted_at None: not let in yet."""

    card: str
    at: int
    granted_at: int | None = None


class Last(NamedTuple):
    """The last thing that somebody did here."""

    kind: str
    at: int
    card: str = ""


class Door(NamedTuple):
    """The state of a door. ``since`` 0: nothing was ever heard of it."""

    state: str = UNKNOWN
    since: int = 0
    why: str = ""
    opened_at: int | None = None
    held_due: int | None = None
    heard_at: int | None = None
    allowed_at: int | None = None
    allowed_by: str = ""
    locked: bool | None = None
    tampered_since: int | None = None
    tamper_until: int | None = None
    """None while tampered: the device will say when it is over."""
    denials: tuple[int, ...] = ()
    burst_since: int | None = None
    taps: tuple[Tap, ...] = ()
    queue: tuple[int, ...] = ()
    """The grants of the queue so far, the last three."""
    queue_card: str = ""
    last: Last | None = None

    @property
    def waiting(self) -> int:
        """People who held a card to the reader and are not through yet."""
        return len(self.taps)


Step = tuple[Door, list[Entry]]


class DoorRule:
    """See ``cloud.places.daybook.Rule``. Entries: door_state, door_lock, door_tamper, door_denied, denied_burst go into
    the journal, ``passed`` and ``queue_gap`` are only counted (``cloud.doors.counting``)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def start(self) -> Door:
        return Door()

    def advance(self, door: Door, at: int) -> Step:
        """What time alone brings, each thing at its own instant, in order."""
        told: list[Entry] = []
        while (due := self._next(door)) is not None and due[0] <= at:
            door, entries = due[1](door, due[0])
            told += entries
        return door, told

    def take(self, door: Door, given: Input) -> Step:
        return _TAKES[given.kind](self, door, given)

    def _next(self, door: Door) -> tuple[int, Callable[[Door, int], Step]] | None:
        limits = self._limits
        stale_at = None
        if limits.stale_ms is not None and door.heard_at is not None and door.state != UNKNOWN:
            stale_at = door.heard_at + limits.stale_ms + 1
        burst_end = door.denials[-1] + BURST_MS if door.denials else None
        tap_end = door.taps[0].at + TAP_MS if door.taps and door.state not in STANDING else None
        timers: list[tuple[int | None, Callable[[Door, int], Step]]] = [
            (stale_at, lambda door, at: _become(door, UNKNOWN, at, "silent")),
            (door.held_due, self._held_too_long),
            (burst_end, _burst_over),
            (door.tamper_until, _well_again),
            (tap_end, _gone),
        ]
        due = [(at, index) for index, (at, _) in enumerate(timers) if at is not None]
        if not due:
            return None
        at, index = min(due)
        return at, timers[index][1]

    def _held_too_long(self, door: Door, at: int) -> Step:
        if self._limits.standing(at):
            return door._replace(held_due=at + LOOK_AGAIN_MS), []
        if door.state == FORCED:
            return door._replace(held_due=None), []
        return _become(door._replace(held_due=None), HELD, at, "time")

    # --- decisions ---

    def _granted(self, door: Door, given: Input) -> Step:
        told: list[Entry] = []
        door = door._replace(allowed_at=given.at, allowed_by=given.card, last=Last("granted", given.at, given.card))
        again = _again(door, given)
        if not again:
            before = door.queue if door.queue and given.at - door.queue[-1] <= QUEUE_MS else ()
            queue = (*before, given.at)[-3:]
            if len(queue) == 3:
                gaps = [queue[1] - queue[0]] if len(before) == 2 else []
                told += [Entry(given.at, "queue_gap", {"ms": gap}) for gap in (*gaps, queue[2] - queue[1])]
            door = door._replace(queue=queue, queue_card=given.card)
        if self._limits.contact and door.state != UNKNOWN:
            return self._unforce(_tap(door, given, granted_at=given.at), given, told)
        if not again:
            told.append(_passed(given.at, given.card, None))
        return door._replace(taps=tuple(tap for tap in door.taps if tap.card != given.card)), told

    def _allowed(self, door: Door, given: Input) -> Step:
        door = door._replace(allowed_at=given.at, allowed_by="", last=Last("allowed", given.at))
        return self._unforce(door, given, [])

    def _unforce(self, door: Door, given: Input, told: list[Entry]) -> Step:
        """A decision that came just after the opening, by the clock of another device."""
        late = door.state == FORCED and door.why == "no decision" and door.opened_at is not None
        if late and given.at - (door.opened_at or 0) <= self._limits.afterwards_ms:
            door, entries = _become(door, OPEN, given.at, "decision", given.card)
            return door, [*told, *entries]
        return door, told

    def _read(self, door: Door, given: Input) -> Step:
        return _tap(door, given)._replace(last=Last("read", given.at, given.card)), []

    def _denied(self, door: Door, given: Input) -> Step:
        door = _tap(door, given)._replace(last=Last("denied", given.at, given.card))
        told = [Entry(given.at, "door_denied", {"card": given.card, "reason": given.detail})]
        denials = (*(at for at in door.denials if given.at - at < BURST_MS), given.at)
        if door.burst_since is None and len(denials) >= self._limits.burst:
            told.append(Entry(given.at, "denied_burst", {"count": len(denials), "over": False}))
            door = door._replace(burst_since=denials[0])
        return door._replace(denials=denials), told

    # --- the contact ---

    def _opened(self, door: Door, given: Input) -> Step:
        door = door._replace(heard_at=given.at)
        if door.state in STANDING:
            return door, []
        decided = door.allowed_at is not None and given.at - door.allowed_at <= self._limits.decision_ms
        was_closed = door.state == CLOSED
        door = door._replace(opened_at=given.at, held_due=given.at + self._limits.held_ms)
        if self._limits.decides and not decided and was_closed:
            return _become(door, FORCED, given.at, "no decision")
        return _become(door, OPEN, given.at, "decision" if decided else "", door.allowed_by if decided else "")

    def _closed(self, door: Door, given: Input) -> Step:
        door = door._replace(heard_at=given.at)
        if door.state == CLOSED:
            return door, []
        standing = door.state in STANDING
        through = [tap for tap in door.taps if standing and tap.granted_at is not None and tap.granted_at < given.at]
        told = [_passed(given.at, tap.card, self._took(door, tap, given.at)) for tap in through]
        door = door._replace(opened_at=None, held_due=None, taps=tuple(tap for tap in door.taps if tap not in through))
        door, entries = _become(door, CLOSED, given.at, "")
        return door, [*told, *entries]

    def _took(self, door: Door, tap: Tap, closed_at: int) -> int | None:
        """From the first tap until the door is ready for the next person. Nobody knows for those who were let in while
        it stood open already, or when it stood open for longer than it should."""
        opened_at = door.opened_at or 0
        before = tap.granted_at is not None and tap.granted_at <= opened_at + self._limits.afterwards_ms
        return closed_at - tap.at if before and door.state == OPEN else None

    def _forced(self, door: Door, given: Input) -> Step:
        """The device itself says so, and knows about its own relay what we do not."""
        door = door._replace(heard_at=given.at, opened_at=door.opened_at or given.at)
        return _become(door, FORCED, given.at, "device") if door.state != FORCED else (door, [])

    def _held(self, door: Door, given: Input) -> Step:
        door = door._replace(heard_at=given.at, opened_at=door.opened_at or given.at, held_due=None)
        if door.state in (HELD, FORCED) or self._limits.standing(given.at):
            return door, []
        return _become(door, HELD, given.at, "device")

    def _unreadable(self, door: Door, given: Input) -> Step:
        return _become(door, UNKNOWN, given.at, "bad reading")

    def _lost(self, door: Door, given: Input) -> Step:
        return _become(door, UNKNOWN, given.at, "device lost")

    # --- lock and tamper ---

    def _lock(self, door: Door, given: Input) -> Step:
        locked = {0: True, 1: False}.get(int(given.value))
        if locked == door.locked:
            return door, []
        return door._replace(locked=locked), [Entry(given.at, "door_lock", {"locked": locked})]

    def _tamper(self, door: Door, given: Input) -> Step:
        if given.value >= 0.5:
            return _tampered(door, given.at, None, "contact")
        return _well_again(door, given.at) if door.tampered_since is not None else (door, [])

    def _tamper_said(self, door: Door, given: Input) -> Step:
        return _tampered(door, given.at, given.at + TAMPER_QUIET_MS, given.detail)


def _become(door: Door, state: str, at: int, why: str, card: str = "") -> Step:
    if state == door.state:
        return door, []
    if state == UNKNOWN:
        door = door._replace(held_due=None, opened_at=None)
    facts = {"state": state, "was": door.state, "why": why, "card": card}
    return door._replace(state=state, since=at, why=why), [Entry(at, "door_state", facts)]


def _again(door: Door, given: Input) -> bool:
    """Whether this is the person who was let in last, who is not through yet or has just held the card there twice."""
    if not given.card or given.card != door.queue_card:
        return False
    waits = any(tap.card == given.card and given.at - tap.at < TAP_MS for tap in door.taps)
    return waits or given.at - door.queue[-1] < DOUBLE_MS


def _passed(at: int, card: str, through_ms: int | None) -> Entry:
    return Entry(at, "passed", {"card": card, "through_ms": through_ms})


def _tap(door: Door, given: Input, granted_at: int | None = None) -> Door:
    """One person is one tap, however often they try within a minute; the first try is when they arrived."""
    for index, tap in enumerate(door.taps):
        if tap.card == given.card and given.at - tap.at < TAP_MS:
            again = tap._replace(granted_at=granted_at or tap.granted_at)
            return door._replace(taps=(*door.taps[:index], again, *door.taps[index + 1 :]))
    return door._replace(taps=(*door.taps, Tap(given.card, given.at, granted_at))[-WAITING_MAX:])


def _gone(door: Door, at: int) -> Step:
    """Who tapped a minute ago and did not come through went away."""
    return door._replace(taps=tuple(tap for tap in door.taps if tap.at + TAP_MS > at)), []


def _burst_over(door: Door, at: int) -> Step:
    """A minute after the last refusal none of them counts any more."""
    if door.burst_since is None:
        return door._replace(denials=()), []
    facts = {"count": len(door.denials), "over": True}
    return door._replace(burst_since=None, denials=()), [Entry(at, "denied_burst", facts)]


def _tampered(door: Door, at: int, until: int | None, detail: str) -> Step:
    if door.tampered_since is not None:
        return door._replace(tamper_until=until if door.tamper_until is not None else None), []
    told = Entry(at, "door_tamper", {"tampered": True, "detail": detail})
    return door._replace(tampered_since=at, tamper_until=until), [told]


def _well_again(door: Door, at: int) -> Step:
    told = Entry(at, "door_tamper", {"tampered": False, "detail": ""})
    return door._replace(tampered_since=None, tamper_until=None), [told]


_TAKES: dict[str, Callable[[DoorRule, Door, Input], Step]] = {
    inputs.GRANTED: DoorRule._granted,
    inputs.ALLOWED: DoorRule._allowed,
    inputs.READ: DoorRule._read,
    inputs.DENIED: DoorRule._denied,
    inputs.OPENED: DoorRule._opened,
    inputs.CLOSED: DoorRule._closed,
    inputs.FORCED: DoorRule._forced,
    inputs.HELD: DoorRule._held,
    inputs.UNREADABLE: DoorRule._unreadable,
    inputs.LOST: DoorRule._lost,
    inputs.LOCK: DoorRule._lock,
    inputs.TAMPER: DoorRule._tamper,
    inputs.TAMPERED: DoorRule._tamper_said,
}

JOURNALED: Sequence[str] = ("door_state", "door_lock", "door_tamper", "door_denied", "denied_burst")
