"""The clock of the site, which a test moves."""

import pytest

from protocols.clock import ManualClock
from tests.cloud.access.site import NOW


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What holds of records holds on both registries."""
    if "database" in metafunc.fixturenames and metafunc.module.__name__.endswith("test_register"):
        metafunc.parametrize("registry_kind", ["sqlite", "postgresql"])
