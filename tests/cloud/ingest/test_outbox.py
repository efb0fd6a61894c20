"""Acks on their way out: none is late when the link is back, and none that is lost keeps a gateway waiting for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cloud.ingest import outbox
from cloud.ingest.outbox import AckOutbox
from cloud.ingest.prepared import Answer
from cloud.store.contract import GatewayKey
from protocols.ack import Ack, Rejection, parse_ack
from protocols.clock import ManualClock
from protocols.errors import WireLost
from tests.cloud.ingest.rig import KEY, batch, rig


class Link:
    """Takes acks while it is up."""

    def __init__(self) -> None:
        self.up = True
        self.acks: list[Ack] = []

    async def publish(self, name: str, payload: bytes) -> None:
        if not self.up:
            raise WireLost("planted")
        self.acks.append(parse_ack(payload))


class Bench:
    def __init__(self) -> None:
        self.clock, self.link = ManualClock(), Link()
        self.outbox = AckOutbox(self.link.publish, self.clock, lambda _: None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.outbox.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_acks_that_found_no_link_go_out_within_a_second_of_its_return() -> None:
    bench = Bench()
    async with bench.running():
        bench.link.up = False
        bench.outbox.add([Answer(KEY, "e1", 1), Answer(GatewayKey("east", "g2"), "e9", 7)])
        await bench.clock.advance(600.0)
        bench.outbox.add([Answer(KEY, "e1", 2), Answer(KEY, "e1", 2), Answer(KEY, "e1", 4)])
        bench.outbox.add([Answer(KEY, "e1", 5, Rejection("0" * 16, "schema", "x", 5))])
        await bench.clock.advance(30.0)
        assert bench.link.acks == []
        bench.link.up = True
        await bench.clock.advance(1.01)
        assert {ack.epoch: ack.stored for ack in bench.link.acks} == {"e1": [(1, 2), (4, 4)], "e9": [(7, 7)]}
        assert [rejection.seq for ack in bench.link.acks for rejection in ack.rejected] == [5]
        assert bench.outbox.waiting == 0


async def test_a_link_that_comes_and_goes_loses_no_ack() -> None:
    bench = Bench()
    async with bench.running():
        for seq in range(1, 200):
            bench.link.up = seq % 3 == 0
            bench.outbox.add([Answer(KEY, "e1", seq)])
            await bench.clock.advance(0.05)
        bench.link.up = True
        await bench.clock.advance(1.01)
        assert {seq for ack in bench.link.acks for first, last in ack.stored for seq in range(first, last + 1)} == set(
            range(1, 200)
        )


async def test_an_ack_that_the_broker_keeps_waiting_holds_up_its_own_gateway_only() -> None:
    bench, told = Bench(), asyncio.Event()
    taken = bench.link.publish

    async def slow_for_one(name: str, payload: bytes) -> None:
        if f"/{KEY.gateway}/" in name:
            await told.wait()
        await taken(name, payload)

    bench.outbox = AckOutbox(slow_for_one, bench.clock, lambda _: None)
    async with bench.running():
        bench.outbox.add([Answer(KEY, "e1", 1)])
        await bench.clock.advance(0.1)
        for seq in range(2, 50):
            bench.outbox.add([Answer(KEY, "e1", seq), Answer(GatewayKey("east", f"g{seq}"), "e9", seq)])
            await bench.clock.advance(0.1)
        assert sorted(ack.stored[0][0] for ack in bench.link.acks) == list(range(2, 50))
        assert bench.outbox.waiting == 1
        told.set()
        await bench.clock.advance(0.1)
        assert [ack.stored for ack in bench.link.acks if ack.epoch == "e1"] == [[(1, 1)], [(2, 49)]]
        assert bench.outbox.waiting == 0


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "STREAMS_MAX", 10)
    bench = Bench()
    bench.link.up = False
    async with bench.running():
        for number in range(500):
            bench.outbox.add([Answer(KEY, f"e{number}", 1)])
            await bench.clock.advance(0.1)
        assert bench.outbox.waiting <= 12


async def test_an_ack_that_was_lost_is_given_again_when_the_batch_comes_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        assert [ack.stored for ack in await it.send(batch(1))] == [[(1, 1)]]
        it.acks.clear()  # lost on the way
        assert [ack.stored for ack in await it.send(batch(1))] == [[(1, 1)]]
        assert len(await it.stored()) == 1
