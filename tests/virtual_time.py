"""An asyncio loop whose time costs nothing: when no task can go on, time jumps to the next timer.

    async def day(clock: VirtualClock) -> None:
        await clock.sleep(86_400)

    run(day)          # returns at once; 86,400 s have passed inside

What holds inside:

- ``loop.time()``, ``asyncio.sleep``, ``asyncio.timeout``, ``call_later`` and the `VirtualClock` show the same virtual
  seconds, and these do not move while any task can run. Code takes no time, whatever the machine does meanwhile: a run
  with the same seeds gives the same result, on every machine.
- Time is exact: a timer fires at its instant, and no earlier timer is left out.
- Work in threads (``run_in_executor``, ``asyncio.to_thread``) is waited for and takes no virtual time either, so a file
  or an SQLite buffer may be used. Nothing else from outside the loop is waited for: **no real sockets, pipes, serial
  ports or processes**; time would run away from them. Use wires in memory (``tests/edge/memory_line.py``).
- When all tasks wait and no timer is left, nothing can ever happen again: `Stuck` is raised and names the tasks.
- A loop that never lets a moment end (a task that waits for zero seconds for ever) is stopped after
  `TURNS_PER_INSTANT_MAX` turns without time moving, by `Stuck` too.

Simulated days cost what their code costs: about 20,000 wake-ups per second of real time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from protocols.clock import TRUST_FLOOR_MS

T = TypeVar("T")

STARTS_AT_MS = TRUST_FLOOR_MS + 86_400_000
TURNS_PER_INSTANT_MAX = 200_000


class Stuck(AssertionError):
    """Nothing can ever happen again, or an instant does not end."""


class VirtualClock:
    """A `protocols.clock.Clock` on a virtual loop. ``step`` moves the wall clock only, as a time sync does."""

    def __init__(self, loop: VirtualTimeLoop, starts_at_ms: int) -> None:
        self._loop = loop
        self._wall_ms = starts_at_ms - 1000 * loop.time()

    def now_ms(self) -> int:
        return int(self._wall_ms + 1000 * self._loop.time() + 1e-6)

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    async def sleep_until(self, deadline: float) -> None:
        await self.sleep(deadline - self._loop.time())

    def step(self, ms: int) -> None:
        self._wall_ms += ms


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Asked to wait, it lets virtual time pass instead, unless a thread is at work."""

    loop: VirtualTimeLoop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        loop = self.loop
        if ready:
            return ready
        if timeout is not None and timeout <= 0:
            loop.pass_time(0)
            return ready
        if loop.threads:
            # A thread's result comes through the loop's own pipe; until then no moment may pass.
            return super().select(None)
        if timeout is None:
            raise Stuck(f"all tasks wait and no timer is left: {loop.waiting()}")
        loop.pass_time(timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """See the module; `run` makes one, runs and closes it."""

    def __init__(self) -> None:
        self._virtual_s = 1000.0
        self._turns = 0
        self.threads = 0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)
        # Timers within a nanosecond are one instant; real loops take the resolution of the machine's clock.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual_s

    def pass_time(self, seconds: float) -> None:
        """Called when no task can go on before ``seconds`` have passed."""
        if seconds > 0:
            self._virtual_s += seconds
            self._turns = 0
            return
        self._turns += 1
        if self._turns > TURNS_PER_INSTANT_MAX:
            raise Stuck(f"no time passes after {self._turns} turns: {self.waiting()}")

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        self.threads += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self.threads -= 1

    def waiting(self) -> str:
        """The names of all tasks, for the message of `Stuck`."""
        return ", ".join(sorted(task.get_name() for task in asyncio.all_tasks(self))) or "no task"

    def _thread_done(self, future: asyncio.Future[Any]) -> None:
        self.threads -= 1


def run(main: Callable[[VirtualClock], Awaitable[T]], *, starts_at_ms: int = STARTS_AT_MS) -> T:
    """Run ``main`` in virtual time to its end and return its result. Called from a plain (not async) test."""

    async def body() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        return await main(VirtualClock(loop, starts_at_ms))

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(body())
