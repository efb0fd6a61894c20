"""Simulated power cuts: what was told durable is in what reached the disk; and the method sees when it is not.

Here two cuts of each; ``python -m tests.proof.power_cuts --level soak`` takes hundreds.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.proof.power_cuts import build, cuts_of, not_here

STORES = ("buffer", "store", "registry")

pytestmark = pytest.mark.skipif(bool(not_here()), reason=f"NOT RUN: {not_here()}")


@pytest.mark.parametrize("store", STORES)
def test_what_was_told_durable_survives_a_power_cut(store: str, tmp_path: Path) -> None:
    done = cuts_of(store, 2, tmp_path, random.Random(7))
    assert [text for cut in done for text in (*cut.lost, *cut.wrong)] == []
    assert sum(cut.told for cut in done) >= 1, "the writer must have been told something"


@pytest.mark.parametrize("store", STORES)
def test_a_store_that_does_not_sync_is_found_out(store: str, tmp_path: Path) -> None:
    """SQLite with synchronous NORMAL, and a DuckDB whose syncs do nothing."""
    library, rng = build(tmp_path), random.Random(3)
    assert any(cut.lost or cut.wrong for _ in range(5) for cut in cuts_of(store, 1, tmp_path, rng, plant=library))
