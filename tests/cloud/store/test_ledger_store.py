"""A ledger and VictoriaMetrics: nothing lost and nothing twice, whichever of both is killed, and what is said when one
is away."""

import json
import os
import random
import struct
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cloud.store.contract import CommitWork, ReadingsQuery
from cloud.store.failpoint import EXIT_CODE
from cloud.store.keeping import Retention
from cloud.store.ledger_file import LedgerFile, LedgerInUse
from cloud.store.ledger_store import LedgerStore
from cloud.store.victoria_engine import days_of
from protocols.clock import ManualClock, SystemClock
from protocols.errors import Permanent, StoreDamaged, StoreUnavailable
from protocols.reading import Event
from tests.cloud.store.works import DAY, MIDNIGHT, NAMES, POWER, work
from tests.postgres_server import PostgresServer
from tests.victoria_server import VictoriaServer
from tests.waiting import until

WHOLE = ReadingsQuery(
    site="east", device="m1", point=POWER.point, from_at=MIDNIGHT, to_at=MIDNIGHT + DAY, origin=True, limit=100_000
)


@pytest.fixture
def victoria() -> Iterator[VictoriaServer]:
    server = VictoriaServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def a_store(
    folder: Path, server: VictoriaServer, *, hold_s: float = 0.0, settle_s: float = 0.0, **options: object
) -> LedgerStore:
    engine = server.engine(hold_s=hold_s, settle_s=settle_s)
    return LedgerStore(LedgerFile(folder / "ledger.sqlite"), engine, SystemClock(), **options)  # type: ignore[arg-type]


def flush(server: VictoriaServer) -> None:
    urllib.request.urlopen(f"{server.url}/internal/force_flush", timeout=30).close()


async def at_rest(store: LedgerStore, server: VictoriaServer) -> None:
    await until(lambda: store._pending.rows == 0, within_s=60, what="readings at rest")
    flush(server)


def samples_there(server: VictoriaServer) -> int:
    """Samples of origin as VictoriaMetrics itself has them, repeated ones too."""
    with urllib.request.urlopen(f"{server.url}/api/v1/export?match[]=dayuan_origin", timeout=30) as answer:
        return sum(len(json.loads(line)["timestamps"]) for line in answer)


async def written(store: LedgerStore) -> list[int]:
    """The seqs of the readings that a question finds, one for each reading."""
    return [int(str(row[6])) for row in (await store.readings(WHOLE)).rows]


@pytest.mark.parametrize(
    ("point", "repeated"),
    [
        ("before_commit:5", False),
        ("after_commit:5", False),
        ("before_feed_noted:1", True),
        ("after_feed_forgotten:1", False),
    ],
)
async def test_killed_at_this_point_nothing_is_lost_and_nothing_counted_twice(
    tmp_path: Path, victoria: VictoriaServer, point: str, repeated: bool
) -> None:
    command = [sys.executable, "-m", "tests.cloud.store.ledger_writer", str(tmp_path / "ledger.sqlite"), victoria.url]
    armed = {**os.environ, "DAYUAN_FAILPOINT": point}
    first = subprocess.run([*command, "0", "1", "400"], env=armed, stdout=subprocess.PIPE, timeout=400, check=False)
    assert first.returncode == EXIT_CODE
    said = [int(line) for line in first.stdout.split()]
    flush(victoria)
    if repeated:  # what was sent and not noted is there already, and will be sent again
        assert samples_there(victoria) > 0
    store = a_store(tmp_path, victoria)
    store.open()
    found = store.remembered()
    stored = [seq for part in found.ranges for seq in range(part.first, part.last + 1)]
    assert set(said) <= set(stored) <= {*said, len(said) + 1}, "what was said to be stored is, and one more at the most"
    assert await written(store) == stored, "before everything is at rest"
    await at_rest(store, victoria)
    assert await written(store) == stored, "and after"
    assert (await store.size()).readings == 2 * len(stored)
    store.close()


async def test_an_engine_that_is_killed_gets_again_what_it_had_only_in_memory(
    tmp_path: Path, victoria: VictoriaServer
) -> None:
    store = a_store(tmp_path, victoria, hold_s=3600.0, settle_s=2.0)
    store.open()
    store.commit(NAMES)
    store.commit(work(1, [(0, MIDNIGHT + n, float(n)) for n in range(200)]))
    await until(lambda: not store._pending.unsent(1), within_s=30, what="taken by the engine")
    victoria.kill()
    victoria.start()
    flush(victoria)
    assert samples_there(victoria) < 200, "this test means nothing when the kill loses nothing"
    store._engine.hold_s = 0.0
    await at_rest(store, victoria)
    assert (await store.readings(WHOLE)).rows[-1][:2] == (MIDNIGHT + 199, 199.0)
    assert len(await written(store)) == 200
    store.close()


