"""Roll-ups against a reckoning that is too simple to be wrong, with readings that come late and in any order."""

import asyncio
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.store.contract import ReadingsQuery, SeriesKey, Step
from cloud.store.duckdb_store import DuckdbStore
from protocols.clock import ManualClock
from tests.cloud.store.works import DAY, ENERGY, NAMES, POWER, work

ZONE = "Europe/Berlin"
START = int(datetime(2026, 10, 24, 20, tzinfo=UTC).timestamp() * 1000)
"""The night in which Berlin's day has 25 hours."""
SPAN = 30 * 3_600_000
STALE = {POWER: 400_000, ENERGY: 5_000_000}


class Facts:
    def stale_after_ms(self, key: SeriesKey) -> int:
        return STALE[key]

    def time_zone(self, site: str) -> str:
        return ZONE


class Taken(NamedTuple):
    at: int
    value: float | None


def buckets(step: Step) -> Iterator[tuple[int, int]]:
    """All buckets of a step around the time of the test."""
    if step != "1d":
        length = {"15m": 900_000, "1h": 3_600_000}[step]
        first = START // length * length - DAY // length * length
        for n in range(5 * DAY // length):
            yield first + n * length, first + (n + 1) * length
        return
    day = datetime.fromtimestamp(START / 1000, ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
    for n in range(-1, 4):
        edges = [datetime.combine(day.date() + timedelta(days=n + k), day.time(), ZoneInfo(ZONE)) for k in (0, 1)]
        yield int(edges[0].timestamp() * 1000), int(edges[1].timestamp() * 1000)


def reckon(taken: list[Taken], stale: int, step: Step) -> list[tuple[object, ...]]:
    """The roll-up by its definition, one bucket after the other, from all readings."""
    ordered = sorted(taken, key=lambda one: one.at)
    rows: list[tuple[object, ...]] = []
    for start, stop in buckets(step):
        parts: list[tuple[float, int]] = []
        count = 0
        for place, one in enumerate(ordered):
            after = ordered[place + 1].at if place + 1 < len(ordered) else 2**60
            begins, ends = max(start, one.at), min(stop, after, one.at + stale)
            if one.value is None or ends <= begins:
                continue
            parts.append((one.value, ends - begins))
            count += one.at >= start
        if parts:
            values = [value for value, _ in parts]
            held = sum(length for _, length in parts)
            mean = sum(value * length for value, length in parts) / held
            rows.append((start, min(values), max(values), mean, values[-1], count, round(held / (stop - start), 6)))
    return rows


def same(found: list[tuple[object, ...]], wanted: list[tuple[object, ...]]) -> bool:
    if len(found) != len(wanted):
        return False
    for one, other in zip(found, wanted, strict=True):
        if one[:3] != other[:3] or one[4:6] != other[4:6]:
            return False
        if not math.isclose(float(str(one[3])), float(str(other[3])), rel_tol=1e-9, abs_tol=1e-9):
            return False
        if abs(float(str(one[6])) - float(str(other[6]))) > 2e-6:
            return False
    return True


@contextmanager
def opened() -> Iterator[DuckdbStore]:
    with tempfile.TemporaryDirectory() as folder:
        store = DuckdbStore(Path(folder), ManualClock(), facts=Facts(), roll_up_every_s=0)
        store.open()
        try:
            store.commit(NAMES)
            yield store
        finally:
            store.close()


times = st.one_of(
    st.integers(0, SPAN),
    st.integers(0, SPAN // 900_000).map(lambda n: n * 900_000),
    st.integers(0, SPAN // 3_600_000).map(lambda n: n * 3_600_000 - 1),
)
readings = st.lists(
    st.tuples(st.sampled_from([0, 1]), times, st.one_of(st.none(), st.integers(-50, 50).map(float))), max_size=12
)
steps = st.lists(st.one_of(readings, st.just("maintain")), min_size=1, max_size=8)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_rollups_equal_the_reckoning_whenever_late_readings_come(script: list[object]) -> None:
    async def play() -> None:
        with opened() as store:
            taken: dict[int, dict[int, Taken]] = {0: {}, 1: {}}
            number = 0
            for step in script:
                if step == "maintain":
                    await store.maintain(START + SPAN)
                    continue
                assert isinstance(step, list)
                fresh = []
                for series, offset, value in step:
                    at = START + offset
                    if at not in taken[series]:
                        taken[series][at] = Taken(at, value)
                        fresh.append((series, at, value))
                number += 1
                store.commit(work(number, fresh))
            await compare(store, taken)
            await store.maintain(START + SPAN)
            await compare(store, taken)

    asyncio.run(play())


async def compare(store: DuckdbStore, taken: dict[int, dict[int, Taken]]) -> None:
    for series, key in ((0, POWER), (1, ENERGY)):
        for step in ("15m", "1h", "1d"):
            page = await store.readings(
                ReadingsQuery(
                    site="east", device="m1", point=key.point, from_at=START - 2 * DAY, to_at=START + 4 * DAY, step=step
                )
            )
            wanted = reckon(list(taken[series].values()), STALE[key], step)
            assert same(page.rows, wanted), (step, page.rows, wanted)
