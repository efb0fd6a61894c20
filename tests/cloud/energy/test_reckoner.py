"""What is at rest follows the store: late, out of order, after a restart, after people's records."""

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cloud.energy.contract import BASE_MS, MICRO, Confirmed, HandRead, Ratio, Register, Replaced, Source
from cloud.energy.intervals import ceil, floor
from cloud.energy.strand import changed
from cloud.energy.structure import Meter
from cloud.registry.energy_book import Stretch
from tests.cloud.energy.bench_site import POINT, SITE, BenchSite
from tests.cloud.energy.registers import REGISTER, T0, Made, registers

MIN = 60_000
HOUR = 60 * MIN
DAY = 24 * HOUR
MIDNIGHT = 1_790_006_400_000
"""In Asia/Shanghai (Tuesday, 2026-09-22)."""
PLAIN = Register(resolution=Decimal("0.001"), rated=Decimal(5000))
FOREVER = 2**53


def meter(name: str = "m1", register: Register = PLAIN, **known: object) -> Meter:
    facts = {"device": name, "point": POINT, **known}
    return Meter(id=name, name=name, register=register, **facts)  # type: ignore[arg-type]


@pytest.fixture
async def site(tmp_path: Path):
    site = await BenchSite(tmp_path, [meter()]).start()
    yield site
    await site.close()


def minutes(since: int, until: int, kw: float = 60.0, begin: float = 0.0, step: int = MIN):
    """A reading a minute of a steady load."""
    return [("m1", at, begin + (at - since) / HOUR * kw) for at in range(since, until, step)]


async def total(site: BenchSite, since: int = MIDNIGHT, until: int = MIDNIGHT + 10 * DAY) -> float:
    return int((await site.intervals("m1", since, until)).micro.sum()) / MICRO


async def test_a_day_of_readings_becomes_intervals_with_what_they_come_to(site: BenchSite) -> None:
    site.commit(minutes(MIDNIGHT, MIDNIGHT + DAY + 2 * MIN))
    [done] = await site.reckoner.round()
    assert len(done.touched) == 97
    day, tail = await site.days.days(SITE, "m1", 0, FOREVER)
    assert day.total.micro == 24 * 60 * MICRO
    assert day.total.coverage == 1
    assert day.total.source is Source.MEASURED
    assert (day.day, day.until) == (MIDNIGHT, MIDNIGHT + DAY)
    assert tail.total.micro == MICRO
    assert tail.total.covered_ms == MIN
    assert [event.kind for event in day.events] == ["first"]


async def test_nothing_new_touches_nothing(site: BenchSite) -> None:
    site.commit(minutes(MIDNIGHT, MIDNIGHT + DAY))
    await site.reckoner.round()
    assert await site.reckoner.round() == []
    site.commit([("m1", MIDNIGHT + HOUR, 60.0)])  # once more, in another batch
    [done] = await site.reckoner.round()
    assert len(done.touched) == 0


async def test_a_live_meter_is_worked_on_a_little_at_a_time(site: BenchSite) -> None:
    begin = MIDNIGHT + 20 * HOUR
    whole = minutes(begin, begin + 6 * HOUR, step=MIN)
    for start in range(0, len(whole), 7):
        site.commit(whole[start : start + 7])
        [done] = await site.reckoner.round()
        assert len(done.touched) <= 2
        assert start < 60 or min(whole[start][1], done.until) - done.since <= 3 * BASE_MS
    assert await total(site) == pytest.approx(60 * (6 - 1 / 60))


async def test_a_late_reading_touches_only_what_it_changes(site: BenchSite) -> None:
    whole = minutes(MIDNIGHT, MIDNIGHT + 6 * DAY, step=10 * MIN)
    late = ("m1", MIDNIGHT + 2 * DAY + 7 * HOUR, 60.0 * 55 + 2.0)
    site.commit([row for row in whole if row[1] != late[1]])
    await site.reckoner.round()
    site.commit([late])
    [done] = await site.reckoner.round()
    assert done.until == MIDNIGHT + 3 * DAY
    assert sorted(done.touched.tolist()) == [late[1] - BASE_MS, late[1]]


