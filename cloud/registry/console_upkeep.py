"""Forgets what the console need not remember any longer, some rows at a time."""

import logging
from typing import Protocol

from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
ROUND_EVERY_S = 900.0
BREATH_S = 0.05
AT_MOST = 2_000


class Forgetful(Protocol):
    """Forgets at most so many rows from before an instant; returns how many went."""

    async def __call__(self, at: int, *, at_most: int = ...) -> int: ...


class ConsoleUpkeep:
    """Retention of the timeline and the time machine (``days``; None keeps all) and of what has its own."""

    def __init__(self, days: int | None, clock: Clock) -> None:
        self.days = days
        self._clock = clock
        self._parts: list[tuple[Forgetful, int]] = []
        self._others: list[tuple[Forgetful, int]] = []

    def add(self, part: Forgetful, *, earlier_ms: int = 0) -> None:
        """Let this one forget too, what is older by so much more."""
        self._parts.append((part, earlier_ms))

    def add_own(self, part: Forgetful, days: int | None) -> None:
        """Let this one forget what is older than its own number of days; None keeps all."""
        if days is not None:
            self._others.append((part, days))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(ROUND_EVERY_S)
            try:
                await self.round()
            except StoreUnavailable as error:
                log.warning("nothing old was forgotten: %s", error)

    async def round(self) -> None:
        """Forget everything that is too old now. Raises StoreUnavailable."""
        now = self._clock.now_ms()
        due = [(forget, now - days * DAY_MS) for forget, days in self._others]
        if self.days is not None:
            due += [(forget, now - self.days * DAY_MS - earlier_ms) for forget, earlier_ms in self._parts]
        for forget, before in due:
            while await forget(before, at_most=AT_MOST) >= AT_MOST:
                await self._clock.sleep(BREATH_S)
