"""Reading registers of a unit whose map nobody has: what is refused is divided until every address is known."""

from __future__ import annotations

from edge.bus import Bus
from edge.modbus_frames import MEANS_NOT_HERE, Garbled, ReadRequest, Refused
from protocols.clock import Clock
from protocols.errors import DeviceBusy, DeviceSilent

SILENCE_S = 0.1
AT_ONCE = 60
TRIES = 3
SILENT_MAX = 4


class BlockRead:
    """``words`` by address; ``refused``: exception code by address; ``silent``: addresses nobody answered for."""

    def __init__(self, bus: Bus, unit: int, function: int, clock: Clock) -> None:
        self._bus, self._unit, self._function, self._clock = bus, unit, function, clock
        self.words: dict[int, int] = {}
        self.refused: dict[int, int] = {}
        self.silent: set[int] = set()
        self.reason = ""
        self._good: list[tuple[int, int]] = []

    async def read(self, start: int, count: int) -> None:
        """Read ``count`` registers from ``start``. Raises WireLost."""
        for first in range(start, start + count, AT_ONCE):
            await self._part(first, min(AT_ONCE, start + count - first))

    async def again(self) -> dict[int, int]:
        """The same registers now; those that do not answer this time are left out."""
        words: dict[int, int] = {}
        for start, count in self._good:
            payload = await self._ask(start, count)
            if isinstance(payload, bytes):
                words |= _words(start, payload)
        return words

    async def _part(self, start: int, count: int) -> None:
        answer = await self._ask(start, count)
        if isinstance(answer, bytes):
            self.words |= _words(start, answer)
            self._good.append((start, count))
        elif answer is None:
            self.silent.update(range(start, start + count))
        elif answer not in MEANS_NOT_HERE or count == 1:
            self.refused |= dict.fromkeys(range(start, start + count), answer)
        else:
            # In pairs as long as possible: some meters refuse half a value.
            half = count // 2 if count <= 2 else count // 2 + count // 2 % 2
            await self._part(start, half)
            await self._part(start + half, count - half)

    async def _ask(self, start: int, count: int) -> bytes | int | None:
        """The registers, the code of an exception, or None without an answer."""
        if len(self.silent) and not self.words and not self.refused:
            return None
        for _ in range(TRIES):
            try:
                request = ReadRequest(self._unit, self._function, start, count)
                return (await self._bus.ask(request, silence_s=SILENCE_S)).payload
            except Refused as error:
                return error.code
            except DeviceBusy as error:
                self.reason = str(error)
                await self._clock.sleep(SILENCE_S)
            except (DeviceSilent, Garbled) as error:
                self.reason = str(error)
        return None


def _words(start: int, payload: bytes) -> dict[int, int]:
    return {
        start + place: int.from_bytes(payload[2 * place : 2 * place + 2], "big") for place in range(len(payload) // 2)
    }
