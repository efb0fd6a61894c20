"""Several collectors share what gateways send, and are killed on the way; nothing is lost, stored twice or altered.

Here a short run; ``python -m tests.proof.group --level soak`` takes longer and meets every instant many times.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof import group

SEED = 20261122


def test_a_group_whose_collectors_are_killed_and_stopped_loses_doubles_and_alters_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = group.run("ci", SEED, tmp_path)
    with capsys.disabled():
        for row in found:
            print(f"\n  {row.number} {row.verdict}: {row.amount}; {row.meaningful}")
    assert [violation for row in found for violation in row.violations] == []
