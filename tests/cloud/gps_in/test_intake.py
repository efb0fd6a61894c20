"""What the intake does not take, and what it makes one batch of."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from cloud.gps_in.announcing import Announcing
from cloud.gps_in.contract import TOO_OLD, Overloaded, Position, Taken
from cloud.gps_in.intake import WAITING_MAX, Intake
from cloud.gps_in.trackers import Trackers
from cloud.ingest.fading import FadingAlarms
from cloud.registry.database import Database
from cloud.registry.tokens import Tokens
from cloud.store.contract import GatewayKey, Samples
from protocols.batch import open_batch
from protocols.clock import ManualClock
from tests.cloud.gps_in.test_announcing import Heard
from tests.cloud.ingest.rig import Alarms
from tests.waiting import until

NOW = 1_790_000_000_000
KEPT_MS = 60 * 86_400_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


class Path(Heard):
    """An ingest path and an empty store; batches wait while it is shut."""

    own_full = False

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[GatewayKey, int, int]] = []
        self.open, self.begun = asyncio.Event(), False

    def positions_from(self, now_ms: int) -> int:
        return now_ms - KEPT_MS

    def next_own_seq(self, key: GatewayKey, epoch: str) -> int:
        return 41

    async def store_own(self, key: GatewayKey, epoch: str, seq: int, payload: bytes) -> None:
        self.begun = True
        await self.open.wait()
        self.batches.append((key, seq, open_batch(payload).count))

    async def samples(self, wanted: object, to_at: int) -> Samples:
        none = np.empty(0)
        return Samples(place=none.astype(np.int32), at=none.astype(np.int64), value=none, quality=none.astype(np.uint8))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.gps_in.intake.DURABLE_WITHIN_S", 60.0)


@pytest.fixture
async def path() -> Path:
    return Path()


@pytest.fixture
async def intake(path: Path, database: Database, clock: ManualClock) -> AsyncIterator[Intake]:
    announcing = Announcing(Trackers(Tokens(database, clock)), path, clock)
    made = Intake(path, path, announcing, FadingAlarms(Alarms(), clock), clock)  # type: ignore[arg-type]
    task = asyncio.create_task(made.run(), name="intake")
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def here(at: int) -> list[Position]:
    return [Position(at, 30.0, 120.0)]


async def test_all_that_waits_becomes_one_batch_for_each_site(intake: Intake, path: Path) -> None:
    first = asyncio.create_task(intake.take("east", "p0", here(NOW)), name="first")
    await until(lambda: path.begun, within_s=30)
    names = [(site, f"p{n}") for n in range(20) for site in ("east", "west")]
    rest = [asyncio.create_task(intake.take(site, name, here(NOW)), name=name) for site, name in names]
    await until(lambda: intake._waiting.qsize() == 40, within_s=30)
    path.open.set()
    taken = await asyncio.gather(first, *rest)
    assert sum(each.stored for each in taken) == 40
    assert sum(each.repeated for each in taken) == 1, "p0 of the east came twice"
    told = [(key.site, seq, count) for key, seq, count in path.batches]
    assert told == [("east", 41, 2), ("east", 42, 38), ("west", 41, 40)]


async def test_what_is_over_the_queue_is_refused_and_what_is_in_it_is_not(intake: Intake, path: Path) -> None:
    first = asyncio.create_task(intake.take("east", "p", here(NOW)), name="first")
    await until(lambda: path.begun, within_s=30)
    rest = [asyncio.create_task(intake.take("east", "p", here(NOW - n)), name="one") for n in range(1, WAITING_MAX + 1)]
    await until(intake._waiting.full, within_s=30)
    with pytest.raises(Overloaded, match="wait already"):
        await intake.take("east", "p", here(NOW - 5_000))
    path.open.set()
    assert set(await asyncio.gather(first, *rest)) == {Taken(1, 0)}


async def test_while_the_collectors_clock_is_not_set_phones_keep_what_they_have(path: Path, database: Database) -> None:
    unset = ManualClock(5_000)
    announcing = Announcing(Trackers(Tokens(database, unset)), path, unset)
    intake = Intake(path, path, announcing, FadingAlarms(Alarms(), unset), unset)  # type: ignore[arg-type]
    with pytest.raises(Overloaded, match="clock is not set"):
        await intake.take("east", "p", here(NOW))


async def test_while_the_path_takes_nothing_none_is_queued(intake: Intake, path: Path) -> None:
    path.own_full = True
    with pytest.raises(Overloaded, match="does not take positions now"):
        await intake.take("east", "p", here(NOW))


async def test_what_is_too_old_to_be_kept_is_named_and_not_called_stored(intake: Intake, path: Path) -> None:
    path.open.set()
    old, near, young = NOW - KEPT_MS - 1, NOW - KEPT_MS + 30_000, NOW - KEPT_MS + 3_600_000
    taken = await intake.take("east", "phone-1", [*here(old), *here(near), *here(young), *here(1)])
    assert (taken.stored, taken.repeated, taken.expired) == (1, 0, 2)
    assert [each.why for each in taken.refused] == [TOO_OLD, TOO_OLD, "before the year 2000"]
    assert (intake.stored, intake.refused, intake.expired) == (1, 1, 2)
    (batch,) = path.batches
    assert batch[2] == 2
