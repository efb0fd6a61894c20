"""The counter rule: what one more reading of a register means. One reading at a time; ``follow`` takes many.

With the last believed reading r0 and a new one r after a time t, d = r - r0, and k the register's jitter:

- 0 <= d <= 1.2 x rated x t: it counted d
- -k <= d < 0: jitter; the register is held at its highest, nothing was used
- otherwise nothing is believed until some readings agree with each other, or return to where r0 could have come to:
    - they return: what lay between was a glitch
    - a recorded replacement covers it: (final - r0) + (r - initial)
    - they stay lower, r0 was near the modulus and d + modulus is possible: a rollover; a recorded final reading that
      agrees with them is enough for it
    - they stay lower: a reset; r - 0 is counted as a lower bound when it is possible, otherwise nothing is known
    - they stay higher than is possible: suspect; nothing is counted until a person confirms it
"""

from cloud.energy.contract import BASE_MS, Flag, RegisterEvent, RegisterEventKind, Replaced, SegmentKind, State
from cloud.energy.eras import AMOUNT_MAX, Era, Eras
from cloud.energy.segments import Segments

DOUBTFUL, BY_HAND = 1, 2
ROLLOVER_FROM = 0.9
"""Nearer than this to the modulus a register may have begun again."""

Pending = tuple[int, int, int]


