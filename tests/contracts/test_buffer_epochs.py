"""A card loses its newest batches and a new epoch begins: what is said of the old one is said of nothing in the new."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.buffer import Change, EpochPlaces, KeptBatch
from edge.buffer_rows import Epoch, identify, places_of
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from edge.uplink import Uplink
from protocols.ack import Ack, Rejection
from protocols.batch import digest
from protocols.clock import ManualClock
from tests.contracts.buffer_on_disk import AT, fill, telemetry
from tests.edge.fake_link import FakeLink

IN_THE_FILE, LOST = 3, 2


async def shortened(folder: Path, keep_s: float) -> tuple[SqliteBuffer, list[KeptBatch]]:
    """An open buffer whose card has lost the newest batches, and those."""

    def at(path: Path) -> SqliteBuffer:
        clock = ManualClock()
        return SqliteBuffer(path, max_bytes=1 << 24, seal=sealer("gw"), clock=clock, keep_acked_s=keep_s)

    before = at(folder / "before.db")
    await before.open()
    await fill(before, IN_THE_FILE)
    await before.open()  # the log goes into the file
    await fill(before, LOST, start=IN_THE_FILE)
    lost = (await before.read(IN_THE_FILE + 1, 100, sealed_at=AT)).batches
    assert len(lost) == LOST
    shutil.copy(folder / "before.db", folder / "buffer.db")
    await before.close()
    buffer = at(folder / "buffer.db")
    opened = await buffer.open()
    assert (opened.epoch != lost[0].identity.epoch, opened.last) == (True, IN_THE_FILE)
    return buffer, lost


@asynccontextmanager
async def sending(buffer: SqliteBuffer, uplink: Uplink, count: int) -> AsyncIterator[list[KeptBatch]]:
    """All of the file and so many new batches are on their way."""
    link = FakeLink()
    serving = asyncio.create_task(uplink.serve(link))
    drafts = [telemetry(900 + number) for number in range(count)]
    new = (await buffer.commit(Change(sealed_at=AT, drafts=drafts))).batches
    uplink.offer(new)
    while len(set(link.sent())) < count:
        await asyncio.sleep(0)
    try:
        yield new
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_an_epoch_ends_where_the_next_begins(tmp_path: Path) -> None:
    buffer, lost = await shortened(tmp_path, 0)
    new = (await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(900)]))).batches[0]
    former, now = buffer.places_of(lost[0].identity.epoch), buffer.places_of(new.identity.epoch)
    assert former is not None and now is not None
    assert former.of(1, IN_THE_FILE) == (1, IN_THE_FILE)
    assert now.of(1, 1) == (new.place, new.place)
    reached = former.of(1, IN_THE_FILE + LOST)
    assert reached is not None and reached[1] < new.place
    assert former.of(lost[-1].identity.seq, lost[-1].identity.seq) is None
    await buffer.close()


@pytest.mark.parametrize("keep_s", [0, 172_800])
async def test_an_ack_for_what_the_card_lost_releases_nothing_of_the_next_epoch(tmp_path: Path, keep_s: float) -> None:
    buffer, lost = await shortened(tmp_path, keep_s)
    uplink = Uplink(buffer, ManualClock(), topic="up", window=8)
    async with sending(buffer, uplink, 3) as new:
        uplink.take_ack(Ack(lost[0].identity.epoch, stored=[(batch.identity.seq,) * 2 for batch in lost]))
        uplink.take_ack(Ack(lost[0].identity.epoch, stored=[(IN_THE_FILE + 1, 2**62)]))
        assert uplink.take_done().release == []
        await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(950)]))
        found = (await buffer.read(new[0].place, new[-1].place, sealed_at=AT)).batches
        assert found == new
        uplink.take_ack(Ack(new[0].identity.epoch, stored=[(1, 3)]))
        assert uplink.take_done().release == [(new[0].place, new[-1].place)]
    await buffer.close()


async def test_asked_for_what_the_card_lost_it_sends_nothing_of_the_next_epoch_again(tmp_path: Path) -> None:
    buffer, lost = await shortened(tmp_path, 172_800)
    uplink = Uplink(buffer, ManualClock(), topic="up", window=8)
    async with sending(buffer, uplink, 3) as new:
        uplink.take_ack(Ack(new[0].identity.epoch, stored=[(1, 3)]))
        await buffer.commit(Change(sealed_at=AT, release=uplink.take_done().release))
        uplink.take_ack(Ack(lost[0].identity.epoch, missing=[(IN_THE_FILE + 1, IN_THE_FILE + LOST)]))
        assert uplink.figures().again.waiting == 0
        uplink.take_ack(Ack(new[0].identity.epoch, missing=[(1, 3)]))
        assert uplink.figures().again.waiting == 3
    await buffer.close()


async def test_a_rejection_of_what_the_card_lost_sets_nothing_of_the_next_epoch_apart(tmp_path: Path) -> None:
    buffer, lost = await shortened(tmp_path, 0)
    uplink = Uplink(buffer, ManualClock(), topic="up", window=8)
    async with sending(buffer, uplink, 3) as new:
        for epoch in (lost[0].identity.epoch, new[0].identity.epoch):
            refused = [Rejection(digest(batch.payload), "schema", seq=batch.identity.seq) for batch in lost]
            refused += [Rejection(digest(lost[0].payload), "schema", seq=1)]
            uplink.take_ack(Ack(epoch, rejected=refused))
        assert uplink.take_done().rejected == []
        uplink.take_ack(Ack("", rejected=[Rejection(digest(new[1].payload), "schema")]))
        assert [each.place for each in uplink.take_done().rejected] == [new[1].place]
    await buffer.close()


@given(
    lengths=st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3)), min_size=1, max_size=5),
    first=st.integers(1, 30),
    more=st.integers(0, 2**62),
)
def test_a_range_of_one_epoch_never_names_a_batch_of_another(
    lengths: list[tuple[int, int]], first: int, more: int
) -> None:
    """Epochs of so many batches each, with a few places between them that nothing stands at."""
    epochs, base = [], 0
    for number, (batches, apart) in enumerate(lengths):
        epochs.append(Epoch(base, f"e{number}"))
        base += batches + apart
    for epoch in epochs:
        places = places_of(epochs, epoch.name)
        assert places is not None
        span = places.of(first, first + more)
        named = range(span[0], min(span[1], base + 100) + 1) if span else range(0)
        assert {identify(epochs, place).epoch for place in named} <= {epoch.name}
        wanted = range(first, min(first + more, 60) + 1)
        standing = [seq for seq in wanted if identify(epochs, epoch.base + seq).epoch == epoch.name]
        assert {identify(epochs, place).seq for place in named} >= set(standing)
    assert places_of(epochs, "other") is None
    assert EpochPlaces(7, 6).of(1, 5) is None