async def test_a_gap_has_the_shape_of_like_days_and_changes_when_they_do(site: BenchSite) -> None:
    """Two weeks of workdays with the load in the afternoon; then one afternoon is not read; then the past arrives."""

    def register(at: int) -> float:
        days, rest = divmod(at - MIDNIGHT, DAY)
        return days * 120.0 + max(0, min(rest, 18 * HOUR) - 12 * HOUR) / HOUR * 20.0

    def rows(since: int, until: int):
        return [("m1", at, register(at)) for at in range(since, until, 5 * MIN)]

    gap = (MIDNIGHT + 7 * DAY + 6 * HOUR, MIDNIGHT + 7 * DAY + 20 * HOUR)
    site.commit(rows(MIDNIGHT + 7 * DAY, gap[0]) + rows(gap[1], MIDNIGHT + 9 * DAY))
    await site.reckoner.round()
    flat = await site.intervals("m1", *gap)
    assert set(flat.source[1:]) == {Source.ESTIMATED}
    assert flat.micro[:8].sum() > 0  # without any past the gap is even
    site.commit(rows(MIDNIGHT, MIDNIGHT + 7 * DAY))
    done = await site.reckoner.round()
    shaped = await site.intervals("m1", *gap)
    assert int(flat.micro.sum()) == pytest.approx(120 * MICRO, rel=0.01)  # it begins at the last reading before
    assert shaped.micro[:20].sum() == 0  # nothing before noon
    assert shaped.micro[24:48].sum() == 120 * MICRO
    assert sum(len(each.touched) for each in done) >= 7 * 96


async def test_a_collector_that_starts_again_goes_on(site: BenchSite) -> None:
    site.commit(minutes(MIDNIGHT, MIDNIGHT + DAY + 5 * HOUR))
    await site.reckoner.round()
    site.reckoner = site.new_reckoner()
    await site.take()
    assert await site.reckoner.round() == []
    site.commit(minutes(MIDNIGHT + DAY + 5 * HOUR, MIDNIGHT + DAY + 6 * HOUR, begin=29 * 60.0))
    [done] = await site.reckoner.round()
    assert len(done.touched) == 5
    assert await total(site) == pytest.approx(60 * (30 - 1 / 60))


async def record(site: BenchSite, what, since: int, until: int = FOREVER) -> int:
    number = await site.book.add_record(
        SITE, "m1", what, Stretch(SITE, "m1", since, until), now=1, by="wang", why="as on the form"
    )
    await site.take()
    return number


async def test_a_recorded_replacement_is_worked_in_and_taken_back(site: BenchSite) -> None:
    change = MIDNIGHT + 30 * HOUR
    old = minutes(MIDNIGHT, change)
    new = minutes(change, MIDNIGHT + 3 * DAY, begin=7.0)
    site.commit(old + new)
    await site.reckoner.round()
    before = await total(site)
    events = [event.kind for day in await site.days.days(SITE, "m1", 0, FOREVER) for event in day.events]
    assert events == ["first", "reset"]
    at = change - 30_000
    number = await record(site, Replaced(at=at, final=Decimal("1799.5"), initial=Decimal("6.5")), at, at + 1)
    done = await site.reckoner.round()
    assert await total(site) == pytest.approx(60 * (72 - 1 / 60))
    assert {start for each in done for start in each.touched.tolist()} <= {change - BASE_MS, change}
    await site.book.revoke_record(number, Stretch(SITE, "m1", at, at + 1), now=2, by="wang", why="another meter")
    await site.take()
    await site.reckoner.round()
    assert await total(site) == before


async def test_a_ratio_counts_from_its_instant_on(site: BenchSite) -> None:
    site.commit(minutes(MIDNIGHT, MIDNIGHT + 2 * DAY + MIN))
    await site.reckoner.round()
    await record(site, Ratio(at=MIDNIGHT + DAY, ct=Decimal(20)), MIDNIGHT + DAY)
    await site.reckoner.round()
    assert await total(site) == 24 * 60 * 21


async def test_a_suspect_advance_is_counted_when_a_person_confirms_it(site: BenchSite) -> None:
    jump = MIDNIGHT + 10 * HOUR
    site.commit(minutes(MIDNIGHT, jump) + minutes(jump, MIDNIGHT + DAY, begin=50_000.0))
    await site.reckoner.round()
    found = await site.intervals("m1", jump - BASE_MS, jump + BASE_MS)
    assert found[0].covered_ms < BASE_MS
    assert found[0].quality == "uncertain"
    low = await total(site)
    await record(site, Confirmed(since=jump - MIN, until=jump), jump - MIN, jump + 1)
    await site.reckoner.round()
    assert await total(site) == pytest.approx(low + 50_000 - 599)


async def test_a_meter_read_by_hand_is_spread_between_its_readings(tmp_path: Path) -> None:
    by_hand = Meter(id="m1", name="water", medium="water", reads="manual", register=Register(resolution=Decimal("0.1")))
    site = await BenchSite(tmp_path, [by_hand]).start()
    for day, reading in ((0, 100), (30, 130), (61, 192)):
        at = MIDNIGHT + day * DAY + 9 * HOUR
        await record(site, HandRead(at=at, reading=Decimal(reading)), at, at + 1)
    await site.reckoner.round()
    found = await site.intervals("m1", MIDNIGHT + 10 * DAY, MIDNIGHT + 11 * DAY)
    assert {each.source for each in found} == {Source.MANUAL}
    assert int(found.micro.sum()) == MICRO
    assert await total(site, MIDNIGHT, MIDNIGHT + 70 * DAY) == 92
    await site.close()


