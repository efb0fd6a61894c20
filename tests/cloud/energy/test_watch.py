"""What somebody must act on: raised once for each meter and cause, and ended by what explains it."""

from decimal import Decimal
from pathlib import Path

import pytest

from cloud.alarms.kinds import texts
from cloud.energy.contract import Confirmed, Ratio, Register, Replaced
from cloud.energy.feature import Energy
from cloud.energy.structure import Meter, Structure
from cloud.energy.watch import Demand, EnergyWatch, Judges, QuotaAhead
from tests.cloud.energy.bench_site import SITE, BenchSite, Row
from tests.cloud.energy.test_closing import Board
from tests.cloud.energy.test_reckoner import DAY, HOUR, MIDNIGHT, MIN, PLAIN, meter, minutes

STEP = 10 * MIN


class Bench:
    """A watch over a bench site; what others judge is what the test says."""

    def __init__(self, site: BenchSite) -> None:
        self.site, self.board = site, Board()
        self.demands: list[Demand] = []
        self.quotas: list[QuotaAhead] = []
        self.still: tuple[int, float] | None = None
        self.energy = Energy(site.book, site.days, site.reckoner, site.store, site.calendar, site.clock)

        async def frozen(_site, _intervals):
            return self.still

        async def demands(_site):
            return self.demands

        async def quotas(_site):
            return self.quotas

        judges = Judges(frozen, demands, quotas)
        self.watch = EnergyWatch(self.energy, site.days, site.calendar, judges, self.board, site.clock)

    async def look(self, rows: list[Row] = [], now: int = 0) -> dict[tuple[str, str], dict[str, object]]:  # noqa: B006
        if rows:
            self.site.commit(rows)
        if now:
            self.site.clock._wall_ms = float(now)
        await self.site.reckoner.round()
        await self.watch.look(slow=True)
        for (kind, source), args in self.board.raised.items():
            for said in texts(kind, source, args).values():  # type: ignore[arg-type]
                assert "?" not in said, said
        return {key: dict(args) for key, args in self.board.raised.items()}


async def bench_of(folder: Path, *meters: Meter) -> Bench:
    site = await BenchSite(folder, list(meters)).start()
    bench = Bench(site)
    await bench.energy.open()
    await bench.energy.put_structure(SITE, Structure(meters=meters), rev=0, by="wang", why="first")
    return bench


@pytest.fixture
async def bench(tmp_path: Path):
    bench = await bench_of(tmp_path, meter())
    yield bench
    await bench.site.close()


async def test_a_reset_is_an_alarm_until_somebody_records_why(bench: Bench) -> None:
    change, now = MIDNIGHT + 30 * HOUR, MIDNIGHT + 40 * HOUR
    rows = minutes(MIDNIGHT, change, step=STEP) + minutes(change, now, begin=7.0, step=STEP)
    found = await bench.look(rows, now)
    assert found["energy_reset", "east/meter:m1"]["after"] == "7.000"
    assert found["energy_reset", "east/meter:m1"]["count"] == 1
    what = Replaced(at=change - 30_000, final=Decimal("1799.5"), initial=Decimal("6.5"))
    await bench.energy.record(SITE, "m1", what, by="wang", why="form 7")
    assert await bench.look() == {}


async def test_an_advance_nobody_can_believe_is_an_alarm_until_it_is_confirmed(bench: Bench) -> None:
    jump, now = MIDNIGHT + 10 * HOUR, MIDNIGHT + DAY
    found = await bench.look(minutes(MIDNIGHT, jump, step=STEP) + minutes(jump, now, begin=50_000.0, step=STEP), now)
    assert found["energy_suspect", "east/meter:m1"]["at"] == "09-22 10:20"
    await bench.energy.record(SITE, "m1", Confirmed(since=jump - STEP, until=jump), by="wang", why="seen")
    assert await bench.look() == {}


async def test_a_final_reading_below_what_was_read_is_an_alarm_until_it_is_corrected(bench: Bench) -> None:
    change, now = MIDNIGHT + 10 * HOUR, MIDNIGHT + DAY
    rows = minutes(MIDNIGHT, change, step=STEP) + minutes(change, now, begin=7.0, step=STEP)
    wrong = Replaced(at=change - 30_000, final=Decimal("99.5"), initial=Decimal("6.5"))
    number = await bench.energy.record(SITE, "m1", wrong, by="wang", why="form 7")
    assert ("energy_record_conflict", "east/meter:m1") in await bench.look(rows, now)
    await bench.energy.revoke(SITE, number, by="wang", why="read wrongly")
    right = Replaced(at=change - 30_000, final=Decimal("599.5"), initial=Decimal("6.5"))
    await bench.energy.record(SITE, "m1", right, by="wang", why="form 7a")
    assert await bench.look() == {}


