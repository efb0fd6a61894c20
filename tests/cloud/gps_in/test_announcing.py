"""The collector's own gateway: what it is told to be, how often, and that it never looks offline while it lives."""

import asyncio
from itertools import pairwise

import pytest

from cloud.alarms.settings import DEFAULTS
from cloud.gps_in.announcing import Announcing
from cloud.gps_in.intake import TELL_EVERY_S, Intake
from cloud.gps_in.trackers import Trackers
from cloud.ingest.fading import FadingAlarms
from cloud.registry.database import Database
from cloud.registry.tokens import Tokens
from cloud.store.contract import GatewayKey
from protocols.birth import Birth
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from protocols.status import Status
from tests.cloud.ingest.rig import Alarms
from tests.waiting import until


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_790_000_000_000)


class Heard:
    """Stands where the ingest path does."""

    def __init__(self) -> None:
        self.births: list[Birth] = []
        self.lives: list[tuple[GatewayKey, int]] = []
        self.failing, self.tries = False, 0

    async def announce_own(self, key: GatewayKey, birth: Birth | None, status: Status) -> None:
        self.tries += 1
        if self.failing:
            raise StoreUnavailable("planted")
        if birth is not None:
            self.births.append(birth)
        assert status.state == "online"
        self.lives.append((key, status.at))


async def test_a_birth_comes_when_trackers_change_and_a_sign_of_life_each_time(
    database: Database, clock: ManualClock
) -> None:
    trackers, heard = Trackers(Tokens(database, clock)), Heard()
    announcing = Announcing(trackers, heard, clock)
    await announcing.tell()
    assert (heard.births, heard.lives) == ([], []), "no phones, no gateway"
    await trackers.add("east/phone-1", "王敏的手机")
    await announcing.tell()
    await announcing.tell()
    assert [[device.name for device in birth.devices] for birth in heard.births] == [["王敏的手机"]]
    assert len(heard.lives) == 2
    await trackers.add("west/phone-1")
    tracker, _ = await trackers.add("east/phone-2")
    await announcing.tell()
    assert [(birth.site, len(birth.devices)) for birth in heard.births[1:]] == [("east", 2), ("west", 1)]
    assert announcing.knows("east", "phone-2")
    await Tokens(database, clock).revoke(tracker.token)
    await announcing.tell()
    assert not announcing.knows("east", "phone-2")
    assert len(heard.births[-1].devices) == 1


async def test_it_says_that_it_lives_more_often_than_any_site_calls_a_gateway_silent(
    database: Database, clock: ManualClock
) -> None:
    """Also while no position comes, and after what failed once."""
    assert min(30.0, DEFAULTS.gateway_silent_s) >= 2 * TELL_EVERY_S
    trackers, heard = Trackers(Tokens(database, clock)), Heard()
    await trackers.add("east/phone-1")
    announcing = Announcing(trackers, heard, clock)
    intake = Intake(heard, heard, announcing, FadingAlarms(Alarms(), clock), clock)  # type: ignore[arg-type]
    task = asyncio.create_task(intake.look_after(), name="look after")
    for number in range(1, 11):
        await until(lambda number=number: heard.tries == number, within_s=30)
        heard.failing = number + 1 in (3, 4)
        await clock.advance(TELL_EVERY_S)
    times = [at for _, at in heard.lives]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gaps = [after - before for before, after in pairwise(times)]
    assert sorted(gaps)[-2:] == [TELL_EVERY_S * 1000, 3 * TELL_EVERY_S * 1000]
