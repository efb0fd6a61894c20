"""A write of metadata that is cut short costs nothing; see ``cloud/store/duckdb_shadow.py``."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cloud.store.duckdb_shadow import head_of, put_back, shadow_of
from cloud.store.duckdb_store import FILE_NAME, DuckdbStore
from protocols.clock import ManualClock
from tests.cloud.store.works import MIDNIGHT, NAMES, work

BLOCKS_AT, BLOCK = 12_288, 262_144
FIRST = {
    "new_gateways": NAMES.new_gateways,
    "new_series": NAMES.new_series,
    "new_qualities": NAMES.new_qualities,
}


def opened(folder: Path) -> DuckdbStore:
    store = DuckdbStore(folder, ManualClock(), roll_up_every_s=0)
    report = store.open()
    assert report.damaged_path is None, report
    return store


def commit(store: DuckdbStore, number: int) -> None:
    made = work(number, [(n % 2, MIDNIGHT + number * 600_000 + n * 1000, n * 1.5) for n in range(40)], [])
    store.commit(replace(made, **FIRST) if number == 1 else made)


def checkpoint(store: DuckdbStore) -> None:
    assert store._root is not None
    store._root.cursor().execute("CHECKPOINT")


def held(store: DuckdbStore) -> list[tuple[int, int]]:
    return [(each.first, each.last) for each in store.remembered().ranges]


def torn(folder: Path, pages: int) -> Path:
    """A folder as a process leaves it that is killed in a checkpoint, so many pages into the block of metadata."""
    store = opened(folder)
    for number in range(1, 4):
        commit(store, number)
    checkpoint(store)
    commit(store, 4)  # keeps the copy
    killed = folder.with_name("killed")
    shutil.copytree(folder, killed)
    before = (killed / FILE_NAME).read_bytes()
    checkpoint(store)
    after = (folder / FILE_NAME).read_bytes()
    store.close()
    changed = [
        number
        for number in range((len(before) - BLOCKS_AT) // BLOCK)
        if before[BLOCKS_AT + number * BLOCK :][:BLOCK] != after[BLOCKS_AT + number * BLOCK :][:BLOCK]
    ]
    assert changed, "DuckDB no longer writes metadata in place: the copy is not needed any more"
    with (killed / FILE_NAME).open("r+b") as file:
        for number in changed:
            place = BLOCKS_AT + number * BLOCK
            file.seek(place)
            file.write(after[place : place + pages * 4096])
    return killed


@pytest.mark.parametrize("pages", [1, 2, 7])
def test_a_checkpoint_that_is_cut_short_loses_nothing(tmp_path: Path, pages: int) -> None:
    killed = torn(tmp_path / "live", pages)
    store = opened(killed)
    assert held(store) == [(1, 4)]
    commit(store, 5)
    store.close()
    store = opened(killed)
    assert held(store) == [(1, 5)]
    store.close()
    assert list(killed.glob("*.torn-*")), "what lay there is kept"


def test_without_the_copy_the_whole_file_is_lost(tmp_path: Path) -> None:
    killed = torn(tmp_path / "live", 1)
    shadow_of(killed / FILE_NAME).unlink()
    store = DuckdbStore(killed, ManualClock(), roll_up_every_s=0)
    assert store.open().damaged_path is not None
    store.close()


def test_a_copy_of_another_header_is_not_used(tmp_path: Path) -> None:
    store = opened(tmp_path)
    commit(store, 1)
    checkpoint(store)
    commit(store, 2)
    old = shadow_of(tmp_path / FILE_NAME).read_bytes()
    checkpoint(store)
    store.close()
    shadow_of(tmp_path / FILE_NAME).write_bytes(old)
    before = (tmp_path / FILE_NAME).read_bytes()
    opened(tmp_path).close()
    assert (tmp_path / FILE_NAME).read_bytes()[BLOCKS_AT:] == before[BLOCKS_AT:]


@pytest.mark.parametrize("harm", ["cut", "flip", "empty"])
def test_a_damaged_copy_is_made_anew(tmp_path: Path, harm: str) -> None:
    store = opened(tmp_path)
    commit(store, 1)
    store.close()
    shadow = shadow_of(tmp_path / FILE_NAME)
    raw = shadow.read_bytes()
    shadow.write_bytes({"cut": raw[:-7], "flip": raw[:60] + b"?" + raw[61:], "empty": b""}[harm])
    store = opened(tmp_path)
    assert held(store) == [(1, 1)]
    commit(store, 2)
    store.close()
    assert shadow.read_bytes()[:16] == raw[:16]
    assert len(shadow.read_bytes()) > 100


def test_a_file_that_another_process_has_open_is_left_alone(tmp_path: Path) -> None:
    killed = torn(tmp_path / "live", 1)
    before = (killed / FILE_NAME).read_bytes()
    hold = "import fcntl, sys; f=open(sys.argv[1],'r+b'); fcntl.lockf(f, fcntl.LOCK_EX); print('held'); input()"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", hold, str(killed / FILE_NAME)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert put_back(killed / FILE_NAME, MIDNIGHT) == []
        assert (killed / FILE_NAME).read_bytes() == before
        other.communicate("\n")
    assert put_back(killed / FILE_NAME, MIDNIGHT) == [0]


def test_the_lock_of_the_file_outlives_the_copy(tmp_path: Path) -> None:
    store = opened(tmp_path)
    commit(store, 1)
    checkpoint(store)
    commit(store, 2)
    ask = "import fcntl, sys; f=open(sys.argv[1],'r+b'); fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    ran = subprocess.run([sys.executable, "-c", ask, str(tmp_path / FILE_NAME)], capture_output=True, text=True)
    store.close()
    assert "BlockingIOError" in ran.stderr or "PermissionError" in ran.stderr, ran.stderr


def test_the_copy_follows_the_header(tmp_path: Path) -> None:
    store = opened(tmp_path)
    seen = set()
    for number in range(1, 5):
        commit(store, number)
        seen.add(shadow_of(tmp_path / FILE_NAME).read_bytes()[20:28])
        with (tmp_path / FILE_NAME).open("rb") as file:
            head = head_of(file.fileno())
        assert head is not None
        assert shadow_of(tmp_path / FILE_NAME).read_bytes()[20:28] == head.checksum.to_bytes(8, "little")
        checkpoint(store)
    store.close()
    assert len(seen) == 4
