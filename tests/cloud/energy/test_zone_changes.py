"""A site that gets another time zone: its days begin at other midnights, its quarters of an hour stay what they are."""

import logging
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cloud.energy.contract import MICRO
from cloud.energy.zone_changes import STEADY_LOOKS
from tests.cloud.energy.bench_site import SITE, BenchSite
from tests.cloud.energy.test_reckoner import DAY, FOREVER, HOUR, MIDNIGHT, meter, minutes

BERLIN_MIDNIGHT = MIDNIGHT + 6 * HOUR
"""Of the same day: in September Berlin is six hours behind Shanghai."""


@pytest.fixture
async def site(tmp_path: Path):
    site = await BenchSite(tmp_path, [meter(), meter("m2")]).start()
    site.commit(minutes(MIDNIGHT, MIDNIGHT + 3 * DAY + HOUR))
    await site.reckoner.round()
    yield site
    await site.close()


async def rounds(site: BenchSite, count: int = STEADY_LOOKS) -> None:
    for _ in range(count):
        await site.reckoner.round()


async def test_days_are_worked_out_again_by_the_new_midnights(
    site: BenchSite, caplog: pytest.LogCaptureFixture
) -> None:
    before = await site.intervals("m1", MIDNIGHT, MIDNIGHT + 4 * DAY)
    assert [each.day for each in await site.days.days(SITE, "m1", 0, FOREVER)][1] == MIDNIGHT + DAY
    site.clocks.name = "Europe/Berlin"
    with caplog.at_level(logging.WARNING):
        await rounds(site)
    days = await site.days.days(SITE, "m1", 0, FOREVER)
    assert [each.day for each in days] == [BERLIN_MIDNIGHT + number * DAY for number in range(-1, 3)]
    assert days[1].total.micro == 24 * 60 * MICRO
    after = await site.intervals("m1", MIDNIGHT, MIDNIGHT + 4 * DAY)
    assert np.array_equal(before.micro, after.micro)
    assert np.array_equal(before.source, after.source)
    sums = await site.days.sums(SITE, ["m1"], 0, FOREVER)
    assert sums["m1"].micro == int(before.micro.sum())
    assert "time zone is Europe/Berlin now" in caplog.text
    assert await site.reckoner.round() == []


async def test_late_readings_are_worked_in_after_it(site: BenchSite) -> None:
    site.clocks.name = "Europe/Berlin"
    await rounds(site)
    site.commit(minutes(MIDNIGHT + 3 * DAY + HOUR, MIDNIGHT + 5 * DAY, begin=73 * 60.0))
    await site.reckoner.round()
    days = await site.days.days(SITE, "m1", 0, FOREVER)
    assert all(one.until == other.day for one, other in pairwise(days))
    assert sum(each.total.micro or 0 for each in days) == (5 * 1440 - 1) * MICRO


async def test_a_zone_that_comes_and_goes_changes_nothing(site: BenchSite) -> None:
    before = await site.days.days(SITE, "m1", 0, FOREVER)
    for name in ("Europe/Berlin", "Asia/Shanghai", "Europe/Berlin", "Asia/Shanghai"):
        site.clocks.name = name
        await site.reckoner.round()
    assert await site.days.days(SITE, "m1", 0, FOREVER) == before


async def test_days_whose_readings_are_gone_stay_and_it_is_said(
    site: BenchSite, caplog: pytest.LogCaptureFixture
) -> None:
    before = await site.days.days(SITE, "m1", 0, FOREVER)
    site.clock.step(MIDNIGHT + 40 * DAY - site.clock.now_ms())
    site.reckoner = site.new_reckoner(keep_days=30)
    await site.take()
    site.clocks.name = "Europe/Berlin"
    with caplog.at_level(logging.ERROR):
        await rounds(site)
    assert await site.days.days(SITE, "m1", 0, FOREVER) == before
    assert "keep the midnights of the zone before" in caplog.text.replace("its days ", "")
