"""A ledger that came back from a backup, and an engine that is newer: no reading twice, none of another batch."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cloud.store.contract import ReadingsQuery
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_store import LedgerStore
from cloud.store.ledger_void import LEAP, MARK, Void, marked
from cloud.store.readings_engine import ReadingsEngine
from protocols.clock import SystemClock
from protocols.errors import StoreUnavailable
from tests.cloud.store.test_influx_engine import engine as influx_engine
from tests.cloud.store.test_ledger_store import flush, victoria
from tests.cloud.store.works import DAY, MIDNIGHT, NAMES, POWER, work
from tests.influx_stand_in import InfluxStandIn
from tests.victoria_server import VictoriaServer
from tests.waiting import until

__all__ = ["victoria"]
WHOLE = ReadingsQuery(
    site="east", device="m1", point=POWER.point, from_at=MIDNIGHT, to_at=MIDNIGHT + DAY, origin=True, limit=1_000
)


@pytest.fixture
def influx() -> Iterator[InfluxStandIn]:
    server = InfluxStandIn()
    server.start()
    yield server
    server.stop()


class Place:
    """One engine, and as many stores on it as are wanted, one after the other."""

    def __init__(self, folder: Path, server: VictoriaServer | InfluxStandIn) -> None:
        self.folder, self.server = folder, server
        self.ledger = folder / "ledger.sqlite"

    def engine(self) -> ReadingsEngine:
        if isinstance(self.server, VictoriaServer):
            return self.server.engine(hold_s=0.0)
        return influx_engine(self.folder, self.server)

    def opened(self) -> LedgerStore:
        store = LedgerStore(LedgerFile(self.ledger), self.engine(), SystemClock())
        store.open()
        return store

    async def shut(self, store: LedgerStore) -> None:
        """Everything is at rest in the engine, and the store closed."""
        await until(lambda: store._pending.rows == 0, within_s=60, what="readings at rest")
        if isinstance(self.server, VictoriaServer):
            flush(self.server)
        store.close()

    def back_up(self) -> None:
        shutil.copy(self.ledger, self.folder / "backup.sqlite")

    def restore(self) -> None:
        for part in self.folder.glob("ledger.sqlite*"):
            part.unlink()
        shutil.copy(self.folder / "backup.sqlite", self.ledger)


@pytest.fixture(params=["victoria", "influx"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path, request.getfixturevalue(request.param))


async def seqs(store: LedgerStore) -> list[tuple[object, object]]:
    """(epoch, seq) of each reading a question finds."""
    return [(row[5], row[6]) for row in (await store.readings(WHOLE)).rows]


async def lived(place: Place) -> None:
    """Seqs 1 to 3 are in the backup, 4 to 6 came after it; then the ledger is lost and comes back from it."""
    store = place.opened()
    store.commit(NAMES)
    for n in range(1, 4):
        store.commit(work(n, [(0, MIDNIGHT + n * 1000, float(n))]))
    await place.shut(store)
    place.back_up()
    store = place.opened()
    assert store.remembered().next_batch == 4, "in normal life numbers go on as they are"
    for n in range(4, 7):
        store.commit(work(n, [(0, MIDNIGHT + n * 1000, float(n))]))
    assert len(await seqs(store)) == 6
    await place.shut(store)
    place.restore()


async def test_after_a_restore_nothing_is_there_twice_or_under_the_name_of_another(place: Place) -> None:
    await lived(place)
    store = place.opened()
    assert await seqs(store) == [("e1", n) for n in range(1, 4)]
    number = store.remembered().next_batch
    assert number == 7, "above everything the engine holds"
    store.commit(work(number, [(0, MIDNIGHT + 9000, 9.0)], epoch="e2", seq=1))
    for n in range(4, 7):  # sent again
        store.commit(work(number + n, [(0, MIDNIGHT + n * 1000, float(n))], seq=n))
    expected = [("e1", n) for n in range(1, 7)] + [("e2", 1)]
    assert await seqs(store) == expected, "before they are at rest"
    await place.shut(store)
    store = place.opened()
    assert await seqs(store) == expected
    assert store.remembered().next_batch == number + 7
    rolled = (await store.readings(replace(WHOLE, origin=False, step="15m"))).rows[0]
    assert rolled == (await _as_if_nothing_happened(place.folder, expected))
    await place.shut(store)


async def _as_if_nothing_happened(folder: Path, expected: list[tuple[object, object]]) -> tuple[object, ...]:
    server = InfluxStandIn()
    server.start()
    try:
        other = folder / "other"
        other.mkdir()
        store = Place(other, server).opened()
        store.commit(NAMES)
        for n in (1, 2, 3, 4, 5, 6, 9):
            store.commit(work(n, [(0, MIDNIGHT + n * 1000, float(n))]))
        row = (await store.readings(replace(WHOLE, origin=False, step="15m"))).rows[0]
        store.close()
        return row
    finally:
        server.stop()


async def test_the_newest_value_is_one_that_the_ledger_knows(place: Place) -> None:
    await lived(place)
    store = place.opened()
    newest = await store.newest_values(since_at=MIDNIGHT)
    assert (newest.at.tolist(), newest.value.tolist()) == ([MIDNIGHT + 3000], [3.0])
    number = store.remembered().next_batch
    store.commit(work(number, [(0, MIDNIGHT + 6000, 6.0)], seq=6))
    await place.shut(store)
    store = place.opened()
    newest = await store.newest_values(since_at=MIDNIGHT)
    assert (newest.at.tolist(), newest.value.tolist()) == ([MIDNIGHT + 6000], [6.0])
    before = await store.newest_before(np.array([0], np.int32), MIDNIGHT + 5000, since_at=MIDNIGHT)
    assert before.value.tolist() == [3.0]
    await place.shut(store)


async def test_restored_twice_it_goes_on_above_both(place: Place) -> None:
    await lived(place)
    store = place.opened()
    first = store.remembered().next_batch
    store.commit(work(first, [(0, MIDNIGHT + 4000, 4.0)], seq=4))
    await place.shut(store)
    place.restore()
    store = place.opened()
    assert store.remembered().next_batch == first + 1
    assert await seqs(store) == [("e1", n) for n in range(1, 4)]
    await place.shut(store)


async def test_an_engine_that_cannot_be_asked_is_given_numbers_far_above(tmp_path: Path, influx: InfluxStandIn) -> None:
    place = Place(tmp_path, influx)
    await lived(place)
    influx.down = True
    store = place.opened()
    assert store.remembered().next_batch == 4 + LEAP
    store.close()
    store = place.opened()
    assert store.remembered().next_batch == 4 + LEAP, "none was given out: it is not left out again"
    store.commit(work(4 + LEAP, [(0, MIDNIGHT + 4000, 4.0)], seq=4))
    with pytest.raises(StoreUnavailable):
        await seqs(store)
    influx.down = False
    await place.shut(store)
    store = place.opened()
    assert await seqs(store) == [("e1", n) for n in range(1, 5)]
    assert store.remembered().next_batch == 5 + LEAP
    await place.shut(store)


async def test_an_engine_of_before_there_were_marks_says_it_by_what_came_last(
    tmp_path: Path, influx: InfluxStandIn
) -> None:
    place = Place(tmp_path, influx)
    now = SystemClock().now_ms()
    store = place.opened()
    store.commit(NAMES)
    store.commit(work(1, [(0, now - 3000, 1.0)]))
    await place.shut(store)
    place.back_up()
    store = place.opened()
    store.commit(work(2, [(0, now - 2000, 2.0)]))
    await place.shut(store)
    for key in [key for key in influx.points if key[1:] == MARK]:
        del influx.points[key]
    place.restore()
    store = place.opened()
    assert store.remembered().next_batch == 3
    await place.shut(store)


async def test_marks_follow_each_other_although_the_clock_is_set_back(tmp_path: Path, influx: InfluxStandIn) -> None:
    place = Place(tmp_path, influx)
    await lived(place)
    engine = place.engine()
    later = SystemClock().now_ms() + DAY
    columns = work(6, [(0, MIDNIGHT + 6000, 6.0)]).readings
    assert columns is not None
    await asyncio.to_thread(engine.write, *marked(columns, [POWER], later))
    engine.close()
    store = place.opened()
    assert store.remembered().next_batch == 7
    store.commit(work(7, [(0, MIDNIGHT + 7000, 7.0)]))
    await place.shut(store)
    place.restore()
    store = place.opened()
    assert store.remembered().next_batch == 8
    await place.shut(store)


def test_which_numbers_are_void() -> None:
    void = Void([(4, 6), (10, 10)])
    numbers = np.arange(1, 13, dtype=np.int64)
    assert numbers[void.known(numbers)].tolist() == [1, 2, 3, 7, 8, 9, 11, 12]
    assert Void().known(numbers).all()
    assert (bool(void), bool(Void())) == (True, False)
