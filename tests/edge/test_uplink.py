"""Lanes, window and acks, over a link that the test controls and a clock that it moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge.buffer import Change, Draft, KeptBatch, Kind
from edge.sealer import sealer
from edge.uplink import HOLD_S, Uplink
from protocols.ack import Ack, Rejection
from protocols.batch import digest
from protocols.clock import ManualClock
from protocols.errors import WireLost
from protocols.reading import Event, Reading
from tests.contracts.memory_buffer import MemoryBuffer
from tests.edge.fake_link import FakeLink
from tests.waiting import until

AT = 1_795_000_000_000


class Bench:
    """An uplink over a memory buffer, as the intake drives it."""

    def __init__(self, *, window: int = 8) -> None:
        self.clock = ManualClock()
        self.buffer = MemoryBuffer(sealer("gw"))
        self.uplink = Uplink(self.buffer, self.clock, topic="dayuan/1/s/gw/up", window=window)

    async def commit(self, count: int = 1, kind: Kind = Kind.TELEMETRY) -> list[KeptBatch]:
        drafts = [
            Draft(kind, events=[Event("gate", "button", AT)])
            if kind is Kind.EVENTS
            else Draft(kind, readings=[Reading("meter", "active_power_total", 1.0, AT)])
            for _ in range(count)
        ]
        done = self.uplink.take_done()
        change = Change(sealed_at=AT, drafts=drafts, release=done.release, rejected=done.rejected)
        batches = (await self.buffer.commit(change)).batches
        self.uplink.offer(batches)
        return batches

    async def backlog(self, count: int) -> None:
        """Batches of before the start."""
        await self.commit(count)
        self.uplink.load(1, count)

    @asynccontextmanager
    async def link(self) -> AsyncIterator[FakeLink]:
        link = FakeLink()
        task = asyncio.create_task(self.uplink.serve(link))
        await self.turn()
        try:
            yield link
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def turn(self) -> None:
        for _ in range(40):
            await asyncio.sleep(0)

    def ack(self, *seqs: int) -> None:
        self.uplink.take_ack(Ack("memory01", stored=[(seq, seq) for seq in seqs]))


def seqs(link: FakeLink) -> list[int]:
    return [identity.seq for identity in link.sent()]


async def test_a_new_batch_goes_up_at_once() -> None:
    bench = Bench()
    async with bench.link() as link:
        await bench.commit()
        await bench.turn()
        assert seqs(link) == [1]


async def test_backlog_waits_while_live_batches_are_sent() -> None:
    bench = Bench(window=8)
    await bench.backlog(20)
    async with bench.link() as link:
        bench.ack(1, 2, 3, 4)
        await bench.turn()
        # The backlog takes its part of the window, no more: the rest is kept for what is new.
        assert seqs(link)[4:] == [5, 6, 7, 8, 9, 10]
        await bench.commit(2)
        await bench.turn()
        assert seqs(link)[10:] == [21, 22]
        bench.ack(5, 6)
        await bench.turn()
        # Eight on the way, minus two acked: the backlog must not fill the live lane's places.
        assert seqs(link)[12:] == []
        bench.ack(21, 22)
        await bench.turn()
        assert seqs(link)[12:] == [11, 12]


async def test_a_new_link_begins_with_few_batches_and_each_ack_allows_more() -> None:
    bench = Bench(window=32)
    await bench.backlog(200)
    async with bench.link() as link:
        assert seqs(link) == [1, 2, 3, 4]
        bench.ack(1, 2, 3, 4)
        await bench.turn()
        assert seqs(link)[4:] == list(range(5, 13)), "twice as many after a round of answers"
        bench.ack(*range(5, 13))
        await bench.turn()
        assert seqs(link)[12:] == list(range(13, 29))
    async with bench.link() as link:
        assert seqs(link) == [13, 14, 15, 16], "the broker may have all sixteen: it is not given them again at once"
        bench.ack(*range(13, 17))
        await bench.turn()
        assert seqs(link)[4:] == list(range(17, 25))


async def test_reconnecting_again_and_again_to_nobody_repeats_little() -> None:
    """What a broker piles up for a collector that is down grows by copies: 200 reconnects of a full window are few."""
    bench = Bench(window=64)
    await bench.backlog(500)
    async with bench.link() as link:
        for _ in range(6):
            bench.ack(*seqs(link))
            await bench.turn()
        assert bench.uplink.figures().backlog_in_flight == 48
    repeated = 0
    for _ in range(200):
        async with bench.link() as link:
            await bench.clock.advance(8.0)
            repeated += len(link.published)
    assert repeated <= 200 * 4


async def test_events_go_before_telemetry_in_the_live_lane() -> None:
    bench = Bench(window=4)
    async with bench.link() as link:
        await bench.commit(4)
        await bench.turn()
        await bench.commit(2)
        await bench.commit(1, Kind.EVENTS)
        await bench.turn()
        assert seqs(link) == [1, 2, 3, 4]
        bench.ack(1)
        await bench.turn()
        assert seqs(link)[4:] == [7]


async def test_after_an_outage_the_newest_readings_go_first() -> None:
    bench = Bench()
    await bench.commit(30)
    async with bench.link() as link:
        assert seqs(link)[:3] == [30, 1, 2]


async def test_pubacks_are_awaited_side_by_side() -> None:
    bench = Bench(window=8)
    await bench.backlog(20)
    link = FakeLink()
    link.pubacks.clear()
    task = asyncio.create_task(bench.uplink.serve(link))
    await bench.turn()
    assert len(link.published) == 4
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_unanswered_batch_is_sent_again_byte_for_byte_later_and_later() -> None:
    bench = Bench()
    async with bench.link() as link:
        await bench.commit()
        await bench.turn()
        await bench.clock.advance(9.0)
        assert len(link.published) == 1
        await bench.clock.advance(2.0)
        assert len(link.published) == 2
        await bench.clock.advance(15.0)
        assert len(link.published) == 2
        await bench.clock.advance(6.0)
        assert len(link.published) == 3
        assert len({payload for _, payload, _ in link.published}) == 1
        assert bench.uplink.figures().resent_batches == 2


async def test_acked_batches_are_released_and_nothing_else_is() -> None:
    bench = Bench()
    async with bench.link():
        await bench.commit(5)
        await bench.turn()
        bench.ack(2, 4)
        done = bench.uplink.take_done()
        assert done.release == [(2, 2), (4, 4)]
        assert not bench.uplink.has_done
        bench.uplink.give_back(done)
        assert bench.uplink.take_done().release == [(2, 2), (4, 4)]


async def test_an_ack_for_batches_never_sent_or_of_another_epoch_deletes_nothing() -> None:
    bench = Bench(window=4)
    await bench.backlog(50)
    async with bench.link() as link:
        sent = max(seqs(link))
        bench.uplink.take_ack(Ack("otherone", stored=[(1, 50)]))
        assert not bench.uplink.has_done
        bench.uplink.take_ack(Ack("memory01", stored=[(1, 2**62)]))
        assert bench.uplink.take_done().release == [(1, sent)]


async def test_a_duplicate_ack_changes_nothing() -> None:
    bench = Bench()
    async with bench.link():
        await bench.commit(2)
        await bench.turn()
        bench.ack(1)
        bench.ack(1)
        assert bench.uplink.take_done().release == [(1, 1)]
        bench.ack(1)
        assert not bench.uplink.has_done
        assert bench.uplink.figures().acked_batches == 1


async def test_a_rejected_batch_goes_to_quarantine_and_blocks_nothing() -> None:
    bench = Bench()
    async with bench.link() as link:
        (poison,) = await bench.commit()
        await bench.commit(2)
        await bench.turn()
        told = Rejection(digest(poison.payload), "schema", "unreadable")
        bench.uplink.take_ack(Ack("", rejected=[told]))
        bench.ack(2, 3)
        await bench.commit()
        assert list(bench.buffer.quarantine) == [1]
        await bench.turn()
        assert seqs(link) == [1, 2, 3, 4]
        await bench.clock.advance(30.0)
        assert seqs(link).count(1) == 1


async def test_a_batch_held_back_by_the_collector_stays_and_is_offered_again_slowly() -> None:
    bench = Bench()
    async with bench.link() as link:
        (held,) = await bench.commit()
        await bench.turn()
        told = Rejection(digest(held.payload), "fenced", seq=1, hold=True)
        bench.uplink.take_ack(Ack("memory01", rejected=[told]))
        await bench.turn()
        assert bench.uplink.figures().held_batches == 1
        assert not bench.uplink.has_done
        await bench.clock.advance(HOLD_S - 10)
        assert seqs(link) == [1]
        await bench.clock.advance(11)
        await until(lambda: seqs(link) == [1, 1])
        bench.ack(1)
        assert bench.uplink.take_done().release == [(1, 1)]


async def test_a_collector_that_never_answers_is_asked_with_few_batches() -> None:
    bench = Bench(window=8)
    await bench.backlog(100)
    async with bench.link() as link:
        await bench.commit(2)
        await bench.clock.advance(55.0)
        assert len(link.published) - len(set(seqs(link))) <= 4, "the broker's queue is not filled with repetitions"
        # It is back: everything unanswered is due at once, as fast as it answers.
        before = len(link.published)
        bench.ack(1)
        await bench.turn()
        assert len(link.published) >= before + 4


async def test_a_batch_that_alone_is_never_answered_does_not_block_the_others() -> None:
    bench = Bench(window=2)
    async with bench.link() as link:
        await bench.commit(1)
        await bench.turn()
        for _ in range(300):
            await bench.clock.advance(1.0)
            if len(link.published) > 1 and seqs(link)[-1] != 1:
                break
            await bench.commit(1)
            await bench.turn()
        assert seqs(link)[-1] != 1


async def test_the_age_of_the_oldest_unanswered_batch_ends_the_link() -> None:
    bench = Bench()
    task = asyncio.create_task(bench.uplink.serve(FakeLink()))
    await bench.turn()
    await bench.clock.advance(300.0)
    assert not task.done(), "nothing is on its way, so silence says nothing"
    await bench.commit()
    await bench.turn()
    await bench.clock.advance(59.0)
    assert not task.done()
    await bench.clock.advance(3.0)
    with pytest.raises(WireLost, match="no ack"):
        await asyncio.wait_for(task, 5)


async def test_after_a_reconnect_everything_on_its_way_is_sent_again_at_once() -> None:
    bench = Bench()
    async with bench.link() as link:
        await bench.commit(3)
        await bench.turn()
        assert seqs(link) == [1, 2, 3]
    async with bench.link() as link:
        assert sorted(seqs(link)) == [1, 2, 3]


async def test_a_lost_link_is_told_to_the_session() -> None:
    bench = Bench()
    link = FakeLink()
    task = asyncio.create_task(bench.uplink.serve(link))
    await bench.commit()
    await bench.turn()
    link.lose()
    await bench.commit()
    with pytest.raises(WireLost):
        await asyncio.wait_for(task, 5)
    async with bench.link() as again:
        assert sorted(seqs(again)) == [1, 2]


async def test_the_backlog_is_read_in_chunks() -> None:
    bench = Bench(window=32)
    await bench.backlog(1000)
    async with bench.link() as link:
        while bench.uplink.figures().acked_batches < 1000:
            bench.ack(*{identity.seq for identity in link.sent()})
            await bench.turn()
        assert bench.buffer.reads < 30
        assert sorted(set(seqs(link))) == list(range(1, 1001))
        assert len(link.published) == 1000


async def test_batches_on_their_way_are_pinned() -> None:
    bench = Bench(window=4)
    await bench.backlog(3)
    async with bench.link():
        assert bench.uplink.pinned() == {1, 2, 3}
        bench.ack(2)
        assert bench.uplink.pinned() == {1, 3}


async def test_what_waits_in_memory_is_bounded_however_slow_the_collector_is() -> None:
    bench = Bench(window=4)
    async with bench.link() as link:
        await bench.commit(300)
        await bench.turn()
        assert bench.uplink.figures().live_waiting <= 8, "what has no place in memory waits on the disk"
        while bench.uplink.figures().acked_batches < 300:
            bench.ack(*{identity.seq for identity in link.sent()})
            await bench.turn()
        assert sorted(seqs(link)) == list(range(1, 301))


async def test_a_wall_clock_that_is_set_neither_hastens_nor_holds_anything() -> None:
    bench = Bench()
    async with bench.link() as link:
        await bench.commit()
        await bench.turn()
        bench.clock.step(86_400_000)
        await bench.clock.advance(9.0)
        assert len(link.published) == 1, "a day by the wall clock is no day of silence"
        bench.clock.step(-2 * 86_400_000)
        await bench.clock.advance(2.0)
        assert len(link.published) == 2
        bench.ack(1)
        assert bench.uplink.take_done().release == [(1, 1)]
