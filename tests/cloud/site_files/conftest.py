"""Nine gateways of two sites."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cloud.registry.database import Database
from protocols.clock import ManualClock
from tests.cloud.site_files.many_gateways import ManyGateways

NAMES = [f"east/b{n}" for n in range(5)] + [f"west/c{n}" for n in range(4)]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_790_000_000_000)


Begin = Callable[..., Awaitable[ManyGateways]]


@pytest.fixture
def begin(tmp_path: Path, database: Database, clock: ManualClock) -> Begin:
    async def begun(names: list[str] = NAMES) -> ManyGateways:
        many = ManyGateways(names, database, tmp_path, clock)
        await many.begin()
        await many.enrol()
        return many

    return begun
