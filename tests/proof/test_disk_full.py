"""All processes on small disks that fill up: nobody ends, acked batches go, everything is stored once.

Here a few seconds of it; ``python -m tests.proof.disk_full --level soak`` takes longer and again and again.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.disk_full import not_here, run


@pytest.mark.skipif(bool(not_here()), reason=f"NOT RUN: {not_here()}")
def test_full_and_read_only_disks_end_no_process_and_lose_nothing(tmp_path: Path) -> None:
    (found,) = run("ci", 1, tmp_path)
    assert found.violations == ()
    assert not found.not_run
    assert "told after" in found.meaningful
