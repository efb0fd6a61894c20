"""A collector that is killed while it makes or sets aside its files starts again, and nothing of them is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloud.store.failpoint import EXIT_CODE, fail_points, never

OPEN = """
import asyncio, sys
from pathlib import Path
from cloud.registry.database import Database
from cloud.store.duckdb_store import DuckdbStore
from protocols.clock import SystemClock

async def start(folder):
    database = Database(folder / "registry.sqlite", SystemClock())
    await database.open()
    await database.close()
    store = DuckdbStore(folder, SystemClock())
    report = store.open()
    store.close()
    print("set aside", sum(bool(each) for each in (database.set_aside, report.damaged_path)))

asyncio.run(start(Path(sys.argv[1])))
"""


def opened(folder: Path, fail_point: str = "") -> tuple[int, str]:
    environment = {**os.environ, "DAYUAN_FAILPOINT": fail_point}
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("fail_point", ["mid_registry_migration:9", "mid_registry_migration:20", "mid_migration:9"])
def test_killed_while_it_makes_its_tables(tmp_path: Path, fail_point: str) -> None:
    assert opened(tmp_path, fail_point)[0] == EXIT_CODE
    assert opened(tmp_path) == (0, "set aside 0\n")


@pytest.mark.parametrize(
    ("fail_point", "name"),
    [
        ("mid_registry_set_aside:1", "registry.sqlite"),
        ("mid_registry_set_aside:2", "registry.sqlite"),
        ("mid_set_aside", "readings.duckdb"),
    ],
)
def test_killed_while_it_sets_a_damaged_file_aside(tmp_path: Path, fail_point: str, name: str) -> None:
    assert opened(tmp_path)[0] == 0
    damaged = b"no database " * 1000
    (tmp_path / name).write_bytes(damaged)
    if name == "registry.sqlite":
        (tmp_path / f"{name}-shm").touch()  # beside a log that would be taken for the new file's
    assert opened(tmp_path, fail_point)[0] == EXIT_CODE
    code, said = opened(tmp_path)
    assert code == 0, said
    kept = {path.read_bytes() for path in tmp_path.glob(f"{name}.damaged-*")}
    assert damaged in kept, "it lies aside, whole"
    assert opened(tmp_path) == (0, "set aside 0\n")


def test_a_name_that_is_no_fail_point_is_refused() -> None:
    assert fail_points("") is never
    for wrong in ("after_lunch", "before_commit:soon"):
        with pytest.raises(ValueError, match="write one of"):
            fail_points(wrong)
