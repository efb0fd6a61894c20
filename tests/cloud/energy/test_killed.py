"""A collector that is killed while it works energy out does the round again: intervals are what registers counted."""

import os
import subprocess
import sys
from pathlib import Path

from cloud.store.failpoint import EXIT_CODE
from tests.cloud.energy.energy_round import HOUR, NAMES, SINCE, UNTIL, totals

LAST = SINCE + (UNTIL - 1 - SINCE) // 1_000_000 * 1_000_000
KILLS = (
    ("first", "before_energy_days:5"),
    ("again", "after_energy_days:3"),
    ("again", "after_energy_done"),
    ("late", "before_energy_days:1"),
    ("again", "after_energy_days:2"),
)


def step(folder: Path, name: str, fail_point: str = "") -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tests.cloud.energy.energy_round", str(folder), name],
        env={**os.environ, "DAYUAN_FAILPOINT": fail_point},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (0, EXIT_CODE), done.stderr
    return done.returncode


async def test_killed_in_a_round_again_and_again_it_is_done_in_the_end(tmp_path: Path) -> None:
    """Before days are written, after some of them, and after the round; also while late readings are worked in."""
    for name, fail_point in KILLS:
        assert step(tmp_path, name, fail_point) == EXIT_CODE, f"{name} came to {fail_point}, where it is killed"
    assert step(tmp_path, "again") == 0
    found = await totals(tmp_path)
    for number, name in enumerate(NAMES):
        counted = round(round((LAST - SINCE) / HOUR * (number + 1), 3) * 1_000_000)
        assert found[name] == (counted, LAST - SINCE)
