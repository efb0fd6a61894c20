"""However late and in whatever order a day's events arrive, the journal and the counts end the same."""

import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.doors.counting import HourCount, Hours
from cloud.doors.inputs import RANKS
from cloud.doors.one_door import OneDoor
from cloud.doors.rule import Door, DoorRule, Limits, Step
from cloud.places import daybook
from cloud.places.daybook import Input
from tests.cloud.places.console import DAY, PretendJournal, asset, at

START = at("00:00")
LIMITS = Limits(held_ms=30_000, decides=True, stale_ms=3_600_000, burst=3)
KINDS = sorted(RANKS)
EVENTS = st.lists(
    st.builds(
        lambda second, kind, card, value: Input(
            START + second * 1000,
            RANKS[kind],
            kind,
            float(value),
            card if kind in ("granted", "denied", "read") else "",
        ),
        st.integers(0, 900) | st.integers(0, 86_399),
        st.sampled_from(KINDS),
        st.sampled_from(["a", "b", ""]),
        st.integers(0, 1),
    ),
    max_size=60,
)


@pytest.fixture(autouse=True, scope="module", params=[3, daybook.MARK_EVERY])
def often(request: pytest.FixtureRequest) -> Iterator[None]:
    """With marks so near each other, late inputs rejoin what was worked out before."""
    before, daybook.MARK_EVERY = daybook.MARK_EVERY, request.param
    yield
    daybook.MARK_EVERY = before


Result = tuple[list[tuple[str, int, object]], dict[int, HourCount], object]


def day(arrivals: Sequence[tuple[int, Sequence[Input]]], journal: PretendJournal | None = None) -> Result:
    """Take (wall clock, inputs) one after the other, then let the day end."""
    journal = journal or PretendJournal()
    one = OneDoor(asset("door", "d"), LIMITS, START, journal, lambda _, card: card)
    for now, inputs in arrivals:
        one.work(inputs, now)
    one.work((), START + 2 * DAY)
    hours: Hours = {hour: counted for hour, counted in one.hours.items() if counted != HourCount()}
    return journal.of("east/door:d"), hours, one.state


@settings(max_examples=150, deadline=None)
@given(EVENTS, st.integers(0, 2**32), st.integers(1, 20))
def test_any_order_of_arrival_ends_with_the_same_journal_counts_and_state(
    events: list[Input], seed: int, pieces: int
) -> None:
    rng = random.Random(seed)
    together = day([(START + DAY, sorted(events))])
    live = day([(each.at + 100, [each]) for each in sorted(events)])
    shuffled = rng.sample(events, len(events))
    parts = [shuffled[index::pieces] for index in range(pieces)]
    now, late = START, []
    for part in parts:
        now += rng.randrange(DAY // pieces)
        late.append((now, part))
    assert live == together
    assert day(late) == together
    assert day([*late, *late]) == together


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.integers(0, 2**32))
def test_a_process_that_starts_anew_in_the_middle_of_the_day_ends_the_same(events: list[Input], seed: int) -> None:
    rng = random.Random(seed)
    together = day([(START + DAY, events)])
    journal = PretendJournal()
    cut = rng.randrange(len(events) + 1)
    day([(START + DAY // 2, events[:cut])], journal)
    assert day([(START + DAY, events)], journal) == together


def test_what_arrives_in_order_is_only_noted_and_never_replaced() -> None:
    journal = PretendJournal()
    one = OneDoor(asset("door", "d"), LIMITS, START, journal, lambda _, card: card)
    one.work((), START)
    begun = journal.replaced
    for second in range(0, 600, 20):
        kind = "opened" if second % 40 else "closed"
        one.work([Input(START + second * 1000, RANKS[kind], kind)], START + second * 1000 + 80)
        one.work((), START + second * 1000 + 1000)
    assert journal.replaced == begun
    assert len(journal.of("east/door:d")) == 30


def test_a_late_event_of_a_busy_gate_is_worked_out_in_a_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daybook, "MARK_EVERY", 64)
    journal = PretendJournal()
    one = OneDoor(asset("door", "d"), LIMITS, START, journal, lambda _, card: card)
    passages = [
        Input(START + number * 20_000 + shift, RANKS[kind], kind, card="a" if kind == "granted" else "")
        for number in range(2_000)
        for shift, kind in ((0, "granted"), (1_000, "opened"), (4_000, "closed"))
    ]
    now = passages[-1].at + 60_000
    one.work(passages, now)
    steps = 0
    take = DoorRule.take

    def counted(rule: DoorRule, door: Door, given: Input) -> Step:
        nonlocal steps
        steps += 1
        return take(rule, door, given)

    monkeypatch.setattr(DoorRule, "take", counted)
    late = Input(START + 10_000, RANKS["denied"], "denied", card="z")
    fresh = one.work([late], now)
    assert steps < 200
    assert len(fresh) < 200
    again = OneDoor(asset("door", "d"), LIMITS, START, PretendJournal(), lambda _, card: card)
    again.work([*passages, late], now)
    assert (again.book.entries, again.state, again.hours) == (one.book.entries, one.state, one.hours)
    assert [row[1] for row in journal.of("east/door:d")] == [line.at for line in again.lines(0, now)]


def test_a_late_event_does_not_make_the_current_state_older() -> None:
    one = OneDoor(asset("door", "d"), LIMITS, START, PretendJournal(), lambda _, card: card)
    one.work([Input(START + 50_000, RANKS["closed"], "closed")], START + 60_000)
    one.work([Input(START + 20_000, RANKS["opened"], "opened")], START + 61_000)
    assert (one.state.state, one.state.since) == ("closed", START + 50_000)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(1, 86_400))
def test_forgetting_the_beginning_changes_neither_the_state_nor_what_the_journal_holds(
    events: list[Input], cut_s: int
) -> None:
    expected, _, state = day([(START + DAY, events)])
    journal = PretendJournal()
    one = OneDoor(asset("door", "d"), LIMITS, START, journal, lambda _, card: card)
    one.work(events, START + DAY)
    one.move_base(START + cut_s * 1000)
    one.work((), START + 2 * DAY)
    assert journal.of("east/door:d") == expected
    assert one.state == state
    assert all(entry.at >= START + cut_s * 1000 for entry in one.book.entries)
