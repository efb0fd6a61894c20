"""The registry on a PostgreSQL server: the same tables, one collector at a time, and no password in any text."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cloud.audit.note import Note, about
from cloud.registry.audit_trail import Trail
from cloud.registry.database import RegistryTooNew
from cloud.registry.postgres import PostgresDatabase, RegistryInUse
from cloud.registry.postgres_connect import connect_args, url_of
from cloud.registry.postgres_url import PostgresPlace, parse_postgres_url
from cloud.registry.schema import METADATA
from cloud.registry.tables import SiteRow
from protocols.clock import ManualClock
from protocols.errors import BadSettings, StoreUnavailable
from tests.postgres_server import PostgresServer


def test_migrations_make_exactly_the_tables_of_the_code_there_too(postgres: PostgresServer) -> None:
    place = postgres.place()
    engine = sa.create_engine(url_of(place), connect_args=connect_args(place), poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


async def test_two_that_start_at_once_on_an_empty_database_both_find_all_tables(
    postgres: PostgresServer, clock: ManualClock
) -> None:
    place = postgres.empty_place()
    both = [PostgresDatabase(place, clock) for _ in range(2)]
    await asyncio.gather(*(each.open() for each in both))
    async with both[0].writing() as session:
        session.add(SiteRow(id="east", first_seen_at=2**40))
    async with both[1].reading() as session:
        found = await session.get(SiteRow, "east")
        assert found is not None and found.first_seen_at == 2**40
    for each in both:
        await each.close()


async def test_a_second_collector_on_one_registry_is_refused_until_the_first_is_gone(
    postgres: PostgresServer, clock: ManualClock
) -> None:
    place = postgres.place()
    first, second = (PostgresDatabase(place, clock, exclusive=True) for _ in range(2))
    await first.open()
    with pytest.raises(RegistryInUse, match="another collector"):
        await second.open()
    beside = PostgresDatabase(place, clock)  # as the commands for users and tokens do
    await beside.open()
    await beside.close()
    await first.close()
    await second.open()
    await second.close()


async def test_an_error_in_a_writing_block_leaves_nothing_behind_there_either(
    postgres: PostgresServer, clock: ManualClock
) -> None:
    database = PostgresDatabase(postgres.place(), clock)
    await database.open()
    with pytest.raises(RuntimeError):
        async with database.writing() as session:
            session.add(SiteRow(id="east", first_seen_at=1))
            await session.flush()
            raise RuntimeError
    async with database.reading() as session:
        assert (await session.get(SiteRow, "east")) is None
    await database.close()


async def test_commits_are_on_disk_before_they_return_whatever_the_server_says(
    postgres: PostgresServer, clock: ManualClock
) -> None:
    place = postgres.place()
    postgres.sql(f"ALTER DATABASE {place.url.name} SET synchronous_commit = off")
    database = PostgresDatabase(place, clock)
    await database.open()
    async with database.writing() as session:
        assert (await session.execute(sa.text("SHOW synchronous_commit"))).scalar() == "on"
    await database.close()


async def test_the_audit_trail_is_sealed_and_followed_there_too(
    postgres: PostgresServer, clock: ManualClock, tmp_path: Path
) -> None:
    database = PostgresDatabase(postgres.empty_place(), clock)
    await database.open()
    trail = Trail(database, clock, folder=tmp_path)
    assert await trail.open() is None
    with about(Note("a site", actor="li")):
        async with database.writing() as session:
            session.add(SiteRow(id="east", first_seen_at=1))
    await asyncio.gather(*(trail.ensure(Note(f"deed {number}", actor="li")) for number in range(5)))
    await trail.sign()
    verdict = await trail.verify()
    assert (verdict.records, verdict.bad) == (6, None)
    assert {path.name for path in tmp_path.iterdir()} == {"audit.key", "audit.checkpoints"}
    async with database.writing() as session:
        await session.execute(sa.text("UPDATE audit_records SET actor = 'chen' WHERE number = 3"))
    assert (await trail.verify()).bad == 3
    await trail.close()
    await database.close()


async def test_a_registry_of_a_newer_version_is_left_alone(postgres: PostgresServer, clock: ManualClock) -> None:
    place = postgres.place()
    postgres.sql("UPDATE alembic_version SET version_num = '9999'", place)
    with pytest.raises(RegistryTooNew, match="newer version"):
        await PostgresDatabase(place, clock).open()
    assert postgres.sql("SELECT version_num FROM alembic_version", place) == [("9999",)]


async def test_a_server_that_is_away_is_told_and_comes_back_without_a_restart(clock: ManualClock) -> None:
    server = PostgresServer()
    try:
        server.start()
        database = PostgresDatabase(server.empty_place(), clock)
        await database.open()
        server.stop()
        with pytest.raises(StoreUnavailable, match="127"):
            async with database.reading() as session:
                await session.get(SiteRow, "east")
        server.start()
        async with database.reading() as session:
            assert (await session.get(SiteRow, "east")) is None
        await database.close()
    finally:
        server.remove()


async def test_no_password_comes_into_an_error_and_a_wrong_one_is_told(
    postgres: PostgresServer, clock: ManualClock, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "password").write_text("not-the-password\n")
    wrong = replace(postgres.place(), password_file=tmp_path / "password")
    with pytest.raises(StoreUnavailable) as caught:
        await PostgresDatabase(wrong, clock).open()
    assert "password authentication failed" in str(caught.value)
    assert "not-the-password" not in str(caught.value) + caplog.text + repr(wrong)
    with pytest.raises(BadSettings, match="cannot be read"):
        await PostgresDatabase(replace(wrong, password_file=tmp_path / "nothing"), clock).open()


def test_a_server_elsewhere_is_always_verified(tmp_path) -> None:
    there = PostgresPlace(url=parse_postgres_url("postgresql://dayuan@db.example/dayuan"))
    assert connect_args(there)["sslmode"] == "verify-full"
    assert connect_args(there)["sslrootcert"] == "system"
    assert connect_args(replace(there, ca_file=tmp_path / "ca.pem"))["sslrootcert"] == str(tmp_path / "ca.pem")
    here = PostgresPlace(url=parse_postgres_url("postgresql://dayuan@/dayuan?host=/run/postgresql"))
    assert "sslmode" not in connect_args(here)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgresql://dayuan:s3cret@db/dayuan", "no place in the URL"),
        ("postgres://dayuan@db/dayuan", "write postgresql://"),
        ("postgresql://db/dayuan", "write postgresql://"),
        ("postgresql://dayuan@db/", "write postgresql://"),
        ("postgresql://dayuan@db:x/dayuan", "write postgresql://"),
        ("postgresql://dayuan@db/dayuan?sslmode=disable", "write postgresql://"),
        ("postgresql://dayuan@db/dayuan?host=/run", "one of both"),
    ],
)
def test_a_url_that_cannot_be_is_explained_without_its_password(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        parse_postgres_url(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://dayuan@db:5433/x",
        "postgresql://dayuan@[::1]:5432/x",
        "postgresql://dayuan@/x?host=/run/postgresql",
    ],
)
def test_a_url_is_printed_as_it_is_written(text: str) -> None:
    assert str(parse_postgres_url(text)) == text
