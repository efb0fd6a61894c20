"""Acked batches that stay for a time: only marked, the first to go, never in the way of what has no ack yet."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.buffer import Change, Rejected
from edge.buffer_peek import look
from edge.buffer_sqlite import SqliteBuffer
from edge.kept import RANGES_MAX, Marks, read_marks
from edge.sealer import sealer
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from tests.contracts.buffer_on_disk import AT, event, everything, fill, gaps, telemetry

HOUR_MS = 3_600_000
KEEP_S = 48 * 3600.0


def keeping(path: Path, *, max_bytes: int = 64 << 20, keep_s: float = KEEP_S) -> SqliteBuffer:
    return SqliteBuffer(path, max_bytes=max_bytes, seal=sealer("gw"), clock=ManualClock(), keep_acked_s=keep_s)


async def places(buffer: SqliteBuffer) -> list[int]:
    return [batch.place for batch in await everything(buffer)]


async def test_an_acked_batch_waits_no_more_and_is_still_there_byte_for_byte(tmp_path: Path) -> None:
    buffer = keeping(tmp_path / "b.db")
    await buffer.open()
    sealed = await fill(buffer, 20)
    await buffer.commit(Change(sealed_at=AT, drafts=[event(99)], release=[(1, 15)]))
    figures = buffer.figures()
    assert (figures.batches, buffer.kept(1, 99)) == (6, [(1, 15)])
    assert figures.oldest_sealed_at == AT + 15
    assert figures.kept is not None
    assert (figures.kept.batches, figures.kept.since) == (15, AT)
    assert figures.kept.spans == ((figures.epoch, 1, 15),)
    again = (await buffer.read(1, 15, sealed_at=AT)).batches
    assert {batch.identity: batch.payload for batch in again}.items() <= sealed.items()
    assert len(again) == 15
    await buffer.close()


async def test_marks_outlive_a_kill_and_what_was_acked_does_not_wait_again(tmp_path: Path) -> None:
    buffer = keeping(tmp_path / "b.db")
    await buffer.open()
    await fill(buffer, 30)
    await buffer.commit(Change(sealed_at=AT + 20_000, drafts=[event(99)], release=[(1, 10), (21, 25)]))
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"b.db{suffix}", tmp_path / f"killed.db{suffix}")
    await buffer.close()
    after = keeping(tmp_path / "killed.db")
    opened = await after.open()
    assert opened.kept == [(1, 10), (21, 25)]
    assert (after.figures().batches, after.figures().oldest_sealed_at) == (16, AT + 10)
    assert after.figures().kept.spans == ((opened.epoch, 1, 10),)  # type: ignore[union-attr]
    await after.close()
    assert look(tmp_path / "killed.db").batches == 16


async def test_released_twice_it_is_counted_once_and_keeps_the_time_of_its_first_ack(tmp_path: Path) -> None:
    buffer = keeping(tmp_path / "b.db")
    await buffer.open()
    await fill(buffer, 5)
    await buffer.commit(Change(sealed_at=AT, release=[(1, 3)]))
    await buffer.commit(Change(sealed_at=AT + 40 * HOUR_MS, release=[(1, 4)]))
    assert buffer.figures().batches == 1
    await buffer.commit(Change(sealed_at=AT + 48 * HOUR_MS, drafts=[event(9)]))
    assert buffer.kept(1, 99) == [(4, 4)]
    await buffer.close()


async def test_what_was_kept_for_long_enough_goes_and_the_newest_number_stays_known(tmp_path: Path) -> None:
    buffer = keeping(tmp_path / "b.db")
    await buffer.open()
    await fill(buffer, 400)
    await buffer.commit(Change(sealed_at=AT, release=[(1, 400)]))
    await buffer.commit(Change(sealed_at=AT + 48 * HOUR_MS - 1))
    assert buffer.kept(1, 999) == [(1, 400)]
    await buffer.commit(Change(sealed_at=AT + 48 * HOUR_MS))
    assert buffer.kept(1, 999) == [(257, 400)], "a bounded part with each commit"
    for _ in range(3):
        await buffer.commit(Change(sealed_at=AT + 48 * HOUR_MS))
    assert await places(buffer) == [400]
    await buffer.open()
    assert (await buffer.commit(Change(sealed_at=AT, drafts=[event(1)]))).batches[0].identity.seq == 401
    await buffer.close()


async def test_kept_batches_go_first_and_nothing_without_an_ack_is_given_up_for_them(tmp_path: Path) -> None:
    buffer = keeping(tmp_path / "b.db", max_bytes=1 << 20)
    await buffer.open()
    number = 0
    while buffer.figures().used_bytes < 700_000:
        await buffer.commit(Change(sealed_at=AT + number, drafts=[telemetry(number, 200)]))
        number += 1
    await buffer.commit(Change(sealed_at=AT, release=[(1, number - 10)]))
    waiting = 10
    while buffer.figures().dropped_readings == 0 and buffer.figures().kept.batches > 0:  # type: ignore[union-attr]
        await buffer.commit(Change(sealed_at=AT + number, drafts=[telemetry(number, 200)]))
        number += 1
        waiting += 1
    figures = buffer.figures()
    assert (figures.dropped_readings, figures.batches) == (0, waiting)
    assert await places(buffer) == list(range(number - waiting + 1, number + 1))
    assert gaps(await everything(buffer)) == [], "what was acked is no loss"
    await buffer.close()


async def test_marks_that_are_damaged_are_no_marks(tmp_path: Path) -> None:
    buffer = keeping(tmp_path / "b.db")
    await buffer.open()
    await fill(buffer, 20)
    await buffer.commit(Change(sealed_at=AT, drafts=[event(99)], release=[(1, 9)]))
    await buffer.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "b.db", isolation_level=None)) as file:
        (text,) = file.execute("SELECT value FROM meta WHERE key = 'acked'").fetchone()
        file.execute("UPDATE meta SET value = ? WHERE key = 'acked'", (text.replace("[1,9]", "[1,19]"),))
    opened = await buffer.open()
    assert opened.kept == []
    assert buffer.figures().batches == 21
    await buffer.close()


async def test_switched_off_what_was_kept_goes(tmp_path: Path) -> None:
    buffer = keeping(tmp_path / "b.db")
    await buffer.open()
    await fill(buffer, 20)
    await buffer.commit(Change(sealed_at=AT, release=[(1, 15)]))
    await buffer.close()
    buffer = keeping(tmp_path / "b.db", keep_s=0)
    assert (await buffer.open()).kept == [(1, 15)]
    await buffer.commit(Change(sealed_at=AT, drafts=[event(1)]))
    assert await places(buffer) == [16, 17, 18, 19, 20, 21]
    assert buffer.figures().kept is None
    await buffer.close()


async def test_a_kept_batch_that_is_rejected_or_damaged_leaves_the_backlog_alone(tmp_path: Path) -> None:
    buffer = keeping(tmp_path / "b.db")
    await buffer.open()
    await fill(buffer, 20)
    await buffer.commit(Change(sealed_at=AT, release=[(1, 15)]))
    await buffer.commit(Change(sealed_at=AT, rejected=[Rejected(3, "schema", "")]))
    assert (buffer.figures().batches, buffer.kept(1, 99)) == (5, [(1, 2), (4, 15)])
    await buffer.close()


async def test_an_older_version_finds_a_file_it_can_use_and_sends_what_was_kept_again(tmp_path: Path) -> None:
    buffer = keeping(tmp_path / "b.db")
    await buffer.open()
    await fill(buffer, 20)
    await buffer.commit(Change(sealed_at=AT, release=[(1, 15)]))
    await buffer.close()
    with contextlib.closing(
        sqlite3.connect(tmp_path / "b.db", isolation_level=None)
    ) as file:  # such a version leaves rows of `meta` that it does not know
        assert file.execute("PRAGMA user_version").fetchone() == (1,)
        assert file.execute("SELECT count(*) FROM batch").fetchone() == (20,)


@pytest.mark.parametrize("name", ["before_commit", "mid_delete", "mid_expiry"])
async def test_what_fails_in_the_middle_leaves_marks_and_batches_as_they_were(tmp_path: Path, name: str) -> None:
    fails: list[str] = []

    def fail_point(passed: str) -> None:
        if passed in fails:
            raise StoreUnavailable("told to fail")

    buffer = SqliteBuffer(
        tmp_path / "b.db", max_bytes=1 << 20, seal=sealer("gw"), clock=ManualClock(), fail_point=fail_point,
        keep_acked_s=KEEP_S,
    )  # fmt: skip
    await buffer.open()
    await fill(buffer, 20)
    await buffer.commit(Change(sealed_at=AT, release=[(1, 9)]))
    fails.append(name)
    with pytest.raises(StoreUnavailable):
        await buffer.commit(Change(sealed_at=AT + 49 * HOUR_MS, drafts=[event(1)], release=[(10, 12)]))
    assert (buffer.kept(1, 99), buffer.figures().batches, len(await places(buffer))) == ([(1, 9)], 11, 20)
    fails.clear()
    await buffer.commit(Change(sealed_at=AT, drafts=[event(1)], release=[(10, 12)]))
    assert buffer.kept(1, 99) == [(1, 12)]
    await buffer.close()


def _at_a_time(count: int) -> Marks:
    marks = Marks()
    for number in range(count):
        marks = marks.add([(2 * number + 1, 2 * number + 1)], AT, 48 * HOUR_MS)
    return marks


CASES: list[tuple[str, Callable[[], bool]]] = [
    ("what is marked twice is marked once", lambda: Marks().add([(1, 5)], AT, 1).add([(3, 7)], AT, 1).batches == 7),
    ("the rest is missed", lambda: Marks().add([(3, 5)], AT, 1).miss(1, 9) == [(1, 2), (6, 9)]),
    ("too many ranges are due at once", lambda: bool(_at_a_time(RANGES_MAX + 1).due(AT, 48 * HOUR_MS))),
    ("not before", lambda: not _at_a_time(RANGES_MAX).due(AT, 48 * HOUR_MS)),
    ("a clock set back a little touches nothing", lambda: not Marks().add([(1, 2)], AT, 10**9).due(AT - 1000, 10**9)),
    (
        "a mark from far in the future counts as made now",
        lambda: Marks().add([(1, 2)], AT + 10**12, 10**9).not_after(AT).since == AT,
    ),
    ("they read back", lambda: read_marks(*_at_a_time(9).as_texts()) == _at_a_time(9)),
    ("nonsense is none", lambda: read_marks("1234", None) == Marks() == read_marks(7, "deadbeef[[")),
]


@pytest.mark.parametrize(("sentence", "holds"), CASES, ids=[sentence for sentence, _ in CASES])
def test_of_marks(sentence: str, holds: Callable[[], bool]) -> None:
    assert holds(), sentence


async def test_a_damaged_file_saves_what_has_no_ack_and_tells_no_loss_of_what_had_one(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    buffer = keeping(path)
    await buffer.open()
    sealed = await fill(buffer, 60)
    await buffer.commit(Change(sealed_at=AT + 20_000, drafts=[event(70)], release=[(1, 40)]))
    await buffer.commit(Change(sealed_at=AT + 40_000, drafts=[event(71)]))
    await buffer.close()
    content = bytearray(path.read_bytes())
    content[28:32] = b"\xff\xff\xff\x00"  # the size of the database, in its head
    content[100:108] = b"\xff" * 8  # and the head of its first page
    path.write_bytes(content)
    opened = await buffer.open()
    assert opened.damage is not None
    assert opened.damage.lost == 0
    assert opened.kept == []
    saved = {batch.identity: batch.payload for batch in await everything(buffer)}
    assert {name for name in sealed if name.seq > 40} <= set(saved)
    assert all(sealed[name] == payload for name, payload in saved.items() if name in sealed)
    await buffer.close()
