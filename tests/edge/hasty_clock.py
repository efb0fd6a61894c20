"""The machine's clocks, but nobody sleeps: pauses between requests cost a test nothing."""

import asyncio

from protocols.clock import SystemClock


class HastyClock(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    async def sleep_until(self, deadline: float) -> None:
        await asyncio.sleep(0)
