"""What every series store does, whatever it is made of. Add a factory to STORES to run the suite on another one."""

import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cloud.store.contract import (
    EVENT_COLUMNS,
    ORIGIN_COLUMNS,
    RAW_COLUMNS,
    ROLLUP_COLUMNS,
    BadQuery,
    CommitRefused,
    CommitWork,
    EventsQuery,
    FenceRow,
    Page,
    QuarantineRow,
    ReadingsQuery,
    RefusedRow,
    SeriesKey,
    SeriesStore,
    Step,
    StoredRange,
)
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.influx_engine import InfluxEngine
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_store import LedgerStore
from cloud.store.place import StorePlace
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from protocols.reading import Event
from tests.cloud.store.works import DAY, ENERGY, GATEWAY, MIDNIGHT, NAMES, POWER, work
from tests.influx_stand_in import TOKEN, InfluxStandIn
from tests.victoria_server import VictoriaServer
from tests.waiting import wait_until

Factory = Callable[[], SeriesStore]


@pytest.fixture(scope="session")
def victoria() -> Iterator[VictoriaServer]:
    server = VictoriaServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def influx() -> Iterator[InfluxStandIn]:
    server = InfluxStandIn()
    server.start()
    yield server
    server.stop()


def _duckdb(folder: Path, _: pytest.FixtureRequest) -> SeriesStore:
    return DuckdbStore(folder, ManualClock(), roll_up_every_s=0)


def _pending(folder: Path, request: pytest.FixtureRequest) -> SeriesStore:
    """Readings still wait in the ledger, and are sent as soon as they can be."""
    server: VictoriaServer = request.getfixturevalue("victoria")
    return LedgerStore(LedgerFile(folder / "ledger.sqlite"), server.engine(), ManualClock(MIDNIGHT + DAY))


class Rested(LedgerStore):
    """Every commit is in the engine alone when it returns, and the engine shows it."""

    def commit(self, work: CommitWork) -> None:
        super().commit(work)
        wait_until(lambda: self._pending.rows == 0, what="readings at rest")
        urllib.request.urlopen(f"{self.url}/internal/force_flush", timeout=30).close()


def _rested(folder: Path, request: pytest.FixtureRequest) -> SeriesStore:
    server: VictoriaServer = request.getfixturevalue("victoria")
    engine = server.engine(hold_s=0.0)
    store = Rested(LedgerFile(folder / "ledger.sqlite"), engine, ManualClock(MIDNIGHT + DAY))
    store.url = server.url  # type: ignore[attr-defined]
    return store


def _influx(folder: Path, request: pytest.FixtureRequest) -> SeriesStore:
    (folder / "token").write_text(TOKEN)
    url = request.getfixturevalue("influx").url
    place = StorePlace(kind="influx", url=url, password_file=folder / "token", organisation="office", bucket="dayuan")
    ledger = LedgerFile(folder / "ledger.sqlite")
    return RestedAtOnce(ledger, InfluxEngine(place), ManualClock(MIDNIGHT + DAY))


class RestedAtOnce(LedgerStore):
    """Every commit is in the engine alone when it returns."""

    def commit(self, work: CommitWork) -> None:
        super().commit(work)
        wait_until(lambda: self._pending.rows == 0, what="readings at rest")


STORES = {
    "duckdb": _duckdb,
    "victoria, still in the ledger": _pending,
    "victoria, at rest": _rested,
    "influx, a stand-in": _influx,
}


@pytest.fixture(params=sorted(STORES))
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Factory]:
    """A function that closes the store if there is one, and opens it (again)."""
    opened: list[SeriesStore] = []
    if request.param.startswith("victoria"):
        request.getfixturevalue("victoria").forget_all()

    def again() -> SeriesStore:
        if opened:
            opened.pop().close()
        store = STORES[request.param](tmp_path, request)
        store.open()
        opened.append(store)
        return store

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def store(reopen: Factory) -> SeriesStore:
    store = reopen()
    store.commit(NAMES)
    return store


