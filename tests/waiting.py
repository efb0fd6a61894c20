"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], within_s: float = 30.0, what: str = "") -> T:
    """The same where nothing runs beside it: in a fixture, a process of a test."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what or getattr(condition, '__name__', 'condition')}")
        pause.wait(0.02)
    return found


async def until(condition: Callable[[], T | Awaitable[T]], within_s: float = 5.0, what: str = "") -> T:
    """Return the first true value of ``condition``; fail after ``within_s`` seconds, naming ``what``."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    pause = 0.002
    while True:
        found = condition()
        value: T = await found if inspect.isawaitable(found) else found
        if value:
            return value
        if loop.time() > deadline:
            name = what or getattr(condition, "__name__", "condition")
            raise AssertionError(f"not within {within_s} s: {name}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.05)
