"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


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