async def test_what_is_older_than_raw_readings_stays_as_it_was(site: BenchSite) -> None:
    site.commit(minutes(MIDNIGHT, MIDNIGHT + 4 * DAY, step=10 * MIN))
    await site.reckoner.round()
    site.clock._wall_ms = float(MIDNIGHT + 12 * DAY)
    site.reckoner = site.new_reckoner(keep_days=10)
    await site.take()
    before = await site.intervals("m1", MIDNIGHT, MIDNIGHT + 5 * DAY)
    site.commit([("m1", MIDNIGHT + DAY + 1, 1600.0), ("m1", MIDNIGHT + 3 * DAY + 5 * HOUR + 13 * MIN, 4634.0)])
    await site.reckoner.round()
    other = changed(before, await site.intervals("m1", MIDNIGHT, MIDNIGHT + 5 * DAY))
    assert len(other)
    assert other.min() >= MIDNIGHT + 3 * DAY + 4 * HOUR


async def test_a_meter_that_only_shows_power_has_a_hole_where_it_was_not_read(tmp_path: Path) -> None:
    site = await BenchSite(tmp_path, [meter(reads="power", register=Register())]).start()
    site.commit([("m1", MIDNIGHT + minute * MIN, 6_000.0) for minute in range(121) if not 30 < minute < 75])
    await site.reckoner.round()
    found = await site.intervals("m1", MIDNIGHT, MIDNIGHT + 2 * HOUR)
    assert [None if each.value is None else float(each.value) for each in found] == [
        1.5, 1.5, None, None, None, 1.5, 1.5, 1.5,
    ]  # fmt: skip
    await site.close()


async def test_a_meter_that_cannot_be_counted_is_named_and_holds_up_no_other(tmp_path: Path) -> None:
    site = await BenchSite(tmp_path, [meter(), meter("m2", Register(resolution=Decimal("0.00000001")))]).start()
    site.commit(minutes(MIDNIGHT, MIDNIGHT + HOUR))
    assert len(await site.reckoner.round()) == 1
    assert "6 decimals" in site.reckoner.faults[SITE, "m2"]
    await site.close()


# Each try opens two stores: shrinking would take minutes.
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
@given(made=registers(most=50, first=10), data=st.data())
def test_whatever_the_order_of_arrival_days_at_rest_are_the_same(
    made: Made, data: st.DataObject, tmp_path_factory
) -> None:
    """Readings arrive in random lots, with rounds and restarts in between; against all of them at once."""
    places = data.draw(st.permutations(range(len(made.readings))))
    cuts = sorted(data.draw(st.lists(st.integers(1, len(places)), max_size=5)))
    restarts = data.draw(st.lists(st.booleans(), min_size=len(cuts) + 1, max_size=len(cuts) + 1))
    lots = [list(places[a:b]) for a, b in zip([0, *cuts], [*cuts, len(places)], strict=True) if a < b]
    asyncio.run(_arrive(made, lots, restarts, tmp_path_factory))


async def test_late_readings_of_a_day_before_yesterday_leave_what_earlier_late_ones_left(site: BenchSite) -> None:
    """After a gap of two days its beginning comes, one reading after the other."""
    site.commit([*minutes(MIDNIGHT, MIDNIGHT + 6 * HOUR), ("m1", MIDNIGHT + 60 * HOUR, 3600.0)])
    await site.reckoner.round()
    for minute, reading in ((605, 1000.0), (635, 1020.0)):
        site.commit([("m1", MIDNIGHT + minute * MIN, reading)])
        await site.reckoner.round()
    assert await total(site, MIDNIGHT, MIDNIGHT + 10 * HOUR) == pytest.approx(359 + 641 * 241 / 246)
    assert await total(site) == 3600


def test_readings_around_a_rollover_arrive_late_and_a_replacement_follows(tmp_path_factory) -> None:
    """Of the rolled over register there is one reading, where the ratio changes; then it was taken out."""
    full, wrong, new, low = 999.99, 50_999.99, 12.66, 12.63
    shown = [
        (465, full), (14_423_553, full), (14_435_442, full), (14_441_672, full), (18_041_672, wrong),
        (18_042_672, full), (18_102_672, wrong), (18_103_672, full), (67_836_499, 0.0), (68_053_046, new),
        (75_998_322, low), (75_999_322, new), (76_059_322, low), (76_060_322, new), (110_000_952, new),
        (110_002_625, new), (110_003_964, new), *[(110_003_964 + more * MIN, new) for more in range(1, 6)],
    ]  # fmt: skip
    records = [
        Ratio(at=T0 + 67_836_499, ct=Decimal(80)),
        Replaced(at=T0 + 68_053_046, final=Decimal(0), initial=Decimal("12.66")),
        Ratio(at=T0 + 110_000_952, ct=Decimal(20)),
        Ratio(at=T0 + 110_003_964, ct=Decimal(1)),
    ]
    made = Made([(T0 + after, value) for after, value in shown], records, 10_000)
    lots = [[7, 6, 10, 0, 17, 18, 14, 12, 4, 21, 2, 16, 1, 5, 9], [13, 11, 3, 19, 8, 15, 20]]
    asyncio.run(_arrive(made, lots, [True, True], tmp_path_factory))


