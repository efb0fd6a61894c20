"""The lane for what was acked and is asked for again: last, narrow, bounded, and only what is kept."""

from __future__ import annotations

import asyncio

from edge.buffer import Change, Kind
from edge.resend import TIMES_MAX
from edge.sealer import sealer
from protocols.ack import Ack, Rejection, encode_ack, parse_ack
from protocols.batch import digest
from tests.contracts.memory_buffer import MemoryBuffer
from tests.edge.fake_link import FakeLink
from tests.edge.test_uplink import AT, Bench, seqs

WINDOW = 8
LANE = WINDOW // 4


class Keeping(Bench):
    """As the other bench, over a buffer that keeps what was acked."""

    def __init__(self) -> None:
        super().__init__(window=WINDOW)
        self.buffer = MemoryBuffer(sealer("gw"), keeps_acked=True)
        self.uplink = type(self.uplink)(self.buffer, self.clock, topic="dayuan/1/s/gw/up", window=WINDOW)

    async def acked(self, link: FakeLink, count: int) -> None:
        """Batches 1..count are sent, acked and marked."""
        for _ in range(count):
            await self.commit()
            await self.turn()
            self.ack(*seqs(link)[-1:])
        done = self.uplink.take_done()
        await self.buffer.commit(Change(sealed_at=AT, release=done.release))
        link.published.clear()

    def asked(self, *ranges: tuple[int, int]) -> None:
        self.uplink.take_ack(parse_ack(encode_ack(Ack("memory01", missing=list(ranges)))))


async def drain(bench: Keeping, link: FakeLink) -> list[int]:
    """Ack whatever is sent until nothing more comes; what was sent, in order."""
    for _ in range(200):
        await bench.turn()
        waiting = bench.uplink.figures().again.waiting
        bench.ack(*seqs(link))
        if not waiting:
            break
    return seqs(link)


async def test_what_is_asked_for_and_kept_goes_up_once_more_byte_for_byte_and_nothing_else() -> None:
    bench = Keeping()
    async with bench.link() as link:
        await bench.commit(12)
        await bench.turn()
        sent = {payload for _, payload, _ in link.published}
        for _ in range(6):
            bench.ack(*seqs(link))
            await bench.turn()
            sent |= {payload for _, payload, _ in link.published}
        await bench.buffer.commit(Change(sealed_at=AT, release=bench.uplink.take_done().release))
        link.published.clear()
        bench.asked((3, 7), (11, 40))
        assert await drain(bench, link) == [3, 4, 5, 6, 7, 11, 12]
        assert {payload for _, payload, _ in link.published} <= sent
        assert bench.uplink.figures().again == (0, 7)
        assert bench.uplink.figures().released.batches == 0, "they were not waiting"


async def test_it_has_a_quarter_of_the_window_and_goes_behind_everything_else() -> None:
    bench = Keeping()
    async with bench.link() as link:
        await bench.acked(link, 30)
        bench.asked((1, 30))
        await bench.turn()
        assert len(seqs(link)) == LANE
        await bench.commit(3)
        await bench.commit(1, Kind.EVENTS)
        await bench.turn()
        assert set(seqs(link)[LANE:]) == {31, 32, 33, 34}, "live batches do not wait for it"
        bench.ack(*seqs(link)[:LANE])
        await bench.turn()
        assert len(seqs(link)) == LANE + 4, "nothing of it while live batches fill its share"
        bench.ack(31, 32, 33, 34)
        await bench.turn()
        assert len(seqs(link)) == 2 * LANE + 4


async def test_while_a_backlog_waits_nothing_acked_goes_again() -> None:
    bench = Keeping()
    async with bench.link() as link:
        await bench.acked(link, 5)
    await bench.commit(40)
    async with bench.link() as link:
        bench.asked((1, 5))
        again: list[int] = []
        while len(set(seqs(link)) - set(range(1, 6))) < 40:
            again = [seq for seq in seqs(link) if seq <= 5]
            assert not again
            bench.ack(*seqs(link))
            await bench.turn()
        assert await drain(bench, link)
        assert set(seqs(link)) == set(range(1, 46))


async def test_asked_for_ever_it_answers_a_few_times() -> None:
    bench = Keeping()
    async with bench.link() as link:
        await bench.acked(link, 4)
        for _ in range(10):
            bench.asked((1, 4))
            await drain(bench, link)
        assert len(seqs(link)) == 4 * TIMES_MAX
        assert bench.uplink.figures().again == (0, 4 * TIMES_MAX)


async def test_asked_for_again_while_it_goes_it_goes_once() -> None:
    bench = Keeping()
    async with bench.link() as link:
        await bench.acked(link, 12)
        for _ in range(10):
            bench.asked((1, 12))
            await bench.turn()
        await drain(bench, link)
        assert sorted(seqs(link)) == list(range(1, 13))


async def test_a_link_that_breaks_loses_nothing_of_it() -> None:
    bench = Keeping()
    async with bench.link() as link:
        await bench.acked(link, 12)
        bench.asked((1, 12))
        await bench.turn()
    assert bench.uplink.figures().again.waiting == 12
    async with bench.link() as link:
        await drain(bench, link)
        assert set(seqs(link)) == set(range(1, 13))


async def test_a_fenced_gateway_does_not_insist() -> None:
    bench = Keeping()
    async with bench.link() as link:
        await bench.acked(link, 6)
        bench.asked((1, 6))
        await bench.turn()
        for payload in [payload for _, payload, _ in link.published]:
            bench.uplink.take_ack(Ack("memory01", rejected=[Rejection(digest(payload), "fenced", "", hold=True)]))
        await bench.turn()
        assert seqs(link) == list(range(1, LANE + 1)), "all is held for a while"
        assert bench.uplink.figures().held_batches == 0, "and what was acked is not held: it is asked for anew"


async def test_of_another_epoch_or_of_what_has_no_ack_nothing_is_taken_up() -> None:
    bench = Keeping()
    async with bench.link() as link:
        await bench.acked(link, 3)
        bench.uplink.take_ack(Ack("another", missing=[(1, 3)]))
        await bench.commit()
        await bench.turn()
        bench.asked((4, 9))
        await asyncio.sleep(0)
        assert bench.uplink.figures().again.waiting == 0


def test_an_ack_without_the_key_is_as_it_was() -> None:
    assert b"missing" not in encode_ack(Ack("e", stored=[(1, 2)]))
