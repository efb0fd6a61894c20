"""A number opens down to the readings that made it."""

from pathlib import Path

import pytest

from cloud.energy.contract import BASE_MS, MICRO, EnergyFault, Flag
from cloud.energy.opening import Opening
from tests.cloud.energy.bench_site import SITE, BenchSite
from tests.cloud.energy.test_reckoner import DAY, HOUR, MIDNIGHT, MIN, meter, minutes


@pytest.fixture
async def site(tmp_path: Path):
    site = await BenchSite(tmp_path, [meter()]).start()
    gap = (MIDNIGHT + 30 * HOUR, MIDNIGHT + 60 * HOUR)
    rows = minutes(MIDNIGHT, MIDNIGHT + 3 * DAY, step=7 * MIN)
    site.commit([row for row in rows if not gap[0] < row[1] < gap[1]])
    site.commit([("m1", MIDNIGHT + 10 * HOUR + 1, 0.0)])  # a glitch
    await site.reckoner.round()
    yield site
    await site.close()


def opening(site: BenchSite) -> Opening:
    return Opening(site.days, site.store, site.reckoner.more)


async def test_an_interval_opens_to_segments_whose_shares_add_up_to_it(site: BenchSite) -> None:
    task = site.reckoner.task(SITE, "m1")
    assert task is not None
    found = await opening(site).interval(task, MIDNIGHT + 5 * HOUR + 3 * MIN)
    assert found.interval.start == MIDNIGHT + 5 * HOUR
    assert found.interval.micro == 15 * MICRO
    assert sum(segment.share or 0 for segment in found.segments) == pytest.approx(15 * MICRO, abs=4)
    assert found.agrees
    ends = {segment.since for segment in found.segments} | {segment.until for segment in found.segments}
    assert {reading.at for reading in found.readings} == ends
    assert found.readings[0].gateway == "g1"
    assert found.readings[0].seq == 1


async def test_a_glitch_is_among_the_events_and_the_readings_and_not_in_the_amount(site: BenchSite) -> None:
    task = site.reckoner.task(SITE, "m1")
    assert task is not None
    found = await opening(site).interval(task, MIDNIGHT + 10 * HOUR)
    assert [event.kind for event in found.events] == ["glitch"]
    assert found.interval.micro == 15 * MICRO
    assert MIDNIGHT + 10 * HOUR + 1 in {reading.at for reading in found.readings}


async def test_an_interval_in_a_gap_opens_to_the_readings_on_both_sides(site: BenchSite) -> None:
    task = site.reckoner.task(SITE, "m1")
    assert task is not None
    found = await opening(site).interval(task, MIDNIGHT + 40 * HOUR)
    [segment] = found.segments
    assert segment.until - segment.since > 30 * HOUR - 8 * MIN
    assert [reading.at for reading in found.readings] == [segment.since, segment.until]
    assert found.interval.source.name == "ESTIMATED"
    assert segment.flags == Flag(0)


async def test_what_is_at_rest_and_disagrees_with_its_readings_is_shown_as_such(site: BenchSite) -> None:
    site.commit([("m1", MIDNIGHT + 20 * HOUR + 16 * MIN, 1217.5)])  # arrived, not worked in yet
    task = site.reckoner.task(SITE, "m1")
    assert task is not None
    assert not (await opening(site).interval(task, MIDNIGHT + 20 * HOUR + 15 * MIN)).agrees
    await site.reckoner.round()
    assert (await opening(site).interval(task, MIDNIGHT + 20 * HOUR + 15 * MIN)).agrees


async def test_a_total_is_that_of_its_intervals_with_its_coverage(site: BenchSite) -> None:
    whole = await opening(site).total(SITE, "m1", MIDNIGHT, MIDNIGHT + 4 * DAY)
    intervals = await opening(site).intervals(SITE, "m1", MIDNIGHT, MIDNIGHT + 4 * DAY)
    assert whole.micro == int(intervals.micro.sum())
    assert whole.coverage == pytest.approx(0.75, abs=0.01)
    with pytest.raises(EnergyFault, match="shorter"):
        await opening(site).intervals(SITE, "m1", 0, 50_000 * BASE_MS)


async def test_where_nothing_was_worked_out_there_is_nothing_to_open(site: BenchSite) -> None:
    task = site.reckoner.task(SITE, "m1")
    assert task is not None
    with pytest.raises(EnergyFault, match="nothing was worked out"):
        await opening(site).interval(task, MIDNIGHT - DAY)