async def test_while_the_engine_is_away_commits_go_on_until_no_more_can_wait(
    tmp_path: Path, victoria: VictoriaServer
) -> None:
    store = a_store(tmp_path, victoria, pending_rows_max=10)
    store.open()
    store.commit(NAMES)
    victoria.kill()
    for number in range(1, 6):
        store.commit(work(number, [(0, MIDNIGHT + number, 1.0), (1, MIDNIGHT + number, 2.0)]))
    with pytest.raises(StoreUnavailable, match="10 readings wait"):
        store.commit(work(6, [(0, MIDNIGHT + 6, 1.0)]))
    store.commit(work(6, events=[Event("gate", "button", MIDNIGHT + 6)]))  # a card at a door waits for no engine
    with pytest.raises(StoreUnavailable, match="VictoriaMetrics at http"):
        await store.readings(WHOLE)
    victoria.start()
    await at_rest(store, victoria)
    store.commit(work(7, [(0, MIDNIGHT + 7, 1.0)]))
    assert await written(store) == [1, 2, 3, 4, 5, 7]
    store.close()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["-retentionPeriod=30d"], "forgets readings after 30 days"),
        (["-retentionPeriod=100y", "-dedup.minScrapeInterval=1s"], "takes readings away"),
    ],
)
async def test_an_engine_that_would_forget_or_thin_out_is_given_nothing_and_why_is_said(
    tmp_path: Path, flags: list[str], said: str
) -> None:
    server = VictoriaServer(*flags)
    try:
        server.start()
        store = a_store(tmp_path, server, pending_rows_max=1, retention=Retention(raw_days=400))
        store.open()
        store.commit(NAMES)
        store.commit(work(1, [(0, MIDNIGHT, 1.0)]))
        await until(lambda: store._feed is not None and said in store._feed.failure, within_s=30)
        with pytest.raises(StoreUnavailable, match=said):
            store.commit(work(2, [(0, MIDNIGHT + 1, 1.0)]))
        flush(server)
        assert samples_there(server) == 0
        store.close()
    finally:
        server.remove()


async def test_values_come_back_as_they_were_sent(tmp_path: Path, victoria: VictoriaServer) -> None:
    rng = random.Random(7)
    values = [
        *(struct.unpack("f", struct.pack("f", rng.uniform(-500, 500)))[0] for _ in range(300)),  # registers
        *(round(rng.uniform(-1e6, 1e6), 3) for _ in range(300)),  # scaled whole numbers
        *(round(rng.uniform(30, 31), 7) for _ in range(300)),  # degrees
        *(rng.uniform(-1e6, 1e6) for _ in range(300)),  # all 17 digits
        *(float(rng.randrange(2**53)) for _ in range(100)),  # large counters
        0.0, -1.0, 1e-9, 0.1 + 0.2, 1.0,
    ]  # fmt: skip
    store = a_store(tmp_path, victoria)
    store.open()
    store.commit(NAMES)
    apart = 3_600_000  # in blocks of its own for each kind, as a series has values of one kind
    for number, begin in enumerate((0, 300, 600, 900, 1200, 1300), 1):
        part = values[begin : begin + (100 if begin == 1200 else 300)]
        store.commit(work(number, [(0, MIDNIGHT + number * apart + n, value) for n, value in enumerate(part)]))
        await at_rest(store, victoria)
    found = np.array([row[1] for row in (await store.readings(WHOLE)).rows], np.float64)
    wanted = np.array(values)
    assert len(found) == len(wanted)
    off = np.abs(found - wanted) / np.maximum(np.abs(wanted), 1e-300)
    assert (found[:900] == wanted[:900]).all(), "what devices send is exact"
    assert off.max() < 2e-16 * 4, "and what is worked out to the last digit but one"
    store.close()


