"""Processes are killed, at random and at named instants; what was promised is stored, once, as it was.

Here a short run; ``python -m tests.proof.kills --level soak`` takes an hour and meets every instant many times.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof import kills

SEED = 20261121
"""Found with it: gateways that share the folder of their card key shared the mark of their broker's session."""


def test_kills_lose_double_and_alter_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = kills.run("ci", SEED, tmp_path)
    with capsys.disabled():
        for row in found:
            print(f"\n  {row.number} {row.verdict}: {row.amount}; {row.meaningful}")
    assert [violation for row in found for violation in row.violations] == []
    assert {row.number for row in found} == {"R1", "R2"}
