"""Closing days on a real registry: what was said stays, what is found out later is told, and amended by reversal."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from cloud.energy.closing import KIND, Closing
from cloud.energy.contract import MICRO, EnergyFault
from cloud.energy.feature import Energy
from cloud.energy.ledger import check_numbers, standing, sum_of
from cloud.energy.structure import Meter, Structure
from cloud.registry.energy_ledger_book import EnergyLedgerBook
from tests.cloud.energy.bench_site import SITE, BenchSite
from tests.cloud.energy.test_reckoner import DAY, HOUR, MIDNIGHT, MIN, meter, minutes

DAYS = date(2026, 9, 22), date(2026, 9, 25)
THREE = (MIDNIGHT, MIDNIGHT + 3 * DAY)
TWICE = Meter(id="twice", name="Twice", role="virtual", reads="virtual", expression="[m1] * 2")


class Board:
    """Alarms, by kind and source."""

    def __init__(self) -> None:
        self.raised: dict[tuple[str, str], Mapping[str, object]] = {}

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, object]) -> None:
        self.raised[kind, source] = args

    def clear_alarm(self, kind: str, source: str) -> None:
        self.raised.pop((kind, source), None)


class Kept:
    """What is kept beside a period: which intervals it was asked of."""

    async def of(self, site, meters, since, until):
        return {"kwh": {meter: int(known.micro.sum()) // MICRO for meter, known in meters.items()}}


@pytest.fixture
async def site(tmp_path: Path):
    site = await BenchSite(tmp_path, [meter()]).start()
    rows = minutes(MIDNIGHT, MIDNIGHT + 4 * DAY, step=10 * MIN)
    site.commit([row for row in rows if row[1] not in (MIDNIGHT + DAY, MIDNIGHT + 30 * HOUR)])
    site.clock._wall_ms = float(MIDNIGHT + 10 * DAY)
    yield site
    await site.close()


class Bench:
    """Energy with its ledger on a bench site."""

    def __init__(self, site: BenchSite) -> None:
        self.site, self.board = site, Board()
        self.energy = Energy(site.book, site.days, site.reckoner, site.store, site.calendar, site.clock)
        self.ledger = EnergyLedgerBook(site.database)
        self.closing = self.opened()

    def opened(self) -> Closing:
        return Closing(self.energy, self.ledger, Kept(), self.site.calendar, self.board, self.site.clock)

    async def start(self) -> "Bench":
        await self.energy.open()
        structure = Structure(meters=(*self.site.meters, TWICE))
        await self.energy.put_structure(SITE, structure, rev=0, by="wang", why="first")
        await self.site.reckoner.round()
        return self

    async def round(self) -> None:
        await self.site.reckoner.round()
        await self.closing.look()

    async def close(self, *days: date, meters=("m1",)):
        return await self.closing.close(SITE, *(days or DAYS), meters, by="li", why="September")


async def late_reading(bench: Bench) -> None:
    """The register rose sooner on the second day."""
    bench.site.commit([("m1", MIDNIGHT + 31 * HOUR + 13 * MIN, 31 * 60.0 + 14)])
    await bench.round()


async def late_correction(bench: Bench) -> None:
    """At the end of the first day the register stood a kilowatt-hour higher than it was thought."""
    bench.site.commit([("m1", MIDNIGHT + DAY, 24 * 60.0 + 1)])
    await bench.round()


async def test_a_closed_day_changes_only_by_reversal_and_each_version_can_be_told(site: BenchSite) -> None:
    bench = await Bench(site).start()
    closed = await bench.close()
    posted = await bench.closing.entries(SITE, closed)
    assert [entry.kind for entry in posted] == ["posting"] * 3
    assert sum_of(posted) == 3 * 24 * 60 * MICRO
    assert closed.period.snapshot["kwh"] == {"m1": 3 * 24 * 60}
    assert await bench.closing.amend(SITE, closed, None, by="li", why="nothing came") == []

    await late_reading(bench)
    assert [entry.kind for entry in await bench.closing.entries(SITE, closed)] == ["posting"] * 3  # by itself it stays
    changed = await bench.closing.amend(SITE, closed, None, by="li", why="late reading of the second day")
    assert [(entry.kind, entry.version) for entry in changed] == [("reversal", 2), ("correction", 2)]

    book = await bench.closing.entries(SITE, closed)
    check_numbers(book)
    assert sum_of(book, 1) == sum_of(posted)
    assert {key: each.page for key, each in standing(book, 1).items()} == {each.key: each.page for each in posted}
    assert sum_of(book) == sum(each.micro for each in standing(book).values())
    assert [(each.version, each.by, each.why) for each in await bench.ledger.deeds(SITE)] == [
        (2, "li", "late reading of the second day"),
        (1, "li", "September"),
    ]


async def test_what_comes_late_is_told_with_by_how_much_until_it_is_amended(site: BenchSite) -> None:
    bench = await Bench(site).start()
    closed = await bench.close(date(2026, 9, 22), date(2026, 9, 23))
    await late_correction(bench)
    [known] = bench.board.raised.values()
    assert (known["days"], known["by"], known["from"]) == (1, "+1.00 kWh", "2026-09-22")
    sums = (await bench.closing.sums(SITE, closed))["m1"]
    assert ((sums.now or 0) - (sums.stands or 0), sums.stands, sums.differing_days) == (MICRO, sums.closed, 1)

    again = bench.closing = bench.opened()  # a collector that starts again finds it, too
    await again.open()
    bench.board.raised.clear()
    await again.look()
    assert (KIND, f"{SITE}/meter:m1") in bench.board.raised

    await again.amend(SITE, closed, ["m1"], by="li", why="the first reading was found")
    assert bench.board.raised == {}
    sums = (await again.sums(SITE, closed))["m1"]
    assert (sums.stands, sums.differing_days) == (sums.now, 0)
    assert sums.closed == (sums.now or 0) - MICRO


async def test_a_day_of_which_nothing_was_known_is_posted_by_an_amendment(site: BenchSite) -> None:
    bench = await Bench(site).start()
    closed = await bench.close(date(2026, 9, 25), date(2026, 9, 28))
    rows = minutes(MIDNIGHT + 4 * DAY, MIDNIGHT + 6 * DAY, begin=4 * 24 * 60.0, step=10 * MIN)
    site.commit(rows)
    await bench.round()
    assert (await bench.closing.sums(SITE, closed))["m1"].differing_days == 3
    made = await bench.closing.amend(SITE, closed, None, by="li", why="the gateway is back")
    assert [entry.kind for entry in made] == ["reversal", "correction", "posting", "posting"]
    sums = (await bench.closing.sums(SITE, closed))["m1"]
    assert (sums.stands, sums.differing_days) == (sums.now, 0)


async def test_a_virtual_meter_is_closed_and_told_of_when_its_parts_change(site: BenchSite) -> None:
    bench = await Bench(site).start()
    closed = await bench.close(date(2026, 9, 22), date(2026, 9, 23), meters=None)
    assert set(closed.period.meters) == {"m1", "twice"}
    await late_correction(bench)
    assert bench.board.raised[KIND, f"{SITE}/meter:twice"]["by"] == "+2.00 kWh"


async def test_what_is_closed_is_not_closed_again(site: BenchSite) -> None:
    bench = await Bench(site).start()
    await bench.close()
    with pytest.raises(EnergyFault, match="already closed"):
        await bench.close(date(2026, 9, 24), date(2026, 9, 26))
    assert len(await bench.ledger.entries(SITE, ["m1"], 0, 2**53)) == 3
    assert len(await bench.ledger.deeds(SITE)) == len(bench.closing.periods(SITE)) == 1


@pytest.mark.parametrize(
    ("days", "meters", "why"),
    [
        ((date(2026, 1, 1), date(2026, 1, 2)), ["m1"], "nothing is known"),
        ((date(2026, 9, 22), date(2026, 10, 22)), ["m1"], "not over yet"),
        ((date(2026, 9, 22), date(2026, 9, 22)), ["m1"], "1 to 400 days"),
        ((date(2026, 9, 22), date(2026, 9, 23)), ["m9"], "no meter 'm9'"),
        ((date(2026, 9, 22), date(2026, 9, 23)), [], "0 meters"),
    ],
)
async def test_what_cannot_be_closed_is_refused(site: BenchSite, days, meters, why: str) -> None:
    bench = await Bench(site).start()
    with pytest.raises(EnergyFault, match=why):
        await bench.close(*days, meters=meters)
    assert await bench.ledger.deeds(SITE) == []
