"""A group whose readings go to InfluxDB (a stand-in answers): each is there once, whatever goes away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.ingest.follower import GroupFollower
from cloud.ingest.prepare import Preparer
from cloud.registry.postgres_url import PostgresPlace
from cloud.store.contract import ReadingsQuery
from cloud.store.influx_engine import InfluxEngine
from cloud.store.ledger_desk import LedgerDesk
from cloud.store.ledger_file import LedgerFile
from cloud.store.place import StorePlace
from protocols.clock import SystemClock
from protocols.errors import StoreUnavailable
from tests.cloud.ingest.rig import KEY, Alarms
from tests.cloud.ingest.test_shared import One, wide
from tests.influx_stand_in import TOKEN, InfluxStandIn
from tests.postgres_server import PostgresServer
from tests.waiting import wait_until

CLOCK = SystemClock()


@pytest.fixture
def influx() -> Iterator[InfluxStandIn]:
    server = InfluxStandIn()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def place(postgres: PostgresServer) -> PostgresPlace:
    return postgres.place()


def a_desk(place: PostgresPlace, influx: InfluxStandIn, folder: Path) -> tuple[LedgerDesk, GroupFollower]:
    (folder / "token").write_text(TOKEN)
    where = StorePlace(
        kind="influx", url=influx.url, password_file=folder / "token", organisation="office", bucket="dayuan"
    )
    desk = LedgerDesk(LedgerFile(place, shared=True), InfluxEngine(where), CLOCK)
    desk.open()
    follower = GroupFollower(desk, Preparer(desk, CLOCK), Alarms(), CLOCK)
    follower.open()
    return desk, follower


async def values(desk: LedgerDesk) -> list[object]:
    query = ReadingsQuery(site=KEY.site, device="m", point="frequency", from_at=0, to_at=2**52)
    return [row[1] for row in (await desk.readings(query)).rows]


async def test_what_members_stored_comes_to_rest_once_and_is_found_before_and_after(
    postgres: PostgresServer, place: PostgresPlace, influx: InfluxStandIn, tmp_path: Path
) -> None:
    members = [One(place), One(place)]
    desk, follower = a_desk(place, influx, tmp_path)
    influx.down = True
    for number in range(1, 9):
        members[number % 2].take(wide(number))
        members[(number + 1) % 2].take(wide(number))
    assert [one.seq for one in follower.step().batches] == list(range(1, 9))
    expected = [number / 4 for number in range(1, 9)]
    wait_until(lambda: postgres.sql("SELECT count(*) FROM store_block", place)[0][0] > 0, what="readings in the ledger")
    influx.down = False
    wait_until(lambda: postgres.sql("SELECT waiting FROM store_head", place) == [(0,)], what="readings at rest")
    assert await values(desk) == expected
    assert sum(len(points) for points in influx.points.values()) > 0
    desk.close()
    members[0].take(wide(8), wide(9))
    later, follower = a_desk(place, influx, tmp_path)
    assert [one.seq for one in follower.step().batches] == [9]
    wait_until(lambda: postgres.sql("SELECT waiting FROM store_head", place) == [(0,)], what="readings at rest")
    assert await values(later) == [*expected, 9 / 4]
    later.close()
    for member in members:
        member.ledger.close()


async def test_a_block_that_was_sent_and_not_struck_off_is_sent_again_and_read_once(
    postgres: PostgresServer,
    place: PostgresPlace,
    influx: InfluxStandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member = One(place)
    with monkeypatch.context() as killed_before_that:
        killed_before_that.setattr(LedgerDesk, "_remove_blocks", lambda *_: None)
        desk, follower = a_desk(place, influx, tmp_path)
        member.take(wide(1), wide(2))
        follower.step()
        wait_until(lambda: influx.writes >= 1, what="readings sent")
        desk.close()
    assert postgres.sql("SELECT count(*) FROM store_block", place)[0][0] > 0
    before = influx.writes
    later, follower = a_desk(place, influx, tmp_path)
    follower.step()
    wait_until(lambda: influx.writes > before, what="readings sent again")
    wait_until(lambda: postgres.sql("SELECT waiting FROM store_head", place) == [(0,)], what="readings at rest")
    assert await values(later) == [0.25, 0.5]
    later.close()
    member.ledger.close()


async def test_a_group_whose_ledger_came_back_from_a_backup_goes_on_above_what_the_engine_holds(
    postgres: PostgresServer, place: PostgresPlace, influx: InfluxStandIn, tmp_path: Path
) -> None:
    member = One(place)
    desk, follower = a_desk(place, influx, tmp_path)

    def rest() -> None:
        follower.step()
        wait_until(lambda: postgres.sql("SELECT waiting FROM store_head", place) == [(0,)], what="readings at rest")

    member.take(wide(1), wide(2))
    rest()
    tables = ("head", "desk", "batch", "arrival", "block", "event", "counter")
    for table in tables:
        postgres.sql(f"CREATE TABLE backup_{table} AS SELECT * FROM store_{table}", place)
    member.take(wide(3), wide(4))
    rest()
    assert await values(desk) == [0.25, 0.5, 0.75, 1.0]
    desk.close()
    member.ledger.close()
    for table in tables:
        postgres.sql(f"DELETE FROM store_{table}", place)
        postgres.sql(f"INSERT INTO store_{table} SELECT * FROM backup_{table}", place)
    desk, follower = a_desk(place, influx, tmp_path)
    member = One(place)
    assert await values(desk) == [0.25, 0.5], "what the ledger does not know is not shown"
    member.take(wide(4))
    member.take(wide(3))
    rest()
    assert await values(desk) == [0.25, 0.5, 0.75, 1.0]
    assert postgres.sql("SELECT id FROM store_batch ORDER BY id", place) == [(1,), (2,), (5,), (6,)]
    desk.close()
    member.ledger.close()


async def test_a_desk_says_up_to_when_it_knows_what_was_committed(
    place: PostgresPlace, influx: InfluxStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = CLOCK.monotonic()
    desk, follower = a_desk(place, influx, tmp_path)
    opened_at = follower.current_at
    assert began <= opened_at <= CLOCK.monotonic()

    def away() -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as ledger:
        ledger.setattr(follower.commit, "catch_up", away)
        with pytest.raises(StoreUnavailable):
            follower.step()
    assert follower.current_at == opened_at
    follower.step()
    assert follower.current_at > opened_at
    desk.close()
