"""Runs of patrols, judged from scans; and that the order in which scans arrive does not matter."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.patrol.routes import Checkpoint, Route, run_starts
from cloud.patrol.runs import Run, Scan, entries, judge, missing, not_begun
from tests.cloud.places.console import DAY, MINUTE, SITE, at, calendar

START = at("22:00")


def point(name: str, since: int, until: int) -> Checkpoint:
    return Checkpoint(id=name, name=name.upper(), reader=f"r-{name}", from_min=since, until_min=until)


ROUTE = Route(
    id="round",
    name="Night round",
    checkpoints=(point("a", 0, 20), point("b", 10, 40), point("c", 30, 60)),
    starts=("22:00", "02:00"),
)


def scan(minute: float, name: str, guard: str = "wang") -> Scan:
    return Scan(START + round(minute * MINUTE), name, guard)


def judged(*scans: Scan, now_min: float = 240, route: Route = ROUTE) -> Run:
    return judge(route, SITE, START, scans, START + round(now_min * MINUTE))


def states(run: Run) -> list[str]:
    return [each.state for each in run.checkpoints]


def test_a_run_in_its_windows_is_done() -> None:
    run = judged(scan(5, "a"), scan(15, "b"), scan(35, "c"))
    assert (run.state, states(run), run.guard, run.done) == ("done", ["done"] * 3, "wang", 3)


def test_a_run_is_planned_then_late_when_nobody_begins_and_missed_when_it_is_over() -> None:
    assert judged(now_min=5).state == "planned"
    assert judged(now_min=11).state == "late"
    assert not_begun(ROUTE, judged(now_min=11), START + 11 * MINUTE)
    assert judged(now_min=60).state == "missed"
    assert not not_begun(ROUTE, judged(now_min=61), START + 61 * MINUTE)


def test_a_checkpoint_whose_window_closed_is_missed_and_the_run_late_while_it_goes_on() -> None:
    run = judged(scan(15, "b"), now_min=25)
    assert (run.state, states(run)) == ("late", ["missed", "done", "due"])
    assert [each.id for each in missing(run, START + 25 * MINUTE)] == ["a"]
    assert missing(run, START + 121 * MINUTE) == []


def test_scans_outside_of_their_window_are_early_or_late_and_too_far_ones_none() -> None:
    run = judged(scan(2, "a"), scan(5, "b"), scan(75, "c"))
    assert states(run) == ["done", "early", "late"]
    assert (run.state, states(judged(scan(-11, "a"), scan(19, "c")))) == ("done", ["missed", "missed", "missed"])


def test_a_checkpoint_before_the_one_that_comes_first_is_out_of_order_unless_order_does_not_matter() -> None:
    scans = scan(15, "b"), scan(18, "a"), scan(35, "c")
    assert states(judged(*scans)) == ["done", "out_of_order", "done"]
    free = msgspec.structs.replace(ROUTE, ordered=False)
    assert states(judged(*scans, route=free)) == ["done", "done", "done"]


def test_only_the_guards_of_the_route_count() -> None:
    own = msgspec.structs.replace(ROUTE, guards=("li",))
    run = judged(scan(5, "a", "wang"), scan(15, "b", "li"), route=own)
    assert [each.guard for each in run.checkpoints] == ["", "li", ""]


def test_the_journal_says_when_a_window_closed_on_nobody_also_of_those_that_were_late() -> None:
    told = [
        (e.at - START, e.facts["checkpoint"], e.facts["state"]) for e in entries(judged(scan(5, "a"), scan(75, "c")))
    ]
    assert [(at // MINUTE, name, state) for at, name, state in told] == [
        (5, "A", "done"),
        (40, "B", "missed"),
        (60, "C", "missed"),
        (75, "C", "late"),
    ]


def test_runs_begin_at_the_sites_own_time_on_the_days_of_the_route() -> None:
    week = list(run_starts(ROUTE, calendar(), SITE, at("00:00"), at("00:00") + 7 * DAY))
    assert len(week) == 14
    assert week[:2] == [at("02:00"), at("22:00")]
    workdays = msgspec.structs.replace(ROUTE, days=("workday",))
    assert len(list(run_starts(workdays, calendar(), SITE, at("00:00"), at("00:00") + 7 * DAY))) == 10


@pytest.mark.parametrize(
    ("points", "fault"),
    [
        ((point("a", 0, 20), point("a", 10, 40)), "stands here twice"),
        ((point("a", 20, 20),), "is not before until_min"),
        ((Checkpoint(id="a", name="A"),), "needs a reader, a tag or a place"),
    ],
)
def test_a_route_that_cannot_be_walked_is_refused(points: tuple[Checkpoint, ...], fault: str) -> None:
    assert fault in (msgspec.structs.replace(ROUTE, checkpoints=points).fault() or "")


SCANS = st.lists(
    st.builds(scan, st.integers(-20, 130), st.sampled_from("abcx"), st.sampled_from(["wang", "li"])), max_size=15
)


@settings(max_examples=100, deadline=None)
@given(SCANS, st.integers(0, 2**32))
def test_any_order_of_arrival_gives_the_same_run(scans: list[Scan], seed: int) -> None:
    shuffled = random.Random(seed).sample(scans, len(scans))
    assert judged(*shuffled, *shuffled) == judged(*scans)


@settings(max_examples=100, deadline=None)
@given(SCANS, st.integers(0, 15))
def test_what_a_run_remembers_is_enough_to_judge_it_anew_with_a_late_scan(scans: list[Scan], cut: int) -> None:
    first = judged(*scans[:cut])
    known = [Scan(p.at, p.id, p.guard) for p in first.checkpoints if p.at is not None]
    assert judged(*known, *scans[cut:]) == judged(*scans)
