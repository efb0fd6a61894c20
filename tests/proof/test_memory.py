"""Processes with little memory, and with none for a moment: nothing is lost, and the verdict sees what would be.

Here minutes of backlog; ``python -m tests.proof.memory --level soak`` takes a day.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.bench.waiting_buffer import POINTS
from tests.proof.memory import LIMITS_MB, Size, compare, play

SIZE = Size(0.1, 1, 4.0)


async def test_a_process_that_is_refused_memory_loses_nothing(tmp_path: Path) -> None:
    ran = await play(SIZE, 1, tmp_path / "memory")
    assert ran.wrong == []
    assert all(ran.squeezes.values())
    assert all(0 < ran.resident_mb[name] < limit_mb for name, limit_mb in LIMITS_MB.items())


def test_what_is_missing_twice_or_at_another_instant_is_seen(tmp_path: Path) -> None:
    store, until_ms = tmp_path / "x.duckdb", 1_800_000_000_000
    with duckdb.connect(str(store)) as file:
        file.execute("CREATE TABLE series (id INTEGER, device TEXT, point TEXT)")
        file.execute("CREATE TABLE readings (series INTEGER, observed_at BIGINT, value DOUBLE)")
        for number, point in enumerate(POINTS):
            file.execute("INSERT INTO series VALUES (?, 'backlog', ?)", [number, point])
            for n in range(3):
                file.execute("INSERT INTO readings VALUES (?, ?, ?)", [number, until_ms - (3 - n) * 1000, n])
    assert compare(store, 3, until_ms) == []
    for change in (
        "DELETE FROM readings WHERE series = 0 AND value = 1",
        "INSERT INTO readings SELECT * FROM readings WHERE series = 1 AND value = 2",
        "UPDATE readings SET observed_at = observed_at + 1 WHERE series = 2 AND value = 0",
    ):
        with duckdb.connect(str(store)) as file:
            file.execute(change)
        assert compare(store, 3, until_ms)
