"""The session's states, over a fake broker and a clock that the test moves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.buffer import Change, Draft, Kind
from edge.sealer import sealer
from edge.session import Session, SessionState
from edge.uplink import Uplink
from protocols.ack import Ack, encode_ack
from protocols.birth import Birth, parse_birth
from protocols.clock import ManualClock
from protocols.reading import Reading
from protocols.status import ClockReport, Report, parse_status
from tests.contracts.memory_buffer import MemoryBuffer
from tests.edge.fake_link import FakeBroker, FakeLink

ROOT = "dayuan/1/site/gw"


def birth(session: int) -> Birth:
    return Birth(
        site="site",
        gateway="gw",
        name="gw",
        site_name="Site",
        time_zone="Asia/Shanghai",
        software="test",
        config_hash="0",
        session=session,
        started_at=0,
    )


def report() -> Report:
    return Report(
        epoch="memory01",
        backlog_batches=0,
        backlog_readings=0,
        backlog_bytes=0,
        buffer_max_bytes=0,
        oldest_unacked_s=0,
        live_in_flight=0,
        backlog_in_flight=0,
        acked_batches=0,
        resent_batches=0,
        quarantined=0,
        dropped_readings=0,
        dropped_events=0,
        untimed=0,
        clock=ClockReport("synced", 0),
    )


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.broker = FakeBroker()
        self.buffer = MemoryBuffer(sealer("gw"))
        self.uplink = Uplink(self.buffer, self.clock, topic=f"{ROOT}/up")
        self.session = Session(
            dial=self.broker,
            uplink=self.uplink,
            buffer=self.buffer,
            clock=self.clock,
            rng=random.Random(7),
            site="site",
            gateway="gw",
            birth=birth,
            report=report,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.session.run())
        await self.clock.advance(0.0)
        try:
            yield task
        finally:
            self.session.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def link(self) -> FakeLink:
        return self.broker.links[-1]


async def test_a_session_begins_with_the_ack_subscription_then_birth_then_online_all_retained() -> None:
    bench = Bench()
    async with bench.running():
        assert bench.session.state is SessionState.ONLINE
        assert bench.link.subscribed == [f"{ROOT}/ack"]
        (first, second) = bench.link.published[:2]
        assert (first[0], first[2]) == (f"{ROOT}/birth", True)
        assert (second[0], second[2]) == (f"{ROOT}/status", True)
        assert parse_birth(first[1]).session == parse_status(second[1]).session == bench.session.number
        assert parse_status(second[1]).state == "online"


async def test_the_will_says_offline_with_the_number_of_its_session_and_numbers_grow() -> None:
    bench = Bench()
    async with bench.running():
        bench.link.lose()
        await bench.clock.advance(3.0)
        assert len(bench.broker.wills) == 2
        old, new = (parse_status(will.payload) for will in bench.broker.wills)
        assert (old.state, new.state) == ("offline", "offline")
        assert old.session < new.session == bench.session.number
        assert bench.broker.wills[0].topic == f"{ROOT}/status"
        assert bench.broker.wills[0].retain


async def test_nothing_is_published_before_the_birth() -> None:
    bench = Bench()
    drafts = [Draft(Kind.TELEMETRY, readings=[Reading("meter", "active_power_total", 1.0, 5)])]
    await bench.buffer.commit(Change(sealed_at=5, drafts=drafts))
    bench.uplink.load(1, 1)
    async with bench.running():
        assert [topic.rsplit("/")[-1] for topic, _, _ in bench.link.published] == ["birth", "status", "up"]


async def test_a_broker_that_is_down_is_tried_again_with_jitter_up_to_half_a_minute() -> None:
    bench = Bench()
    bench.broker.refuse = "connection refused"
    async with bench.running() as task:
        assert bench.session.state is SessionState.BACKING_OFF
        assert bench.session.error == "connection refused"
        await bench.clock.advance(600.0)
        # Full jitter up to 30 s: 15 s on average once it has grown.
        assert 24 <= bench.broker.dials <= 100
        assert not task.done()
        bench.broker.refuse = ""
        await bench.clock.advance(31.0)
        assert bench.session.state is SessionState.ONLINE
        assert bench.session.error == ""


async def test_a_broker_that_breaks_off_again_and_again_is_met_again_within_seconds() -> None:
    bench = Bench()
    async with bench.running():
        for _ in range(20):
            bench.link.lose()
            await bench.clock.advance(8.1)
            assert bench.session.state is SessionState.ONLINE
        bench.broker.refuse = "connection refused"
        bench.link.lose()
        await bench.clock.advance(600.0)
        bench.broker.refuse = ""
        await bench.clock.advance(31.0)
        assert bench.session.state is SessionState.ONLINE
        await bench.clock.advance(11.0)
        bench.link.lose()
        await bench.clock.advance(1.1)
        assert bench.session.state is SessionState.ONLINE, "a link that stood starts from the shortest pause"


async def test_status_is_told_every_ten_seconds() -> None:
    bench = Bench()
    async with bench.running():
        await bench.clock.advance(35.0)
        told = [payload for topic, payload, _ in bench.link.published if topic.endswith("/status")]
        assert len(told) == 4


async def test_acks_reach_the_uplink_and_garbage_on_their_topic_hurts_nothing() -> None:
    bench = Bench()
    async with bench.running():
        drafts = [Draft(Kind.TELEMETRY, readings=[Reading("meter", "active_power_total", 1.0, 5)])]
        bench.uplink.offer((await bench.buffer.commit(Change(sealed_at=5, drafts=drafts))).batches)
        await bench.clock.advance(0.0)
        for garbage in (b"", b"{", b"\xff\xfe", b'{"epoch": 1}', b"[" * 10_000):
            bench.link.deliver(f"{ROOT}/ack", garbage)
        bench.link.deliver(f"{ROOT}/ack", encode_ack(Ack("memory01", stored=[(1, 1)])))
        await bench.clock.advance(0.0)
        assert bench.uplink.take_done().release == [(1, 1)]
        assert len(bench.link.acknowledged) == 6
        assert bench.session.state is SessionState.ONLINE


async def test_closing_says_goodbye_so_that_nobody_waits_for_the_will() -> None:
    bench = Bench()
    async with bench.running() as task:
        bench.session.close()
        await bench.clock.advance(0.0)
        await task
        topic, payload, retain = bench.link.published[-1]
        assert (topic, retain) == (f"{ROOT}/status", True)
        assert parse_status(payload).state == "offline"
        assert bench.link.closed
        assert bench.session.state is SessionState.IDLE


async def test_closing_while_the_broker_is_down_ends_at_once() -> None:
    bench = Bench()
    bench.broker.refuse = "no route"
    async with bench.running() as task:
        bench.session.close()
        await bench.clock.advance(0.0)
        await asyncio.wait_for(task, 2)


async def test_a_disk_that_refuses_does_not_keep_the_session_from_starting() -> None:
    bench = Bench()
    bench.buffer.refuse = "disk full"
    async with bench.running():
        assert bench.session.state is SessionState.ONLINE
        first = bench.session.number
        bench.link.lose()
        await bench.clock.advance(3.0)
        assert bench.session.number > first
