"""From the drivers' hands to the disk: when what is committed, and what happens when the disk refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge import tail
from edge.buffer import Change, Committed, Kind
from edge.intake import Intake
from edge.pipeline import Pipeline
from edge.retime import Timing
from edge.sealer import sealer
from edge.uplink import Uplink
from protocols.ack import Ack
from protocols.batch import open_batch
from protocols.clock import TRUST_FLOOR_MS, ManualClock
from protocols.errors import BadPayload, StoreUnavailable
from protocols.reading import Event, Quality, Reading
from tests.contracts.memory_buffer import MemoryBuffer

NOW = TRUST_FLOOR_MS + 10 * 86_400_000


class Bench:
    def __init__(self, *, now_ms: int = NOW, flush_every_s: float = 1.0, buffer: MemoryBuffer | None = None) -> None:
        self.clock = ManualClock(now_ms)
        self.buffer = buffer or MemoryBuffer(sealer("gw"))
        self.uplink = Uplink(self.buffer, self.clock, topic="dayuan/1/s/gw/up")
        self.timing = Timing(self.clock, boot="boot-2")
        self.intake = Intake(
            buffer=self.buffer,
            uplink=self.uplink,
            pipeline=Pipeline([], self.timing),
            timing=self.timing,
            clock=self.clock,
            flush_every_s=flush_every_s,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Intake]:
        await self.intake.open()
        task = asyncio.create_task(self.intake.run())
        await self.clock.advance(0.0)
        try:
            yield self.intake
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def reading(self, value: float = 1.0) -> Reading:
        return Reading("meter", "active_power_total", value, self.clock.now_ms())

    def event(self, detail: str = "x") -> Event:
        return Event("gate", "button", self.clock.now_ms(), {"detail": detail})

    def stored(self) -> list[Reading]:
        return [r for _, row in sorted(self.buffer.rows.items()) for r in open_batch(row.payload).readings()]

    def events(self, kind: str = "") -> list[Event]:
        found = [e for _, row in sorted(self.buffer.rows.items()) for e in open_batch(row.payload).events]
        return [event for event in found if kind in ("", event.kind)]


async def test_readings_are_gathered_into_one_batch_per_flush() -> None:
    bench = Bench()
    async with bench.running() as intake:
        for n in range(10):
            await intake.readings([bench.reading(float(n))])
            await bench.clock.advance(0.05)
        assert bench.buffer.rows == {}
        await bench.clock.advance(1.0)
        assert [row.readings for row in bench.buffer.rows.values()] == [10]
        assert [reading.value for reading in bench.stored()] == [float(n) for n in range(10)]


async def test_an_event_is_committed_at_once_and_before_the_call_returns() -> None:
    bench = Bench(flush_every_s=300.0)
    async with bench.running() as intake:
        await intake.readings([bench.reading()])
        assert await intake.event(bench.event()) is True
        assert [row.kind for row in bench.buffer.rows.values()] == [Kind.EVENTS]


async def test_events_that_come_together_share_a_commit() -> None:
    bench = Bench()
    async with bench.running() as intake:
        async with asyncio.TaskGroup() as group:
            for n in range(20):
                group.create_task(intake.event(bench.event(str(n))))
        assert len(bench.buffer.rows) <= 2
        assert [event.data["detail"] for event in bench.events()] == [str(n) for n in range(20)]


async def test_a_redelivered_device_message_is_stored_once() -> None:
    bench = Bench()
    async with bench.running() as intake:
        assert await intake.event(bench.event(), origin=b"m1") is True
        assert await intake.event(bench.event(), origin=b"m1", redelivered=True) is False
        assert await intake.event(bench.event(), origin=b"m2", redelivered=True) is True
        assert len(bench.events()) == 2


async def test_readings_of_a_redelivered_device_message_are_stored_once() -> None:
    bench = Bench()
    async with bench.running() as intake:
        await intake.readings([bench.reading(1.0)], origin=b"m1")
        await intake.readings([bench.reading(1.0)], origin=b"m1", redelivered=True)  # still in memory
        bench.buffer.refuse = "disk full"
        await bench.clock.advance(1.5)
        await intake.readings([bench.reading(1.0)], origin=b"m1", redelivered=True)  # on its way to the disk
        bench.buffer.refuse = ""
        await bench.clock.advance(10.0)
        await intake.readings([bench.reading(1.0)], origin=b"m1", redelivered=True)  # on the disk
        await intake.readings([bench.reading(2.0)], origin=b"m2", redelivered=True)  # never seen before
        await bench.clock.advance(1.5)
        assert [reading.value for reading in bench.stored()] == [1.0, 2.0]


async def test_readings_that_come_again_while_the_disk_refuses_are_stored_once() -> None:
    bench = Bench()
    async with bench.running() as intake:
        await intake.readings([bench.reading(1.0)], origin=b"m1")
        await intake.readings([bench.reading(1.0)], origin=b"m1", redelivered=True)
        bench.buffer.refuse = "disk full"
        await bench.clock.advance(3.0)
        await intake.readings([bench.reading(1.0)], origin=b"m1", redelivered=True)
        bench.buffer.refuse = ""
        await bench.clock.advance(6.0)
        await intake.readings([bench.reading(1.0)], origin=b"m1", redelivered=True)
        await intake.readings([bench.reading(2.0)], origin=b"m2", redelivered=True)
        await bench.clock.advance(2.0)
        assert [reading.value for reading in bench.stored()] == [1.0, 2.0]


async def test_a_redelivery_while_the_first_is_on_its_way_waits_for_it() -> None:
    bench = Bench()
    async with bench.running() as intake:
        bench.buffer.refuse = "disk full"
        first = asyncio.create_task(intake.event(bench.event(), origin=b"m1"))
        await bench.clock.advance(0.01)
        first.cancel()  # the link to the device was lost
        second = asyncio.create_task(intake.event(bench.event(), origin=b"m1", redelivered=True))
        await bench.clock.advance(0.01)
        assert not second.done()
        bench.buffer.refuse = ""
        await bench.clock.advance(10.0)
        assert await asyncio.wait_for(second, 5) is False
        assert len(bench.events()) == 1


async def test_an_event_that_is_not_as_declared_is_refused() -> None:
    bench = Bench()
    async with bench.running() as intake:
        with pytest.raises(BadPayload, match="unknown event kind"):
            await intake.event(Event("gate", "party", NOW))


async def test_committed_waits_for_the_disk_and_hastens_a_slow_flush() -> None:
    bench = Bench(flush_every_s=60.0)
    async with bench.running() as intake:
        await intake.committed()
        await intake.readings([bench.reading()])
        waiting = asyncio.create_task(intake.committed())
        await bench.clock.advance(0.5)
        assert not waiting.done()
        await bench.clock.advance(1.0)
        assert waiting.done()
        assert len(bench.stored()) == 1


async def test_while_the_disk_refuses_nothing_is_reported_stored_and_nothing_is_lost() -> None:
    bench = Bench()
    async with bench.running() as intake:
        bench.buffer.refuse = "disk full"
        await intake.readings([bench.reading(1.0)])
        event = asyncio.create_task(intake.event(bench.event()))
        committed = asyncio.create_task(intake.committed())
        await bench.clock.advance(30.0)
        await intake.readings([bench.reading(2.0)])
        assert not event.done()
        assert not committed.done()
        bench.buffer.refuse = ""
        await bench.clock.advance(6.0)
        assert await asyncio.wait_for(event, 5) is True
        await asyncio.wait_for(committed, 5)
        assert [reading.value for reading in bench.stored()] == [1.0, 2.0]
        assert bench.events("gap") == []


async def test_a_tail_that_overflows_is_told_in_a_gap_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "READINGS_MAX", 100)
    bench = Bench()
    async with bench.running() as intake:
        bench.buffer.refuse = "disk full"
        for n in range(250):
            await intake.readings([bench.reading(float(n))])
            await bench.clock.advance(0.1)
        bench.buffer.refuse = ""
        await bench.clock.advance(10.0)
        stored = bench.stored()
        told = bench.events("gap")
        assert sum(int(str(gap.data["readings"])) for gap in told) == 250 - len(stored) == intake.tail.lost_readings
        assert [reading.value for reading in stored] == [float(n) for n in range(250 - len(stored), 250)]
        assert {gap.data["reason"] for gap in told} == {"disk_refused"}


async def test_too_many_waiting_events_are_refused_at_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "EVENTS_MAX", 5)
    bench = Bench()
    async with bench.running() as intake:
        bench.buffer.refuse = "disk full"
        tasks = [asyncio.create_task(intake.event(bench.event(str(n)))) for n in range(5)]
        await bench.clock.advance(0.01)
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(5):
                await intake.event(bench.event())
        for task in tasks:
            task.cancel()


async def test_acked_batches_are_deleted_with_the_next_flush_or_after_a_while() -> None:
    bench = Bench()
    async with bench.running() as intake:
        for _ in range(3):
            await intake.readings([bench.reading()])
            await bench.clock.advance(1.1)
        from tests.edge.fake_link import FakeLink

        serving = asyncio.create_task(bench.uplink.serve(FakeLink()))
        await bench.clock.advance(0.1)
        bench.uplink.take_ack(Ack("memory01", stored=[(1, 2)]))
        await bench.clock.advance(5.0)
        assert len(bench.buffer.rows) == 3
        await bench.clock.advance(7.0)
        assert sorted(bench.buffer.rows) == [3]
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


class FullDisk(MemoryBuffer):
    """While ``full``, nothing new is taken; deleting works."""

    full = False

    async def commit(self, change: Change) -> Committed:
        if self.full and (change.drafts or change.untimed):
            raise StoreUnavailable("the disk is full")
        return await super().commit(change)


async def test_acked_batches_leave_a_full_disk_although_readings_wait_for_room() -> None:
    """In one transaction with what does not fit, the deletions would wait for the room that only they can make."""
    from tests.edge.fake_link import FakeLink

    buffer = FullDisk(sealer("gw"))
    bench = Bench(buffer=buffer)
    async with bench.running() as intake:
        for _ in range(3):
            await intake.readings([bench.reading()])
            await bench.clock.advance(1.1)
        buffer.full = True
        serving = asyncio.create_task(bench.uplink.serve(FakeLink()))
        await bench.clock.advance(0.1)
        bench.uplink.take_ack(Ack("memory01", stored=[(1, 2)]))
        await intake.readings([bench.reading(7.0)])
        await bench.clock.advance(15.0)
        assert sorted(buffer.rows) == [3]
        buffer.full = False
        await bench.clock.advance(10.0)
        assert [reading.value for reading in bench.stored()][-1] == 7.0
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_close_flushes_what_is_in_memory() -> None:
    bench = Bench(flush_every_s=300.0)
    await bench.intake.open()
    task = asyncio.create_task(bench.intake.run())
    await bench.intake.readings([bench.reading()])
    bench.intake.note("gateway_started", software="test")
    bench.intake.close()
    await asyncio.wait_for(task, 5)
    assert len(bench.stored()) == 1
    assert len(bench.events()) == 1


async def test_in_1970_items_wait_untimed_and_get_their_time_when_it_is_known() -> None:
    bench = Bench(now_ms=5_000)
    async with bench.running() as intake:
        for n in range(5):
            await intake.readings([bench.reading(float(n))])
            await bench.clock.advance(2.0)
        await intake.event(bench.event())
        assert bench.buffer.rows == {}
        assert bench.buffer.figures().untimed == 6
        await intake.readings([bench.reading(5.0)])  # still in memory when the time comes
        bench.clock.step(NOW)
        await bench.clock.advance(0.5)
        await intake.readings([bench.reading(6.0)])
        await bench.clock.advance(2.0)
        assert bench.buffer.figures().untimed == 0
        start = NOW + 5_000
        assert [(r.value, r.observed_at - start, r.quality) for r in bench.stored()] == [
            (0.0, 0, Quality.GOOD),
            (1.0, 2_000, Quality.GOOD),
            (2.0, 4_000, Quality.GOOD),
            (3.0, 6_000, Quality.GOOD),
            (4.0, 8_000, Quality.GOOD),
            (5.0, 10_000, Quality.GOOD),
            (6.0, 10_500, Quality.GOOD),
        ]
        assert [event.at for event in bench.events("button")] == [start + 10_000]
        (told,) = bench.events("clock_set")
        assert told.data["retimed"] == 6


async def test_items_of_an_earlier_boot_are_delivered_flagged() -> None:
    earlier = Bench(now_ms=5_000)
    earlier.timing.boot = "boot-1"
    async with earlier.running() as intake:
        await intake.readings([earlier.reading()])
        await earlier.clock.advance(2.0)
    bench = Bench(buffer=earlier.buffer)
    async with bench.running():
        await bench.clock.advance(1.0)
        (found,) = bench.stored()
        assert (found.quality, found.reason) == (Quality.UNCERTAIN, "clock")
        assert found.observed_at >= TRUST_FLOOR_MS


async def test_items_of_an_earlier_process_of_the_same_boot_get_their_true_time() -> None:
    first = Bench(now_ms=5_000)
    async with first.running() as intake:
        await intake.readings([first.reading()])
        await first.clock.advance(2.0)
    second = Bench(now_ms=0, buffer=first.buffer)
    second.clock = ManualClock(NOW, monotonic=first.clock.monotonic())
    again = Intake(
        buffer=first.buffer,
        uplink=second.uplink,
        pipeline=Pipeline([], Timing(second.clock, boot="boot-2")),
        timing=Timing(second.clock, boot="boot-2"),
        clock=second.clock,
        flush_every_s=1.0,
    )
    await again.open()
    task = asyncio.create_task(again.run())
    await second.clock.advance(0.1)
    (found,) = second.stored()
    assert (found.observed_at, found.quality) == (NOW - 2_000, Quality.GOOD)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_step_of_the_clock_is_an_event() -> None:
    bench = Bench()
    async with bench.running():
        bench.clock.step(-3_600_000)
        await bench.clock.advance(2.0)
        (told,) = bench.events("clock_stepped")
        assert told.data["step_ms"] == -3_600_000


async def test_order_of_seq_is_order_of_production_although_the_clock_goes_back() -> None:
    bench = Bench()
    async with bench.running() as intake:
        for n in range(20):
            await intake.readings([bench.reading(float(n))])
            if n == 10:
                bench.clock.step(-86_400_000)
            await bench.clock.advance(1.0)
        await bench.clock.advance(2.0)
        assert [reading.value for reading in bench.stored()] == [float(n) for n in range(20)]
