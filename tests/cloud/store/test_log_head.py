"""A damaged head of the store's log costs nothing; see ``cloud/store/duckdb_log_head.py``."""

import os
import shutil
from pathlib import Path

import pytest

from cloud.store.duckdb_log_head import expected, mend_head
from cloud.store.duckdb_shadow import head_of
from cloud.store.duckdb_store import FILE_NAME, DuckdbStore
from protocols.clock import ManualClock
from tests.cloud.store.test_shadow import checkpoint, commit, held, opened
from tests.cloud.store.works import MIDNIGHT


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose log holds commits."""
    folder = tmp_path_factory.mktemp("store")
    store = opened(folder / "live")
    commit(store, 1)
    checkpoint(store)
    for number in range(2, 5):
        commit(store, number)
    shutil.copytree(folder / "live", folder / "killed")
    store.close()
    return folder / "killed"


def head(folder: Path, back: int = 0) -> bytes:
    with (folder / FILE_NAME).open("rb") as file:
        found = head_of(file.fileno())
        assert found is not None
        return expected(os.pread(file.fileno(), 16, 124), found.checkpoint - back)


def log_of(folder: Path) -> Path:
    return folder / f"{FILE_NAME}.wal"


def test_duckdb_writes_the_head_we_expect(killed: Path) -> None:
    assert log_of(killed).read_bytes().startswith(head(killed))
    assert not mend_head(killed / FILE_NAME, MIDNIGHT)


@pytest.mark.parametrize("place", [0, 4, 9, 20, -6, -3, -1])
def test_a_flipped_bit_in_the_head_loses_nothing(killed: Path, tmp_path: Path, place: int) -> None:
    folder = Path(shutil.copytree(killed, tmp_path / "store"))
    content = bytearray(log_of(folder).read_bytes())
    content[place if place >= 0 else len(head(folder)) + place] ^= 0x04
    log_of(folder).write_bytes(content)
    store = DuckdbStore(folder, ManualClock(), roll_up_every_s=0)
    store.open()
    assert held(store) == [(1, 4)]
    store.close()
    assert list(folder.glob("*.damaged-head-*")), "a copy is kept"


def test_the_log_of_the_checkpoint_before_is_left_to_duckdb(killed: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(killed, tmp_path / "store"))
    content = log_of(folder).read_bytes()
    log_of(folder).write_bytes(head(folder, back=1) + content[len(head(folder)) :])
    assert not mend_head(folder / FILE_NAME, MIDNIGHT)


@pytest.mark.parametrize("content", [b"", b"d", b"\xff" * 40, bytes(5000)])
def test_what_is_no_log_is_left_alone(killed: Path, tmp_path: Path, content: bytes) -> None:
    folder = Path(shutil.copytree(killed, tmp_path / "store"))
    log_of(folder).write_bytes(content)
    assert not mend_head(folder / FILE_NAME, MIDNIGHT)
    assert log_of(folder).read_bytes() == content