async def _arrive(made: Made, lots: list[list[int]], restarts: list[bool], tmp_path_factory) -> None:
    since, until = floor(made.readings[0][0]) - DAY, ceil(made.end) + DAY
    rows = [("m1", at, value) for at, value in made.readings]
    found = []
    for how in ([*lots], [list(range(len(rows)))]):
        site = await BenchSite(tmp_path_factory.mktemp("site"), [meter(register=REGISTER)]).start()
        for what in made.records:
            await site.book.add_record(SITE, "m1", what, Stretch(SITE, "m1", 0, 1), now=1, by="w", why="w")
        await site.take()
        for lot, restart in zip(how, restarts, strict=False):
            site.commit([rows[place] for place in sorted(lot)])
            await site.reckoner.round()
            if restart:
                site.reckoner = site.new_reckoner()
                await site.take()
        found.append((await site.intervals("m1", since, until), await site.days.days(SITE, "m1", 0, FOREVER)))
        await site.close()
    (intervals, days), (wanted, wanted_days) = found
    assert not len(changed(wanted, intervals))
    assert int(intervals.micro.sum()) == made.micro
    assert [(day.day, day.state, day.events) for day in days] == [
        (day.day, day.state, day.events) for day in wanted_days
    ]
    assert np.array_equal(intervals.covered_ms, wanted.covered_ms)


async def test_a_gap_is_given_another_shape_when_people_say_that_its_day_was_a_holiday(site: BenchSite) -> None:
    """On workdays the load is in the afternoon, at weekends before noon; a Wednesday was not read."""

    def register(at: int) -> float:
        total = 0.0
        for number in range((at - MIDNIGHT) // DAY + 1):
            first = MIDNIGHT + number * DAY
            begin = first + (6 if (number + 1) % 7 in (5, 6) else 14) * HOUR
            total += max(0, min(at, begin + 4 * HOUR) - begin) / HOUR * 20.0
        return total

    gap = (MIDNIGHT + 15 * DAY + 2 * HOUR, MIDNIGHT + 15 * DAY + 22 * HOUR)
    rows = [
        ("m1", at, register(at)) for at in range(MIDNIGHT, MIDNIGHT + 17 * DAY, 10 * MIN) if not gap[0] <= at < gap[1]
    ]
    site.commit(rows)
    await site.reckoner.round()

    async def share_before_noon() -> float:
        found = await site.intervals("m1", MIDNIGHT + 15 * DAY, MIDNIGHT + 16 * DAY)
        assert int(found.micro.sum()) == 80 * MICRO
        return int(found.micro[:48].sum()) / (80 * MICRO)

    assert await share_before_noon() == 0
    site.holiday(date(2026, 10, 7), "holiday")
    done = await site.reckoner.round()
    assert await share_before_noon() == 1
    assert {each.meter for each in done} == {"m1"}
    assert await site.reckoner.round() == []
    site.holiday(date(2026, 12, 25), "holiday")  # replaces the first: the bench keeps one
    site.reckoner = site.new_reckoner()  # a collector that starts again sees it, too
    await site.take()
    await site.reckoner.round()
    assert await share_before_noon() == 0


async def test_days_that_are_too_old_are_forgotten_but_a_meters_last_one_never(site: BenchSite) -> None:
    site.commit(minutes(MIDNIGHT, MIDNIGHT + 5 * DAY, step=10 * MIN))
    await site.reckoner.round()
    assert await site.days.forget_before(MIDNIGHT + 2 * DAY, at_most=1) == 1
    assert await site.days.forget_before(MIDNIGHT + 2 * DAY) == 1
    left = await site.days.days(SITE, "m1", 0, FOREVER)
    assert [day.day for day in left] == [MIDNIGHT + number * DAY for number in (2, 3, 4)]
    assert await site.days.forget_before(FOREVER) == 2
    site.commit(minutes(MIDNIGHT + 5 * DAY, MIDNIGHT + 6 * DAY, begin=5 * 24 * 60.0, step=10 * MIN))
    await site.reckoner.round()
    assert await total(site, MIDNIGHT + 4 * DAY) == pytest.approx(60 * (48 - 1 / 6))