async def test_a_meter_without_readings_is_an_alarm_after_two_hours_and_until_the_next_one(bench: Bench) -> None:
    end = MIDNIGHT + DAY
    assert await bench.look(now=end) == {}  # never read yet: that is commissioning
    assert await bench.look(minutes(MIDNIGHT, end, step=STEP), end + HOUR) == {}
    found = await bench.look(now=end + 5 * HOUR)
    assert found["energy_missing", "east/meter:m1"]["since"] == "09-22 23:50"
    assert found["energy_missing", "east/meter:m1"]["hours"] == 5
    assert (await bench.look(now=end + 5 * DAY))["energy_missing", "east/meter:m1"]["hours"] == 120
    assert await bench.look([("m1", end + 5 * DAY, 8000.0)], end + 5 * DAY + HOUR) == {}


async def test_what_others_find_is_an_alarm_of_its_meter_until_they_find_it_no_more(bench: Bench) -> None:
    now = MIDNIGHT + DAY
    bench.still = (MIDNIGHT, 9.5)
    bench.demands = [Demand("m1", 95.0, MIDNIGHT + HOUR, 100.0, 105.0)]
    bench.quotas = [QuotaAhead("space:b3", "B3", 2026, True, "60 kWh", "100 kWh", 0.6, 0.5, "120 kWh")]
    found = await bench.look(minutes(MIDNIGHT, now, step=STEP), now)
    assert found["energy_frozen", "east/meter:m1"]["hours"] == 9
    assert found["energy_demand_near", "east/meter:m1"]["share"] == "95%"
    assert found["energy_quota_ahead", "east/space:b3"]["expected"] == "50.0%"
    assert len(found) == 3
    bench.still = None
    bench.demands = [Demand("m1", 89.0, MIDNIGHT + HOUR, 100.0, 105.0)]
    bench.quotas = [bench.quotas[0]._replace(ahead=False)]
    assert await bench.look() == {}


async def test_a_gap_of_a_week_is_an_alarm_that_names_its_suspect(tmp_path: Path) -> None:
    main = meter("main", role="main", accuracy=Decimal("0.5"))
    children = [meter(name, parent="main", accuracy=Decimal("0.5")) for name in ("m1", "m2")]
    bench = await bench_of(tmp_path, main, *children)
    now, rows = MIDNIGHT + 9 * DAY, []
    totals = {"main": 0.0, "m1": 0.0, "m2": 0.0}
    for at in range(MIDNIGHT, now + STEP, STEP):
        rows += [(name, at, value) for name, value in totals.items()]
        hour = (at - MIDNIGHT) // HOUR
        one, other = 10.0 + hour % 24, 6.0 + hour % 5
        totals["main"] += one + other
        totals["m1"] += one
        totals["m2"] += other / 2  # its transformer's ratio was never entered
    found = await bench.look(rows, now)
    gap = found["energy_balance_gap", "east/meter:main"]
    assert "m2 has a wrong multiplier" in str(gap["suspect"])
    assert "倍率" in str(gap["suspect_zh"])
    await bench.energy.record(SITE, "m2", Ratio(at=MIDNIGHT, ct=Decimal(2)), by="wang", why="100/5 was seen")
    assert await bench.look() == {}
    await bench.site.close()


async def test_a_meter_that_cannot_be_counted_is_an_alarm(tmp_path: Path) -> None:
    site = await BenchSite(
        tmp_path, [meter("m1", PLAIN), meter("m2", Register(resolution=Decimal("0.00000001")))]
    ).start()
    bench = Bench(site)
    await bench.energy.open()
    site.clock._wall_ms = float(MIDNIGHT)
    bench.energy.reckoner._faults[SITE, "m1"] = "a last digit is worth nothing"
    bench.energy._structures[SITE] = bench.energy.structure(SITE)._replace(structure=Structure(meters=(meter(),)))
    await bench.watch.look(slow=False)
    assert bench.board.raised["energy_cannot_count", "east/meter:m1"]["why"] == "a last digit is worth nothing"
    await site.close()
