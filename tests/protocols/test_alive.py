"""A loop that stands still ends its process; one that is only busy does not."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys

import pytest

from protocols.alive import keep_cancellation, stop_if_cancelled

PROGRAM = """
import asyncio, threading, time
from protocols.alive import alive, end_within
from protocols.clock import SystemClock

async def work():
    await asyncio.sleep(0.1)
    BODY

asyncio.run(alive(work(), SystemClock(), within_s=WITHIN))
AFTER
print("ended by itself")
"""
FOR_EVER = "threading.Event().wait()  # the thread that would set it was never born"


def ran(body: str, after: str, within_s: float) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.replace("BODY", body).replace("AFTER", after).replace("WITHIN", str(within_s))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_a_loop_that_waits_for_ever_ends_the_process_and_shows_where_it_stood() -> None:
    ended = ran(FOR_EVER, "", 0.5)
    assert ended.returncode == -signal.SIGALRM
    assert "in wait" in ended.stderr and "in work" in ended.stderr


def test_a_busy_loop_goes_on() -> None:
    ended = ran("[(time.sleep(0.3), await asyncio.sleep(0.2)) for _ in range(6)]", "", 1.5)
    assert (ended.returncode, ended.stdout) == (0, "ended by itself\n"), ended.stderr


def test_the_threads_of_the_loop_are_born_before_the_work() -> None:
    ended = ran("print(sum(each.name.startswith('asyncio') for each in threading.enumerate()))", "", 5)
    assert int(ended.stdout.split()[0]) >= 5, ended.stderr


def test_a_process_that_cannot_end_is_ended() -> None:
    ended = ran("pass", FOR_EVER, 0.5)
    assert ended.returncode == -signal.SIGALRM
    assert "in wait" in ended.stderr and "in <module>" in ended.stderr


def test_what_does_not_end_with_a_part_that_failed_is_ended() -> None:
    ended = ran("end_within(0.5); await asyncio.Event().wait()", "", 30)
    assert ended.returncode == -signal.SIGALRM
    assert "in _run_once" in ended.stderr


async def test_a_task_that_survives_errors_ends_when_an_error_takes_the_place_of_its_cancellation() -> None:
    survived, waits = 0, asyncio.Event()

    async def work() -> None:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise MemoryError

    async def keeps_on() -> None:
        nonlocal survived
        while True:
            try:
                await work()
            except Exception:  # noqa: BLE001 - as in a loop that survives everything
                survived += 1
                stop_if_cancelled()

    task = asyncio.create_task(keeps_on(), name="keeps on")
    await waits.wait()
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert (task.cancelled(), survived) == (True, 1)


async def test_a_task_that_nobody_cancelled_goes_on() -> None:
    stop_if_cancelled()
    async with asyncio.timeout(None):
        stop_if_cancelled()


async def test_a_cancellation_at_the_instant_of_an_answer_is_not_lost():
    answered, lost = asyncio.Event(), []

    async def waits_for_an_answer(kept):
        with kept():
            await asyncio.wait_for(answered.wait(), 10)
        lost.append(kept)

    for turns in range(4):
        answered.clear()
        task = asyncio.create_task(waits_for_an_answer(keep_cancellation))
        await _turns(3)
        answered.set()
        await _turns(turns)
        told = task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or not told
    assert len(lost) < 4


async def test_a_timeout_is_told_and_a_cancellation_of_before_is_not_told_again():
    async def answered_too_late():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            with keep_cancellation():
                await answered_too_late()

    said = []

    async def says_goodbye():
        try:
            await asyncio.Event().wait()
        finally:
            with keep_cancellation():
                await asyncio.sleep(0)
            said.append("goodbye")

    task = asyncio.create_task(says_goodbye())
    await _turns(2)
    task.cancel()
    await asyncio.wait([task])
    assert said == ["goodbye"]


async def _turns(count):
    for _ in range(count):
        await asyncio.sleep(0)
