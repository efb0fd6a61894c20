"""The rule of a door, by its cases."""

from collections.abc import Sequence

import pytest

from cloud.doors.inputs import RANKS
from cloud.doors.rule import Door, DoorRule, Limits
from cloud.places.chronicle import Entry
from cloud.places.daybook import Daybook, Input

START = 1_790_000_000_000
S = 1_000
GUARDED = Limits(held_ms=30 * S, decides=True)


def at(seconds: float, kind: str, card: str = "", value: float = 0.0, detail: str = "") -> Input:
    return Input(START + round(seconds * S), RANKS[kind], kind, value, card, detail, "d")


def run(given: Sequence[Input], until_s: float, limits: Limits = GUARDED) -> tuple[Door, list[Entry]]:
    book = Daybook(DoorRule(limits), START)
    book.work(given, START + round(until_s * S) + 2 * S)
    return book.state, book.entries


def states(entries: Sequence[Entry]) -> list[tuple[float, object]]:
    return [((entry.at - START) / S, entry.facts["state"]) for entry in entries if entry.kind == "door_state"]


def test_a_door_of_which_nothing_is_known_is_unknown() -> None:
    door, entries = run([], 60)
    assert (door.state, entries) == ("unknown", [])


def test_a_door_that_is_opened_after_a_grant_is_open_and_then_closed() -> None:
    door, entries = run([at(0, "closed"), at(5, "granted", "a"), at(6, "opened"), at(10, "closed")], 20)
    assert door.state == "closed"
    assert states(entries) == [(0, "closed"), (6, "open"), (10, "closed")]


def test_a_door_that_stays_open_is_held_at_its_limit_although_no_gateway_says_so() -> None:
    door, entries = run([at(0, "closed"), at(5, "granted", "a"), at(6, "opened")], 40)
    assert door.state == "held"
    assert states(entries)[-1] == (36, "held")


def test_a_gateway_that_says_held_earlier_is_believed() -> None:
    _, entries = run([at(0, "closed"), at(5, "allowed"), at(6, "opened"), at(20, "held")], 60)
    assert states(entries)[-1] == (20, "held")


def test_a_door_that_may_stand_open_is_held_only_when_that_time_is_over() -> None:
    limits = GUARDED._replace(standing=lambda instant: instant < START + 300 * S)
    _, entries = run([at(0, "closed"), at(5, "allowed"), at(6, "opened")], 600, limits)
    assert states(entries)[-1] == (336, "held")


def test_an_opening_without_a_decision_is_forced_until_the_door_is_closed() -> None:
    _, entries = run([at(0, "closed"), at(6, "opened"), at(50, "closed")], 60)
    assert states(entries) == [(0, "closed"), (6, "forced"), (50, "closed")]


@pytest.mark.parametrize(("granted_s", "state"), [(0, "forced"), (15, "open"), (26.5, "open"), (28, "forced")])
def test_a_decision_counts_ten_seconds_before_and_two_after(granted_s: float, state: str) -> None:
    door, _ = run([at(-0, "closed"), at(granted_s, "granted", "a"), at(25, "opened")], 29)
    assert door.state == state


def test_a_door_with_a_free_exit_or_without_a_reader_is_never_forced_by_the_rule() -> None:
    door, _ = run([at(0, "closed"), at(6, "opened")], 10, GUARDED._replace(decides=False))
    assert door.state == "open"


def test_the_first_word_ever_heard_of_a_door_is_no_break_in() -> None:
    door, _ = run([at(6, "opened")], 10)
    assert door.state == "open"


def test_a_device_that_says_forced_is_believed() -> None:
    door, _ = run([at(0, "closed"), at(5, "opened"), at(5, "forced")], 10, GUARDED._replace(decides=False))
    assert door.state == "forced"


def test_a_contact_that_is_silent_for_longer_than_its_own_limit_is_unknown() -> None:
    limits = GUARDED._replace(stale_ms=100 * S)
    _, entries = run([at(0, "closed"), at(50, "closed")], 200, limits)
    assert states(entries) == [(0, "closed"), (150.001, "unknown")]
    assert entries[-1].facts["why"] == "silent"