async def test_a_ledger_that_was_lost_is_not_begun_anew_over_the_readings_of_the_old_one(
    tmp_path: Path, victoria: VictoriaServer
) -> None:
    store = a_store(tmp_path, victoria)
    store.open()
    store.commit(NAMES)
    store.commit(work(1, [(0, MIDNIGHT, 1.0)]))
    await at_rest(store, victoria)
    store.close()
    for path in tmp_path.glob("ledger.sqlite*"):
        path.unlink()
    with pytest.raises(Permanent, match="of another one"):
        a_store(tmp_path, victoria).open()


def test_a_damaged_ledger_stops_the_start_and_stays_where_it_is(tmp_path: Path, victoria: VictoriaServer) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDamaged, match="not a database"):
        a_store(tmp_path, victoria).open()
    assert (tmp_path / "ledger.sqlite").read_bytes().startswith(b"no database")


def test_a_second_collector_on_one_ledger_file_is_refused_until_the_first_is_gone(
    tmp_path: Path, victoria: VictoriaServer
) -> None:
    first, second = a_store(tmp_path, victoria), a_store(tmp_path, victoria)
    first.open()
    with pytest.raises(LedgerInUse, match="another collector"):
        second.open()
    first.close()
    second.open()
    second.close()


async def test_what_retention_takes_out_of_the_ledger_is_remembered(tmp_path: Path, victoria: VictoriaServer) -> None:
    store = a_store(tmp_path, victoria, retention=Retention(raw_days=10, events_days=10, quarantine_days=10))
    store.open()
    store.commit(NAMES)
    for number in range(1, 5):
        store.commit(work(number, [(0, MIDNIGHT, 1.0)], [Event("gate", "button", MIDNIGHT)]))
    before = store.remembered()
    await store.maintain(MIDNIGHT + 20 * DAY)
    after = store.remembered()
    assert (after.ranges, after.counters, after.next_batch) == (before.ranges, before.counters, before.next_batch)
    assert (await store.size())[1:3] == (1, 0)
    store.close()


async def test_many_commits_are_told_of_in_few_rows_and_still_all_of_them(
    tmp_path: Path, victoria: VictoriaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.store.ledger_upkeep.ARRIVALS_LOOSE", 6)
    monkeypatch.setattr("cloud.store.ledger_upkeep.ARRIVALS_MERGED", 4)
    store = a_store(tmp_path, victoria)
    store.open()
    store.commit(NAMES)
    for number in range(1, 9):
        store.commit(work(number, [(0, MIDNIGHT + number, 1.0)]))
    before = await store.arrived([POWER], 4)
    await store.maintain(MIDNIGHT)
    after = await store.arrived([POWER], 4)
    assert (after.from_at.tolist(), after.to_at.tolist()) == (before.from_at.tolist(), before.to_at.tolist())
    assert (await store.arrived([POWER], 0)).from_at.tolist() == [MIDNIGHT + 1]
    store.close()


async def test_the_ledger_may_stand_on_postgresql_for_one_collector_at_a_time(
    postgres: PostgresServer, victoria: VictoriaServer
) -> None:
    place = postgres.place()
    clock = ManualClock(MIDNIGHT + DAY)
    store, other = (LedgerStore(LedgerFile(place), victoria.engine(hold_s=0.0), clock) for _ in range(2))
    store.open()
    with pytest.raises(LedgerInUse, match="another collector"):
        other.open()
    store.commit(NAMES)
    for number in (1, 2, 4):
        store.commit(work(number, [(0, MIDNIGHT + number, 0.5)], [Event("gate", "button", MIDNIGHT + number)]))
    store.commit(CommitWork(stored_at=1, counters={(0, "duplicates"): 5}))
    store.commit(CommitWork(stored_at=1, counters={(0, "duplicates"): 7}))
    await at_rest(store, victoria)
    assert await written(store) == [1, 2, 4]
    before = store.remembered()
    assert before.counters[(0, "stored_readings")] == 3
    assert before.counters[(0, "duplicates")] == 7
    assert store.digests([(0, "e1", 4), (0, "e1", 5)]) == {(0, "e1", 4): f"{4:016x}"}
    store.close()
    other.open()
    assert other.remembered() == before
    assert await written(other) == [1, 2, 4]
    assert (await other.size()).file_bytes > 0
    other.close()


@pytest.mark.parametrize(
    ("text", "days"), [("400d", 400.0), ("12", 372.0), ("100y", 36500.0), ("2w", 14.0), ("x", None)]
)
def test_how_long_an_engine_keeps_is_read_from_what_it_says(text: str, days: float | None) -> None:
    assert days_of(text) == days
