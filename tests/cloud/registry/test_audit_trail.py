"""The trail on a real registry: in the transaction of what it is about, across kills, against edits of the file."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from cloud.audit.files import BadKey, Checkpoints, read_key
from cloud.audit.note import Note, about, tell
from cloud.registry.audit_book import Search
from cloud.registry.audit_trail import Trail
from cloud.registry.database import Database
from cloud.registry.passwords import Passwords
from cloud.registry.roles import Role
from cloud.registry.tables import SiteRow
from cloud.registry.users import Users
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable


@pytest.fixture
async def trail(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Trail]:
    trail = Trail(database, clock, folder=tmp_path)
    assert await trail.open() is None
    yield trail
    await trail.close()


async def write(trail: Trail, *actions: str) -> None:
    for action in actions:
        await trail.ensure(Note(action, actor="li", via="session"))


async def actions(trail: Trail) -> list[str]:
    return [each.action for each in reversed(await trail.book.search(Search(), 1000))]


async def edit(database: Database, *statements: str) -> None:
    async with database.writing() as session:
        for statement in statements:
            await session.execute(sa.text(statement))


async def test_a_record_stands_or_falls_with_what_it_is_about(
    trail: Trail, database: Database, clock: ManualClock, passwords: Passwords
) -> None:
    users = Users(database, passwords, clock)
    with about(Note("user_add", actor="desk:root")):
        await users.add("li", Role.DISPATCHER)
    with pytest.raises(RuntimeError), about(Note("never")):
        async with database.writing() as session:
            session.add(SiteRow(id="east", first_seen_at=1))
            raise RuntimeError
    (record,) = await trail.book.search(Search(), 10)
    assert (record.action, record.actor, record.number) == ("user_add", "desk:root", 1)
    assert json.loads(record.facts) == {"user": "li", "roles": ["dispatcher"]}


async def test_what_is_written_in_several_transactions_is_recorded_once(trail: Trail, database: Database) -> None:
    note = Note("twice")
    with about(note):
        for name in ("east", "west"):
            async with database.writing() as session:
                session.add(SiteRow(id=name, first_seen_at=1))
    await trail.ensure(note)
    assert await actions(trail) == ["twice"]


async def test_nothing_is_recorded_of_what_nobody_said_who_did(trail: Trail, database: Database) -> None:
    async with database.writing() as session:
        session.add(SiteRow(id="east", first_seen_at=1))
        tell(user="nobody")
    assert await actions(trail) == []


async def test_the_key_and_the_checkpoints_are_for_their_owner_only(trail: Trail, database: Database) -> None:
    await write(trail, "a")
    await trail.sign()
    for path in (trail.key_file, trail.checkpoints.path):
        assert path.stat().st_mode & 0o777 == 0o600
    key = read_key(trail.key_file)
    assert key is not None
    assert key.hex().encode() not in database.path.read_bytes()


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("DELETE FROM audit_records WHERE number = 3", 3),
        ("UPDATE audit_records SET actor = 'wang' WHERE number = 3", 3),
        ("UPDATE audit_records SET number = -number WHERE number IN (3, 4)", 3),
        ("UPDATE audit_records SET action = 'd' WHERE number = 3", 3),
        ("DELETE FROM audit_records WHERE number > 3", 4),
        ("DELETE FROM audit_records", 1),
    ],
)
async def test_whoever_edits_the_records_is_found_out(
    trail: Trail, database: Database, statement: str, bad: int
) -> None:
    await write(trail, "a", "b", "c", "d", "e")
    await trail.sign()
    assert (await trail.verify()).bad is None
    await edit(database, statement)
    assert (await trail.verify()).bad == bad


async def test_a_tail_cut_off_with_its_head_is_missed_at_once_at_the_next_start(
    trail: Trail, database: Database, clock: ManualClock
) -> None:
    await write(trail, "a", "b", "c", "d", "e")
    await trail.close()
    seal = "(SELECT seal FROM audit_records WHERE number = 3)"
    await edit(
        database, f"UPDATE audit_head SET number = 3, seal = {seal}", "DELETE FROM audit_records WHERE number > 3"
    )
    again = Trail(database, clock, folder=trail.key_file.parent)
    assert await again.open() == "2 records that were there are missing at the end"
    assert (await again.verify()).bad == 4
    await again.close()


CUT = (
    "UPDATE audit_head SET number = 3, seal = (SELECT seal FROM audit_records WHERE number = 3)",
    "DELETE FROM audit_records WHERE number > 3",
)


@pytest.mark.parametrize("written", [0, 1, 2, 5])
async def test_a_tail_cut_off_beside_a_running_collector_is_told_and_never_signed_over(
    trail: Trail, database: Database, clock: ManualClock, written: int
) -> None:
    told: list[str] = []
    trail.damaged = told.append
    await write(trail, "a", "b", "c", "d", "e")
    await trail.sign()
    before = trail.checkpoints.path.read_bytes()
    await edit(database, *CUT)
    await write(trail, *("login_failed",) * written)
    for _ in range(2):
        await trail.sign()
        await write(trail, "login_failed")
    assert len(told) == 1
    assert "missing at the end" in told[0] if written < 2 else "others stand in the place" in told[0]
    await trail.close()
    assert trail.checkpoints.path.read_bytes() == before
    again = Trail(database, clock, folder=trail.key_file.parent)
    assert await again.open() is not None
    assert (await again.verify()).bad is not None
    await again.close()


async def test_a_trail_goes_on_when_its_checkpoints_are_set_aside(trail: Trail, database: Database) -> None:
    await write(trail, "a", "b", "c", "d", "e")
    await trail.sign()
    await edit(database, *CUT)
    await trail.close()
    trail.checkpoints.path.rename(trail.checkpoints.path.with_name("aside"))
    assert await trail.open() is None
    await write(trail, "f")
    await trail.sign()
    assert await trail.verify() == (4, None, "")


async def test_a_checkpoint_of_forgotten_records_is_no_fault(trail: Trail, clock: ManualClock) -> None:
    await write(trail, "a", "b")
    await trail.sign()
    clock.step(10_000)
    assert await trail.forget_before(clock.now_ms()) == 2
    await write(trail, "c")
    await trail.sign()
    await trail.close()
    assert await trail.open() is None
    assert [each.number for each in trail.checkpoints.read()] == [2, 3]


async def test_checkpoints_that_cannot_be_read_are_told_and_the_collector_goes_on(trail: Trail) -> None:
    told: list[str] = []
    trail.damaged = told.append
    await write(trail, "a")
    await trail.sign()
    trail.checkpoints.path.write_text("nonsense\n")
    await write(trail, "b")
    await trail.sign()
    assert "no checkpoint" in told[0]


async def test_an_older_registry_in_the_place_of_the_newer_is_found_out(
    trail: Trail, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await write(trail, "a", "b")
    await trail.close()
    await database.close()
    shutil.copy(database.path, tmp_path / "older")
    await database.open()
    assert await trail.open() is None
    await write(trail, "c")
    await trail.close()
    await database.close()
    shutil.copy(tmp_path / "older", database.path)
    await database.open()
    assert "1 records" in str(await trail.open())
    await write(trail, "another")
    assert (await trail.verify()).bad == 3, "what is written now stands where something else was"


async def test_a_key_that_is_gone_or_broken_is_told(trail: Trail, database: Database, clock: ManualClock) -> None:
    await write(trail, "a")
    await trail.close()
    trail.key_file.write_text("nonsense")
    with pytest.raises(BadKey, match="put the file back"):
        await trail.open()
    trail.key_file.unlink()
    again = Trail(database, clock, folder=trail.key_file.parent)
    with pytest.raises(BadKey, match="no key"):
        await again.verify()
    assert "is gone" in str(await again.open())
    await again.close()


async def test_old_records_are_forgotten_from_the_beginning_and_the_rest_is_still_whole(
    trail: Trail, database: Database, clock: ManualClock
) -> None:
    await write(trail, "a", "b", "c")
    clock.step(10_000)
    await write(trail, "d", "e")
    await trail.sign()
    assert await trail.forget_before(clock.now_ms()) == 3
    assert await actions(trail) == ["d", "e"]
    assert (await trail.verify())[:2] == (2, None)
    assert await trail.forget_before(clock.now_ms()) == 0
    await edit(database, "DELETE FROM audit_records WHERE number = 4")
    assert (await trail.verify()).bad == 4


async def test_a_disk_that_takes_nothing_keeps_the_note_until_it_does(
    trail: Trail, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StoreUnavailable("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(database, "witness", full)
        await write(trail, "late")
        assert await actions(trail) == []
    await trail.write_waiting()
    assert await actions(trail) == ["late"]


def test_a_torn_last_line_of_checkpoints_is_left_out_and_made_good(tmp_path: Path) -> None:
    from cloud.audit.chain import checkpoint_of

    file = Checkpoints(tmp_path / "checkpoints")
    one, other = (checkpoint_of(b"k", number, "s", 1) for number in (1, 2))
    file.add(one)
    with file.path.open("ab") as torn:
        torn.write(b'{"number":2,"se')
    assert file.read() == [one]
    file.add(other)
    assert file.read() == [one, other]


KILLED = """
import asyncio, os, sys
from pathlib import Path
from cloud.audit.note import Note, about
from cloud.registry.audit_trail import Trail
from cloud.registry.database import Database
from cloud.registry.tables import SiteRow
from protocols.clock import SystemClock

