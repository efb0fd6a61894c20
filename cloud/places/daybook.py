"""The inputs of a rule with memory, sorted, and the state they lead to; late ones are put where they belong.

A rule is a pure step in event time: ``advance`` lets time pass up to an instant and says what the passing of time alone
brought about (a door that is held too long), ``take`` takes one input. The state after a set of inputs therefore does
not depend on the order in which they arrived.
"""

import bisect
from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from cloud.places.chronicle import Entry

State = TypeVar("State")

LAG_MS = 2_000
"""Time passes so far behind the clock, so that what is on its way does not come late."""
AHEAD_MS = 5_000
"""An input may be so far ahead of the clock and is taken at once: clocks differ a little."""
MARK_EVERY = 64


class Input(NamedTuple):
    """One thing observed. The fields are compared in this order, so that ties have an order of their own, too."""

    at: int
    rank: int
    """Of inputs of one instant the lower one counts first: a decision before the opening that it allowed."""
    kind: str
    value: float = 0.0
    card: str = ""
    detail: str = ""
    device: str = ""


class Rule(Protocol[State]):
    """A step must not change the state that it is given, and many short advances must equal one long."""

    def start(self) -> State:
        """The state of which nothing is known."""
        ...

    def advance(self, state: State, at: int) -> tuple[State, Sequence[Entry]]:
        """Let time pass up to and including ``at``."""
        ...

    def take(self, state: State, given: Input) -> tuple[State, Sequence[Entry]]:
        """``advance`` was called for its instant before."""
        ...


class _Mark(NamedTuple, Generic[State]):
    """Where to begin anew when an input is late."""

    taken: int
    entries: int
    reached: int
    state: State


class _Ran(NamedTuple, Generic[State]):
    """What had been worked out beyond a mark."""

    marks: "Sequence[_Mark[State]]"
    entries: Sequence[Entry]
    skipped: int
    """How many entries lie before these."""
    taken: int
    reached: int
    state: State


class Daybook(Generic[State]):
    """Inputs since ``base``. Those before it are refused: their days are worked out from the store.

    A late input costs a few steps: once the state is again what it was at that instant, the rest stands as it is.
    """

    def __init__(self, rule: Rule[State], base: int, *, limit: int = 100_000) -> None:
        self.base = base
        self.dropped = 0
        """Inputs beyond the limit, which a device that went mad sent."""
        self.entries: list[Entry] = []
        """All that happened since the base."""
        self.rejoined = (0, 0)
        """Of the last ``work``: from which entry on, and how many, were the last ones before it."""
        self.state = rule.start()
        self._rule, self._limit = rule, limit
        self._inputs: list[Input] = []
        self._taken = 0
        self._reached = base - 1
        self._marks = [_Mark(0, 0, self._reached, self.state)]

    @property
    def inputs(self) -> Sequence[Input]:
        return self._inputs

    def work(self, given: Iterable[Input], now: int) -> int:
        """Take inputs in any order, the same one twice counts once, and let time pass.

        Returns how many of ``entries``, from the first one, are as they were before.
        """
        late: list[Input] = []
        before_taken = self._taken
        for each in given:
            if each.at < self.base:
                continue
            where = bisect.bisect_left(self._inputs, each)
            if where < len(self._inputs) and self._inputs[where] == each:
                continue
            if len(self._inputs) >= self._limit:
                self.dropped += 1
                continue
            if where < self._taken or each.at < self._reached:
                late.append(each)
            self._inputs.insert(where, each)
            if where < self._taken:
                self._taken += 1
        reach = max(now - LAG_MS, self._reached)
        self.rejoined = (0, 0)
        if not late:
            same = len(self.entries)
        else:
            first = min(late)
            shift = self._taken - before_taken
            ran = self._rewind(bisect.bisect_left(self._inputs, first), first.at)
            same = len(self.entries)
            self._rejoin(ran, bisect.bisect_right(self._inputs, max(late)), shift)
        self._go_on(reach, now + AHEAD_MS)
        return same

    def move_base(self, base: int) -> None:
        """Forget inputs before ``base``; the state they led to remains what the rest stands on."""
        if base <= self.base:
            return
        reached = self._reached
        keep = bisect.bisect_left(self._inputs, base, key=lambda each: each.at)
        ran = self._rewind(keep, base - 1)
        later, self._inputs = self._inputs[keep:], self._inputs[:keep]
        self._go_on(base - 1, base - 1)
        gone = len(self.entries)
        self.base, self._inputs, self._taken, self.entries = base, later, 0, []
        self._marks = [_Mark(0, 0, self._reached, self.state)]
        if ran.reached >= base - 1 and ran.taken >= keep:
            # What came after the base stands on the same state as before.
            self.entries = list(ran.entries[gone - ran.skipped :])
            self._marks += [
                mark._replace(taken=mark.taken - keep, entries=mark.entries - gone)
                for mark in ran.marks
                if mark.taken >= keep and mark.reached >= base - 1
            ]
            self._taken, self._reached, self.state = ran.taken - keep, ran.reached, ran.state
        self._go_on(reached, reached)

    def _rewind(self, late: int, at: int) -> "_Ran[State]":
        """Back to where fewer than ``late`` inputs were taken and time had not passed ``at``."""
        first = len(self._marks) - 1
        while first and (self._marks[first].taken > late or self._marks[first].reached > at):
            first -= 1
        mark = self._marks[first]
        ran = _Ran(
            self._marks[first + 1 :],
            self.entries[mark.entries :],
            mark.entries,
            self._taken,
            self._reached,
            self.state,
        )
        del self._marks[first + 1 :], self.entries[mark.entries :]
        self._taken, self._reached, self.state = mark.taken, mark.reached, mark.state
        return ran

    def _rejoin(self, ran: "_Ran[State]", beyond: int, shift: int) -> None:
        """Go on until the state is what it was before, if it ever is. ``beyond``: the first input after the late ones;
        ``shift``: how many of those stand among the inputs that had been taken."""
        for index, mark in enumerate(ran.marks):
            if mark.taken + shift < beyond:
                continue
            while self._taken < mark.taken + shift:
                self._take_next()
            if self._reached > mark.reached:
                continue
            self._pass(mark.reached)
            if self.state == mark.state:
                start = len(self.entries)
                self.entries += ran.entries[mark.entries - ran.skipped :]
                self.rejoined = (start, len(self.entries) - start)
                self._marks += [
                    each._replace(taken=each.taken + shift, entries=each.entries + start - mark.entries)
                    for each in ran.marks[index:]
                ]
                self._taken, self._reached, self.state = ran.taken, ran.reached, ran.state
                return

    def _go_on(self, reach: int, soon: int) -> None:
        while self._taken < len(self._inputs) and self._inputs[self._taken].at <= max(soon, reach):
            self._take_next()
        if reach > self._reached:
            self._pass(reach)

    def _take_next(self) -> None:
        each = self._inputs[self._taken]
        if self._taken - self._marks[-1].taken >= MARK_EVERY:
            self._marks.append(_Mark(self._taken, len(self.entries), self._reached, self.state))
        self._pass(each.at)
        self.state, happened = self._rule.take(self.state, each)
        self.entries += happened
        self._taken += 1

    def _pass(self, at: int) -> None:
        self.state, passed = self._rule.advance(self.state, at)
        self.entries += passed
        self._reached = max(self._reached, at)
