"""What several tests of the collector stand on."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cloud.registry.database import Database
from cloud.registry.postgres import PostgresDatabase
from protocols.clock import ManualClock
from tests.postgres_server import PostgresServer


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own, started when a test asks for it."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def registry_kind() -> str:
    """On what ``database`` stands. All of the collector's tests can be run on a server: DAYUAN_TEST_REGISTRY."""
    return os.environ.get("DAYUAN_TEST_REGISTRY", "sqlite")


@pytest.fixture
async def database(
    tmp_path: Path, clock: ManualClock, empty_registry: Path, registry_kind: str, request: pytest.FixtureRequest
) -> AsyncIterator[Database]:
    """An open registry. The test's folder gives the ``clock``."""
    if registry_kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        on_server = PostgresDatabase(server.place(), clock)
        await on_server.open()
        yield on_server
        await on_server.close()
        return
    shutil.copy(empty_registry, tmp_path / "registry.sqlite")
    database = Database(tmp_path / "registry.sqlite", clock)
    await database.open()
    yield database
    await database.close()
