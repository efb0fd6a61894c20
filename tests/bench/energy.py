"""Energy: a meter's year worked out anew, five hundred meters kept up, and what pages ask for."""

import asyncio
import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
from msgspec.structs import replace as replace_struct

from cloud.api.answers import json_answer
from cloud.api.energy_overview import Overview
from cloud.energy.contract import BASE_MS, Intervals, Register, State
from cloud.energy.feature import Energy
from cloud.energy.opening import Opening
from cloud.energy.pages import pack, total_of
from cloud.energy.structure import Meter, Space, Structure
from cloud.registry.energy_book import Stretch
from cloud.registry.energy_days_book import Day
from cloud.registry.tariff_book import TariffBook, TariffUse
from cloud.store.contract import BatchRow, CommitWork, ReadingColumns, SeriesKey
from cloud.tariffs.billing import Billing
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.tariff_file import read_tariff, samples
from tests.bench.figures import Figure, median
from tests.cloud.energy.bench_site import POINT, SITE, BenchSite

MIDNIGHT = 1_767_196_800_000
"""2026-01-01 in Asia/Shanghai."""
MIN, DAY = 60_000, 86_400_000
YEAR = 365
METERS = 500
LIVE_ROUNDS = 36
ROUNDS_A_DAY = 288
YEAR_REACH_S = 2.0
MANY = 200
OVERVIEW_REACH_MS, METER_REACH_MS = 300.0, 100.0


def meter(name: str) -> Meter:
    register = Register(resolution=Decimal("0.01"), modulus=Decimal(10_000_000), rated=Decimal(500))
    return Meter(id=name, name=name, device=name, point=POINT, register=register)


def columns(series: np.ndarray, at: np.ndarray, value: np.ndarray, number: int) -> CommitWork:
    n = len(at)
    batch = BatchRow(id=number, gateway=0, epoch="e", seq=number, digest=f"{number:x}", readings=n, events=0,
                     received_at=0)  # fmt: skip
    readings = ReadingColumns(
        series=series.astype(np.int32), at=at, value=value, quality=np.zeros(n, np.uint8), batch=np.full(n, number)
    )
    return CommitWork(stored_at=0, batches=[batch], readings=readings)


async def a_year(folder: Path) -> list[Figure]:
    """One meter, a reading a minute for a year, with an outage of six hours each month and a glitch each day."""
    site = await BenchSite(folder, [meter("m1")]).start()
    at = MIDNIGHT + MIN * np.arange(YEAR * 1440, dtype=np.int64)
    load = 60 + 40 * np.sin(np.arange(len(at)) / 1440 * 2 * np.pi)
    value = np.round(np.cumsum(load / 60), 2)
    value[700::1440] = 0.0
    minute = np.arange(len(at)) % (30 * 1440)
    kept = (minute < 3 * 1440 + 480) | (minute > 3 * 1440 + 840)
    work = columns(np.zeros(int(kept.sum()), np.int64), at[kept], value[kept], 1)
    site.store.commit(replace(work, new_series=[(0, SeriesKey(SITE, "m1", POINT))]))
    took: list[float] = []
    cpu: list[float] = []
    for _ in range(3):
        await site.book.put_structure(
            SITE, _structure(), [Stretch(SITE, "m1", 0, 2**53)], rev=len(took), now=0, by="bench"
        )
        began, spent = time.perf_counter(), time.process_time()
        [done] = await site.reckoner.round()
        took.append(time.perf_counter() - began)
        cpu.append(time.process_time() - spent)
    assert done.until - done.since >= YEAR * DAY
    total = await Opening(site.days, site.store, site.reckoner.more).total(SITE, "m1", MIDNIGHT, MIDNIGHT + YEAR * DAY)
    assert total.micro == round((value[-1] - value[0]) * 1_000_000)
    await site.close()
    return [
        Figure(
            f"a meter's year worked out anew from {int(kept.sum()):,} readings",
            f"{median(took):.2f} s",
            f"< {YEAR_REACH_S:g} s",
            median(took) < YEAR_REACH_S,
            f"{median(cpu):.2f} s of CPU; read, judged, made into intervals, compared and written; three times",
        )
    ]


def _structure() -> Structure:
    return Structure(meters=(meter("m1"),))


async def live(folder: Path) -> list[Figure]:
    """Five hundred meters with a reading a minute, a round every five minutes."""
    site = await BenchSite(folder, [meter(f"m{number}") for number in range(METERS)]).start()
    names = [(number, SeriesKey(SITE, f"m{number}", POINT)) for number in range(METERS)]
    series, cpu, count = np.arange(METERS), 0.0, 0
    begin = MIDNIGHT + 8 * 3_600_000
    for number in range(LIVE_ROUNDS):
        minutes = np.arange(number * 5, number * 5 + 5, dtype=np.int64)
        at = np.repeat(begin + minutes * MIN, METERS)
        value = np.repeat(minutes / 60.0, METERS) * np.tile(series + 1.0, 5)
        work = columns(np.tile(series, 5), at, np.round(value, 2), number + 1)
        site.store.commit(replace(work, new_series=names if number == 0 else []))
        began = time.process_time()
        done = await site.reckoner.round()
        assert len(done) == METERS
        if number >= LIVE_ROUNDS // 3:  # after it has met them all
            cpu += time.process_time() - began
            count += 1
    await site.close()
    a_day = cpu / count * ROUNDS_A_DAY
    return [
        Figure(
            f"upkeep of {METERS} meters for a day, a round every five minutes",
            f"{a_day:.0f} s of CPU",
            "",
            None,
            f"{a_day / 864:.2f} % of a core; {count} rounds measured; with the queries, without ingest",
        )
    ]


