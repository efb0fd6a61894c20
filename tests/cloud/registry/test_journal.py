"""Notes are written in batches, in order, and replaced by the day."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.registry.console_upkeep import ConsoleUpkeep
from cloud.registry.database import Database
from cloud.registry.journal_book import JournalBook
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from tests.waiting import until

CAR = "east/vehicle:car-01"


@pytest.fixture
def journal(database: Database, clock: ManualClock) -> JournalBook:
    return JournalBook(database, clock)


async def test_what_was_noted_is_read_in_the_order_it_happened(journal: JournalBook) -> None:
    for at in (30, 10, 20):
        journal.note("east", CAR, "trip", at, {"at": at, "words": "到"})
    journal.note("east", "east/door:d1", "opened", 15, {})
    assert [(note.at, note.facts["words"]) for note in await journal.of(CAR, 0, 31)] == [
        (10, "到"),
        (20, "到"),
        (30, "到"),
    ]
    assert [note.at for note in await journal.of(CAR, 10, 30)] == [10, 20]
    assert [note.at for note in await journal.of(CAR, 0, 99, limit=2)] == [20, 30]
    assert await journal.of(CAR, 0, 99, kinds=["nothing"]) == []


async def test_a_day_worked_out_anew_takes_the_place_of_the_old_one(journal: JournalBook) -> None:
    for at in (10, 20, 30):
        journal.note("east", CAR, "trip", at, {"run": 1})
    journal.note("east", CAR, "state", 20, {"run": 1})
    journal.replace("east", CAR, ["trip", "stop"], 20, 30, [("trip", 25, {"run": 2})])
    journal.note("east", CAR, "trip", 27, {"run": 3})
    notes = [(note.kind, note.at, note.facts["run"]) for note in await journal.of(CAR, 0, 99)]
    assert notes == [("trip", 10, 1), ("state", 20, 1), ("trip", 25, 2), ("trip", 27, 3), ("trip", 30, 1)]


async def test_many_notes_are_one_write(journal: JournalBook, database: Database, clock: ManualClock) -> None:
    writes = 0
    writing = database.writing

    @asynccontextmanager
    async def counted() -> AsyncIterator[AsyncSession]:
        nonlocal writes
        writes += 1
        async with writing() as session:
            yield session

    database.writing = counted  # type: ignore[method-assign]
    task = asyncio.create_task(journal.run(), name="journal")
    for at in range(5_000):
        journal.note("east", CAR, "trip", at, {})
    await asyncio.sleep(0)
    await clock.advance(1)
    await until(lambda: writes == 1)
    assert len(await journal.of(CAR, 0, 9_999, limit=9_999)) == 5_000
    assert writes == 1
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_disk_that_takes_nothing_loses_nothing(journal: JournalBook, database: Database) -> None:
    journal.note("east", CAR, "trip", 1, {})
    writing = database.writing

    @asynccontextmanager
    async def full() -> AsyncIterator[AsyncSession]:
        raise StoreUnavailable("disk full")
        yield

    database.writing = full  # type: ignore[method-assign]
    journal.note("east", CAR, "trip", 2, {})
    with pytest.raises(StoreUnavailable):
        await journal.flush()
    database.writing = writing  # type: ignore[method-assign]
    journal.note("east", CAR, "trip", 3, {})
    assert [note.at for note in await journal.of(CAR, 0, 9)] == [1, 2, 3]


async def test_old_notes_are_forgotten_and_none_when_all_are_kept(journal: JournalBook, clock: ManualClock) -> None:
    day = 86_400_000
    for ago in (1, 59, 61, 400):
        journal.note("east", CAR, "trip", clock.now_ms() - ago * day, {"ago": ago})
    await journal.flush()
    for days, left in ((None, [400, 61, 59, 1]), (60, [59, 1])):
        upkeep = ConsoleUpkeep(days, clock)
        upkeep.add(journal.forget_before)
        await upkeep.round()
        assert [note.facts["ago"] for note in await journal.of(CAR, 0, 2**62)] == left
