"""The thread in which simulated hardware lives during a test: what the fixtures of `simulators.pytest_plugin` share.

A test may be of any kind, with or without asyncio: it calls plain functions, and the work is done in this thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from protocols.clock import SystemClock
from simulators.ledger import Ledger
from simulators.workshop_port import ClaimedPort

T = TypeVar("T")

CALL_S = 30.0
PAUSE_S = 0.02


class NotInTime(AssertionError):
    """What a test waited for did not come; the message says what did."""


class Workshop:
    """An event loop in a thread, a folder, and one ledger of everything that is simulated in a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.logs: list[Path] = []
        self._names: dict[str, int] = {}
        self._ports: list[ClaimedPort] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulated-hardware", daemon=True)
        self._thread.start()
        self.ledger = self.do(self._open_ledger)

    async def _open_ledger(self) -> Ledger:
        return Ledger(self.ledger_file)

    @property
    def ledger_file(self) -> Path:
        return self.folder / "ledger.db"

    def do(self, work: Callable[[], Awaitable[T]], within_s: float = CALL_S) -> T:
        """Run a coroutine there and wait for its result; raises TimeoutError when that takes too long."""

        async def run() -> T:
            async with asyncio.timeout(within_s):
                return await work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(within_s + 5)

    def call(self, work: Callable[[], T]) -> T:
        """Call a function there: whatever belongs to simulated devices is touched by one thread only."""

        async def run() -> T:
            return work()

        return self.do(run)

    def until(self, condition: Callable[[], T], within_s: float, what: Callable[[], str]) -> T:
        """The first true value of ``condition``, which is called in the thread of the test; raises NotInTime."""
        __tracebackhide__ = True
        deadline = self.clock.monotonic() + within_s
        pause, pause_s = threading.Event(), PAUSE_S
        while not (found := condition()):
            if self.clock.monotonic() > deadline:
                raise NotInTime(f"not within {within_s:g} s: {what()}")
            pause.wait(pause_s)
            pause_s = min(pause_s * 1.5, 0.2)
        return found

    def new_name(self, name: str) -> str:
        """``name``, or ``name-2`` when a test has one already, and so on."""
        number = self._names.get(name, 0) + 1
        self._names[name] = number
        return name if number == 1 else f"{name}-{number}"

    def new_port(self) -> int:
        """A free TCP port that is this test's until its end."""
        self._ports.append(ClaimedPort())
        return self._ports[-1].number

    def close(self) -> None:
        self.call(self.ledger.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()
        for port in self._ports:
            port.release()
