"""What several tests of the collector stand on."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloud.registry.database import Database
from protocols.clock import ManualClock


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy: migrations take a fifth of a second."""
    path = tmp_path_factory.mktemp("registry") / "registry.sqlite"

    async def make() -> None:
        database = Database(path, ManualClock())
        await database.open()
        await database.close()

    asyncio.run(make())
    return path


@pytest.fixture
async def database(tmp_path: Path, clock: ManualClock, empty_registry: Path) -> AsyncIterator[Database]:
    """An open registry. The test's folder gives the ``clock``."""
    shutil.copy(empty_registry, tmp_path / "registry.sqlite")
    database = Database(tmp_path / "registry.sqlite", clock)
    await database.open()
    yield database
    await database.close()
