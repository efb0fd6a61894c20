"""A world whose time runs faster than the machine's: it starts in the past, and stops running when it has caught up."""

from __future__ import annotations

from protocols.clock import Clock

MS, MINUTE_MS = 1000, 60_000


class WorldClock:
    """``speed`` seconds of the world pass in one of the machine's; it is never in the future.

    starts_at_ms: the first instant of the world, in the past. When the world reaches the present it goes on with it, at
    the machine's pace.
    """

    def __init__(self, machine: Clock, *, speed: float, starts_at_ms: int) -> None:
        if speed < 1:
            raise ValueError(f"a world at {speed:g} times the pace of the machine; at least 1")
        self.machine, self.speed = machine, speed
        self.starts_at_ms = min(starts_at_ms, machine.now_ms())
        self._began = machine.monotonic()
        behind_s = (machine.now_ms() - self.starts_at_ms) / MS
        self._catches_up_s = behind_s / (speed - 1) if speed > 1 else 0.0
        """Seconds of the machine until the world is in the present; with a speed of 1 it stays behind."""

    def now_ms(self) -> int:
        """The world's wall clock, never ahead of the machine's."""
        return min(self.starts_at_ms + int(self.monotonic() * MS), self.machine.now_ms())

    def monotonic(self) -> float:
        """Seconds of the world since its start."""
        passed = self.machine.monotonic() - self._began
        if self.speed == 1:
            return passed
        fast = min(passed, self._catches_up_s)
        return fast * self.speed + (passed - fast)

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of the world."""
        await self.sleep_until(self.monotonic() + seconds)

    async def sleep_until(self, deadline: float) -> None:
        """Return when the world's `monotonic` has reached ``deadline``."""
        await self.machine.sleep_until(self._began + self._passed_at(deadline))

    def _passed_at(self, world_s: float) -> float:
        """How long the machine takes until the world is so old."""
        fast_s = self._catches_up_s * self.speed
        if self.speed == 1:
            return world_s
        return world_s / self.speed if world_s <= fast_s else self._catches_up_s + (world_s - fast_s)


def world_of(machine: Clock, *, speed: float, lasting_s: float | None) -> Clock:
    """The clock of a world: the machine's own at a speed of 1, else one that reaches the present after ``lasting_s``.

    ``lasting_s`` is in seconds of the world and needed with another speed. It begins with a whole minute, so that what
    devices round falls the same in every run.
    """
    if speed == 1:
        return machine
    if lasting_s is None:
        raise ValueError("a world that runs faster needs an end: it starts that long ago, and ends in the present")
    starts_at_ms = machine.now_ms() - round(lasting_s * (1 - 1 / speed) * MS)
    return WorldClock(machine, speed=speed, starts_at_ms=starts_at_ms // MINUTE_MS * MINUTE_MS)


def machine_of(clock: Clock) -> Clock:
    """The clock that wires go by: connections and confirmations take the machine's time."""
    return clock.machine if isinstance(clock, WorldClock) else clock


def began_ms(clock: Clock) -> int:
    """The first instant of a world; of the machine's own: now."""
    return clock.starts_at_ms if isinstance(clock, WorldClock) else clock.now_ms()
