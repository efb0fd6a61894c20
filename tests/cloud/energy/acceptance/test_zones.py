"""A site's days, hours and bills are those of its own clock, whatever zone the process has."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.energy.acceptance.zone_totals import LONG_AND_SHORT

ROOT = Path(__file__).parents[4]
PROCESS_ZONES = ("UTC", "Asia/Shanghai", "America/St_Johns", "Australia/Lord_Howe")
DAY_HOURS = {
    "Asia/Shanghai": ([24, 24, 24], [24, 24, 24]),
    "Europe/Berlin": ([24, 23, 24], [24, 25, 24]),
    "Australia/Lord_Howe": ([24, 24.5, 24], [24, 23.5, 24]),
    "Asia/Kathmandu": ([24, 24, 24], [24, 24, 24]),
    "America/St_Johns": ([24, 23, 24], [24, 25, 24]),
}


@pytest.fixture(scope="module")
def answers() -> list[Any]:
    """What processes in several zones say."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.cloud.energy.acceptance.zone_totals"],
            cwd=ROOT, env={**os.environ, "TZ": zone}, stdout=subprocess.PIPE,
        )
        for zone in PROCESS_ZONES
    ]  # fmt: skip
    return [json.loads(each.communicate()[0]) for each in running]


def test_processes_in_four_zones_say_the_same(answers: list[Any]) -> None:
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("zone", LONG_AND_SHORT)
def test_each_local_day_has_all_its_hours_and_the_bill_all_its_days(answers: list[Any], zone: str) -> None:
    for told, hours in zip(answers[0][zone], DAY_HOURS[zone], strict=True):
        assert [(end - start) / 3_600_000 for start, end, _ in told["days"]] == hours
        assert [micro for _, _, micro in told["days"]] == [each * 6_000_000 for each in hours]
        assert told["slots"] == [each * 4 for each in hours]
        assert all(local.split("T")[1].startswith("00:00:00") for local in told["local"])
        assert sum(float(quantity) for _, quantity, _ in told["bill"]) == pytest.approx(sum(hours) * 6)


@pytest.mark.parametrize("zone", LONG_AND_SHORT)
def test_a_band_from_half_past_eight_begins_at_half_past_eight_of_the_sites_clock(
    answers: list[Any], zone: str
) -> None:
    """Peak is 08:30 to 22:00: 13.5 h of 6 kW on each of three days, on whichever day clocks change at night."""
    for told in answers[0][zone]:
        peak = sum(float(quantity) for name, quantity, _ in told["bill"] if name == "peak")
        assert peak == pytest.approx(3 * 13.5 * 6)
