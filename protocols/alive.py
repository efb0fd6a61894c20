"""A process whose event loop stands still ends itself, so that whoever runs it (systemd, a container) starts it again.

A loop can stand still for good without any error: a thread that gets no memory while it is born leaves CPython waiting
for it for ever. What watches is a timer of the kernel's, which needs no thread, no interpreter and no memory.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from protocols.clock import Clock

STILL_S_MAX = 60.0
LOOKS = 6
"""How often within that time the loop shows that it moves."""

T = TypeVar("T")
_WATCH: ContextVar[asyncio.Task[None] | None] = ContextVar("alive", default=None)


async def alive(work: Awaitable[T], clock: Clock, *, within_s: float = STILL_S_MAX) -> T:
    """All that a process does. SIGALRM ends it when the loop stands still for ``within_s``, with all stacks on stderr.

    The loop's own threads are born before it, while there is memory. After ``work`` the process has a third of that to
    be gone: asyncio's last act is one more thread.
    """
    faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)
    watch = asyncio.create_task(_show_life(clock, within_s), name="alive")
    _WATCH.set(watch)
    try:
        await _bear_threads(min(32, (os.cpu_count() or 1) + 4))
        return await work
    finally:
        watch.cancel()
        signal.setitimer(signal.ITIMER_REAL, within_s / 3)


def end_within(seconds: float = STILL_S_MAX / 3) -> None:
    """A part has failed for good and the others are to end with it: SIGALRM ends the process when they do not. A part
    that waits for ever while it ends would keep everything half alive. Does nothing outside of `alive`."""
    watch = _WATCH.get()
    if watch is not None and watch.cancel():
        signal.setitimer(signal.ITIMER_REAL, seconds)


def stop_if_cancelled() -> None:
    """Raise CancelledError in a task that was cancelled. To be called where a task goes on after any error: an error in
    a clean-up (no memory, a store that is gone) takes the place of the cancellation, and whoever waits for the end of
    the task would wait for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@contextmanager
def keep_cancellation() -> Iterator[None]:
    """Raise CancelledError at the end when the task was cancelled inside and went on all the same.

    ``asyncio.wait_for`` before Python 3.12 forgets a cancellation in whose very instant the answer comes, and a busy
    loop has many such instants. What was cancelled before and says its goodbye now is left alone."""
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    yield
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError


async def _bear_threads(count: int) -> None:
    """All that ``asyncio.to_thread`` may use; by itself it has each made when it is first missing."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(count, thread_name_prefix="asyncio"))
    all_there = threading.Barrier(count)
    await asyncio.gather(*(asyncio.to_thread(all_there.wait) for _ in range(count)))


async def _show_life(clock: Clock, within_s: float) -> None:
    while True:
        signal.setitimer(signal.ITIMER_REAL, within_s)
        await clock.sleep(within_s / LOOKS)
