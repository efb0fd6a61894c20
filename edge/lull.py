"""Sees when devices have stopped sending because their messages wait to be acknowledged.

A broker lets only so many unacknowledged messages out (mosquitto: 20), and we acknowledge after the flush. When a
bunch of them waits and then nothing comes, the rest of the interval would be spent waiting for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

MESSAGES_EARLY = 16
LULL_S = 0.005
USUAL_GAPS = 5
"""A pause is a lull when it is this much longer than those between the messages that wait: a steady stream has none,
and is flushed every interval, as the disk likes it."""


class Lull:
    """waiting: how many device messages wait now. flush: called at a lull."""

    def __init__(self, waiting: Callable[[], int], flush: Callable[[], None]) -> None:
        self._waiting, self._flush = waiting, flush
        self._first_s = self._last_s = 0.0
        self._watch: asyncio.TimerHandle | None = None

    def heard(self) -> None:
        """A message was added to those that wait."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting()
        self._last_s = loop.time()
        if waiting <= 1:
            self._first_s = self._last_s
        elif waiting >= MESSAGES_EARLY and self._watch is None:
            self._watch = loop.call_later(LULL_S, self._look)

    def _look(self) -> None:
        self._watch = None
        waiting = self._waiting()
        if waiting < MESSAGES_EARLY:
            return  # flushed meanwhile
        loop = asyncio.get_running_loop()
        usual_s = (self._last_s - self._first_s) / (waiting - 1)
        left_s = max(LULL_S, USUAL_GAPS * usual_s) - (loop.time() - self._last_s)
        if left_s > 0:
            self._watch = loop.call_later(max(left_s, LULL_S / 5), self._look)
        else:
            self._flush()
