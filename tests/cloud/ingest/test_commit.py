"""The group commit when the store fails, refuses, or is slow."""

import asyncio
import threading
from pathlib import Path

from cloud.ingest.message import GROUP_MESSAGES_MAX, Inbox, Incoming
from cloud.store.contract import CommitRefused, CommitWork
from cloud.store.duckdb_store import DuckdbStore
from protocols.clock import SystemClock
from protocols.errors import StoreUnavailable
from tests.cloud.ingest.rig import AT, KEY, batch, rig
from tests.waiting import until


class Moody(DuckdbStore):
    """A store that can be told to fail."""

    failures = 0
    refuse_value: float | None = None
    refuse_quarantine = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, SystemClock())
        self.gate = threading.Event()
        self.gate.set()
        self.groups: list[int] = []

    def commit(self, work: CommitWork) -> None:
        self.gate.wait(10)
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("planted: no space left")
        if work.readings is not None and self.refuse_value in work.readings.value.tolist():
            raise CommitRefused("planted: refused")
        if self.refuse_quarantine and work.quarantined:
            raise CommitRefused("planted: refused too")
        super().commit(work)
        self.groups.append(len(work.batches))


async def test_a_store_that_is_away_is_tried_until_it_takes_the_commit_and_nothing_is_acked_before(
    tmp_path: Path,
) -> None:
    store = Moody(tmp_path)
    async with rig(tmp_path, store) as it:
        store.failures = 2
        it.put(batch(1))
        await until(lambda: ("store_unavailable", "collector") in it.alarms.standing)
        assert it.commit.failing_since is not None
        assert it.acks == []
        assert it.released == []
        await until(lambda: it.acks)
        assert it.acks[0][1].stored == [(1, 1)]
        assert it.alarms.standing == {}
        assert it.commit.failing_since is None
        assert len(await it.stored()) == 1
        assert it.counters()["stored_batches"] == 1


async def test_all_that_arrives_during_a_commit_is_one_commit(tmp_path: Path) -> None:
    store = Moody(tmp_path)
    async with rig(tmp_path, store) as it:
        store.gate.clear()
        it.put(batch(1))
        await until(lambda: it.inbox.waiting == (0, 0))
        for seq in range(2, 52):
            it.put(batch(seq))
        store.gate.set()
        await until(lambda: len(it.released) == 51)
        assert store.groups == [1, 50]
        assert it.handler.commits == 2


async def test_a_batch_the_store_refuses_goes_to_quarantine_and_its_neighbours_are_stored(tmp_path: Path) -> None:
    store = Moody(tmp_path)
    store.refuse_value = 666.0
    async with rig(tmp_path, store) as it:
        await it.send(batch(1), batch(2, [666.0]), batch(3))
        await until(lambda: sum(len(ack.stored) + len(ack.rejected) for _, ack in it.acks) >= 2)
        stored = {seq for _, ack in it.acks for first, last in ack.stored for seq in range(first, last + 1)}
        rejected = [(one.seq, one.reason) for _, ack in it.acks for one in ack.rejected]
        assert stored == {1, 3}
        assert rejected == [(2, "store_refused")]
        assert len(await it.stored()) == 2
        assert [row[7] for row in (await it.store.quarantine()).rows] == ["store_refused"]


async def test_a_batch_that_cannot_even_be_quarantined_is_left_unanswered(tmp_path: Path) -> None:
    store = Moody(tmp_path)
    store.refuse_value, store.refuse_quarantine = 666.0, True
    async with rig(tmp_path, store) as it:
        await it.send(batch(1, [666.0]), batch(2))
        stored = [pair for _, ack in it.acks for pair in ack.stored]
        assert stored == [(2, 2)]
        assert not [one for _, ack in it.acks for one in ack.rejected]


async def test_stopping_waits_for_the_commit_that_runs(tmp_path: Path) -> None:
    store = Moody(tmp_path)
    async with rig(tmp_path, store) as it:
        it.put(batch(1))
        await until(lambda: it.inbox.waiting == (0, 0))
    again = DuckdbStore(tmp_path, SystemClock())
    assert again.open().damaged_path is None
    again.close()


async def test_a_group_is_bounded_and_the_box_tells_when_there_is_space_again() -> None:
    inbox = Inbox(messages_max=GROUP_MESSAGES_MAX + 10)
    told: list[int] = []
    inbox.on_space = lambda: told.append(1)
    for _ in range(GROUP_MESSAGES_MAX + 10):
        inbox.put(Incoming(KEY, "t", b"x" * 10, AT, lambda: None))
    assert inbox.full
    assert len(await inbox.take()) == GROUP_MESSAGES_MAX
    assert told == [1]
    assert not inbox.full
    assert len(await inbox.take()) == 10
    assert inbox.waiting == (0, 0)
    with_nothing = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    assert not with_nothing.done()
    with_nothing.cancel()