async def work(folder):
    database = Database(folder / "registry.sqlite", SystemClock())
    await database.open()
    trail = Trail(database, SystemClock(), folder=folder)
    await trail.open()
    number = 0
    while True:
        number += 1
        with about(Note(f"site {number}", actor="li")):
            async with database.writing() as session:
                session.add(SiteRow(id=f"s{number}", first_seen_at=1))
        if number % 7 == 0:
            await trail.sign()
        print(number, flush=True)

asyncio.run(work(Path(sys.argv[1])))
"""


async def test_killed_anywhere_each_change_has_its_record_and_the_chain_is_whole(
    tmp_path: Path, clock: ManualClock, empty_registry: Path
) -> None:
    shutil.copy(empty_registry, tmp_path / "registry.sqlite")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stdout is not None
    said = 0
    for line in process.stdout:
        said = int(line)
        if said >= 25:
            process.kill()
            break
    process.wait()
    process.stdout.close()
    database = Database(tmp_path / "registry.sqlite", clock)
    await database.open()
    trail = Trail(database, clock, folder=tmp_path)
    assert await trail.open() is None
    verdict = await trail.verify()
    assert verdict.bad is None, verdict.what
    with sqlite3.connect(database.path) as connection:
        sites = connection.execute("SELECT count(*) FROM sites").fetchone()[0]
    connection.close()
    assert verdict.records == sites >= said
    await trail.close()
    await database.close()
