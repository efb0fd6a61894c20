"""A registry on disk and a clock that the test moves."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloud.registry.database import Database
from cloud.registry.passwords import Passwords
from protocols.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


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
    shutil.copy(empty_registry, tmp_path / "registry.sqlite")
    database = Database(tmp_path / "registry.sqlite", clock)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    passwords = Passwords()
    yield passwords
    passwords.close()
