"""The SQLite buffer at its byte cap and on a disk that refuses."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.buffer import Change, Committed, Draft, KeptBatch, Kind
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from protocols.reading import Event
from tests.contracts.buffer_on_disk import (
    AT,
    buffer_at,
    event,
    everything,
    fill,
    gaps,
    telemetry,
)


async def overfill(buffer: SqliteBuffer, rounds: int, **more: object) -> list[Committed]:
    return [
        await buffer.commit(Change(sealed_at=AT + n, drafts=[telemetry(n, 200), event(n)], **more))  # type: ignore[arg-type]
        for n in range(rounds)
    ]


async def test_a_full_buffer_drops_oldest_telemetry_first_and_says_so_in_gap_records(tmp_path: Path) -> None:
    buffer = buffer_at(tmp_path / "buffer.db", max_bytes=256 * 1024)
    await buffer.open()
    done = await overfill(buffer, 220)
    produced = {batch.identity: batch for committed in done for batch in committed.batches}
    kept = {batch.identity: batch for batch in await everything(buffer)}
    dropped = {identity: batch for identity, batch in produced.items() if identity not in kept}
    assert dropped
    assert {batch.kind for batch in dropped.values()} == {Kind.TELEMETRY}
    oldest_kept = min(identity.seq for identity, batch in kept.items() if batch.kind is Kind.TELEMETRY)
    assert all(identity.seq < oldest_kept for identity in dropped)
    told = gaps(list(kept.values()))
    assert sum(int(str(gap.data["batches"])) for gap in told) == len(dropped)
    assert sum(int(str(gap.data["readings"])) for gap in told) == sum(batch.readings for batch in dropped.values())
    assert sum(committed.dropped_readings for committed in done) == buffer.figures().dropped_readings
    for identity in dropped:
        assert any(int(str(gap.data["from_seq"])) <= identity.seq <= int(str(gap.data["to_seq"])) for gap in told), (
            identity
        )
    assert (tmp_path / "buffer.db").stat().st_size <= 256 * 1024
    await buffer.close()


async def test_gap_records_take_little_of_the_smallest_buffer_in_a_long_outage(tmp_path: Path) -> None:
    """Gap records are never dropped: if each made room for little more than itself, they would soon fill the buffer."""
    buffer = buffer_at(tmp_path / "buffer.db", max_bytes=256 * 1024)
    await buffer.open()
    sealed = 0
    for number in range(1000):
        committed = await buffer.commit(Change(sealed_at=AT + number, drafts=[telemetry(number, 200)]))
        sealed += sum(len(batch.payload) for batch in committed.batches if batch.kind is Kind.TELEMETRY)
    assert sealed > 5 * 256 * 1024
    told = [batch for batch in await everything(buffer) if batch.kind is Kind.GAPS]
    assert 0 < sum(len(batch.payload) for batch in told) < sealed / 40
    await buffer.close()


async def test_events_are_dropped_only_when_no_telemetry_is_left(tmp_path: Path) -> None:
    buffer = buffer_at(tmp_path / "buffer.db", max_bytes=256 * 1024)
    await buffer.open()
    for number in range(150):
        many = [
            Event("gate", "button", AT + n, {"detail": random.Random(n + number).randbytes(60).hex()})
            for n in range(40)
        ]
        await buffer.commit(Change(sealed_at=AT, drafts=[Draft(Kind.EVENTS, events=many)]))
    kept = await everything(buffer)
    told = gaps(kept)
    assert told
    assert buffer.figures().dropped_events == sum(int(str(gap.data["events"])) for gap in told)
    assert buffer.figures().dropped_events + sum(batch.events for batch in kept if batch.kind is Kind.EVENTS) == 6000
    await buffer.close()


async def test_a_batch_on_its_way_is_not_dropped(tmp_path: Path) -> None:
    buffer = buffer_at(tmp_path / "buffer.db", max_bytes=256 * 1024)
    await buffer.open()
    await overfill(buffer, 220, pinned={1, 3})
    assert {1, 3} <= {batch.place for batch in await everything(buffer)}
    await buffer.close()


async def test_a_smaller_cap_after_a_restart_is_kept_to(tmp_path: Path) -> None:
    buffer = buffer_at(tmp_path / "buffer.db", max_bytes=4 << 20)
    await buffer.open()
    await overfill(buffer, 220)
    await buffer.close()
    smaller = buffer_at(tmp_path / "buffer.db", max_bytes=256 * 1024)
    await smaller.open()
    await overfill(smaller, 3)
    assert smaller.figures().used_bytes <= 256 * 1024
    assert gaps(await everything(smaller))
    await smaller.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB, mounted for this test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=777", "tmpfs", str(folder)]
    made = subprocess.run([*as_root, *mount], check=False, capture_output=True)
    if made.returncode:
        pytest.fail(f"this test mounts a small tmpfs, as root or through sudo: {made.stderr.decode()}")
    yield folder
    subprocess.run([*as_root, "umount", "-l", str(folder)], check=True)


async def test_a_full_disk_refuses_commits_keeps_what_it_has_and_recovers_by_itself(small_disk: Path) -> None:
    path = small_disk / "buffer.db"
    buffer = buffer_at(path, max_bytes=64 << 20)
    try:
        await buffer.open()
        assert path.with_name("buffer.db.ballast").exists()
        hog = small_disk / "hog"
        hog.write_bytes(bytes(5 << 20))
        committed, refused = await fill_until_refused(buffer)
        assert refused >= 3
        assert "disk is full" in buffer.figures().error
        assert buffer.figures().disk_full_since is not None
        assert not path.with_name("buffer.db.ballast").exists()
        assert [batch.identity for batch in await everything(buffer)] == [batch.identity for batch in committed]
        # Events still find room, and what was acked can be deleted and makes more.
        await buffer.commit(Change(sealed_at=AT, drafts=[event(1)]))
        await buffer.commit(Change(sealed_at=AT, release=[(1, len(committed) // 2)]))
        for number in range(20):
            await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(9000 + number)]))
        assert buffer.figures().disk_full_since is not None, "the room that deletions left is no room on the disk"
        hog.unlink()
        committed, refused = await fill_until_refused(buffer, 300)
        assert refused == 0
        assert buffer.figures().error == ""
        assert buffer.figures().disk_full_since is None
    finally:
        await buffer.close()


async def test_a_disk_that_something_else_filled_to_the_last_byte_still_lets_acked_batches_go(small_disk: Path) -> None:
    buffer = buffer_at(small_disk / "buffer.db", max_bytes=64 << 20)
    try:
        await buffer.open()
        committed = list((await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(n) for n in range(900)]))).batches)
        with (small_disk / "hog").open("wb", buffering=0) as hog, pytest.raises(OSError, match="No space"):
            while True:
                hog.write(bytes(4096))
        last = committed[-1].place
        for place in range(1, last, 50):
            await buffer.commit(Change(sealed_at=AT, release=[(place, min(place + 49, last - 1))]))
        assert buffer.figures().batches == 1
        for number in range(20):
            await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(2000 + number)]))
    finally:
        await buffer.close()


async def test_on_a_full_disk_kept_batches_make_room_for_new_ones_and_nothing_else_goes(small_disk: Path) -> None:
    """Nothing of a batch that has an ack is worth a reading that has none."""
    path = small_disk / "buffer.db"
    keeps = {"max_bytes": 64 << 20, "seal": sealer("gw"), "clock": ManualClock(), "keep_acked_s": 172_800.0}
    buffer = SqliteBuffer(path, **keeps)  # type: ignore[arg-type]
    try:
        await buffer.open()
        (small_disk / "hog").write_bytes(bytes(4 << 20))
        last = 0
        for number in range(1500):
            release = [(last, last)] if last else []
            change = Change(sealed_at=AT + number, drafts=[telemetry(number, 400)], release=release)
            last = (await buffer.commit(change)).batches[-1].place
        figures = buffer.figures()
        assert (figures.dropped_readings, figures.batches, figures.error) == (0, 1, "")
        assert figures.disk_full_since is not None, "the disk was to be full"
        assert figures.kept is not None
        assert 0 < figures.kept.batches < 1400
    finally:
        await buffer.close()


async def fill_until_refused(buffer: SqliteBuffer, most: int = 6000) -> tuple[list[KeptBatch], int]:
    committed: list[KeptBatch] = []
    refused = 0
    for number in range(most):
        try:
            committed += (await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(number, 400)]))).batches
        except StoreUnavailable:
            refused += 1
            if refused >= 3:
                break
    return committed, refused


async def test_an_io_error_is_never_a_success(tmp_path: Path) -> None:
    buffer = buffer_at(tmp_path / "buffer.db")
    await buffer.open()
    kept = await fill(buffer, 5)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        with pytest.raises(StoreUnavailable):
            await fill(buffer, 500, start=100)
        failed_at = buffer.figures().batches
        assert buffer.figures().error
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    await fill(buffer, 1, start=900)
    assert buffer.figures().batches == failed_at + 1
    seqs = [batch.identity.seq for batch in await everything(buffer)]
    assert seqs == list(range(1, failed_at + 2))
    assert kept
    await buffer.close()
