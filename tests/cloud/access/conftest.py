"""The clock of the site, which a test moves."""

import pytest

from protocols.clock import ManualClock
from tests.cloud.access.site import NOW


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)
