"""One fault is one line, and what is not worth anybody's way is none."""

from decimal import Decimal

import pytest

from cloud.analysis.one_cause import by_cause
from cloud.analysis.site_findings import WEEK_MS, Episode, Finding
from cloud.energy.structure import Meter, Structure

DAY = 86_400_000
STRUCTURE = Structure(
    meters=(
        Meter(id="main", name="Main", device="d", point="p"),
        *(Meter(id=f"floor-{n}", name="Floor", device="d", point="p", parent="main") for n in range(1, 5)),
    )
)


def finding(meter: str, kind: str, kwh: float, since: int = 0, until: int = WEEK_MS, **facts: float) -> Finding:
    made = Finding(meter, kind, "kWh", facts, times=1, kwh=kwh, amount=Decimal(str(kwh)))
    made.episodes.append(Episode(since, until, kwh, made.amount))
    return made


def told(*found: Finding) -> list[tuple[str, str]]:
    return [(each.meter, each.kind) for each in by_cause(found, STRUCTURE)]


def test_little_is_not_told_and_what_cannot_be_trusted_always_is() -> None:
    assert told(finding("main", "spike", 19), finding("main", "frozen", 0), finding("main", "suspect", 0)) == [
        ("main", "frozen"),
        ("main", "suspect"),
    ]


def test_a_step_by_night_is_the_night_load_with_all_it_takes() -> None:
    night, step = finding("floor-1", "night_load", 40), finding("floor-1", "step", 300, -DAY, outside_share=0.9)
    waste = finding("floor-1", "schedule_waste", 200)
    assert told(night, step, waste) == [("floor-1", "night_load")]
    assert (night.kwh, night.since) == (300, -DAY)


def test_a_step_by_day_and_night_is_a_step() -> None:
    assert told(finding("floor-1", "night_load", 40), finding("floor-1", "step", 300, outside_share=0.5)) == [
        ("floor-1", "step")
    ]


def test_what_a_meter_feeds_explains_it_unless_that_is_little() -> None:
    assert told(finding("main", "step", 400), finding("floor-1", "step", 300)) == [("floor-1", "step")]
    assert told(finding("main", "step", 400), finding("floor-1", "step", 100)) == [
        ("main", "step"),
        ("floor-1", "step"),
    ]
    assert told(finding("main", "step", 400), finding("floor-1", "step", -300)) == [
        ("main", "step"),
        ("floor-1", "step"),
    ]


@pytest.mark.parametrize(("later", "left"), [(2 * DAY, 1), (9 * DAY, 2)])
def test_neighbours_that_began_together_are_one_line(later: int, left: int) -> None:
    first = finding("floor-2", "step", 300)
    found = by_cause([finding("floor-1", "step", 200, later, later + WEEK_MS), first], STRUCTURE)
    assert len(found) == left
    assert first.facts.get("also") == (1.0 if left == 1 else None)