async def asked(folder: Path) -> list[Figure]:
    """What pages ask of a year of 200 meters: ten buildings of a main, billed, and nineteen it feeds."""
    site = await BenchSite(folder, []).start()
    await site.book.put_structure(SITE, _buildings(), [], rev=0, now=0, by="bench")
    energy = Energy(site.book, site.days, site.reckoner, site.store, site.calendar, site.clock)
    await energy.open()
    random = np.random.default_rng(1)
    for number in range(MANY):
        days = []
        for day in range(YEAR):
            first = MIDNIGHT + day * DAY
            micro = random.integers(0, 30_000_000, 96)
            full, none = np.full(96, BASE_MS, np.int32), np.zeros(96, np.uint8)
            intervals = Intervals(first, micro, full, none, none)
            days.append(
                Day(SITE, f"m{number}", first, first + DAY, State(), pack(intervals), (), total_of(intervals), False, 0)
            )
        await site.days.put(days)
    names = [f"m{number}" for number in range(MANY)]
    opening = Opening(site.days, site.store, site.reckoner.more)
    overview, one = [], []
    for number in range(15):
        began = time.perf_counter()
        sums = await site.days.sums(SITE, names, MIDNIGHT, MIDNIGHT + YEAR * DAY)
        overview.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        year = await opening.intervals(SITE, names[number * 7], MIDNIGHT, MIDNIGHT + YEAR * DAY)
        one.append((time.perf_counter() - began) * 1000)
    assert len(sums) == MANY and len(year) == YEAR * 96
    first_look, again = await _overviews(site, energy)
    size = (folder / "registry.sqlite").stat().st_size
    await site.close()
    return [
        Figure(f"the overview of a day of {MANY} meters, never looked at before", f"{first_look:.0f} ms",
               f"< {OVERVIEW_REACH_MS:g} ms", first_look < OVERVIEW_REACH_MS,
               f"eleven days of the year, one after the other; {again:.0f} ms when looked at again"),
        Figure(f"the year's totals of {MANY} meters", f"{median(overview):.0f} ms", f"< {OVERVIEW_REACH_MS:g} ms",
               median(overview) < OVERVIEW_REACH_MS, "from days at rest"),
        Figure("a year of intervals of one of them", f"{median(one):.0f} ms", f"< {METER_REACH_MS:g} ms",
               median(one) < METER_REACH_MS, f"35,040 intervals; {size / MANY / 1e6:.2f} MB of disk a meter and year"),
    ]  # fmt: skip


def _buildings() -> Structure:
    spaces, meters = [Space(id="site", kind="site", name="Site")], []
    for number in range(MANY):
        building, main = f"b{number // 20}", f"m{number // 20 * 20}"
        if number % 20 == 0:
            spaces.append(Space(id=building, kind="building", name=building, parent="site"))
        own = {"space": building, "role": "main" if number % 20 == 0 else "sub", "item": "A1" if number % 20 else ""}
        meters.append(replace_struct(meter(f"m{number}"), **own, parent=main if number % 20 else ""))
    return Structure(spaces=tuple(spaces), meters=tuple(meters))


async def _overviews(site: BenchSite, energy: Energy) -> tuple[float, float]:
    """Medians (ms) of days never looked at, and of the same ones again; as the API would send them."""
    desk = TariffDesk(TariffBook(site.database), site.clock)
    await desk.open()
    tariff = await desk.put(SITE, read_tariff(samples()["zhejiang-two-part"]), by="bench")
    await desk.put_uses(SITE, [TariffUse(SITE, f"m{number}", tariff.tariff.id) for number in range(0, MANY, 20)])
    made = Overview(energy, Billing(desk, site.calendar, energy), desk)
    now, looks = MIDNIGHT + YEAR * DAY, []
    for _ in range(2):
        took = []
        for number in range(11):
            day = date(2026, 12, 30) - timedelta(days=30 * number)
            began = time.perf_counter()
            body = json_answer(await made.of(SITE, day, "electricity", now)).body
            took.append((time.perf_counter() - began) * 1000)
            assert len(body) > 10_000
        looks.append(median(took))
    return looks[0], looks[1]


def measure(folder: Path) -> list[Figure]:
    """All of it."""
    figures = []
    for number, part in enumerate((a_year, live, asked)):
        figures += asyncio.run(part(folder / str(number)))
    return figures
