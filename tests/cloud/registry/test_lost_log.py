"""Damage in the registry's log: SQLite drops commits behind it without a word, and we notice."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud.registry.database import Database
from cloud.registry.lost_log import dropped_commits
from protocols.clock import ManualClock

COMMITS = 20
HEAD = 32


@contextmanager
def written(path: Path, commits: int = COMMITS) -> Iterator[Path]:
    """A database whose log nobody has taken up: one transaction for each row; the path of its log."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER, pad BLOB)")
    for n in range(commits):
        connection.execute("INSERT INTO t VALUES (?, randomblob(3000))", [n])
    yield path.with_name(path.name + "-wal")
    connection.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[bytes]:
    with written(tmp_path / "x.sqlite") as path:
        yield path.read_bytes()


def taken_up(folder: Path, content: bytes, log: bytes) -> int:
    """How many rows SQLite finds."""
    (folder / "copy.sqlite").write_bytes(content)
    (folder / "copy.sqlite-wal").write_bytes(log)
    connection = sqlite3.connect(folder / "copy.sqlite")
    try:
        (rows,) = connection.execute("SELECT count(*) FROM t").fetchone()
        return int(rows)
    finally:
        connection.close()


def test_a_sound_log_and_every_log_that_a_power_cut_leaves_behind_are_no_damage(log: bytes) -> None:
    assert dropped_commits(log) == 0
    for size in range(0, len(log), 509):
        assert dropped_commits(log[:size]) == 0


def test_a_last_commit_that_was_torn_is_no_damage(log: bytes) -> None:
    frame = (len(log) - HEAD) // ((len(log) - HEAD) // 4120)
    assert dropped_commits(log[: -frame // 2] + bytes(frame // 2)) == 0


def test_frames_of_an_older_round_behind_the_end_are_no_damage(tmp_path: Path) -> None:
    with written(tmp_path / "x.sqlite") as path:
        other = sqlite3.connect(tmp_path / "x.sqlite")
        other.execute("PRAGMA wal_checkpoint(RESTART)")
        other.execute("INSERT INTO t VALUES (1, NULL)")
        other.commit()
        content = path.read_bytes()
        other.close()
    assert len(content) > COMMITS * 4096
    assert dropped_commits(content) == 0


def test_a_flipped_bit_is_noticed_whenever_two_commits_or_more_are_dropped(tmp_path: Path) -> None:
    rng = random.Random(7)
    noticed = 0
    with written(tmp_path / "x.sqlite") as path:
        log, content = path.read_bytes(), (tmp_path / "x.sqlite").read_bytes()
    for _ in range(60):
        harmed = bytearray(log)
        harmed[rng.randrange(len(log))] ^= 1 << rng.randrange(8)
        try:
            lost = COMMITS - taken_up(tmp_path, content, bytes(harmed))
        except sqlite3.OperationalError:
            lost = COMMITS  # not even the table
        assert (dropped_commits(bytes(harmed)) > 0) >= (lost > 1), f"{lost} commits dropped without a word"
        noticed += lost > 1
    assert noticed > 30, "no damage was met"


def flip_in_the_middle(log: Path) -> None:
    content = bytearray(log.read_bytes())
    content[len(content) // 3] ^= 4
    log.write_bytes(content)


def harm_the_head(log: Path) -> None:
    content = bytearray(log.read_bytes())
    content[17] ^= 4
    log.write_bytes(content)


@pytest.mark.parametrize("harm", [flip_in_the_middle, harm_the_head])
async def test_the_copy_of_a_damaged_log_is_told_until_it_is_taken_away(
    tmp_path: Path, clock: ManualClock, harm: Callable[[Path], None]
) -> None:
    path = tmp_path / "registry.sqlite"
    first = Database(path, clock)
    await first.open()
    await first.close()
    with written(path) as log:
        harm(log)
        damaged = log.read_bytes()
        # The process dies: closing would take up the log.
        os.link(log, tmp_path / "kept")
        log.unlink()
    (tmp_path / "kept").rename(log)
    for _ in range(2):
        database = Database(path, clock)
        await database.open()
        assert database.damaged_log is not None
        assert database.damaged_log.read_bytes() == damaged
        assert database.set_aside is None
        await database.close()
    database.damaged_log.unlink()
    again = Database(path, clock)
    await again.open()
    assert again.damaged_log is None
    await again.close()
