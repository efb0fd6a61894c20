"""A disk that takes no more bytes: the commit fails as a whole, says so, and works again when there is room."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pytest

from cloud.store.contract import ReadingsQuery
from cloud.store.duckdb_store import FILE_NAME, DuckdbStore
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from tests.cloud.store.works import MIDNIGHT, NAMES, POWER, work

ASK = ReadingsQuery(site="east", device="m1", point=POWER.point, from_at=0, to_at=2 * MIDNIGHT, limit=100_000)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Writes beyond ``size`` fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("readings", [5, 30_000, 200_000])
async def test_a_full_disk_refuses_the_commit_and_recovers(tmp_path: Path, readings: int) -> None:
    rng = np.random.default_rng(1)
    store = DuckdbStore(tmp_path, ManualClock())
    store.open()
    store.commit(NAMES)
    stored = 0

    def next_work(number: int):
        values = rng.random(readings).tolist()
        return work(number, [(0, MIDNIGHT + number * 1000 + n, value) for n, value in enumerate(values)])

    for number in range(1, 4):
        store.commit(next_work(number))
        stored += readings
    largest = max(path.stat().st_size for path in tmp_path.iterdir())
    failures = 0
    kinds: set[type] = set()
    with files_no_larger_than(largest + 10):
        for number in range(4, 60):
            try:
                store.commit(next_work(number))
                stored += readings
            except StoreUnavailable as error:
                kinds.add(type(error))
                failures += 1
                if failures == 3:
                    break
    assert failures == 3, "the disk was not full"
    assert kinds == {StoreUnavailable}, "refused, the gateway would put a good batch away for ever"
    store.commit(next_work(99))
    stored += readings
    assert (await store.size()).readings == stored
    store.close()
    again = DuckdbStore(tmp_path, ManualClock())
    assert again.open().damaged_path is None
    assert (await again.size()).readings == stored
    again.close()
    assert [path.name for path in tmp_path.iterdir() if "damaged" in path.name] == []
    assert (tmp_path / FILE_NAME).exists()


async def test_a_commit_that_finds_no_room_at_its_end_is_not_the_batch_s_fault(tmp_path: Path) -> None:
    """DuckDB calls it a failed transaction. Refused as such, the gateway would put the batch away for ever."""
    store = DuckdbStore(tmp_path, ManualClock())
    store.open()
    store.commit(NAMES)

    def full(place: str) -> None:
        if place == "before_commit":
            raise duckdb.TransactionException("TransactionContext Error: Failed to commit: No space left on device")

    store._reach = full
    with pytest.raises(StoreUnavailable, match="No space left") as failed:
        store.commit(work(1, [(0, MIDNIGHT, 1.0)]))
    assert type(failed.value) is StoreUnavailable
    store._reach = lambda place: None
    store.commit(work(1, [(0, MIDNIGHT, 1.0)]))
    assert (await store.size()).readings == 1
    store.close()
