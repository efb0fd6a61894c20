"""The processes of a compound: started, watched, killed and started again, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from protocols.clock import Clock
from simulators.child import Child
from simulators.rules import KILLED, STOPPED

CLEAN_STOP_S = 4.0
RESTARTS_MAX = 3
RESTARTS_WITHIN_S = 60.0
WRONG_SETTINGS = 2
STARTED = "started"

Happened = Callable[[str, str, str], None]
Noted = Callable[[dict[str, int]], None]


class ProcessFailed(Exception):
    """A process did not start, or ended and does not stay up; the message says which, and where its log is."""


class Processes:
    """Children with names. An end that nobody asked for is told and mended; when that does not help, `failed` says so.

    happened: told of every start, stop and kill. noted: told of all running process ids after each change.
    """

    def __init__(self, clock: Clock, say: Callable[[str], None], *, happened: Happened, noted: Noted) -> None:
        self._clock, self._say, self._happened, self._noted = clock, say, happened, noted
        self._children: dict[str, Child] = {}
        self._starters: dict[str, Callable[[], Awaitable[None]]] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._wanted_down: set[str] = set()
        self._ends: dict[str, list[float]] = {}
        self.failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def child(self, name: str) -> Child:
        return self._children[name]

    def ready(self, name: str) -> bool:
        """Whether it runs and its start is over."""
        return name in self._watching and self._children[name].running

    async def start(self, name: str, child: Child, starter: Callable[[], Awaitable[None]] | None = None) -> None:
        """Start a child for the first time. starter: starts it and waits until it can be used."""
        self._children[name] = child
        self._starters[name] = starter or child.start
        await self._start(name)

    async def restart(self, name: str) -> None:
        """Start a child that is down, and wait until it can be used."""
        if not self._children[name].running:
            await self._start(name)

    async def kill(self, name: str) -> None:
        """SIGKILL; it stays down."""
        self._wanted_down.add(name)
        await self._children[name].kill()
        # Noted when it is gone: until then it may have asked, and got answers.
        self._happened(KILLED, name, "")

    async def stop(self, names: Sequence[str]) -> None:
        """SIGTERM to all of them at once; those that do not end in time are killed."""
        known = [name for name in names if name in self._children]
        self._wanted_down.update(known)
        clean = await asyncio.gather(*(self._children[name].stop(CLEAN_STOP_S) for name in known))
        for name, ended in zip(known, clean, strict=True):
            if not ended:
                self._say(f"{name} did not end within {CLEAN_STOP_S:g} s and was killed")
            self._happened(STOPPED if ended else KILLED, name, "")

    async def close(self) -> None:
        """Stop watching; kill what still runs."""
        for task in self._watching.values():
            task.cancel()
        await asyncio.gather(*self._watching.values(), return_exceptions=True)
        for child in self._children.values():
            await child.kill()

    def give_up_if_dead(self, name: str, deadline: float) -> None:
        """Raise ProcessFailed when waiting for ``name`` is of no use any more."""
        if self.failed.done():
            raise ProcessFailed(self.failed.result())
        child = self._children[name]
        if not child.running and name not in self._watching:
            ending = "\n  ".join(child.last_lines())
            raise ProcessFailed(f"{name} does not start; the end of {child.log}:\n  {ending}")
        if self._clock.monotonic() > deadline:
            raise ProcessFailed(f"{name} is not ready in time; its log is {child.log}")

    async def _start(self, name: str) -> None:
        child = self._children[name]
        self._watching.pop(name, None)
        starting = asyncio.ensure_future(self._starters[name]())
        while not child.running and not starting.done():
            await asyncio.wait({starting}, timeout=0.05)
        self._wanted_down.discard(name)
        self._happened(STARTED, name, "")
        self._noted({n: c.pid for n, c in self._children.items() if c.running and c.pid is not None})
        await starting
        self._watching[name] = asyncio.create_task(self._watch(name, child), name=f"watch[{name}]")

    async def _watch(self, name: str, child: Child) -> None:
        code = await child.wait()
        if name in self._wanted_down:
            return
        self._happened(KILLED, name, f"ended by itself with {code}")
        told = f"{name} ended unexpectedly ({_why(code)}); its log is {child.log}"
        ends = [at for at in self._ends.get(name, []) if self._clock.monotonic() - at < RESTARTS_WITHIN_S]
        self._ends[name] = [*ends, self._clock.monotonic()]
        if len(ends) >= RESTARTS_MAX or code == WRONG_SETTINGS:
            self._fail("\n  ".join((told, *child.last_lines())))
            return
        self._say(f"{told}; starting it again")
        await self._clock.sleep(0.5)
        try:
            await self.restart(name)
        except (OSError, RuntimeError, ProcessFailed) as error:
            self._fail(f"{told}; it does not start again: {error}")

    def _fail(self, text: str) -> None:
        if not self.failed.done():
            self.failed.set_result(text)


def _why(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
