"""Intervals add up to what the register counted, whatever happened; and late readings change nothing of the outcome."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.energy.contract import BASE_MS, Intervals, SegmentKind
from cloud.energy.eras import Eras
from cloud.energy.follow import follow
from cloud.energy.intervals import ceil, floor, intervals, long_gaps
from cloud.energy.strand import Mark, Strand, begin_at, changed, counting
from tests.cloud.energy.registers import REGISTER, Made, registers


def eras(made: Made) -> Eras:
    return Eras(REGISTER, made.records)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(registers())
def test_intervals_add_up_to_what_the_register_counted(made: Made) -> None:
    track = follow(eras(made), made.taken(), until=made.end)
    assert (track.kind == SegmentKind.KNOWN).all(), track.events
    found = intervals(track, floor(made.readings[0][0]), ceil(made.end))
    assert int(found.micro.sum()) == made.micro
    assert (found.micro >= 0).all()
    assert int(found.covered_ms.sum()) == made.readings[-1][0] - made.readings[0][0]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(registers(), st.integers(0, 2**32))
def test_a_shape_moves_energy_within_gaps_only(made: Made, seed: int) -> None:
    track = follow(eras(made), made.taken(), until=made.end)
    random = np.random.default_rng(seed)
    since, until = floor(made.readings[0][0]), ceil(made.end)
    plain = intervals(track, since, until)
    shaped = intervals(track, since, until, lambda a, b: random.integers(0, 1000, (b - a) // BASE_MS))
    assert int(shaped.micro.sum()) == made.micro
    assert (shaped.micro >= 0).all()
    outside = np.ones(len(plain), bool)
    for begin, end in long_gaps(track):
        outside &= (plain.starts + BASE_MS <= begin) | (plain.starts >= end)
    np.testing.assert_array_equal(plain.micro[outside], shaped.micro[outside])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(registers(most=120), st.data())
def test_taking_runs_of_readings_at_once_is_the_same_as_one_by_one(made: Made, data: st.DataObject) -> None:
    """Also where rules were broken: readings are left out, records forgotten."""
    forgotten = data.draw(st.sets(st.integers(0, len(made.records))))
    known = Eras(REGISTER, [each for place, each in enumerate(made.records) if place not in forgotten])
    readings = made.taken(data.draw(st.sets(st.integers(0, len(made.readings) - 1))))
    fast = follow(known, readings, until=made.end)
    slow = follow(known, readings, until=made.end, one_by_one=True)
    assert fast.events == slow.events
    assert fast.state == slow.state
    for one, other in zip(fast[:5], slow[:5], strict=True):
        np.testing.assert_array_equal(one, other)


class Kept:
    """Days at rest, as the collector keeps them: intervals of all time, and a mark every so often."""

    def __init__(self, known: Eras, readings, since: int, until: int, every: int) -> None:
        self.known, self.since, self.until, self.every = known, since, until, every
        self.marks: list[Mark] = []
        self.intervals = Intervals(since, *[np.empty(0, kind) for kind in (np.int64, np.int32, np.uint8, np.uint8)])
        self.touched: set[int] = set()
        self.redo(readings, None, since, until)

    def redo(self, readings, begin: Mark | None, dirty_until: int, until: int) -> tuple[int, int]:
        """Work out from a mark until nothing changes any more; what stretch that was."""
        strand = Strand(counting(self.known), begin)
        start = begin.at if begin else self.since
        at, stop = start, None
        before = {mark.at: mark for mark in self.marks}
        while at < until:
            end = min(until, at + self.every)
            part = (readings.at >= at) & (readings.at < end)
            strand.feed(type(readings)(*(column[part] for column in readings)), end)
            at = end
            if stop is None and at >= dirty_until and at in before and strand.same_as_before(before[at]):
                stop = at
            if stop is not None and strand.settled(stop):
                break
        else:
            stop = until
        fresh = strand.intervals(start, stop)
        whole = self.intervals.between(self.since, self.until)
        self.touched = set(changed(whole, fresh).tolist())
        place = (start - self.since) // BASE_MS
        for old, new in zip((whole.micro, whole.covered_ms, whole.source, whole.flags),
                            (fresh.micro, fresh.covered_ms, fresh.source, fresh.flags), strict=True):  # fmt: skip
            old[place : place + len(new)] = new
        self.intervals = whole
        fed = {mark.at: mark for mark in strand.marks if mark.at <= stop}
        self.marks = [fed.get(at, before.get(at)) for at in sorted(fed | before)]
        return start, stop


@settings(max_examples=60, deadline=None, derandomize=True)
@given(registers(most=80, first=10), st.data())
def test_late_readings_leave_what_all_readings_at_once_leave_and_touch_what_they_say(
    made: Made, data: st.DataObject
) -> None:
    late = data.draw(st.sets(st.integers(0, len(made.readings) - 1), min_size=1, max_size=12))
    every = data.draw(st.sampled_from([8 * BASE_MS, 96 * BASE_MS]))
    since, until = floor(made.readings[0][0]), ceil(made.end)
    known, everything = eras(made), made.taken()
    kept = Kept(known, made.taken(late), since, until, every)
    before = kept.intervals
    moments = [made.readings[place][0] for place in late]
    begin = begin_at(kept.marks, min(moments))
    start, stop = kept.redo(everything, begin, max(moments) + 1, until)

    whole = Kept(known, everything, since, until, every)
    other = set(changed(whole.intervals, kept.intervals).tolist())
    assert not other
    assert kept.marks == whole.marks
    assert kept.touched == set(changed(before, whole.intervals).tolist())
    assert all(start <= each < stop for each in kept.touched)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(registers(most=40, first=5), st.randoms(use_true_random=False))
def test_the_order_in_which_readings_arrive_does_not_matter(made: Made, random) -> None:
    """One by one in any order, each worked in as it comes."""
    since, until = floor(made.readings[0][0]), ceil(made.end)
    known = eras(made)
    places = list(range(len(made.readings)))
    random.shuffle(places)
    first, *rest = places
    seen = {first}
    everything = set(places)
    kept = Kept(known, made.taken(everything - seen), since, until, 96 * BASE_MS)
    for place in rest:
        seen.add(place)
        at = made.readings[place][0]
        kept.redo(made.taken(everything - seen), begin_at(kept.marks, at), at + 1, until)
    whole = Kept(known, made.taken(), since, until, 96 * BASE_MS)
    assert not len(changed(whole.intervals, kept.intervals))
    assert int(kept.intervals.micro.sum()) == made.micro
