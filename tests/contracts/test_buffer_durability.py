"""The SQLite buffer under kill -9, and the settings that durability rests on."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from edge.buffer import Change
from edge.buffer_peek import look
from protocols.errors import StoreUnavailable
from tests.contracts.buffer_on_disk import (
    AT,
    CHILD,
    buffer_at,
    event,
    everything,
    fill,
    make_unclean_copy,
)


async def test_the_file_is_in_wal_mode_with_full_synchronous_and_not_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "buffer.db"
    buffer = buffer_at(path)
    await buffer.open()
    connection = buffer._connection
    assert connection is not None
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    await fill(buffer, 1)
    for each in tmp_path.iterdir():
        assert each.stat().st_mode & 0o077 == 0, each
    await buffer.close()


async def test_a_second_gateway_is_refused_the_file(tmp_path: Path) -> None:
    first, second = buffer_at(tmp_path / "buffer.db"), buffer_at(tmp_path / "buffer.db")
    await first.open()
    with pytest.raises(StoreUnavailable, match="in use by another process"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()


@pytest.mark.parametrize("fail_point", ["before_commit:30", "after_commit:30", "mid_delete:12"])
async def test_kill_at_any_instant_loses_nothing_committed_and_repeats_no_seq(tmp_path: Path, fail_point: str) -> None:
    path = tmp_path / "buffer.db"
    run = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), fail_point], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == -9, run.stderr
    told = [line.split() for line in run.stdout.splitlines()]
    buffer = buffer_at(path)
    opened = await buffer.open()
    found = {batch.place for batch in await everything(buffer)}
    epoch, newest = told[-1][0], int(told[-1][1])
    # Of the commit that ran when the process died nothing is known; of all before it everything is.
    released = {place for place in range(1, newest) if place not in found}
    assert newest in found
    assert all(buffer.has_origin(each[2].encode()) for each in told)
    assert all(place < newest - 2 for place in released)
    assert opened.epoch == epoch
    assert opened.damage is None
    following = await buffer.commit(Change(sealed_at=AT, drafts=[event(1)]))
    assert following.batches[0].identity.seq == max(found) + 1
    await buffer.close()


async def test_a_log_that_vanished_starts_a_new_epoch(tmp_path: Path) -> None:
    kept = await make_unclean_copy(tmp_path)
    (tmp_path / "buffer.db-wal").unlink()
    buffer = buffer_at(tmp_path / "buffer.db")
    opened = await buffer.open()
    assert opened.epoch not in {identity.epoch for identity in kept}
    assert opened.damage is None
    await buffer.close()


async def test_an_orderly_restart_keeps_the_epoch(tmp_path: Path) -> None:
    buffer = buffer_at(tmp_path / "buffer.db")
    first = await buffer.open()
    await fill(buffer, 3)
    await buffer.close()
    assert (await buffer.open()).epoch == first.epoch
    await buffer.close()


async def test_a_look_at_the_file_changes_nothing(tmp_path: Path) -> None:
    kept = await make_unclean_copy(tmp_path)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    found = look(tmp_path / "buffer.db")
    assert found.error == ""
    assert 0 < found.batches <= len(kept)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
    assert look(tmp_path / "nowhere.db").error
    (tmp_path / "text").write_text("hello" * 100)
    assert look(tmp_path / "text").error


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "buffer.db"
    buffer = buffer_at(path)
    await buffer.open()
    await buffer.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreUnavailable, match="newer version"):
        await buffer.open()
    assert not list(tmp_path.glob("*.damaged-*"))
    await buffer.close()
