"""Positions of people go by their age from engines on servers; nothing else does, and nothing comes back."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cloud.store.contract import ReadingColumns, ReadingsQuery, SeriesKey
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_store import LedgerStore
from cloud.store.personal import TRACK_POINTS, Due
from cloud.store.readings_engine import ReadingsEngine
from protocols.clock import SystemClock
from tests.cloud.store.test_influx_engine import engine as influx_engine
from tests.cloud.store.works import DAY, GATEWAY, work
from tests.cloud.store.works import MIDNIGHT as LOCAL_MIDNIGHT
from tests.influx_stand_in import InfluxStandIn
from tests.victoria_server import VictoriaServer
from tests.waiting import until

CAR, WEST, POWER = (
    SeriesKey("east", "car-1", "latitude"),
    SeriesKey("west", "car-9", "latitude"),
    SeriesKey("east", "car-1", "odometer_km"),
)
NAMES = [CAR, WEST, POWER]
MIDNIGHT = LOCAL_MIDNIGHT + DAY // 3
"""Of UTC: engines may forget whole days of UTC."""
BEFORE = MIDNIGHT + 3 * DAY


@pytest.fixture(scope="module")
def victoria() -> Iterator[VictoriaServer]:
    server = VictoriaServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def influx() -> Iterator[InfluxStandIn]:
    server = InfluxStandIn()
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["victoria", "influx"])
def an_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadingsEngine]:
    if request.param == "influx":
        made: ReadingsEngine = influx_engine(tmp_path, request.getfixturevalue("influx"))
    else:
        server = request.getfixturevalue("victoria")
        server.forget_all()
        made = server.engine(hold_s=0.0)
    yield made
    made.close()


def six_days() -> ReadingColumns:
    """Of each series a reading at noon and one in the last second of each of six days."""
    at = [MIDNIGHT + day * DAY + moment for day in range(6) for moment in (DAY // 2, DAY - 1000)]
    found = work(1, [(series, each, float(place)) for series in range(3) for place, each in enumerate(at)]).readings
    assert found is not None
    return found


async def seen(engine: ReadingsEngine, key: SeriesKey) -> list[int]:
    return sorted(engine.rows([key], 0, MIDNIGHT + 100 * DAY).at.tolist())


async def test_old_positions_go_and_the_rest_stays(an_engine: ReadingsEngine) -> None:
    columns = six_days()
    an_engine.write(columns, NAMES)
    whole = sorted(columns.at[columns.series == 0].tolist())
    for key in NAMES:

        async def there(key: SeriesKey = key) -> bool:
            return await seen(an_engine, key) == whole

        await until(there, within_s=60, what="readings can be asked for")
    assert an_engine.count_old(TRACK_POINTS, ["east"], BEFORE) == 6
    assert an_engine.forget_old(TRACK_POINTS, ["east"], BEFORE) == 6
    assert await seen(an_engine, CAR) == whole[6:]
    assert await seen(an_engine, WEST) == whole, "another site, which somebody holds"
    assert await seen(an_engine, POWER) == whole, "how far says not where"
    assert an_engine.forget_old(TRACK_POINTS, ["east"], BEFORE) == 0
    assert an_engine.forget_old((), ["east"], BEFORE) == an_engine.forget_old(TRACK_POINTS, [], BEFORE) == 0
    newest = an_engine.newest([CAR, WEST], 0, MIDNIGHT + 100 * DAY)
    assert {key: (row.at, row.value) for key, row in newest.items()} == dict.fromkeys((CAR, WEST), (whole[-1], 11.0))


async def test_the_newest_position_is_that_of_the_newest_day(an_engine: ReadingsEngine) -> None:
    """Written the newest first, so that no order of days helps."""
    for day in (5, 2, 4):
        at = np.array([MIDNIGHT + day * DAY])
        one = work(day + 1, [(0, int(at[0]), float(day))]).readings
        assert one is not None
        an_engine.write(one, NAMES)

    async def there() -> bool:
        return len(await seen(an_engine, CAR)) == 3

    await until(there, within_s=60, what="readings can be asked for")
    found = an_engine.newest(None, 0, MIDNIGHT + 100 * DAY)[CAR]
    assert (found.at, found.value, found.batch) == (MIDNIGHT + 5 * DAY, 5.0, 6)
    earlier = an_engine.newest([CAR], 0, MIDNIGHT + 3 * DAY)[CAR]
    assert (earlier.at, earlier.value) == (MIDNIGHT + 2 * DAY, 2.0)


async def test_what_went_stays_gone_after_a_start() -> None:
    """On a server of its own: what a server was told to forget as a whole it may not find again after a start."""
    server = VictoriaServer()
    server.start()
    engine = server.engine(hold_s=0.0)
    try:
        engine.write(six_days(), NAMES)

        async def there() -> bool:
            return len(await seen(engine, CAR)) == 12

        await until(there, within_s=60, what="readings can be asked for")
        assert engine.forget_old(TRACK_POINTS, ["east", "west"], BEFORE) == 12
        await asyncio.to_thread(server.settle)
        server.stop()
        server.start()

        async def back() -> bool:
            return [len(await seen(engine, key)) for key in NAMES] == [6, 6, 12]

        await until(back, within_s=60, what="what stays can be asked for, and no more")
    finally:
        engine.close()
        server.remove()


async def test_a_store_on_servers_forgets_positions_as_it_is_told(tmp_path: Path, an_engine: ReadingsEngine) -> None:
    store = LedgerStore(LedgerFile(tmp_path / "ledger.sqlite"), an_engine, SystemClock())
    store.open()
    columns = six_days()
    first = replace(work(1, []), readings=columns, new_series=list(enumerate(NAMES)), new_gateways=[(0, GATEWAY)])
    store.commit(first)
    due = Due((), TRACK_POINTS, BEFORE, kept_sites=frozenset({"west"}))

    async def arrived() -> bool:
        return await store.count_due(due) == 6

    await until(arrived, within_s=60, what="the engine has them")
    assert (await store.expire(due)).rows == 6
    assert (await store.expire(due)).rows == 0
    period = {"from_at": 0, "to_at": MIDNIGHT + 100 * DAY}
    counts = [len((await store.readings(ReadingsQuery(**key._asdict(), **period))).rows) for key in NAMES]
    assert counts == [6, 12, 12]
    store.close()
