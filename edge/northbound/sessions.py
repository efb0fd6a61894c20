"""One MQTT session after another, until closed: what both modules do between their sessions.

idle -> connecting -> (the module's own states) -> backing_off -> connecting ... -> closing -> idle
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from edge.contract import Dial, Link, Will
from protocols.clock import Clock
from protocols.errors import WireLost

log = logging.getLogger(__name__)

T = TypeVar("T")

BACKOFF_S = (1.0, 60.0)
STEADY_S = 10.0
"""A session that lasted so long starts the backoff from the beginning."""


class Closing(Exception):
    """The gateway is closing: say goodbye."""


class Sessions:
    """Keeps the state for people: which, since when, why not. `run` may be called again after it failed."""

    def __init__(self, name: str, clock: Clock, rng: random.Random) -> None:
        self._name = name
        self._clock, self._rng = clock, rng
        self.closing = asyncio.Event()
        self.state = "idle"
        self.error = ""
        """Why there is no connection; "" while there is one."""
        self._online_since: float | None = None
        self._attempt = 0

    @property
    def online_s(self) -> float | None:
        """For how long the session has been of use to the other side."""
        since = self._online_since
        return None if since is None else round(self._clock.monotonic() - since, 1)

    async def run(self, session: Callable[[], Awaitable[None]]) -> None:
        """Call `session` again and again. It returns when it wants the next one at once, or raises WireLost."""
        while not self.closing.is_set():
            began_at = self._clock.monotonic()
            try:
                await session()
                self._attempt = 0
            except WireLost as error:
                self._note_loss(str(error))
                lasted_s = self._clock.monotonic() - began_at
                self._attempt = 1 if self._online_since is not None and lasted_s >= STEADY_S else self._attempt + 1
            except Closing:
                break
            self._online_since = None
            if self.closing.is_set():
                break
            self.state = "backing_off"
            most_s = min(BACKOFF_S[0] * 2 ** min(self._attempt, 10), BACKOFF_S[1])
            await self._pause(self._rng.uniform(0.3, 1.0) * most_s)
        self._online_since = None
        self.state = "idle"

    def note_online(self, state: str = "online") -> None:
        """The other side gets what it should, from now on."""
        self.state = state
        self._online_since = self._clock.monotonic()
        log.info("%s: online%s", self._name, f" (was: {self.error})" if self.error else "")
        self.error = ""

    async def connect(self, dial: Dial, *, client_id: str, will: Will) -> Link:
        """The open link; raises Closing when the gateway closes meanwhile."""
        self.state = "connecting"
        return await self.unless_closing(dial(client_id=client_id, will=will))

    async def unless_closing(self, work: Awaitable[T]) -> T:
        """The outcome of `work`; raises Closing, and gives it up, when the gateway closes meanwhile."""
        loop = asyncio.get_running_loop()
        working = asyncio.ensure_future(work)
        closing = loop.create_task(self.closing.wait(), name=f"{self._name}-closing")
        try:
            await asyncio.wait({working, closing}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise Closing
        finally:
            closing.cancel()
            working.cancel()

    async def _pause(self, seconds: float) -> None:
        try:
            await self.unless_closing(self._clock.sleep(seconds))
        except Closing:
            return

    def _note_loss(self, reason: str) -> None:
        if reason != self.error:
            log.warning("%s: offline: %s", self._name, reason)
        self.error = reason


def first(lost: BaseExceptionGroup[WireLost]) -> WireLost:
    """One of the losses that ended a group of tasks: they are of one connection."""
    found: BaseException = lost
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, WireLost)
    return found