@pytest.mark.parametrize("kind", ["unreadable", "lost"])
def test_a_bad_reading_and_a_lost_contact_make_the_door_unknown_not_closed(kind: str) -> None:
    door, _ = run([at(0, "closed"), at(5, kind)], 10)
    assert door.state == "unknown"


def test_an_opening_after_a_time_of_which_nothing_is_known_is_not_forced() -> None:
    door, _ = run([at(0, "closed"), at(5, "lost"), at(9, "opened")], 12)
    assert door.state == "open"


def test_refused_cards_in_a_minute_are_a_burst_that_ends_a_minute_after_the_last() -> None:
    _, entries = run([at(s, "denied", f"c{s}") for s in (0, 20, 40, 70)], 200)
    bursts = [((e.at - START) / S, e.facts["over"]) for e in entries if e.kind == "denied_burst"]
    assert bursts == [(40, False), (130, True)]


def test_refusals_a_minute_apart_are_no_burst() -> None:
    _, entries = run([at(s, "denied", "c") for s in (0, 30, 60, 90)], 200)
    assert [e for e in entries if e.kind == "denied_burst"] == []


def test_tampering_lasts_until_the_contact_says_so_or_until_a_quarter_of_an_hour_after_the_event() -> None:
    door, entries = run([at(0, "tamper", value=1), at(2000, "tamper", value=0)], 1990)
    assert door.tampered_since == START
    door, _ = run([at(0, "tamper", value=1), at(2000, "tamper", value=0)], 2010)
    assert door.tampered_since is None
    door, entries = run([at(0, "tampered", detail="case")], 901)
    assert [((e.at - START) / S, e.facts["tampered"]) for e in entries] == [(0, True), (900, False)]


def test_a_passage_takes_from_the_first_tap_until_the_door_is_ready_again() -> None:
    given = [
        at(0, "closed"),
        at(10, "denied", "a"),
        at(14, "granted", "a"),
        at(15, "opened"),
        at(21, "closed"),
    ]
    _, entries = run(given, 30)
    assert [e.facts["through_ms"] for e in entries if e.kind == "passed"] == [11 * S]


def test_who_was_granted_and_did_not_come_through_did_not_pass() -> None:
    door, entries = run([at(0, "closed"), at(10, "granted", "a")], 30)
    assert door.waiting == 1
    assert [e for e in entries if e.kind == "passed"] == []
    door, _ = run([at(0, "closed"), at(10, "granted", "a")], 80)
    assert door.waiting == 0


def test_those_who_are_let_in_while_the_door_stands_open_are_counted_but_not_timed() -> None:
    given = [at(0, "closed"), at(1, "granted", "a"), at(2, "opened"), at(12, "granted", "b"), at(20, "closed")]
    _, entries = run(given, 30)
    assert [e.facts["through_ms"] for e in entries if e.kind == "passed"] == [19 * S, None]


def test_a_door_without_a_contact_counts_a_passage_at_the_grant_and_a_double_tap_once() -> None:
    given = [at(0, "granted", "a"), at(2, "granted", "a"), at(9, "granted", "b")]
    _, entries = run(given, 30, GUARDED._replace(contact=False))
    assert [e.facts["card"] for e in entries if e.kind == "passed"] == ["a", "b"]


def test_gaps_are_measured_only_inside_a_queue_of_three_and_more() -> None:
    given = [at(s, "granted", f"c{s}") for s in (0, 8, 100, 107, 115, 125, 300)]
    _, entries = run(given, 400, GUARDED._replace(contact=False))
    assert [e.facts["ms"] for e in entries if e.kind == "queue_gap"] == [7 * S, 8 * S, 10 * S]


def test_a_grant_in_the_second_in_which_the_door_closes_behind_somebody_else_is_for_the_next_opening() -> None:
    given = [
        at(0, "closed"),
        at(5, "granted", "a"),
        at(6, "opened"),
        at(10, "granted", "b"),
        at(10, "closed"),
        at(12, "opened"),
        at(16, "closed"),
    ]
    _, entries = run(given, 30)
    assert [state for _, state in states(entries)] == ["closed", "open", "closed", "open", "closed"]
    assert [e.facts["through_ms"] for e in entries if e.kind == "passed"] == [5 * S, 6 * S]
