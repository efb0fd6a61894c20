"""A scripted session of the collector's store, for a disk that fails: ``python -m tests.proof.store_session FOLDER``.

Prints ``kept EPOCH SEQ`` for each batch the store said is durable, tries again after StoreUnavailable as ingest does,
and has the file's log folded into it now and then. `look` says what is there afterwards.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import duckdb

from cloud.store.contract import CommitWork
from cloud.store.duckdb_store import FILE_NAME, DuckdbStore
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from protocols.reading import Event
from tests.cloud.store.works import MIDNIGHT, NAMES, work

BATCHES = 14
READINGS = 40
UPKEEP_EVERY = 4
TRIES = 40


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def batch(number: int) -> CommitWork:
    at = MIDNIGHT + number * 600_000
    readings = [(n % 2, at + n * 1000, n * 1.5) for n in range(READINGS)]
    return work(number, readings, [Event("gate", "button", at)])


def opened(folder: Path) -> DuckdbStore:
    store = DuckdbStore(folder, ManualClock(), roll_up_every_s=0)
    for _ in range(TRIES):
        try:
            report = store.open()
        except StoreUnavailable as error:
            say("refused", error)
            continue
        if report.damaged_path is not None:
            say("set aside", report.damaged_detail)
        return store
    raise SystemExit("the store does not open although the disk works again")


def committed(store: DuckdbStore, wanted: CommitWork) -> None:
    for _ in range(TRIES):
        try:
            store.commit(wanted)
            return
        except StoreUnavailable as error:
            say("refused", error)
    raise SystemExit("the store does not take a batch although the disk works again")


async def session(folder: Path) -> None:
    store = opened(folder)
    # The names go with the first batch, as in the life of a collector.
    first = replace(
        batch(1),
        new_gateways=NAMES.new_gateways,
        new_series=NAMES.new_series,
        new_qualities=NAMES.new_qualities,
    )
    for number in range(1, BATCHES + 1):
        committed(store, first if number == 1 else batch(number))
        say("kept", "e1", number)
        if number % UPKEEP_EVERY == 0:
            try:
                await store.maintain(MIDNIGHT + number * 600_000)
            except StoreUnavailable as error:
                say("refused", error)
            checkpoint(store)
    store.close()


def checkpoint(store: DuckdbStore) -> None:
    """As DuckDB does by itself when its log is long."""
    try:
        assert store._root is not None
        store._root.cursor().execute("CHECKPOINT")
    except (duckdb.Error, AssertionError) as error:
        say("refused", str(error).splitlines()[:1])


def look(folder: Path) -> list[str]:
    """``found EPOCH SEQ`` for each batch that is whole, ``wrong ...`` for one that is not."""
    store = DuckdbStore(folder, ManualClock(), roll_up_every_s=0)
    report = store.open()
    lines = [f"set aside {report.damaged_detail}"] if report.damaged_path is not None else []
    remembered = store.remembered()
    store.close()
    with duckdb.connect(str(folder / FILE_NAME), read_only=True) as file:
        rows = dict(file.execute("SELECT batch, count(*) FROM readings GROUP BY batch").fetchall())
        events = dict(file.execute("SELECT batch, count(*) FROM events GROUP BY batch").fetchall())
    stored = {seq for each in remembered.ranges for seq in range(each.first, each.last + 1)}
    for number in sorted(stored | set(rows) | set(events)):
        have = (number in stored, rows.get(number, 0), events.get(number, 0))
        if have == (True, READINGS, 1):
            lines.append(f"found e1 {number}")
        else:
            lines.append(f"wrong batch {number}: {have}, must be (True, {READINGS}, 1)")
    return lines


if __name__ == "__main__":
    asyncio.run(session(Path(sys.argv[1])))
