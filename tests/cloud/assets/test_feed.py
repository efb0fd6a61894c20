"""What is committed becomes what is observed of assets, quickly past what is bound to nothing."""

import logging
import statistics
import time
from collections.abc import Sequence

import numpy as np
import pytest

from cloud.assets.book import AssetRoster
from cloud.assets.contract import Happened, Observed
from cloud.assets.feed import AssetFeed
from cloud.ingest.contract import Committed, CommittedBatch
from cloud.store.series_book import QualityBook, SeriesBook
from protocols.reading import Event
from tests.cloud.assets.conftest import SITE, asset, put


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.observations: list[Observed] = []
        self.happenings: list[Happened] = []

    async def observed(self, observed: Sequence[Observed]) -> None:
        self.observations += observed

    async def happened(self, happened: Sequence[Happened]) -> None:
        self.happenings += happened


class Broken(Heard):
    async def observed(self, observed: Sequence[Observed]) -> None:
        raise RuntimeError("rule without a wheel")


Row = tuple[str, str, float | None, int]


class Fed:
    def __init__(self, roster: AssetRoster) -> None:
        self.series, self.qualities = SeriesBook(), QualityBook()
        self.feed = AssetFeed(roster, self.series, self.qualities)
        self.feed.open()
        roster.watch(self.feed.asset_changed)

    def batch(self, *rows: Row, events: Sequence[Event] = (), word: tuple[str, str] = ("good", "")) -> CommittedBatch:
        names = [(device, point) for device, point, _, _ in rows]
        return CommittedBatch(
            site=SITE,
            gateway="g",
            epoch="e",
            seq=1,
            received_at=900,
            stored_at=901,
            series=self.series.table(SITE, names, repr(names).encode()),
            at=np.array([at for *_, at in rows], np.int64),
            value=np.array([np.nan if value is None else value for _, _, value, _ in rows], np.float64),
            quality=np.full(len(rows), self.qualities.code(*word), np.uint8),
            events=list(events),
            refused=0,
            wire_bytes=1,
        )

    async def commit(self, *batches: CommittedBatch) -> None:
        await self.feed.committed(Committed(batches))


@pytest.fixture
def fed(roster: AssetRoster) -> Fed:
    return Fed(roster)


async def test_readings_of_one_device_at_one_instant_are_one_observation(roster: AssetRoster, fed: Fed) -> None:
    await put(roster, asset("vehicle", "car", ("position", "tracker")))
    heard = Heard()
    fed.feed.listen(heard, ["vehicle"])
    await fed.commit(
        fed.batch(
            ("tracker", "latitude", 30.1, 10),
            ("meter", "active_power_total", 5.0, 10),
            ("tracker", "longitude", 120.1, 10),
            ("tracker", "speed_kmh", None, 20),
        )
    )
    first, second = heard.observations
    assert (first.at, first.received_at, dict(first.points)) == (10, 900, {"latitude": 30.1, "longitude": 120.1})
    assert (first.asset.key.id, first.binding.role, first.quality) == ("car", "position", "good")
    assert (second.at, dict(second.points)) == (20, {"speed_kmh": None})


async def test_quality_is_the_worst_of_the_instant(roster: AssetRoster, fed: Fed) -> None:
    await put(roster, asset("vehicle", "car", ("position", "tracker")))
    heard = Heard()
    fed.feed.listen(heard, ["vehicle"])
    await fed.commit(fed.batch(("tracker", "latitude", 30.1, 10), word=("uncertain", "clock")))
    await fed.commit(fed.batch(("tracker", "latitude", None, 20), word=("bad", "sentinel")))
    assert [each.quality for each in heard.observations] == ["uncertain", "bad"]


async def test_a_device_of_two_assets_tells_about_both_and_each_listener_hears_its_kinds(
    roster: AssetRoster, fed: Fed
) -> None:
    await put(roster, asset("room", "r1", ("presence", "d1"), capacity=4), asset("door", "d1", ("contact", "d1")))
    rooms, both = Heard(), Heard()
    fed.feed.listen(rooms, ["room"])
    fed.feed.listen(both, ["room", "door"])
    await fed.commit(fed.batch(("d1", "door_open", 1.0, 5), events=[Event("d1", "door_opened", 5)]))
    assert [each.asset.key.kind for each in rooms.observations] == ["room"]
    assert sorted(each.asset.key.kind for each in both.observations) == ["door", "room"]
    assert [(each.asset.key.kind, each.event.kind) for each in rooms.happenings] == [("room", "door_opened")]
    assert len(both.happenings) == 2


async def test_binding_and_letting_go_count_from_the_next_commit(roster: AssetRoster, fed: Fed) -> None:
    heard = Heard()
    fed.feed.listen(heard, ["vehicle"])
    reading = ("tracker", "latitude", 30.1, 10)
    await fed.commit(fed.batch(reading))
    assert heard.observations == []
    await put(roster, asset("vehicle", "car", ("position", "tracker")))
    assert heard.observations == []
    await fed.commit(fed.batch(reading))
    assert len(heard.observations) == 1
    await put(roster, asset("vehicle", "car", ("position", "other")))
    await fed.commit(fed.batch(reading, ("other", "latitude", 30.2, 10)))
    assert [each.binding.device for each in heard.observations] == ["tracker", "other"]


async def test_what_was_bound_before_the_start_can_be_let_go(roster: AssetRoster) -> None:
    await put(roster, asset("vehicle", "car", ("position", "tracker")))
    fed, heard = Fed(roster), Heard()
    fed.feed.listen(heard, ["vehicle"])
    await fed.commit(fed.batch(("tracker", "latitude", 30.1, 10)))
    await put(roster, asset("vehicle", "car"))
    await fed.commit(fed.batch(("tracker", "latitude", 30.1, 20)))
    assert [each.at for each in heard.observations] == [10]


async def test_one_feature_that_fails_does_not_make_the_others_deaf(
    roster: AssetRoster, fed: Fed, caplog: pytest.LogCaptureFixture
) -> None:
    await put(roster, asset("vehicle", "car", ("position", "tracker")))
    heard = Heard()
    fed.feed.listen(Broken(), ["vehicle"])
    fed.feed.listen(heard, ["vehicle"])
    with caplog.at_level(logging.ERROR), pytest.raises(RuntimeError, match="wheel"):
        await fed.commit(fed.batch(("tracker", "latitude", 30.1, 10)))
    assert len(heard.observations) == 1
    assert "Broken" in caplog.text


async def test_a_hundred_thousand_readings_that_are_bound_to_nothing_cost_nothing(
    roster: AssetRoster, fed: Fed
) -> None:
    """The bound is 1 ms on an idle core; a busy machine gets the best of several tries, and some more."""
    await put(roster, asset("vehicle", "car", ("position", "tracker")))
    rows: list[Row] = [(f"m-{number % 2_000}", f"p{number // 2_000}", 1.0, number) for number in range(100_000)]
    batch = fed.batch(*rows)
    took = []
    for _ in range(20):
        began = time.perf_counter()
        await fed.commit(batch)
        took.append((time.perf_counter() - began) * 1000)
    assert min(took[1:]) < 1.0, f"{min(took[1:]):.2f} ms at best, {statistics.median(took[1:]):.2f} ms in the middle"
