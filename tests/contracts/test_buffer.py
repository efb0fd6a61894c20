"""One suite for every buffer: what `edge.buffer.Buffer` promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.buffer import CHUNK_BATCHES, Buffer, Change, Draft, Kind, Rejected, Retiming
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import READINGS_PER_BATCH, sealer
from protocols.batch import open_batch, peek
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from protocols.reading import Event, Quality, Reading
from tests.contracts.memory_buffer import MemoryBuffer

AT = 1_795_000_000_000
BOOT = "b7d1c6de-0f4b-4a3c-9d0e-6a4b1c2d3e4f"


def telemetry(count: int = 3, start: int = AT, device: str = "meter-1") -> Draft:
    readings = [Reading(device, "active_power_total", 100.0 + n, start + n * 1000) for n in range(count)]
    return Draft(Kind.TELEMETRY, readings=readings)


def events(count: int = 1) -> Draft:
    return Draft(Kind.EVENTS, events=[Event("gate", "button", AT + n, {"detail": f"no {n}"}) for n in range(count)])


def change(*drafts: Draft, **more: object) -> Change:
    return Change(sealed_at=AT, drafts=drafts, **more)  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", "memory"])
async def buffer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Buffer]:
    made: Buffer
    if request.param == "sqlite":
        made = SqliteBuffer(tmp_path / "buffer.db", max_bytes=64 << 20, seal=sealer("gw"), clock=ManualClock())
    else:
        made = MemoryBuffer(sealer("gw"))
    await made.open()
    yield made
    await made.close()


async def test_an_empty_buffer_says_so(buffer: Buffer) -> None:
    opened = await buffer.open()
    assert opened.first > opened.last
    assert opened.untimed == {}
    assert (await buffer.read(1, 100, sealed_at=AT)).batches == []
    assert buffer.figures().batches == 0


async def test_what_is_committed_reads_back_byte_for_byte(buffer: Buffer) -> None:
    committed = await buffer.commit(change(telemetry(), events(2)))
    read = await buffer.read(1, 100, sealed_at=AT)
    assert read.batches == committed.batches
    assert [batch.kind for batch in read.batches] == [Kind.TELEMETRY, Kind.EVENTS]
    assert list(open_batch(read.batches[0].payload).readings()) == list(telemetry().readings)
    assert open_batch(read.batches[1].payload).events == list(events(2).events)


async def test_seq_counts_from_one_without_holes_and_is_the_sealed_name(buffer: Buffer) -> None:
    seqs = []
    for _ in range(5):
        for batch in (await buffer.commit(change(telemetry(), events()))).batches:
            assert peek(batch.payload) == batch.identity
            places = buffer.places_of(batch.identity.epoch)
            assert places is not None
            assert places.of(batch.identity.seq, batch.identity.seq) == (batch.place, batch.place)
            seqs.append(batch.identity.seq)
    assert seqs == list(range(1, 11))


async def test_released_batches_are_gone_and_others_stay(buffer: Buffer) -> None:
    for _ in range(4):
        await buffer.commit(change(telemetry()))
    await buffer.commit(change(telemetry(), release=[(1, 1), (3, 3)]))
    assert [batch.place for batch in (await buffer.read(1, 100, sealed_at=AT)).batches] == [2, 4, 5]
    assert buffer.figures().batches == 3
    assert buffer.figures().readings == 9


async def test_the_newest_batch_outlives_its_release_until_a_newer_one_exists(buffer: Buffer) -> None:
    await buffer.commit(change(telemetry()))
    await buffer.commit(change(release=[(1, 1)]))
    assert [batch.place for batch in (await buffer.read(1, 100, sealed_at=AT)).batches] == [1]
    second = await buffer.commit(change(telemetry()))
    assert second.batches[0].identity.seq == 2
    assert [batch.place for batch in (await buffer.read(1, 100, sealed_at=AT)).batches] == [2]


async def test_no_seq_is_used_twice_although_all_was_released_before_a_restart(buffer: Buffer) -> None:
    await buffer.commit(change(telemetry(), telemetry()))
    await buffer.commit(change(release=[(1, 2)]))
    await buffer.open()
    assert (await buffer.commit(change(telemetry()))).batches[0].identity.seq == 3


async def test_no_seq_is_used_twice_when_the_newest_goes_and_what_should_follow_it_is_refused(buffer: Buffer) -> None:
    await buffer.commit(change(telemetry()))
    poison = Reading("meter-1", "active_power_total", 1.0, "never")  # type: ignore[arg-type]
    refused = await buffer.commit(change(Draft(Kind.TELEMETRY, readings=[poison]), release=[(1, 1)]))
    assert refused.batches == []
    await buffer.open()
    assert (await buffer.commit(change(telemetry()))).batches[0].identity.seq == 2


async def test_an_acked_batch_counts_no_more_although_it_is_the_newest(buffer: Buffer) -> None:
    await buffer.commit(change(telemetry(), telemetry()))
    await buffer.commit(change(release=[(1, 2)]))
    assert (buffer.figures().batches, buffer.figures().readings) == (0, 0)
    await buffer.commit(change(release=[(1, 2)]))
    await buffer.commit(change(telemetry()))
    assert (buffer.figures().batches, buffer.figures().readings) == (1, 3)


async def test_releasing_what_is_not_there_does_nothing(buffer: Buffer) -> None:
    await buffer.commit(change(telemetry()))
    await buffer.commit(change(telemetry(), release=[(7, 90), (1, 1)]))
    await buffer.commit(change(telemetry(), release=[(1, 1)]))
    assert [batch.place for batch in (await buffer.read(1, 100, sealed_at=AT)).batches] == [2, 3]


async def test_a_rejected_batch_leaves_the_backlog_and_its_seq_is_not_used_again(buffer: Buffer) -> None:
    await buffer.commit(change(telemetry(), telemetry()))
    await buffer.commit(change(rejected=[Rejected(2, "schema", "no such thing")]))
    assert [batch.place for batch in (await buffer.read(1, 100, sealed_at=AT)).batches] == [1]
    assert buffer.figures().quarantined == 1
    await buffer.open()
    assert (await buffer.commit(change(telemetry()))).batches[0].identity.seq == 3


async def test_a_read_is_bounded_and_goes_on_where_it_stopped(buffer: Buffer) -> None:
    for _ in range(CHUNK_BATCHES + 10):
        await buffer.commit(change(telemetry(1)))
    first = (await buffer.read(1, 1000, sealed_at=AT)).batches
    second = (await buffer.read(first[-1].place + 1, 1000, sealed_at=AT)).batches
    assert [batch.place for batch in first + second] == list(range(1, CHUNK_BATCHES + 11))


async def test_a_draft_too_large_for_one_batch_becomes_several(buffer: Buffer) -> None:
    committed = await buffer.commit(change(telemetry(READINGS_PER_BATCH + 5)))
    assert [batch.readings for batch in committed.batches] == [READINGS_PER_BATCH, 5]


async def test_an_event_no_batch_can_carry_is_refused_and_its_neighbours_are_stored(buffer: Buffer) -> None:
    import random

    noise = random.Random(1).randbytes(1_200_000).hex()
    monster = Event("gate", "button", AT, {"detail": noise})
    good = list(events(3).events)
    committed = await buffer.commit(change(Draft(Kind.EVENTS, events=[good[0], monster, *good[1:]])))
    assert committed.refused == [monster]
    stored = [event for batch in committed.batches for event in open_batch(batch.payload).events]
    assert stored == good


async def test_a_reading_that_is_none_is_refused_and_its_neighbours_are_stored(buffer: Buffer) -> None:
    good = list(telemetry(5).readings)
    poison = Reading("meter-1", "active_power_total", 1.0, "yesterday")  # type: ignore[arg-type]
    committed = await buffer.commit(change(Draft(Kind.TELEMETRY, readings=[*good[:2], poison, *good[2:]])))
    assert list(committed.refused) == [poison]
    assert [r for batch in committed.batches for r in open_batch(batch.payload).readings()] == good


async def test_origins_of_device_messages_are_known_after_the_commit_and_after_a_reopen(buffer: Buffer) -> None:
    assert not buffer.has_origin(b"one")
    await buffer.commit(change(events(), origins=[b"one", b"two"]))
    await buffer.open()
    assert buffer.has_origin(b"one")
    assert buffer.has_origin(b"two")
    assert not buffer.has_origin(b"three")


async def test_session_numbers_grow_over_a_reopen(buffer: Buffer) -> None:
    assert await buffer.next_session(0) == 1
    assert await buffer.next_session(500) == 500
    await buffer.open()
    assert await buffer.next_session(7) == 501


async def test_untimed_items_get_their_time_and_keep_their_distances(buffer: Buffer) -> None:
    await buffer.commit(change(untimed=[telemetry(3, start=60_000), events(1)], boot=BOOT))
    assert buffer.figures().untimed == 4
    assert (await buffer.open()).untimed == {BOOT: 60_000}
    committed = await buffer.retime(Retiming(BOOT, AT - 60_000), sealed_at=AT)
    assert committed.retimed == 2
    readings = [reading for batch in committed.batches for reading in open_batch(batch.payload).readings()]
    assert [reading.observed_at for reading in readings] == [AT, AT + 1000, AT + 2000]
    assert {reading.quality for reading in readings} == {Quality.GOOD}
    assert buffer.figures().untimed == 0
    assert (await buffer.retime(Retiming(BOOT, 0), sealed_at=AT)).retimed == 0


async def test_items_of_a_boot_that_never_knew_the_time_are_flagged(buffer: Buffer) -> None:
    await buffer.commit(change(untimed=[telemetry(2, start=5_000)], boot=BOOT))
    committed = await buffer.retime(Retiming(BOOT, AT, uncertain=True), sealed_at=AT)
    for reading in open_batch(committed.batches[0].payload).readings():
        assert (reading.quality, reading.reason) == (Quality.UNCERTAIN, "clock")


async def test_last_good_time_is_that_of_the_newest_batch(buffer: Buffer) -> None:
    await buffer.commit(Change(sealed_at=AT + 500, drafts=[telemetry()]))
    assert (await buffer.open()).last_good_at == AT + 500


async def test_writing_to_a_buffer_that_is_not_open_is_an_error_that_says_so(tmp_path: Path) -> None:
    buffer = SqliteBuffer(tmp_path / "buffer.db", max_bytes=1 << 20, seal=sealer("gw"), clock=ManualClock())
    with pytest.raises(StoreUnavailable):
        await buffer.commit(change(telemetry()))
    await buffer.close()