def query(step: Step = "raw", **changes: object) -> ReadingsQuery:
    whole = ReadingsQuery(
        site="east", device="m1", point=POWER.point, from_at=MIDNIGHT, to_at=MIDNIGHT + DAY, step=step
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


async def everything(store: SeriesStore, first: ReadingsQuery) -> list[tuple[object, ...]]:
    """All pages of a query."""
    rows: list[tuple[object, ...]] = []
    page: Page = await store.readings(first)
    rows += page.rows
    while page.next:
        page = await store.readings(replace(first, next=page.next))
        rows += page.rows
    return rows


async def test_what_is_committed_is_read_back_with_its_quality(store: SeriesStore) -> None:
    store.commit(work(1, [(0, MIDNIGHT, 1.5), (0, MIDNIGHT + 10, None), (1, MIDNIGHT, 7.0)]))
    page = await store.readings(query())
    assert page.columns == RAW_COLUMNS
    assert page.rows == [(MIDNIGHT, 1.5, "good", ""), (MIDNIGHT + 10, None, "bad", "device_error")]
    assert page.next is None


async def test_origin_names_the_batch_that_brought_a_reading(store: SeriesStore) -> None:
    store.commit(work(1, [(0, MIDNIGHT, 1.0)], epoch="abc", seq=42, received_at=MIDNIGHT + 99))
    page = await store.readings(query(origin=True))
    assert page.columns == RAW_COLUMNS + ORIGIN_COLUMNS
    assert page.rows == [(MIDNIGHT, 1.0, "good", "", "g1", "abc", 42, MIDNIGHT + 99)]


async def test_bounds_are_half_open_and_order_is_that_of_time(store: SeriesStore) -> None:
    store.commit(work(1, [(0, MIDNIGHT + 20, 3.0), (0, MIDNIGHT + 10, 2.0)]))
    store.commit(work(2, [(0, MIDNIGHT, 1.0), (0, MIDNIGHT - 1, 0.0)]))
    page = await store.readings(query(from_at=MIDNIGHT, to_at=MIDNIGHT + 20))
    assert [row[1] for row in page.rows] == [1.0, 2.0]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_join_without_loss_or_repetition_even_at_one_instant(store: SeriesStore, limit: int) -> None:
    for number in range(1, 5):
        store.commit(work(number, [(0, MIDNIGHT + n // 3, number + n / 10) for n in range(6)]))
    rows = await everything(store, query(limit=limit))
    assert rows == (await store.readings(query())).rows
    assert len(rows) == 24


async def test_a_series_nobody_stored_is_empty_and_not_an_error(store: SeriesStore) -> None:
    for step in ("raw", "15m", "1h", "1d"):
        page = await store.readings(query(step, device="nobody"))
        assert (page.rows, page.next) == ([], None)


@pytest.mark.parametrize("changes", [{"next": "x.y"}, {"next": "1"}, {"limit": 0}, {"step": "5m"}, {"next": "9" * 30}])
async def test_a_query_that_makes_no_sense_says_so(store: SeriesStore, changes: dict[str, object]) -> None:
    with pytest.raises(BadQuery):
        await store.readings(query(**changes))  # type: ignore[arg-type]


async def test_samples_of_several_series_come_by_series_and_time_each_from_its_own_beginning(
    store: SeriesStore,
) -> None:
    store.commit(work(1, [(1, MIDNIGHT + 5, 2.0), (0, MIDNIGHT, 1.0), (0, MIDNIGHT + 9, None)]))
    store.commit(work(2, [(0, MIDNIGHT + 5, 1.5), (1, MIDNIGHT, 9.0), (0, MIDNIGHT + 10, 8.0)]))
    found = await store.samples([(ENERGY, MIDNIGHT + 1), (POWER, MIDNIGHT)], MIDNIGHT + 10)
    assert found.place.tolist() == [0, 1, 1, 1]
    assert found.at.tolist() == [MIDNIGHT + 5, MIDNIGHT, MIDNIGHT + 5, MIDNIGHT + 9]
    assert found.value.tolist()[:3] == [2.0, 1.0, 1.5]
    assert np.isnan(found.value[3]) and found.quality[3] > 0
    one = await store.samples([(POWER, MIDNIGHT)], MIDNIGHT + DAY)
    assert one.value.tolist()[-1] == 8.0
    nobody = await store.samples([(SeriesKey("east", "nobody", "x"), 0)], MIDNIGHT)
    assert not len(nobody.at)


async def test_what_arrived_since_a_batch_is_told_by_series_and_day(store: SeriesStore) -> None:
    store.commit(work(1, [(0, MIDNIGHT, 1.0)]))
    store.commit(work(2, [(0, MIDNIGHT - 3 * DAY, 1.0), (0, MIDNIGHT + 7, 1.0), (0, MIDNIGHT + 9, 1.0)]))
    found = await store.arrived([ENERGY, POWER], 1)
    assert found.through == 2
    assert found.place.tolist() == [1, 1]
    assert list(zip(found.from_at.tolist(), found.to_at.tolist(), strict=True)) == [
        (MIDNIGHT - 3 * DAY, MIDNIGHT - 3 * DAY),
        (MIDNIGHT + 7, MIDNIGHT + 9),
    ]
    nothing = await store.arrived([ENERGY, POWER], 2)
    assert nothing.through == 2
    assert not len(nothing.place)
    assert len((await store.arrived([POWER], 0)).place) == 2


async def test_a_rollup_weighs_values_by_how_long_they_held(store: SeriesStore) -> None:
    # 10 for 5 minutes, then 40 for the rest of the bucket and 5 minutes of the next, where it goes stale.
    store.commit(work(1, [(0, MIDNIGHT, 10.0), (0, MIDNIGHT + 300_000, 40.0)]))
    page = await store.readings(query("15m"))
    assert page.columns == ROLLUP_COLUMNS
    assert page.rows == [
        (MIDNIGHT, 10.0, 40.0, 30.0, 40.0, 2, 1.0),
        (MIDNIGHT + 900_000, 40.0, 40.0, 40.0, 40.0, 0, round(1 / 3, 6)),
    ]
    assert (await store.readings(query("1h"))).rows == [(MIDNIGHT, 10.0, 40.0, 32.5, 40.0, 2, round(1 / 3, 6))]
    assert [row[0] for row in (await store.readings(query("1d"))).rows] == [MIDNIGHT]


async def test_a_bad_reading_ends_the_hold_and_is_no_value(store: SeriesStore) -> None:
    store.commit(work(1, [(0, MIDNIGHT, 10.0), (0, MIDNIGHT + 90_000, None)]))
    assert (await store.readings(query("15m"))).rows == [(MIDNIGHT, 10.0, 10.0, 10.0, 10.0, 1, 0.1)]


@pytest.mark.parametrize("step", ["15m", "1h", "1d"])
async def test_rollups_are_the_same_before_and_after_the_background_wrote_them(store: SeriesStore, step: Step) -> None:
    store.commit(work(1, [(0, MIDNIGHT + n * 70_000, float(n)) for n in range(60)]))
    await store.maintain(MIDNIGHT + DAY)
    store.commit(work(2, [(0, MIDNIGHT + 60 * 70_000 + n * 70_000, float(n)) for n in range(60)]))
    store.commit(work(3, [(0, MIDNIGHT + 123_456, 1000.0)]))
    before = await store.readings(query(step))
    await store.maintain(MIDNIGHT + DAY)
    after = await store.readings(query(step))
    assert before == after
    assert max(row[2] for row in after.rows) == 1000.0  # type: ignore[type-var]


@pytest.mark.parametrize("limit", [1, 3, 10])
async def test_pages_of_rollups_join(store: SeriesStore, limit: int) -> None:
    store.commit(work(1, [(0, MIDNIGHT + n * 900_000, float(n)) for n in range(10)]))
    await store.maintain(MIDNIGHT + DAY)
    store.commit(work(2, [(0, MIDNIGHT + 5 * 900_000 + 1, 99.0), (0, MIDNIGHT + 12 * 900_000, 1.0)]))
    assert await everything(store, query("15m", limit=limit)) == (await store.readings(query("15m"))).rows


async def test_events_are_filtered_ordered_and_paged_both_ways(store: SeriesStore) -> None:
    for number in range(1, 4):
        store.commit(
            work(
                number,
                events=[
                    Event("gate", "button", MIDNIGHT + number, {"detail": "按", "n": number, "x": None, "f": 0.5}),
                    Event("door", "tamper", MIDNIGHT + number),
                ],
            )
        )
    ask = EventsQuery(from_at=MIDNIGHT, to_at=MIDNIGHT + 4, device="gate", limit=2)
    page = await store.events(ask)
    assert page.columns == EVENT_COLUMNS
    assert page.rows[0] == (
        MIDNIGHT + 1, "east", "gate", "button", {"detail": "按", "n": 1, "x": None, "f": 0.5},
        "g1", "e1", 1, MIDNIGHT, "",
    )  # fmt: skip
    rest = await store.events(replace(ask, next=page.next))
    assert [row[0] for row in page.rows + rest.rows] == [MIDNIGHT + 1, MIDNIGHT + 2, MIDNIGHT + 3]
    newest = await store.events(replace(ask, newest_first=True, kind="button", site="east", limit=1))
    assert newest.rows[0][0] == MIDNIGHT + 3
    second = await store.events(replace(ask, newest_first=True, limit=1, next=newest.next))
    assert second.rows[0][0] == MIDNIGHT + 2
    assert (await store.events(replace(ask, kind="tamper"))).rows == []


async def test_an_event_says_why_its_time_is_not_certain(store: SeriesStore) -> None:
    store.commit(work(1, events=[Event("gate", "button", MIDNIGHT, {}, "clock")]))
    page = await store.events(EventsQuery(from_at=MIDNIGHT, to_at=MIDNIGHT + 1))
    assert [dict(zip(page.columns, row, strict=True))["reason"] for row in page.rows] == ["clock"]


async def test_newest_values_are_one_per_series(store: SeriesStore) -> None:
    store.commit(work(1, [(0, MIDNIGHT + 5, 1.0), (1, MIDNIGHT, 2.0)], received_at=MIDNIGHT + 7))
    store.commit(work(2, [(0, MIDNIGHT + 3, 9.0), (1, MIDNIGHT + 1, None)], received_at=MIDNIGHT + 8))
    newest = await store.newest_values(since_at=MIDNIGHT)
    assert newest.series.tolist() == [0, 1]
    assert newest.at.tolist() == [MIDNIGHT + 5, MIDNIGHT + 1]
    assert newest.value[0] == 1.0
    assert np.isnan(newest.value[1])
    assert newest.quality.tolist() == [0, 1]
    assert newest.received_at.tolist() == [MIDNIGHT + 7, MIDNIGHT + 8]
    assert (await store.newest_values(since_at=MIDNIGHT + 10)).series.tolist() == []


async def test_the_past_of_a_series_is_its_newest_reading_that_is_not_later(store: SeriesStore) -> None:
    hour = 3_600_000
    store.commit(work(1, [(0, MIDNIGHT, 1.0), (1, MIDNIGHT, 5.0), (0, MIDNIGHT + 1, None)], received_at=MIDNIGHT + 7))
    store.commit(work(2, [(0, MIDNIGHT + 9 * hour, 2.0), (0, MIDNIGHT + 30 * hour, 3.0)]))

    async def past(at: int, *series: int, since_at: int = MIDNIGHT - 1) -> list[tuple[int, int, float | None]]:
        newest = await store.newest_before(np.array(series, np.int32), at, since_at=since_at)
        values = [None if np.isnan(value) else float(value) for value in newest.value]
        return list(zip(newest.series.tolist(), newest.at.tolist(), values, strict=True))

    assert await past(MIDNIGHT, 0, 1, 7) == [(0, MIDNIGHT, 1.0), (1, MIDNIGHT, 5.0)]
    assert await past(MIDNIGHT - 1, 0, 1) == []
    assert await past(MIDNIGHT + hour, 0) == [(0, MIDNIGHT + 1, None)]
    assert await past(MIDNIGHT + 9 * hour, 1, 0, 1) == [(0, MIDNIGHT + 9 * hour, 2.0), (1, MIDNIGHT, 5.0)]
    assert await past(MIDNIGHT + 29 * hour, 0, 1) == [(0, MIDNIGHT + 9 * hour, 2.0), (1, MIDNIGHT, 5.0)]
    assert await past(MIDNIGHT + 29 * hour, 0, 1, since_at=MIDNIGHT) == [(0, MIDNIGHT + 9 * hour, 2.0)]
    assert await past(MIDNIGHT + hour) == []
    store.commit(work(3, [(0, MIDNIGHT + 8 * hour, 9.0)]))
    assert await past(MIDNIGHT + 8 * hour, 0) == [(0, MIDNIGHT + 8 * hour, 9.0)]
    first = await store.newest_before(np.array([1], np.int32), MIDNIGHT, since_at=0)
    assert (first.quality.tolist(), first.received_at.tolist()) == ([0], [MIDNIGHT + 7])


async def test_everything_is_remembered_over_a_restart(reopen: Factory) -> None:
    store = reopen()
    store.commit(NAMES)
    for seq in (1, 2, 3, 7, 9, 8):
        store.commit(work(seq, [(0, MIDNIGHT + seq, 1.0)]))
    fence = FenceRow(gateway=0, epoch="e1", seq=3, stored_digest="a", other_digest="b", fenced_at=5)
    quarantined = QuarantineRow(
        received_at=1, gateway=0, topic="t", epoch="", seq=None, digest="d", reason="json", detail="x", size=3,
        payload=b"\xff",
    )  # fmt: skip
    refused = RefusedRow(
        received_at=2, gateway=0, epoch="e1", seq=4, device="m1", point="p", at=0, value="nan", reason="not_finite"
    )
    counters = {(0, "duplicates"): 5, (0, "refused.clock"): 2}
    store.commit(
        CommitWork(stored_at=1, fences=[fence], quarantined=[quarantined], refused=[refused], counters=counters)
    )
    store.commit(CommitWork(stored_at=1, counters={(0, "duplicates"): 6}))
    store = reopen()
    found = store.remembered()
    assert found.series == NAMES.new_series
    assert found.gateways == NAMES.new_gateways
    assert found.qualities == NAMES.new_qualities
    assert found.ranges == [StoredRange(0, "e1", 1, 3), StoredRange(0, "e1", 7, 9)]
    assert found.fences == [fence]
    assert list(found.quarantined) == [(0, "d")]
    assert found.counters == {
        (0, "duplicates"): 6, (0, "refused.clock"): 2,
        (0, "stored_batches"): 6, (0, "stored_readings"): 6, (0, "stored_events"): 0,
    }  # fmt: skip
    assert found.next_batch == 10
    assert store.digests([(0, "e1", 7), (0, "e1", 4), (0, "e2", 7)]) == {(0, "e1", 7): f"{7:016x}"}
    assert (await store.quarantine()).rows == [(1, "east", "g1", "t", "", None, "d", "json", "x", 3, b"\xff")]
    assert (await store.refused()).rows == [(2, "east", "g1", "e1", 4, "m1", "p", 0, "nan", "not_finite")]
    assert (await store.refused(gateway=GATEWAY)).rows
    assert len((await store.readings(query())).rows) == 6
    assert (await store.size())[:3] == (6, 6, 0)


async def test_a_work_the_store_refuses_leaves_nothing_and_the_next_one_is_stored(store: SeriesStore) -> None:
    broken = work(1, [(0, MIDNIGHT, 1.0)], gateway=2**40)
    with pytest.raises(CommitRefused):
        store.commit(broken)
    assert (await store.readings(query())).rows == []
    store.commit(work(1, [(0, MIDNIGHT, 2.0)]))
    assert len((await store.readings(query())).rows) == 1


async def test_a_store_that_is_not_open_says_so(reopen: Factory) -> None:
    store = reopen()
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable):
        await store.readings(query())
    with pytest.raises(StoreUnavailable):
        store.remembered()


async def test_another_series_does_not_mix_in(store: SeriesStore) -> None:
    store.commit(work(1, [(0, MIDNIGHT, 1.0), (1, MIDNIGHT, 500.0)]))
    await store.maintain(MIDNIGHT)
    rows = (await store.readings(query("1h", point=ENERGY.point))).rows
    assert [row[1:5] for row in rows] == [(500.0, 500.0, 500.0, 500.0)]
