"""A damaged block in the middle of a large table: it is cut out, what is lost is told, everything else goes on."""

import asyncio
import json
import random
from pathlib import Path

import duckdb
import numpy as np
import pytest

from cloud.app import Collector
from cloud.settings import load_cloud
from cloud.store.contract import LostPart, ReadingsQuery
from cloud.store.duckdb_cut import is_damage
from cloud.store.duckdb_store import FILE_NAME, DuckdbStore
from protocols.clock import ManualClock
from protocols.errors import StoreDamaged, StoreUnavailable
from tests.cloud.store.works import DAY, MIDNIGHT, NAMES, POWER, work

BATCHES = 30
EACH = 9_000
FILE_HEADS = 12_288
ALL = ReadingsQuery(site="east", device="m1", point=POWER.point, from_at=0, to_at=2 * MIDNIGHT, limit=100_000)


def value_of(batch: int, number: int) -> float:
    return random.Random(batch * EACH + number).random()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a store with enough readings for several blocks, none of them rolled up."""
    folder = tmp_path_factory.mktemp("whole")
    store = DuckdbStore(folder, ManualClock(), roll_up_every_s=0)
    store.open()
    store.commit(NAMES)
    for batch in range(1, BATCHES + 1):
        at = MIDNIGHT + batch * EACH * 1000
        store.commit(work(batch, [(n % 2, at + n * 1000, value_of(batch, n)) for n in range(EACH)]))
    store.close()
    return (folder / FILE_NAME).read_bytes()


def with_a_damaged_block(folder: Path, content: bytes, column: str) -> Path:
    """The file with one bit flipped in the last block in which only readings of this column lie."""
    path = folder / FILE_NAME
    path.write_bytes(content)
    with duckdb.connect(str(path), read_only=True) as connection:
        (size,) = connection.execute("SELECT block_size FROM pragma_database_size()").fetchall()[0]
        (block,) = connection.execute(
            "SELECT max(block_id) FROM pragma_storage_info('readings') WHERE column_name = ? "
            "AND segment_type = 'DOUBLE' AND block_offset = 0",
            [column],
        ).fetchall()[0]
    damaged = bytearray(content)
    damaged[FILE_HEADS + block * size + 5_000] ^= 4
    path.write_bytes(damaged)
    return path


async def upkeep(store: DuckdbStore, rounds: int = 3) -> list[LostPart]:
    return [part for _ in range(rounds) for part in await store.maintain(MIDNIGHT + 9 * DAY)]


async def test_what_lies_in_a_damaged_block_is_cut_out_and_everything_else_goes_on(
    tmp_path: Path, whole: bytes
) -> None:
    with_a_damaged_block(tmp_path, whole, "value")
    store = DuckdbStore(tmp_path, ManualClock(), roll_up_every_s=0)
    assert store.open().damaged_path is None, "the damage is not met at the start"
    with pytest.raises(StoreUnavailable, match="orrupt"):
        await store.readings(ALL)
    late = BATCHES * EACH + EACH
    store.commit(work(BATCHES + 1, [(0, MIDNIGHT + late * 1000, value_of(BATCHES + 1, 0))]))
    (lost,) = await upkeep(store)
    assert lost.table == "readings"
    assert 0 < lost.rows < BATCHES * EACH / 2
    assert (await store.size()).readings == BATCHES * EACH + 1 - lost.rows
    # What is lost is listed: whose readings, from when to when, and which batches brought them.
    told = [json.loads(line) for line in Path(lost.path).read_text().splitlines()]
    assert sum(row["rows"] for row in told) == lost.rows
    assert all(row["unreadable"] == ["value"] for row in told)
    assert {name for row in told for name in row["series"]} == {
        "east/m1/active_power_total",
        "east/m1/active_energy_import_total",
    }
    assert list(tmp_path.glob("*.block-*"))
    # Nothing else is gone, nothing is altered.
    rows = (await store.readings(ALL)).rows
    numbers = [divmod((row[0] - MIDNIGHT) // 1000, EACH) for row in rows]
    assert all(row[1] == value_of(*number) for row, number in zip(rows, numbers, strict=True))
    assert not [row for row in rows if any(part["from"] <= row[0] <= part["to"] for part in told)]
    # Roll-ups go on, what was acked stays known, and the next start finds a sound file.
    hours = await store.readings(ReadingsQuery(**{**{k: getattr(ALL, k) for k in ALL.__slots__}, "step": "1h"}))
    assert len(hours.rows) > 10
    store.close()
    again = DuckdbStore(tmp_path, ManualClock(), roll_up_every_s=0)
    assert again.open().damaged_path is None
    assert [(each.first, each.last) for each in again.remembered().ranges] == [(1, BATCHES + 1)]
    assert (await again.size()).readings == BATCHES * EACH + 1 - lost.rows
    assert await upkeep(again) == []
    again.close()


async def test_upkeep_that_meets_the_damage_first_cuts_it_out_too(tmp_path: Path, whole: bytes) -> None:
    with_a_damaged_block(tmp_path, whole, "value")
    store = DuckdbStore(tmp_path, ManualClock(), roll_up_every_s=0)
    store.open()
    (lost,) = await upkeep(store)
    assert lost.rows > 0
    assert store._root is not None
    with store._root.cursor() as cursor:
        assert cursor.execute("SELECT max(batch) FROM rolled_through").fetchall() == [(BATCHES,)]
    store.close()


async def test_a_collector_starts_on_a_store_with_a_damaged_block_and_says_what_is_lost(
    tmp_path: Path, whole: bytes
) -> None:
    path = with_a_damaged_block(tmp_path, whole, "value")
    settings = load_cloud(None, data=str(tmp_path), broker="mqtt://127.0.0.1:1", listen="127.0.0.1:0")
    collector = Collector(settings, ManualClock(start_ms=MIDNIGHT + 5 * DAY))
    try:
        await collector.open()
        (alarm,) = [each for each in collector.alarms.active() if each.kind == "store_part_lost"]
        assert alarm.source == "readings"
        assert int(str(alarm.args["rows"])) > 0
        assert Path(str(alarm.args["path"])).is_file()
        assert path.is_file()
        assert len((await collector.store.readings(ALL)).rows) > 10_000
    finally:
        await collector.close()


async def test_damage_met_by_a_commit_ends_it_and_the_next_start_sets_the_file_aside(tmp_path: Path) -> None:
    """A commit must not be refused as if the batch were at fault: the gateway would put it away for good."""
    store = DuckdbStore(tmp_path, ManualClock())
    store.open()
    store.commit(NAMES)
    store.commit(work(1, [(0, MIDNIGHT, 1.0)]))
    assert store._root is not None
    store._root.cursor().execute("CHECKPOINT")
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    content[FILE_HEADS:] = np.random.default_rng(1).bytes(len(content) - FILE_HEADS)

    def met(*_: object) -> None:
        path.write_bytes(content)
        raise duckdb.IOException("Corrupt database file: computed checksum 1 does not match stored checksum 2")

    store._reach = met
    with pytest.raises(StoreUnavailable) as failed:
        store.commit(work(2, [(0, MIDNIGHT + 1, 1.0)]))
    assert type(failed.value) is StoreUnavailable, "not CommitRefused"
    with pytest.raises(StoreDamaged):
        await asyncio.to_thread(store.commit, work(2, [(0, MIDNIGHT + 1, 1.0)]))
    store.close()
    again = DuckdbStore(tmp_path, ManualClock())
    assert again.open().damaged_path is not None
    again.commit(NAMES)
    again.commit(work(2, [(0, MIDNIGHT + 1, 1.0)]))
    again.close()


@pytest.mark.parametrize(
    ("text", "damaged"),
    [
        ("Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at location 3", True),
        ("Corrupted ALPRD segment: exception position 5141 is outside vector size 1024", True),
        ("Corrupted ALPRD vector: attempted to read past the end of the segment", True),
        ("Corrupted ART index - likely the same row id was inserted twice into the same ART", False),
        ('IO Error: Could not write file "readings.duckdb": No space left on device', False),
    ],
)
def test_only_what_says_that_a_block_cannot_be_read_is_taken_for_it(text: str, damaged: bool) -> None:
    with pytest.raises(StoreUnavailable) as raised:
        raise StoreUnavailable("asked") from duckdb.Error(text)
    assert is_damage(raised.value) is damaged