class Counter:
    """Goes on from ``state``, which knows all readings before ``since`` (None: there were none).

    ``take`` readings in order and ``cross`` into each era before its first reading; the outcome is in ``segments``.
    """

    def __init__(self, eras: Eras, state: State, since: int | None) -> None:
        self.segments = Segments(state.at)
        self.events: list[RegisterEvent] = []
        self.at, self.count, self.marks = state.at, state.count, state.marks
        self.pending: list[Pending] = list(state.pending)
        self._eras = eras
        self.place = 0 if since is None else eras.begun_before(since)
        self.era: Era = eras[self.place]

    @property
    def state(self) -> State:
        return State(self.at, self.count, self.marks, tuple(self.pending))

    def believe(self, at: int, count: int, marks: int) -> None:
        """The register showed this; what led there is in the segments already."""
        self.at, self.count, self.marks = at, count, marks

    # --- a reading ---

    def take(self, at: int, count: int, marks: int) -> None:
        """One more reading, later than all before, of the present era."""
        if self.at is None:
            self.segments.begin(at)
            self._note("first", at, at, count, count, 0)
            self.believe(at, count, marks)
            return
        if at <= self.at:
            return  # a replacement at this instant already says what the register showed
        if self._possible(self.at, self.count, at, count):
            if self.pending:
                self._drop(at)
            self._advance(at, count, marks)
            return
        if self.pending and not self._goes_on(at, count):
            self._drop(at)
        self.pending.append((at, count, marks))
        if len(self.pending) >= self.era.register.confirm:
            self._resolve(at)

    def _possible(self, from_at: int, from_count: int, at: int, count: int) -> bool:
        """Whether the register can have come from one reading to the other."""
        d = count - from_count
        return -self.era.tolerance(from_count) <= d <= self._limit(from_at, at)

    def _goes_on(self, at: int, count: int) -> bool:
        """Whether it agrees with what is pending, which is held at its highest as well."""
        return self._possible(self.pending[-1][0], max(held for _, held, _ in self.pending), at, count)

    def _limit(self, from_at: int, at: int) -> float:
        limit, place = self.era.limit(at - from_at), self.place
        # The segment may reach back before a change of the ratio, when a count was worth less.
        while self._reaches_back(place, from_at):
            place -= 1
            limit = max(limit, self._eras[place].limit(at - from_at))
        return limit

    def _reaches_back(self, place: int, from_at: int) -> bool:
        era = self._eras[place]
        return era.change is None and era.since is not None and era.since > from_at

    def _advance(self, at: int, count: int, marks: int) -> None:
        """A reading that is possible: it counted, or it is jitter."""
        assert self.at is not None
        if count < self.count:
            self.dips(self.at, at, at, self.count, count, 1)
            count = self.count
        self._emit(at, count - self.count, marks)
        self.believe(at, count, marks)

    def dips(self, since: int, first_at: int, last_at: int, high: int, count: int, n: int) -> None:
        """Readings that jittered below the highest, all in one quarter of an hour; one event for each quarter."""
        last = self.events[-1] if self.events else None
        if last is not None and last.kind == "dip" and last.at // BASE_MS == first_at // BASE_MS:
            self.events[-1] = last._replace(at=last_at, readings=last.readings + n)
            return
        self._note("dip", since, last_at, high, count, 0, n)

    def _drop(self, at: int) -> None:
        """What was pending is not believed."""
        self._note("glitch", self.at or at, at, self.count, self.pending[0][1], 0, len(self.pending))
        self.pending = []

    # --- readings that agree on another level ---

    def _resolve(self, at: int) -> None:
        assert self.at is not None
        (new_at, new_count, marks), *others = self.pending
        self.pending = []
        d = new_count - self.count
        if d > 0:
            self._jump(at, new_at, new_count, marks)
        elif self._rolled_over(new_at, d):
            d += self.era.modulus or 0
            self._note("rollover", self.at, at, self.count, new_count, self._worth(new_at, d))
            self._emit(new_at, d, marks, Flag.ROLLOVER)
        elif self.era.register.rated is not None and 0 <= new_count <= self._limit(self.at, new_at):
            self._note("reset", self.at, at, self.count, new_count, self._worth(new_at, new_count))
            self._emit(new_at, new_count, marks, Flag.LOWER_BOUND)
        else:
            self._note("reset", self.at, at, self.count, new_count, 0)
            self._unknown(new_at, Flag.LOWER_BOUND | Flag.SUSPECT)
        self.believe(new_at, new_count, marks)
        for each in others:
            self._advance(*each)

    def _rolled_over(self, at: int, d: int) -> bool:
        """Whether a fall by -d until ``at`` is the register's beginning again at 0."""
        modulus = self.era.modulus
        if d >= 0 or modulus is None or self.at is None or self.count <= ROLLOVER_FROM * modulus:
            return False
        return 0 <= d + modulus <= min(self._limit(self.at, at), modulus / 2)

    def _jump(self, at: int, new_at: int, new_count: int, marks: int) -> None:
        assert self.at is not None
        d = new_count - self.count
        if self._eras.is_confirmed(self.at, new_at):
            self._emit(new_at, d, marks, Flag.CONFIRMED)
            return
        self._note("suspect", self.at, at, self.count, new_count, self._worth(new_at, d))
        self._unknown(new_at, Flag.SUSPECT)

    # --- from one era into the next ---

    def cross(self) -> None:
        """Leave the present era for the next."""
        place = self.place + 1
        after = self._eras[place]
        assert after.since is not None
        if after.change is not None:
            self._replace(place, after.since, after.change)
        elif self.at is not None:
            self._note("ratio", after.since, after.since, None, None, 0)
        self.place, self.era = place, after

    def _replace(self, place: int, at: int, change: Replaced) -> None:
        initial, final = self._eras[place].count(change.initial), self.era.count(change.final)
        if self.at is None:
            self.segments.begin(at)
            self.believe(at, initial, 0)
            return
        if self.pending and self._replaced_earlier(place, final, initial, at, change):
            return
        if self.pending and self._rolled_over_earlier(at, final):
            self._resolve(at)
        elif self.pending:
            self._drop(at)
        d = final - self.count
        if self._rolled_over(at, d):
            d += self.era.modulus or 0
        if d < -self.era.tolerance(self.count):
            self._note("record_conflict", self.at, at, self.count, final, 0)
            self._unknown(at, Flag.SUSPECT | Flag.REPLACED)
        elif d > self._limit(self.at, at) and not self._eras.is_confirmed(self.at, at):
            self._note("suspect", self.at, at, self.count, final, self._worth(at, d))
            self._unknown(at, Flag.SUSPECT | Flag.REPLACED)
        else:
            d = max(0, d)
            micro = self._worth(at, d)
            self.events.append(RegisterEvent("replacement", self.at, at, change.final, change.initial, micro))
            self._emit(at, d, self.marks, Flag.REPLACED)
        self.believe(at, initial, 0)

    def _rolled_over_earlier(self, at: int, final: int) -> bool:
        """The old register ended after a rollover, and what is pending was read in between."""
        new_at, new_count, _ = self.pending[0]
        rolled_over = self._rolled_over(at, final - self.count) and self._rolled_over(new_at, new_count - self.count)
        return rolled_over and self._goes_on(at, final)

    def _replaced_earlier(self, place: int, final: int, initial: int, at: int, change: Replaced) -> bool:
        """The recorded instant is later than the first readings of the new register: these are pending."""
        assert self.at is not None
        before, after = self.era, self._eras[place]
        pending = [(each_at, after.count(before.reading(count)), marks) for each_at, count, marks in self.pending]
        new_at, new_count, marks = pending[0]
        d, e = final - self.count, new_count - initial
        old_possible = -before.tolerance(self.count) <= d <= self._limit(self.at, new_at)
        if not (old_possible and -after.tolerance(initial) <= e <= after.limit(new_at - self.at)):
            return False
        self.pending = []
        micro = self._worth(new_at, max(0, d)) + max(0, e) * after.factor
        self.events.append(RegisterEvent("replacement", self.at, at, change.final, change.initial, micro))
        flags, by_hand = self._flags(marks, Flag.REPLACED), self._by_hand(marks)
        self.segments.add(new_at, micro, SegmentKind.KNOWN, flags, by_hand)
        self.believe(new_at, max(new_count, initial), marks)
        self.place, self.era = place, after
        for each_at, count, each_marks in pending[1:]:
            if self._possible(self.at, self.count, each_at, count):
                self._advance(each_at, count, each_marks)
        return True

    # --- what follows ---

    def _emit(self, at: int, counts: int, marks: int, flag: Flag = Flag(0)) -> None:
        """So many counts were made from the last believed reading to ``at``."""
        assert self.at is not None
        flags, by_hand = self._flags(marks, flag), self._by_hand(marks)
        for end, part, factor in self._parts(self.at, at, counts):
            self.segments.add(end, part * factor, SegmentKind.KNOWN, flags, by_hand)

    def _unknown(self, at: int, flag: Flag) -> None:
        self.segments.add(at, 0, SegmentKind.UNKNOWN, int(flag), 0)

    def _worth(self, at: int, counts: int) -> int:
        assert self.at is not None
        return min(sum(part * factor for _, part, factor in self._parts(self.at, at, counts)), AMOUNT_MAX)

    def _parts(self, since: int, at: int, counts: int) -> list[tuple[int, int, int]]:
        """(end, counts, factor) for each ratio that held in [since, at]; a register that goes on counts evenly."""
        place = self.place
        while place and self._reaches_back(place, since):
            place -= 1
        parts: list[tuple[int, int, int]] = []
        begun, left = since, counts
        while place < self.place:
            edge = self._eras[place + 1].since
            assert edge is not None
            if edge >= at:
                break
            part = left * (edge - begun) // (at - begun)
            parts.append((edge, part, self._eras[place].factor))
            begun, left, place = edge, left - part, place + 1
        return [*parts, (at, left, self._eras[place].factor)]

    def _flags(self, marks: int, flag: Flag) -> int:
        return int(flag) | (Flag.UNCERTAIN if (self.marks | marks) & DOUBTFUL else 0)

    def _by_hand(self, marks: int) -> int:
        return 1 if (self.marks | marks) & BY_HAND else 0

    def _note(
        self,
        kind: RegisterEventKind,
        since: int,
        at: int,
        before: int | None,
        after: int | None,
        micro: int,
        n: int = 1,
    ) -> None:
        reading = self.era.reading
        self.events.append(
            RegisterEvent(
                kind,
                since,
                at,
                None if before is None else reading(before),
                None if after is None else reading(after),
                micro,
                n,
            )
        )
