"""A collector that is killed while it forgets people goes on: in the end the bytes are gone, and nothing else is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from cloud.store.contract import EventsQuery, ReadingsQuery
from cloud.store.duckdb_clean import SCRUB, UNCLEAN, UNCOVERED
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.failpoint import EXIT_CODE
from cloud.store.personal import ACCESS_KINDS, Due
from protocols.clock import SystemClock
from protocols.reading import Event
from tests.cloud.store.test_personal import MARKER, card, forget, written_anywhere
from tests.cloud.store.works import DAY, MIDNIGHT, NAMES, POWER, work

OLD, YOUNG = 25, 4
PAGE, HEADERS = 4_096, 3 * 4_096
"""Of a DuckDB file: three headers, then blocks."""
DUE = Due(ACCESS_KINDS, (), MIDNIGHT)
FORGET = "import sys; from tests.cloud.store.test_killed_forgetting import main; main(sys.argv[1])"


def opened(folder: Path) -> DuckdbStore:
    store = DuckdbStore(folder, SystemClock(), roll_up_every_s=0, memory_limit_mb=256, threads=1)
    store.open()
    return store


def main(folder: str) -> None:
    """Forget all that is due, and clean; the process that is killed."""
    store = opened(Path(folder))
    asyncio.run(forget(store, DUE))
    store.close()


def pages(folder: Path) -> set[bytes]:
    """Every page of the file, as a digest."""
    content = (folder / "readings.duckdb").read_bytes()
    parts = (content[at : at + PAGE] for at in range(0, len(content), PAGE))
    return {sha256(part).digest() for part in parts if len(set(part)) > 8}


def pages_of_people(folder: Path) -> set[bytes]:
    """Those in which lies what card reads say. They are compressed: no word of them is found in the file as it is."""
    with duckdb.connect(str(folder / "readings.duckdb"), read_only=True) as file:
        (size,) = file.execute("SELECT block_size FROM pragma_database_size()").fetchone() or (0,)
        asked = (
            "SELECT list_append(additional_block_ids, block_id) FROM pragma_storage_info('events') WHERE column_name"
        )
        blocks = {block for (each,) in file.execute(f"{asked} = 'data'").fetchall() for block in each if block >= 0}
    content = (folder / "readings.duckdb").read_bytes()
    starts = [HEADERS + block * size for block in blocks]
    parts = [content[at : at + PAGE] for start in starts for at in range(start, start + size, PAGE)]
    return {sha256(part).digest() for part in parts if len(set(part)) > 8}


def fill(folder: Path, reads: int) -> None:
    """Old card reads, young ones among them, and readings; so many reads a batch."""
    store = opened(folder)
    store.commit(NAMES)
    for number in range(1, OLD + YOUNG + 1):
        at = MIDNIGHT - DAY + number if number <= OLD else MIDNIGHT + number
        name = MARKER if number <= OLD else "ck-young"
        keys = [f"{name}-{sha256(b'%d %d' % (number, place)).hexdigest()}" for place in range(reads)]
        shut = Event("door-1", "door_opened", at, {"door": "d1"})
        store.commit(work(number, [(0, at, 1.0)], [*(card(at, key) for key in keys), shut]))
    store.close()


@pytest.mark.parametrize(
    ("fail_point", "reads", "left"),
    [
        ("mid_expire:1", 1_000, 25_000),
        ("mid_expire:2", 1_000, 5_000),
        ("mid_move_out:1", 40, 0),  # where little is written, columns share a block
        ("mid_scrub:1", 1_000, 0),
        ("after_scrub:1", 1_000, 0),
    ],
)
async def test_killed_there_and_opened_again_it_goes_on(tmp_path: Path, fail_point: str, reads: int, left: int) -> None:
    """A slice is taken out whole or not at all."""
    fill(tmp_path, reads)
    said = pages_of_people(tmp_path)
    assert said
    killed = subprocess.run(
        [sys.executable, "-c", FORGET, str(tmp_path)],
        env={**os.environ, "DAYUAN_FAILPOINT": fail_point},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert killed.returncode == EXIT_CODE, killed.stderr
    store = opened(tmp_path)
    assert await store.count_due(DUE) == left
    assert await forget(store, DUE) == left
    assert written_anywhere(tmp_path, MARKER) == []
    kept = await store.events(EventsQuery(from_at=0, to_at=2 * MIDNIGHT, limit=100_000))
    assert len(kept.rows) == YOUNG * reads + OLD + YOUNG
    query = ReadingsQuery(site=POWER.site, device=POWER.device, point=POWER.point, from_at=0, to_at=2 * MIDNIGHT)
    assert len((await store.readings(query)).rows) == OLD + YOUNG
    tables = store.remembered()
    assert tables.next_batch == OLD + YOUNG + 1
    store.close()
    assert written_anywhere(tmp_path, MARKER) == []
    assert not said & pages(tmp_path)
    with duckdb.connect(str(tmp_path / "readings.duckdb")) as file:
        names = {name for (name,) in file.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert not names & {SCRUB, UNCLEAN, UNCOVERED}
