"""What one unit answers while it is being recognised: every question asked once, refusals and silence told apart.

Only reads exist here: `ReadRequest` with functions 1 to 4. Nothing in a scan can write.
"""

from __future__ import annotations

import struct

from edge.bus import Bus
from edge.modbus_frames import Garbled, ReadRequest, Refused
from protocols.clock import Clock
from protocols.errors import DeviceBusy, DeviceSilent, Retryable

SILENCE_S = 0.1
"""Before every request of a recognition; the slowest models want that much (MODBUS facts, 1)."""
SILENT_MAX = 8
"""A unit that leaves so many requests unanswered is not asked further ones."""
BUSY_TRIES, BUSY_PAUSE_S = 3, 0.5


class UnitRegisters:
    """A unit on a bus and what it has answered so far. ``known_good``: a request that it answers."""

    def __init__(self, bus: Bus, unit: int, clock: Clock, known_good: ReadRequest | None = None) -> None:
        self.unit = unit
        self._bus, self._clock = bus, clock
        self._known_good = known_good
        self._seen: dict[ReadRequest, bytes | None] = {}
        self.silent = 0
        self.refused: dict[int, int] = {}
        """How often each exception code came."""

    async def read(self, function: int, start: int, count: int) -> bytes | None:
        """The bytes of these registers (or bits); None when the unit does not give them."""
        if not 1 <= function <= 4:
            raise ValueError(f"function {function} does not read")
        request = ReadRequest(self.unit, function, start, count)
        if request not in self._seen:
            self._seen[request] = await self._ask(request)
        return self._seen[request]

    async def word(self, function: int, at: int) -> int | None:
        """One register."""
        payload = await self.read(function, at, 1)
        return None if payload is None else int(struct.unpack(">H", payload)[0])

    @property
    def gave_up(self) -> bool:
        return self.silent >= SILENT_MAX

    async def _ask(self, request: ReadRequest) -> bytes | None:
        if self.gave_up:
            return None
        for _ in range(BUSY_TRIES):
            try:
                return (await self._bus.ask(request, silence_s=SILENCE_S)).payload
            except Refused as error:
                self.refused[error.code] = self.refused.get(error.code, 0) + 1
                return None
            except DeviceBusy:
                await self._clock.sleep(BUSY_PAUSE_S)
            except DeviceSilent:
                self.silent += 1
                await self._order_again()
                return None
            except Garbled:
                continue
        return None

    async def _order_again(self) -> None:
        """Have a request answered that is known to be, so that no late answer is taken for the next one's."""
        if self._known_good is None:
            return
        try:
            await self._bus.ask(self._known_good, silence_s=SILENCE_S)
        except Retryable:
            return
