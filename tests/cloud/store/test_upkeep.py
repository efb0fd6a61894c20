"""Retention takes out what is old and forgets no identity; sorting changes no answer."""

from dataclasses import replace
from pathlib import Path

import pytest

from cloud.store.contract import ReadingsQuery, Step, StoredRange
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.duckdb_upkeep import next_month, start_of_year
from cloud.store.keeping import Retention
from cloud.store.retention import cutoffs
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.store.works import DAY, MIDNIGHT, NAMES, POWER, work


def opened(folder: Path, retention: Retention | None = None) -> DuckdbStore:
    store = DuckdbStore(folder, ManualClock(), retention=retention, roll_up_every_s=0)
    store.open()
    return store


async def rows(store: DuckdbStore, step: Step = "raw") -> list[tuple[object, ...]]:
    ask = ReadingsQuery(
        site="east", device="m1", point=POWER.point, from_at=0, to_at=2 * MIDNIGHT, step=step, limit=100_000
    )
    return (await store.readings(ask)).rows


def test_a_coarser_level_is_never_kept_shorter_than_the_finer_one() -> None:
    found = cutoffs(Retention(raw_days=100, m15_days=10, h1_days=None, d1_days=1), MIDNIGHT)
    assert found.raw == (MIDNIGHT - 100 * DAY) // DAY * DAY
    assert found.m15 == found.raw
    assert found.h1 is None
    assert found.d1 is None


def test_months_and_years_are_utc() -> None:
    assert next_month(1_798_761_599_999) == 1_798_761_600_000  # the last ms of 2026
    assert next_month(1_798_761_600_000) == 1_801_440_000_000
    assert start_of_year(1_798_761_599_999) == 1_767_225_600_000


async def test_each_level_is_retired_at_its_own_age_and_identities_stay(tmp_path: Path) -> None:
    retention = Retention(raw_days=10, m15_days=20, h1_days=40, d1_days=None, events_days=10, quarantine_days=10)
    store = opened(tmp_path, retention)
    store.commit(NAMES)
    for day in range(60):
        at = MIDNIGHT + day * DAY
        store.commit(work(day + 1, [(0, at, float(day))], [Event("gate", "button", at)], received_at=at))
    before = store.remembered()
    now = MIDNIGHT + 60 * DAY
    for _ in range(4):
        await store.maintain(now)
    days = [row[0] for row in await rows(store, "1d")]
    assert len(days) == 60
    assert len(await rows(store)) == 10
    assert len(await rows(store, "15m")) == 20
    assert len(await rows(store, "1h")) == 40
    size = await store.size()
    assert size.events == 10
    assert size.batches < 15
    after = store.remembered()
    assert {(part.gateway, part.epoch, part.first) for part in after.ranges} >= {(0, "e1", 1)}
    assert sum(part.last - part.first + 1 for part in after.ranges) == 60
    assert after.counters == before.counters
    assert after.next_batch == before.next_batch
    store.close()
    again = opened(tmp_path, retention)
    assert again.remembered().counters == before.counters
    assert sum(part.last - part.first + 1 for part in again.remembered().ranges) == 60
    again.close()


async def test_folding_twice_joins_the_ranges(tmp_path: Path) -> None:
    store = opened(tmp_path, Retention(raw_days=5, events_days=5))
    store.commit(NAMES)
    for day in range(30):
        store.commit(work(day + 1, [(0, MIDNIGHT + day * DAY, 1.0)], received_at=MIDNIGHT + day * DAY))
        if day in (15, 29):
            for _ in range(3):
                await store.maintain(MIDNIGHT + day * DAY)
    found = store.remembered().ranges
    folded = [part for part in found if part.first == 1]
    assert folded == [StoredRange(0, "e1", 1, folded[0].last)]
    assert folded[0].last > 15
    store.close()


async def test_late_readings_of_a_retired_time_are_merged_into_what_is_kept(tmp_path: Path) -> None:
    store = opened(tmp_path, Retention(raw_days=10))
    store.commit(NAMES)
    store.commit(work(1, [(0, MIDNIGHT, 10.0), (0, MIDNIGHT + 450_000, 20.0)], received_at=MIDNIGHT))
    now = MIDNIGHT + 30 * DAY
    for _ in range(3):
        await store.maintain(now)
    assert await rows(store) == []
    (quarter, *_) = await rows(store, "15m")
    assert quarter == (MIDNIGHT, 10.0, 20.0, 15.0, 20.0, 2, 1.0)
    store.commit(work(2, [(0, MIDNIGHT + 200_000, 70.0), (0, MIDNIGHT + 20 * DAY, 1.0)], received_at=now))
    for _ in range(3):
        await store.maintain(now + DAY)
    (quarter, *_) = await rows(store, "15m")
    assert quarter[:3] == (MIDNIGHT, 10.0, 70.0)
    assert quarter[4:] == (20.0, 3, 1.0)
    (hour, *_) = await rows(store, "1h")
    assert (hour[1], hour[2], hour[5]) == (10.0, 70.0, 3)
    (day, *_) = await rows(store, "1d")
    assert (day[1], day[2], day[5]) == (10.0, 70.0, 3)
    assert [row[1] for row in await rows(store)] == [], "the late raw reading is as old as the others"
    store.close()


async def test_sorting_finished_months_changes_no_answer(tmp_path: Path) -> None:
    store = opened(tmp_path, Retention(raw_days=None))
    store.commit(NAMES)
    for number in range(1, 40):
        at = MIDNIGHT + number * 4 * DAY
        store.commit(work(number, [(series, at + n * 7_000_000, float(n)) for n in range(5) for series in (0, 1)]))
    await store.maintain(MIDNIGHT)
    before = {step: await rows(store, step) for step in ("15m", "1h", "1d")}
    for _ in range(30):
        await store.maintain(MIDNIGHT + 160 * DAY)
    cursor, _ = store._cursor()
    clustered = dict(cursor.execute("SELECT level, before FROM clustered").fetchall())
    assert set(clustered) == {"15m", "1h"}
    assert clustered["15m"] > MIDNIGHT + 120 * DAY
    order = cursor.execute(
        "SELECT series, bucket FROM rollup_15m WHERE bucket >= 1798761600000 AND bucket < ? ORDER BY rowid",
        [clustered["15m"]],
    ).fetchall()
    assert order == sorted(order)
    assert {step: await rows(store, step) for step in ("15m", "1h", "1d")} == before
    store.commit(work(500, [(0, MIDNIGHT + DAY + 3, 12345.0)]))
    await store.maintain(MIDNIGHT + 160 * DAY)
    assert max(row[2] for row in await rows(store, "15m")) == 12345.0  # type: ignore[type-var]
    store.close()


async def test_roll_ups_meet_a_series_the_moment_it_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path)
    rounds = []

    def reach(point: str) -> None:
        if point == "after_commit":
            rounds.append(store._maintain(MIDNIGHT))

    monkeypatch.setattr(store, "_reach", reach)
    store.commit(replace(NAMES, new_series=[]))
    store.commit(replace(work(1, [(0, MIDNIGHT, 1.0)]), new_series=NAMES.new_series))
    assert len(rounds) == 2
    assert len(await rows(store, "15m")) == 1
    store.close()
