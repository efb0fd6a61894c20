"""A compound at nine in the morning."""

import pytest

from cloud.registry.database import Database
from protocols.clock import ManualClock
from tests.cloud.dispatch.rig import NINE, Rig


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NINE)


@pytest.fixture
async def rig(database: Database, clock: ManualClock) -> Rig:
    rig = Rig(database, clock)
    await rig.dispatch.open()
    return rig
