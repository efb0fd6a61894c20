"""What writes until the power is cut: ``python -m tests.proof.cut_writers STORE FOLDER [--plant]``.

Each of the three stores as its owner uses it. Prints ``kept NAME`` after it was told that NAME is durable, and
``released NAME`` before it lets go of it. Begins where a former life stopped. `found` says what is there afterwards.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from cloud.registry import database as registry_database
from cloud.registry.alarm_book import AlarmBook, StoredAlarm
from cloud.registry.database import Database
from cloud.store.duckdb_store import DuckdbStore
from edge import buffer_file
from edge.buffer import Change, Draft, KeptBatch, Kind
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from protocols.clock import ManualClock, SystemClock
from protocols.reading import Event, Reading
from tests.cloud.store.works import MIDNIGHT, NAMES
from tests.proof import store_session
from tests.proof.store_session import say

KEPT = 40
"""The buffer's writer releases what is older."""

CHECKPOINT_EVERY = 50
SQLITE_NORMAL = 1


class Found(NamedTuple):
    """``names``: what is there, whole. ``wrong``: what is there and should not be, in words."""

    names: set[str]
    wrong: list[str]


# --- the gateway's buffer


def _buffer_at(folder: Path) -> SqliteBuffer:
    return SqliteBuffer(folder / "buffer.db", max_bytes=1 << 23, seal=sealer("gw"), clock=SystemClock())


async def _all_of(buffer: SqliteBuffer) -> list[KeptBatch]:
    found: list[KeptBatch] = []
    place = 1
    while batches := (await buffer.read(place, 1 << 40, sealed_at=1)).batches:
        found += batches
        place = batches[-1].place + 1
    return found


def _name(batch: KeptBatch) -> str:
    return f"{batch.identity.epoch} {batch.identity.seq}"


async def write_buffer(folder: Path) -> None:
    buffer = _buffer_at(folder)
    await buffer.open()
    waiting = [(batch.place, _name(batch)) for batch in await _all_of(buffer)]
    number = 0
    while True:
        number += 1
        draft = Draft(Kind.EVENTS, events=[Event("gate", "button", number)])
        if number % 3 == 0:
            readings = [Reading("meter", "active_power_total", n * 1.1, number * 100 + n) for n in range(50)]
            draft = Draft(Kind.TELEMETRY, readings=readings)
        release = []
        if len(waiting) > KEPT:
            place, name = waiting.pop(0)
            say("released", name)
            release = [(place, place)]
        for batch in (await buffer.commit(Change(sealed_at=number, drafts=[draft], release=release))).batches:
            waiting.append((batch.place, _name(batch)))
            say("kept", _name(batch))


async def found_in_buffer(folder: Path) -> Found:
    buffer = _buffer_at(folder)
    opened = await buffer.open()
    names = {_name(batch) for batch in await _all_of(buffer)}
    await buffer.close()
    return Found(names, [f"set aside: {opened.damage.detail}"] if opened.damage is not None else [])


# --- the collector's store


async def write_store(folder: Path) -> None:
    store = DuckdbStore(folder, ManualClock(), roll_up_every_s=0)
    store.open()
    number = max((each.last for each in store.remembered().ranges), default=0)
    while True:
        number += 1
        work = store_session.batch(number)
        if number == 1:
            work = replace(
                work, new_gateways=NAMES.new_gateways, new_series=NAMES.new_series, new_qualities=NAMES.new_qualities
            )
        store.commit(work)
        say("kept", "e1", number)
        if number % CHECKPOINT_EVERY == 0:
            await store.maintain(MIDNIGHT + number * 600_000)
            store_session.checkpoint(store)


async def found_in_store(folder: Path) -> Found:
    lines = await asyncio.to_thread(store_session.look, folder)
    names = {line.removeprefix("found ") for line in lines if line.startswith("found ")}
    return Found(names, [line for line in lines if not line.startswith("found ")])


# --- the registry


async def write_registry(folder: Path) -> None:
    database = Database(folder / registry_database.FILE_NAME, ManualClock())
    await database.open()
    book = AlarmBook(database)
    number = await book.last_id()
    while True:
        number += 1
        await book.write([StoredAlarm(number, "device_lost", f"east/m{number}", 2, number, {"error": "no answer"})])
        say("kept", "alarm", number)


async def found_in_registry(folder: Path) -> Found:
    database = Database(folder / registry_database.FILE_NAME, ManualClock())
    await database.open()
    names = {f"alarm {alarm.id}" for alarm in await AlarmBook(database).active()}
    await database.close()
    return Found(names, [f"set aside as {database.set_aside}"] if database.set_aside is not None else [])


def plant_normal_sync() -> None:
    """SQLite with synchronous NORMAL: what everybody does, and what loses data."""
    buffer_file.SYNCHRONOUS_FULL = SQLITE_NORMAL
    configure = registry_database._configure

    def with_normal(connection, record) -> None:  # type: ignore[no-untyped-def]
        configure(connection, record)
        connection.execute(f"PRAGMA synchronous={SQLITE_NORMAL}")

    registry_database._configure = with_normal


WRITERS: dict[str, Callable[[Path], Awaitable[None]]] = {
    "buffer": write_buffer,
    "store": write_store,
    "registry": write_registry,
}
LOOKS: dict[str, Callable[[Path], Awaitable[Found]]] = {
    "buffer": found_in_buffer,
    "store": found_in_store,
    "registry": found_in_registry,
}


async def main(name: str, folder: Path) -> None:
    await WRITERS[name](folder)


if __name__ == "__main__":
    if "--plant" in sys.argv:
        plant_normal_sync()
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
