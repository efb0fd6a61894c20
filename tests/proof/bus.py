"""A Modbus line that lies: no value may stand under another point's or device's name (R11).

    python -m tests.proof.bus --level soak

The line and its oracle are those of tests/edge/test_lying_bus.py, in virtual time; here more exchanges from more seeds.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from functools import partial
from pathlib import Path

from tests.edge.test_lying_bus import SHARES, play, wrong
from tests.proof.levels import Finding, Level, alone
from tests.virtual_time import run as run_virtually

EXCHANGES_PER_RUN = 10_000
RUNS: dict[Level, int] = {"ci": 1, "soak": 10, "proof": 100}


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """One run of 10,000 exchanges per seed."""
    del work
    logging.getLogger("edge").setLevel(logging.ERROR)
    lies: Counter[str] = Counter()
    asked = values = vanished = 0
    violations: list[str] = []
    for number in range(seed, seed + RUNS[level]):
        played = run_virtually(partial(play, seed=number, exchanges=EXCHANGES_PER_RUN))
        lies += played.liar.told
        asked += played.asked
        vanished += played.vanished
        values += sum(1 for each in played.taken if each.value is not None)
        violations += [f"seed {number}: {each}" for each in wrong(played)]
        if not played.recovered:
            violations.append(f"seed {number}: not every device was read again after the last lie")
    violations += [f"the bus never told the lie {lie!r}" for lie in SHARES if not lies[lie]]
    told = ", ".join(f"{count} {lie}" for lie, count in lies.most_common())
    amount = f"{asked:,} exchanges, {values:,} values, the port gone {vanished} times"
    return [Finding("R11", "a lying Modbus line", amount, tuple(violations), told)]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
