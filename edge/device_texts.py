"""What a Modbus device says of itself: its texts, and whether it is the model that the site file calls it.

Asked once when the device is first met and again after it was lost, when another one may stand there; never on every
poll, and never at the cost of a reading: what does not answer is left out.
"""

import logging
from collections.abc import Awaitable, Callable

from edge.device_refusals import NotYet
from edge.modbus_frames import ReadRequest, Refused
from protocols.errors import Retryable
from protocols.modbus.profile import IdentityRow, ModbusProfile, TextField
from protocols.modbus.registers import BIT_AREAS, FUNCTION_CODES, Area
from protocols.modbus.sunspec import COMMON_MODEL, find_model, placed_text
from protocols.modbus.texts import decode_text, identity_matches, identity_value

TRIES = 2
"""Some devices do not answer at all where they have nothing; each such question costs the line a timeout."""
TEXT_MAX = 120

log = logging.getLogger(__name__)

Ask = Callable[[ReadRequest], Awaitable[bytes]]


class Introduction:
    """The questions to one device and its answers so far. ``ask`` gives the payload, or raises as `Bus.ask` does."""

    def __init__(self, device: str, unit: int, profile: ModbusProfile, ask: Ask) -> None:
        self._device, self._unit, self._profile, self._ask = device, unit, profile, ask
        self.texts: dict[str, str] = {}
        self.note = ""
        """Empty, or that the device answers like another model."""
        self._warned = ""
        self.forget()

    @property
    def done(self) -> bool:
        """True when nothing is left to ask."""
        return not self._open

    def forget(self) -> None:
        """Ask everything again; what was told stays until there is an answer."""
        expected = [row for row in self._profile.identity if row.expect and not self._profile.sunspec_models]
        self._open: list[TextField | IdentityRow] = [*self._profile.texts, *expected]
        self._misses = 0
        self._other: list[str] = []
        self._found: dict[str, str] = {}
        self._base: int | None = None

    async def go_on(self) -> None:
        """Ask until everything is known, or the device does not answer; then the rest is left for the next time."""
        while self._open:
            try:
                await self._one(self._open[0])
            except NotYet:
                return
            except Refused as error:
                log.debug("%s says nothing of itself here: %s", self._device, error)
            except Retryable as error:
                log.debug("%s: %s", self._device, error)
                self._misses += 1
                if self._misses < TRIES:
                    return
            self._misses = 0
            del self._open[0]
        self._end()

    async def _one(self, field: TextField | IdentityRow) -> None:
        if isinstance(field, IdentityRow):
            await self._compare(field)
            return
        if self._profile.sunspec_models:
            if self._base is None:
                self._base = await self._common_model()
            field = placed_text(field, self._base)
        request = ReadRequest(self._unit, FUNCTION_CODES[field.area], field.at, field.registers)
        text = decode_text(field, await self._ask(request))[:TEXT_MAX]
        if text:
            self._found[field.name] = text

    async def _compare(self, row: IdentityRow) -> None:
        area: Area = row.area or self._profile.points[0].area
        function = FUNCTION_CODES["holding" if area in BIT_AREAS else area]
        payload = await self._ask(ReadRequest(self._unit, function, row.at, row.registers))
        value = identity_value(row, payload, self._profile.word_order)
        if not identity_matches(row, value):
            wanted = " or ".join(map(repr, row.expect))
            self._other.append(f"{row.note or 'register'} {row.at} is {value!r:.60}, not {wanted}")

    async def _common_model(self) -> int:
        """Where a SunSpec device has its texts; raises Refused when it has none."""
        search = find_model({COMMON_MODEL})
        try:
            start, count = next(search)
            while True:
                answer: bytes | None
                try:
                    answer = await self._ask(ReadRequest(self._unit, FUNCTION_CODES["holding"], start, count))
                except Refused:
                    answer = None
                start, count = search.send(answer)
        except StopIteration as found:
            if found.value is None:
                raise Refused(2, f"{self._device}: no SunSpec model {COMMON_MODEL}") from None
            base: int = found.value
            return base

    def _end(self) -> None:
        self.texts = self._found
        self.note = f"answers like another model: {'; '.join(self._other)}"[:400] if self._other else ""
        if self.note and self.note != self._warned:
            log.warning("%s: is set as %s, but %s", self._device, self._profile.id, self.note)
        self._warned = self.note
