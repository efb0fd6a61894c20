"""Opening, migrating and setting aside the registry's file."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cloud.registry.database import Database, RegistryTooNew
from cloud.registry.schema import METADATA
from cloud.registry.tables import SiteRow
from protocols.clock import ManualClock
from protocols.errors import StoreDamaged, StoreUnavailable


async def test_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    engine = sa.create_engine(f"sqlite:///{database.path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


async def test_what_was_written_is_there_after_opening_again(database: Database, clock: ManualClock) -> None:
    async with database.writing() as session:
        session.add(SiteRow(id="east", first_seen_at=1))
    await database.close()
    again = Database(database.path, clock)
    await again.open()
    async with again.reading() as session:
        assert (await session.get(SiteRow, "east")) is not None
    await again.close()
    assert again.set_aside is None


async def test_an_error_in_a_writing_block_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.writing() as session:
            session.add(SiteRow(id="east", first_seen_at=1))
            await session.flush()
            raise RuntimeError
    async with database.reading() as session:
        assert (await session.get(SiteRow, "east")) is None


async def test_commits_are_on_disk_before_they_return(database: Database) -> None:
    async with database.writing() as session:
        assert (await session.execute(sa.text("PRAGMA synchronous"))).scalar() == 2
        assert (await session.execute(sa.text("PRAGMA journal_mode"))).scalar() == "wal"


@pytest.mark.parametrize("damage", ["garbage", "torn page", "empty tables gone"])
async def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, clock: ManualClock, damage: str) -> None:
    path = tmp_path / "registry.sqlite"
    first = Database(path, clock)
    await first.open()
    await first.close()
    if damage == "garbage":
        path.write_bytes(b"this is no database" * 1000)
    elif damage == "torn page":
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 12_000)
    else:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET rootpage=999 WHERE name='users'")
        connection.commit()
        connection.close()
    second = Database(path, clock)
    await second.open()
    assert second.set_aside is not None
    assert second.set_aside.exists()
    async with second.reading() as session:
        assert (await session.get(SiteRow, "east")) is None
    await second.close()


async def test_a_tool_beside_the_collector_does_not_replace_a_damaged_file(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StoreDamaged):
        await Database(path, clock).open(replace_damaged=False)
    assert list(tmp_path.iterdir()) == [path]


async def test_a_file_of_a_newer_version_is_left_alone(database: Database, clock: ManualClock) -> None:
    await database.close()
    connection = sqlite3.connect(database.path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(RegistryTooNew):
        await Database(database.path, clock).open()
    assert database.path.exists()


async def test_the_file_is_for_its_owner_only(database: Database) -> None:
    assert database.path.stat().st_mode & 0o077 == 0


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="file"):
        await Database(tmp_path / "file" / "registry.sqlite", clock).open()


async def test_a_full_disk_is_told_as_such_and_reading_goes_on(database: Database) -> None:
    async with database.writing() as session:
        session.add(SiteRow(id="east", first_seen_at=1))
        await session.execute(sa.text("PRAGMA max_page_count=1"))
    with pytest.raises(StoreUnavailable, match="full"):
        async with database.writing() as session:
            await session.execute(sa.text("PRAGMA max_page_count=1"))
            session.add_all(SiteRow(id=f"site-{number}", name="x" * 4000, first_seen_at=1) for number in range(50))
    async with database.reading() as session:
        assert (await session.get(SiteRow, "east")) is not None


async def test_a_locked_file_is_not_taken_for_a_damaged_one(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.registry.database.BUSY_MS", 50)
    await database.close()
    other = sqlite3.connect(database.path)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await Database(database.path, clock).open()
    other.close()
    assert [path.name for path in database.path.parent.iterdir() if "damaged" in path.name] == []
