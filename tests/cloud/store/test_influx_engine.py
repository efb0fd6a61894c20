"""InfluxDB 2 by a stand-in for its HTTP API (see ``tests/influx_stand_in.py``): no real server is here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.store.contract import ReadingsQuery
from cloud.store.influx_engine import InfluxEngine
from cloud.store.keeping import Retention
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_store import LedgerStore
from cloud.store.place import StorePlace, parse_server_url
from protocols.clock import SystemClock
from protocols.errors import StoreUnavailable
from tests.cloud.store.works import DAY, MIDNIGHT, NAMES, POWER, work
from tests.influx_stand_in import TOKEN, InfluxStandIn
from tests.waiting import until

WHOLE = ReadingsQuery(site="east", device="m1", point=POWER.point, from_at=MIDNIGHT, to_at=MIDNIGHT + DAY)


@pytest.fixture
def influx() -> Iterator[InfluxStandIn]:
    server = InfluxStandIn()
    server.start()
    yield server
    server.stop()


def engine(folder: Path, server: InfluxStandIn, token: str = TOKEN) -> InfluxEngine:
    (folder / "token").write_text(token + "\n")
    place = StorePlace(
        kind="influx", url=server.url, password_file=folder / "token", organisation="office", bucket="dayuan"
    )
    return InfluxEngine(place)


def a_store(folder: Path, server: InfluxStandIn, token: str = TOKEN, **options: object) -> LedgerStore:
    ledger = LedgerFile(folder / "ledger.sqlite")
    return LedgerStore(ledger, engine(folder, server, token), SystemClock(), **options)  # type: ignore[arg-type]


async def test_a_block_that_is_sent_twice_falls_on_itself(tmp_path: Path, influx: InfluxStandIn) -> None:
    one, names = engine(tmp_path, influx), [POWER]
    columns = work(7, [(0, MIDNIGHT, 1.5), (0, MIDNIGHT, 2.5), (0, MIDNIGHT + 1, None)]).readings
    assert columns is not None
    one.write(columns, names)
    before = {key: dict(points) for key, points in influx.points.items()}
    one.write(columns, names)
    assert influx.points == before
    assert {len(points) for points in before.values()} == {2, 3}, "two at one instant lie beside each other"
    found = one.rows(names, MIDNIGHT, MIDNIGHT + 2)
    assert sorted(found.value.tolist()[:2]) == [1.5, 2.5]
    assert found.batch.tolist() == [7, 7, 7]
    one.close()


async def test_while_it_is_away_commits_go_on_and_questions_say_so(tmp_path: Path, influx: InfluxStandIn) -> None:
    store = a_store(tmp_path, influx)
    store.open()
    store.commit(NAMES)
    influx.down = True
    store.commit(work(1, [(0, MIDNIGHT, 1.5)]))
    with pytest.raises(StoreUnavailable, match="InfluxDB at http"):
        await store.readings(WHOLE)
    influx.down = False
    await until(lambda: store._pending.rows == 0, within_s=30)
    assert (await store.readings(WHOLE)).rows == [(MIDNIGHT, 1.5, "good", "")]
    store.close()


async def test_a_wrong_token_is_told_and_the_token_is_in_no_text(
    tmp_path: Path, influx: InfluxStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    store = a_store(tmp_path, influx, "not-the-token")
    store.open()
    store.commit(NAMES)
    store.commit(work(1, [(0, MIDNIGHT, 1.5)]))
    await until(lambda: store._feed is not None and "unauthorized" in store._feed.failure, within_s=30)
    assert "not-the-token" not in caplog.text
    assert influx.writes == 0
    store.close()


async def test_a_bucket_that_would_forget_is_given_nothing(tmp_path: Path, influx: InfluxStandIn) -> None:
    influx.every_seconds = 30 * 86_400
    store = a_store(tmp_path, influx, retention=Retention(raw_days=400))
    store.open()
    store.commit(NAMES)
    store.commit(work(1, [(0, MIDNIGHT, 1.5)]))
    await until(lambda: store._feed is not None and "forgets after 30 days" in store._feed.failure, within_s=30)
    assert influx.writes == 0
    store.close()


@pytest.mark.parametrize("text", ["influx:8086", "http://", "http://me:secret@host", "ftp://host", "http://h/?x=1"])
def test_a_url_that_cannot_be_is_explained_without_its_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"http://|no place in the URL") as caught:
        parse_server_url(text)
    assert "secret" not in str(caught.value)
