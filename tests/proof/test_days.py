"""Simulated days: whatever goes wrong, in whatever order, nothing is lost, doubled or altered.

Here a few; ``python -m tests.proof.days --level soak`` takes thousands.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

from tests.proof.days import one_day
from tests.proof.sim_plan import plan

DAYS = (4, 28, 155)
HOURS = 6.0
FULL_BUFFERS = (280, 1201)
"""Hours without a collector, and a buffer of 64 KiB that gap records filled: no commit went through any more."""


def test_days_full_of_faults_end_with_everything_stored_once() -> None:
    counts: Counter[str] = Counter()
    for seed in DAYS:
        day = one_day(seed, HOURS)
        assert day.violations == [], f"day {seed}"
        assert day.counts["promised"] > 300
        counts.update(day.counts)
    deaths = sum(count for what, count in counts.items() if " died " in what)
    assert deaths > 10, "the faults must have been met"
    assert counts["duplicates"] > 0
    assert counts["acks lost"] > 0


def test_a_small_buffer_goes_on_through_an_outage_of_hours() -> None:
    for seed in FULL_BUFFERS:
        day = one_day(seed)
        assert day.violations == [], f"day {seed}"
        assert day.counts["told lost by gap records"] > 0, "the buffer must have been full"


def test_the_same_seed_gives_the_same_day_in_another_process_too() -> None:
    program = "from tests.proof.days import one_day; print(one_day(7, 6.0).digest)"
    other = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    day = one_day(7, 6.0)
    assert day.digest == other.stdout.strip()
    assert day.violations == []


def test_another_seed_gives_another_day() -> None:
    assert plan(1) == plan(1)
    assert plan(1) != plan(2)
