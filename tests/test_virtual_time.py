"""The virtual loop: time passes exactly and only when nobody can go on."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.virtual_time import STARTS_AT_MS, Stuck, VirtualClock, run


def test_a_day_passes_at_once_on_all_clocks() -> None:
    async def day(clock: VirtualClock) -> tuple[float, int, float]:
        began = asyncio.get_running_loop().time()
        await clock.sleep(86_400)
        return clock.monotonic() - began, clock.now_ms(), asyncio.get_running_loop().time() - began

    assert run(day) == (86_400, STARTS_AT_MS + 86_400_000, 86_400)


def test_sleepers_wake_in_the_order_of_their_deadlines_each_at_its_instant() -> None:
    async def many(clock: VirtualClock) -> list[tuple[int, float]]:
        woken: list[tuple[int, float]] = []
        began = clock.monotonic()

        async def sleeper(number: int) -> None:
            for _ in range(3):
                await clock.sleep(number)
            woken.append((number, round(clock.monotonic() - began, 6)))

        async with asyncio.TaskGroup() as group:
            for number in (5, 3, 1, 4, 2):
                group.create_task(sleeper(number), name=f"sleeper {number}")
        return woken

    assert run(many) == [(1, 3), (2, 6), (3, 9), (4, 12), (5, 15)]


def test_no_time_passes_while_a_task_can_run() -> None:
    async def work(clock: VirtualClock) -> float:
        began = clock.monotonic()
        for _ in range(1000):
            await asyncio.sleep(0)
        return clock.monotonic() - began

    assert run(work) == 0


def test_timeouts_fire_in_virtual_time() -> None:
    async def hang(clock: VirtualClock) -> float:
        began = clock.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return clock.monotonic() - began

    assert run(hang) == 3600


def test_threads_are_waited_for_and_take_no_time() -> None:
    async def threads(clock: VirtualClock) -> tuple[float, float]:
        began = clock.monotonic()

        def slow() -> None:
            deadline = time.monotonic() + 0.05
            while time.monotonic() < deadline:
                pass

        async with asyncio.timeout(0.01):
            await asyncio.to_thread(slow)
        thread = clock.monotonic() - began
        await clock.sleep(1)
        return thread, clock.monotonic() - began

    assert run(threads) == (0, 1)


def test_the_wall_clock_can_be_stepped_alone() -> None:
    async def step(clock: VirtualClock) -> tuple[int, float]:
        began = clock.monotonic()
        clock.step(-5000)
        await clock.sleep(1)
        return clock.now_ms(), clock.monotonic() - began

    assert run(step) == (STARTS_AT_MS - 4000, 1)


def test_waiting_for_what_cannot_come_is_an_error_that_names_the_tasks() -> None:
    async def wait(clock: VirtualClock) -> None:
        waiting = asyncio.create_task(asyncio.Event().wait(), name="the one that waits")
        await waiting

    with pytest.raises(Stuck, match="the one that waits"):
        run(wait)


def test_an_instant_without_end_is_an_error() -> None:
    async def spin(clock: VirtualClock) -> None:
        while True:
            await clock.sleep(0)

    with pytest.raises(Stuck, match="no time passes"):
        run(spin)
