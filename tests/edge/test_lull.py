"""A flush before its time: only when devices wait for us."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from edge.lull import MESSAGES_EARLY, Lull
from tests.virtual_time import VirtualClock, run


class Stream:
    """Counts the flushes that messages with these pauses between them cause."""

    def __init__(self) -> None:
        self.waiting = 0
        self.early: list[int] = []
        self.lull = Lull(lambda: self.waiting, self._flush)

    def _flush(self) -> None:
        self.early.append(self.waiting)
        self.waiting = 0

    async def play(self, pauses: Sequence[float]) -> None:
        for pause in pauses:
            await asyncio.sleep(pause)
            self.waiting += 1
            self.lull.heard()


def flushes(pauses: Sequence[float], *, then_s: float = 0.5) -> list[int]:
    async def body(clock: VirtualClock) -> list[int]:
        stream = Stream()
        await stream.play(pauses)
        await clock.sleep(then_s)
        return stream.early

    return run(body)


def test_a_bunch_that_stops_is_flushed_at_once() -> None:
    assert flushes([0.0001] * 20) == [20]


def test_bunch_after_bunch_is_flushed_each_time() -> None:
    assert flushes(([0.03] + [0.0001] * 19) * 4) == [20] * 4


def test_a_few_messages_wait_for_the_interval() -> None:
    assert flushes([0.0001] * (MESSAGES_EARLY - 1)) == []


def test_a_steady_stream_waits_for_the_interval() -> None:
    assert flushes([0.005] * 2000, then_s=0.01) == []
    assert flushes([0.05] * 100, then_s=0.1) == []


def test_a_stream_that_ends_is_flushed_a_little_later() -> None:
    assert flushes([0.005] * 100) == [100]
