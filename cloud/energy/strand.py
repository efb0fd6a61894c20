"""Working a stretch of a meter out anew, as far as it must be and no further.

A *mark* is what the counter rule knew at an instant of the grid. A reading that comes late can change nothing before
the last believed reading before it; so work begins at the mark before that one (``begin_at``), and everything before
the mark stays as it is. It ends at a mark, after the last late reading, where the rule knows the same as before: what
follows is the same then.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from cloud.energy.contract import Intervals, Longs, Readings, RegisterEvent, State, Track
from cloud.energy.eras import Eras
from cloud.energy.follow import follow
from cloud.energy.intervals import Shape, intervals, long_gaps, part_of
from cloud.energy.power import follow_power


class Mark(NamedTuple):
    """``state`` knows all readings and records before ``at``, which is on the grid."""

    at: int
    state: State


def begin_at(marks: Sequence[Mark], dirty_from: int) -> Mark | None:
    """The mark at which to begin when something changed at ``dirty_from``; None for the very beginning.

    ``marks`` in order of time.
    """
    last = _before(marks, dirty_from)
    if last is None or last.state.at is None:
        return None
    return _before(marks, last.state.at)


def _before(marks: Sequence[Mark], at: int) -> Mark | None:
    place = bisect_right(marks, at, key=lambda mark: mark.at)
    return marks[place - 1] if place else None


class Follower(Protocol):
    """Turns the readings in [since, until) into a track, going on from what was known at ``since``."""

    def __call__(self, readings: Readings, state: State, since: int | None, until: int) -> Track: ...


def counting(eras: Eras) -> Follower:
    """Of a register (``follow``)."""
    return lambda readings, state, since, until: follow(eras, readings, state=state, since=since, until=until)


def measuring_power(eras: Eras) -> Follower:
    """Of a meter that only shows power (``follow_power``)."""
    return partial(follow_power, eras)


class Strand:
    """Goes along one meter from a mark. ``feed`` each stretch of readings in turn; ``done`` gives what is settled."""

    def __init__(self, follower: Follower, begin: Mark | None) -> None:
        self._follow = follower
        self._since = begin.at if begin else None
        self.state = begin.state if begin else State()
        self._track: Track | None = None
        self.events: list[RegisterEvent] = []
        self.marks: list[Mark] = []
        """The mark at the end of each stretch fed."""

    def feed(self, readings: Readings, until: int) -> None:
        """All readings from where the last stretch ended (or the beginning) to ``until``, which is on the grid."""
        piece = self._follow(readings, self.state, self._since, until)
        self._track = piece if self._track is None else join(self._track, piece)
        self.events += piece.events
        self.state, self._since = piece.state, until
        self.marks.append(Mark(until, piece.state))

    def same_as_before(self, mark: Mark) -> bool:
        """Whether the rule now knows what it knew then, at the end of what was fed."""
        return self.marks[-1] == mark

    def settled(self, at: int) -> bool:
        """Whether intervals before ``at`` will stay as they are whatever readings follow."""
        return self.state.at is not None and self.state.at >= at

    def long_gaps(self, since: int, until: int) -> list[tuple[int, int]]:
        """Gaps that want a shape and touch [since, until)."""
        if self._track is None:
            return []
        return long_gaps(part_of(self._track, since, until))

    def intervals(self, since: int, until: int, shape: Shape | None = None) -> Intervals:
        """What is known of [since, until), which begins at or after the mark this began with."""
        assert self._track is not None
        return intervals(self._track, since, until, shape)

    def forget_before(self, at: int) -> None:
        """Let go of what is not needed for intervals from ``at`` on."""
        if self._track is None:
            return
        first = max(0, int(np.searchsorted(self._track.at, at, side="right")) - 1)
        first = min(first, len(self._track.micro))
        track = self._track
        self._track = track._replace(
            at=track.at[first:],
            micro=track.micro[first:],
            kind=track.kind[first:],
            flags=track.flags[first:],
            manual=track.manual[first:],
            events=(),
        )


def join(one: Track, other: Track) -> Track:
    """Two tracks of which the second goes on where the first ended."""
    if not len(one.at):
        return other
    if not len(other.at):
        return one._replace(state=other.state, events=one.events + other.events)
    return Track(
        np.concatenate([one.at, other.at[1:]]),
        np.concatenate([one.micro, other.micro]),
        np.concatenate([one.kind, other.kind]),
        np.concatenate([one.flags, other.flags]),
        np.concatenate([one.manual, other.manual]),
        one.events + other.events,
        other.state,
    )


def changed(before: Intervals, after: Intervals) -> Longs:
    """The beginnings of intervals of ``after`` that are other than they were, as far as ``before`` knew them."""
    was = before.between(after.first, after.end)
    other = (
        (was.micro != after.micro)
        | (was.covered_ms != after.covered_ms)
        | (was.source != after.source)
        | (was.flags != after.flags)
    )
    found: Longs = after.starts[other]
    return found
