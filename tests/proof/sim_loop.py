"""The loop of a simulated day: virtual time, no threads, no files to wait for, and machines that die at any instant.

What would run in a thread runs in the loop, one job after the other for each pool, and may take virtual time: half of
it before the work, half of it after, so that a machine can die in between. Nothing depends on addresses, on threads or
on the real time: the same seed gives the same day.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import hashlib
import heapq
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

from tests.virtual_time import VirtualTimeLoop

T = TypeVar("T")

STARTS_AT_MS = 1_795_000_000_000
LAST_LINES = 400


class Killed(BaseException):
    """The machine in which this is raised is dead."""


class Trace:
    """Everything that could be seen from outside, in order; `digest` names the whole of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, whole: bool = False) -> None:
        self._loop = loop
        self._hash = hashlib.blake2b(digest_size=16)
        self._whole = whole
        self.lines: list[str] = []

    def __call__(self, text: str) -> None:
        line = f"{self._loop.time():.6f} {text}"
        self._hash.update(line.encode())
        self.lines.append(line)
        if not self._whole and len(self.lines) > 2 * LAST_LINES:
            del self.lines[:LAST_LINES]

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


class Machine:
    """One computer: what it has started ends when it dies, at once and without a last word."""

    def __init__(self, name: str, rng: random.Random, trace: Trace) -> None:
        self.name = name
        self.rng = rng
        self.trace = trace
        self.dead = False
        self.slow_disk = False
        self.armed: tuple[str, int] | None = None
        self.passed: dict[str, int] = {}
        self.deaths: list[str] = []
        self._main: asyncio.Task[None] | None = None

    async def live(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run ``work`` until it ends or the machine dies."""
        self.dead = False
        token = CURRENT.set(self)
        try:
            self._main = asyncio.get_running_loop().create_task(work(), name=f"{self.name}")
        finally:
            CURRENT.reset(token)
        await asyncio.wait([self._main])
        main, self._main = self._main, None
        if not self.dead and not main.cancelled() and main.exception() is not None:
            raise RuntimeError(f"{self.name} ended by itself") from main.exception()
        if not main.cancelled():
            main.exception()

    def die(self, where: str) -> None:
        """From now on nothing that this machine does reaches anything."""
        if self.dead or self._main is None:
            return
        self.trace(f"{self.name} dies {where}")
        self.deaths.append(where)
        self.dead = True
        self.armed = None
        self.on_death()
        asyncio.get_running_loop().call_soon(self._main.cancel)

    def on_death(self) -> None:
        """What the world sees of it."""

    def reach(self, place: str) -> None:
        """A fail-point of the product."""
        if self.dead:
            raise Killed
        self.passed[place] = self.passed.get(place, 0) + 1
        if self.armed is not None and self.armed[0] == place:
            self.armed = (place, self.armed[1] - 1)
            if self.armed[1] <= 0:
                self.die(f"at {place}")
                raise Killed

    def disk_s(self) -> float:
        """How long the next job takes; mostly no time at all."""
        if self.slow_disk:
            return self.rng.uniform(0.05, 4.0)
        return self.rng.uniform(0.001, 0.02) if self.rng.random() < 0.1 else 0.0


CURRENT: ContextVar[Machine | None] = ContextVar("machine", default=None)


class _NumberedTask(asyncio.Task):
    """Tasks stand in sets, and the order of a set must not depend on where in memory they lie."""

    count = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _NumberedTask.count += 1
        self._place = _NumberedTask.count
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return self._place


class _Handle(asyncio.Handle):
    """What a callback of the loop is here, with nothing that only debugging needs; a timer, too."""

    __slots__ = ("when_s",)

    def __init__(self, when_s: float, callback: Callable[..., object], args: tuple[Any, ...], context: Any) -> None:
        self.when_s = when_s
        self._callback: Any = callback
        self._args: Any = args
        self._context = contextvars.copy_context() if context is None else context
        self._cancelled = False
        self._source_traceback = None
        self._repr: str | None = None

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = self._args = None

    def when(self) -> float:
        return self.when_s


class SimLoop(VirtualTimeLoop):
    """See the module. Timers of one instant fire in the order in which they were set."""

    def __init__(self) -> None:
        super().__init__()
        self._free_at: dict[int, float] = {}
        self._timers: list[tuple[float, int, _Handle]] = []
        self._timers_set = 0
        self.set_task_factory(lambda loop, work, **more: _NumberedTask(work, loop=loop, **more))

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = _Handle(0.0, callback, args, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = _Handle(when, callback, args, context)
        self._timers_set += 1
        heapq.heappush(self._timers, (when, self._timers_set, handle))
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def _run_once(self) -> None:
        """One turn, as asyncio's own: due timers, then all that is ready. Half of a day would go into that one."""
        ready, timers = self._ready, self._timers  # type: ignore[attr-defined]
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if ready:
            self.pass_time(0.0)
        elif timers:
            self.pass_time(timers[0][0] - self.time())
        elif not self._stopping:  # type: ignore[attr-defined]
            raise AssertionError(f"all tasks wait and no timer is left: {self.waiting()}")
        due_s = self.time() + 1e-9
        while timers and timers[0][0] < due_s:
            ready.append(heapq.heappop(timers)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                try:
                    handle._context.run(handle._callback, *handle._args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:  # noqa: BLE001  # task top: as asyncio's own loop does
                    self.call_exception_handler({"message": f"exception in {handle._callback}", "exception": error})

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        machine = CURRENT.get()
        future: asyncio.Future[Any] = self.create_future()
        if machine is None or machine.dead:
            future.cancel()
            return future
        free_at = self._free_at.get(id(executor), 0.0)
        takes_s = machine.disk_s()
        if takes_s <= 0.0 and free_at <= self.time():
            self._work(machine, future, func, args, 0.0)
            return future
        begins_at = max(free_at, self.time())
        self._free_at[id(executor)] = begins_at + takes_s
        self.call_at(begins_at + takes_s / 2, self._work, machine, future, func, args, takes_s / 2)
        return future

    def _work(self, machine: Machine, future: asyncio.Future[Any], func: Any, args: Any, rest_s: float) -> None:
        if future.cancelled():
            return
        if machine.dead:
            future.cancel()
            return
        try:
            result = func(*args)
        except Killed:
            future.cancel()
            return
        except Exception as error:  # noqa: BLE001  # task top: what a thread would hand to its future
            self.call_later(rest_s, self._settle, machine, future, None, error)
            return
        self.call_later(rest_s, self._settle, machine, future, result, None)

    @staticmethod
    def _settle(machine: Machine, future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        if future.done():
            return
        if machine.dead:
            future.cancel()
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


class SimClock:
    """A machine's clocks: the wall may be wrong, and the monotonic one starts anew with each boot."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._zero = loop.time()
        self._booted = loop.time() - 20.0
        self.offset_ms = 0

    def true_ms(self) -> int:
        return STARTS_AT_MS + round((self._loop.time() - self._zero) * 1000)

    def now_ms(self) -> int:
        return self.true_ms() + self.offset_ms

    def monotonic(self) -> float:
        return self._loop.time() - self._booted

    def uptime_s(self) -> float:
        """Since the beginning of the world."""
        return self._loop.time() - self._zero

    def boot(self) -> None:
        self._booted = self._loop.time() - 5.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    async def sleep_until(self, deadline: float) -> None:
        await asyncio.sleep(max(0.0, deadline - self.monotonic()))


def run(main: Callable[[SimLoop], Awaitable[T]]) -> T:
    """Run ``main`` to its end in a loop of its own; garbage is collected afterwards, not at an instant of its own."""
    was_collecting = gc.isenabled()
    gc.disable()
    _NumberedTask.count = 0

    async def body() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        return await main(loop)

    try:
        with asyncio.Runner(loop_factory=SimLoop) as runner:
            return runner.run(body())
    finally:
        if was_collecting:
            gc.enable()
        gc.collect()
