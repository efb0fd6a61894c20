"""A clock that the test moves, and passwords."""

from collections.abc import AsyncIterator

import pytest

from cloud.registry.passwords import Passwords
from protocols.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    passwords = Passwords()
    yield passwords
    passwords.close()
