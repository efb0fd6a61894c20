"""A store file that cannot be read is set aside and the collector starts; a machine's trouble is not damage."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from cloud.store.contract import ReadingsQuery
from cloud.store.duckdb_store import FILE_NAME, DuckdbStore
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from tests.cloud.store.works import MIDNIGHT, NAMES, POWER, work

ASK = ReadingsQuery(site="east", device="m1", point=POWER.point, from_at=0, to_at=2 * MIDNIGHT)


def filled(folder: Path, batches: int = 40) -> Path:
    """A closed store with some batches in it; the path of its file."""
    store = DuckdbStore(folder, ManualClock())
    store.open()
    store.commit(NAMES)
    for number in range(1, batches + 1):
        store.commit(work(number, [(0, MIDNIGHT + number * 1000 + n, float(n)) for n in range(50)]))
    store.close()
    return folder / FILE_NAME


def overwrite(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty_head(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[:4096] = bytes(4096)
    path.write_bytes(content)


def flip_all_over(path: Path) -> None:
    content = bytearray(path.read_bytes())
    rng = random.Random(5)
    for _ in range(200):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [overwrite, truncate, empty_head, flip_all_over])
async def test_a_damaged_file_is_set_aside_and_new_batches_are_stored(tmp_path: Path, damage) -> None:
    path = filled(tmp_path)
    damage(path)
    bytes_before = path.read_bytes()
    store = DuckdbStore(tmp_path, ManualClock())
    report = store.open()
    assert report.damaged_path is not None
    assert report.damaged_detail
    aside = Path(report.damaged_path)
    assert aside.name.startswith(f"{FILE_NAME}.damaged-2026")
    assert aside.read_bytes() == bytes_before
    assert store.remembered().ranges == []
    store.commit(NAMES)
    store.commit(work(1, [(0, MIDNIGHT, 1.0)]))
    assert len((await store.readings(ASK)).rows) == 1
    store.close()


async def test_a_second_damaged_file_of_the_same_second_does_not_overwrite_the_first(tmp_path: Path) -> None:
    for _ in range(2):
        filled(tmp_path, 1)
        overwrite(tmp_path / FILE_NAME)
        store = DuckdbStore(tmp_path, ManualClock())
        store.open()
        store.close()
        (tmp_path / FILE_NAME).unlink()
    damaged = [path for path in tmp_path.glob(f"{FILE_NAME}.damaged-*") if path.suffix != ".shadow"]
    assert len(damaged) == 2


async def test_a_log_with_rubbish_behind_it_loses_no_commit_that_was_made(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from tests.cloud.store.works import *;"
        "from cloud.store.duckdb_store import DuckdbStore; from protocols.clock import ManualClock;"
        "store = DuckdbStore(Path(sys.argv[1]), ManualClock()); store.open(); store.commit(NAMES);"
        "[store.commit(work(n, [(0, MIDNIGHT + n, 1.0)])) for n in range(1, 6)]; os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, cwd=Path.cwd())
    log = tmp_path / f"{FILE_NAME}.wal"
    assert log.stat().st_size > 0, "the commits are in the log, not in the file"
    with log.open("ab") as handle:
        handle.write(b"\x00\x11\x22" * 5)
    store = DuckdbStore(tmp_path, ManualClock())
    report = store.open()
    assert report.damaged_path is None
    assert len((await store.readings(ASK)).rows) == 5
    store.close()


def test_a_file_that_another_process_holds_is_not_set_aside(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    program = (
        "import sys; from pathlib import Path; from cloud.store.duckdb_store import DuckdbStore;"
        "from protocols.clock import ManualClock; store = DuckdbStore(Path(sys.argv[1]), ManualClock()); store.open();"
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreUnavailable, match="lock"):
            DuckdbStore(tmp_path, ManualClock()).open()
        assert holder.stdin is not None
        holder.stdin.close()
    assert [path.name for path in tmp_path.glob("*damaged*")] == []


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    import duckdb

    path = filled(tmp_path, 1)
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")
    with pytest.raises(StoreUnavailable, match="99"):
        DuckdbStore(tmp_path, ManualClock()).open()
    assert path.exists()
    assert not list(tmp_path.glob("*damaged*"))


@pytest.mark.parametrize("seed", range(4))
async def test_a_flipped_bit_in_the_log_costs_the_newest_commits_and_not_the_file(tmp_path: Path, seed: int) -> None:
    program = (
        "import os, sys; from pathlib import Path; from tests.cloud.store.works import *;"
        "from cloud.store.duckdb_store import DuckdbStore; from protocols.clock import ManualClock;"
        "store = DuckdbStore(Path(sys.argv[1]), ManualClock()); store.open(); store.commit(NAMES);"
        "store.commit(work(1, [(0, MIDNIGHT + 1, 1.0)])); store._root.cursor().execute('CHECKPOINT');"
        "[store.commit(work(n, [(0, MIDNIGHT + n, float(n))])) for n in range(2, 21)]; os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, cwd=Path.cwd())
    log = tmp_path / f"{FILE_NAME}.wal"
    content = bytearray(log.read_bytes())
    content[random.Random(seed).randrange(len(content) // 2, len(content))] ^= 1
    log.write_bytes(content)
    store = DuckdbStore(tmp_path, ManualClock())
    report = store.open()
    assert report.damaged_path is not None
    assert 0 < report.cut_log_bytes <= len(content)
    assert Path(report.damaged_path).read_bytes() == content
    rows = (await store.readings(ASK)).rows
    assert [row[1] for row in rows] == [float(number) for number in range(1, len(rows) + 1)]
    assert 8 <= len(rows) < 20
    assert [(each.first, each.last) for each in store.remembered().ranges] == [(1, len(rows))]
    store.commit(work(21, [(0, MIDNIGHT + 21, 21.0)]))
    store.close()
    again = DuckdbStore(tmp_path, ManualClock())
    assert again.open().damaged_path is None
    assert len((await again.readings(ASK)).rows) == len(rows) + 1
    again.close()
