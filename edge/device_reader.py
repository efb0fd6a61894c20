"""Reading one Modbus device: its plan of requests, its ratios, and what its refusals have taught."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from edge.bus import Answer, Bus
from edge.device_refusals import BadRatio, NotFound, NotYet
from edge.device_texts import Introduction
from edge.modbus_frames import MEANS_NOT_HERE, ReadRequest, Refused
from protocols.clock import Clock
from protocols.modbus.decode import BlockDecoder, decode_ratio
from protocols.modbus.plan import NOTHING_LEARNED, Block, Learned, explore, plan_reads, prefixes
from protocols.modbus.profile import ModbusPoint, ModbusProfile, Ratio
from protocols.modbus.registers import FUNCTION_CODES, TYPES
from protocols.modbus.sunspec import find_model, placed
from protocols.reading import Quality, Reading

RATIOS_AGAIN_S = 300.0
"""Somebody may set another transformer ratio on the meter's panel."""
RATIO_MAX = 1e6

log = logging.getLogger(__name__)

Take = Callable[[BlockDecoder, Block, Answer], None]


class DeviceReader:
    """One device on a bus.

    ratios: factors given in the site file; they replace the device's own registers.
    """

    def __init__(
        self,
        device: str,
        unit: int,
        profile: ModbusProfile,
        points: Sequence[ModbusPoint],
        bus: Bus,
        clock: Clock,
        ratios: Mapping[str, float] | None = None,
    ) -> None:
        self.device, self.unit = device, unit
        self._profile, self.points = profile, tuple(points)
        self._bus, self._clock = bus, clock
        self._given = dict(ratios or {})
        self._ratios: dict[str, float] = {}
        self._ratios_until = 0.0
        self._learned = NOTHING_LEARNED
        self._placed = () if profile.sunspec_models else self.points
        self._plan: list[tuple[Block, BlockDecoder]] = []
        self._needed = {name for point in self.points for name in point.times}
        self.introduction = Introduction(device, unit, profile, self._payload)

    @property
    def absent(self) -> frozenset[str]:
        """Points that the device refused to give."""
        return self._learned.absent

    def forget(self) -> None:
        """Read the ratios again and try refused registers again: another meter may stand there now."""
        self._learned = NOTHING_LEARNED
        self._ratios_until = 0.0
        self._plan = []
        self.introduction.forget()
        if self._profile.sunspec_models:
            self._placed = ()

    @property
    def texts(self) -> dict[str, str]:
        """What the device said of itself when it was met: vendor, model, serial_number, firmware, hardware."""
        return self.introduction.texts

    def missing(self, seen: set[str], observed_at: int) -> list[Reading]:
        """A bad reading for every point whose name is not in ``seen``."""
        return [
            Reading(self.device, point.name, None, observed_at, Quality.BAD, "device_error")
            for point in self.points
            if point.name not in seen
        ]

    async def read(self, take: Take, *, known_silent: bool = False) -> None:
        """Read every point, calling ``take`` with each answer as it comes.

        Raises what `Bus.ask` raises, BadRatio, NotFound and NotYet; answers taken before that are good.
        """
        if not self._placed:
            await self._place(known_silent)
            known_silent = False
        await self._read_ratios(known_silent)
        if not self._plan:
            self._make_plan()
        await self._resolve(take, known_silent)
        for block, decoder in list(self._plan):
            await self._read_block(block, decoder, take, known_silent)
            known_silent = False

    def _make_plan(self) -> None:
        blocks = plan_reads(self._profile, self._placed, self._learned)
        self._plan = [(block, self._decoder(block)) for block in blocks]

    def _decoder(self, block: Block) -> BlockDecoder:
        return BlockDecoder(self.device, block, self._ratios)

    async def _ask(self, block: Block, known_silent: bool = False) -> Answer:
        return await self._ask_for(self._request(block), known_silent)

    async def _ask_for(self, request: ReadRequest, known_silent: bool, *, curious: bool = False) -> Answer:
        until = self._bus.late.unsafe_until(request)
        if until:
            raise NotYet(f"{request.describe()}: an owed answer of other registers could pass for this one", until)
        silence_s = self._profile.silence_s
        return await self._bus.ask(request, silence_s=silence_s, known_silent=known_silent, curious=curious)

    async def _payload(self, request: ReadRequest) -> bytes:
        return (await self._ask_for(request, False, curious=True)).payload

    async def _read_block(self, block: Block, decoder: BlockDecoder, take: Take, known_silent: bool) -> None:
        try:
            answer = await self._ask(block, known_silent)
        except Refused as error:
            if error.code not in MEANS_NOT_HERE:
                raise
            code = await self._try(block, decoder, take)
            if code:
                await self._find_out(block, code, take, error)
            return
        take(decoder, block, answer)

    async def _try(self, block: Block, decoder: BlockDecoder, take: Take) -> int:
        """0 and the answer taken, or the code of a refusal."""
        try:
            answer = await self._ask(block)
        except Refused as error:
            if error.code not in MEANS_NOT_HERE:
                raise
            return error.code
        take(decoder, block, answer)
        return 0

    async def _find_out(self, block: Block, code: int, take: Take, error: Refused) -> None:
        """Divide a refused request until the cause is known; what is answered on the way is taken."""
        before = self._learned
        search = explore(block, code, before)
        try:
            part = next(search)
            while True:
                part = search.send(await self._try(part, self._decoder(part), take))
        except StopIteration as found:
            self._learn(found.value)
        if len(self._learned.absent) == len(self.points):
            self.forget()
            raise error
        new = self._learned.absent - before.absent
        if new:
            log.warning("%s: not in this device, left out: %s (%s)", self.device, ", ".join(sorted(new)), error)

    def _learn(self, learned: Learned) -> None:
        self._learned = learned
        self._plan = []

    async def _place(self, known_silent: bool) -> None:
        """Look up where the device has its SunSpec model."""
        search = find_model(self._profile.sunspec_models)
        answer: bytes | None = None
        try:
            start, count = next(search)
            while True:
                try:
                    request = ReadRequest(self.unit, FUNCTION_CODES["holding"], start, count)
                    answer = (await self._ask_for(request, known_silent)).payload
                except Refused:
                    answer = None
                known_silent = False
                start, count = search.send(answer)
        except StopIteration as found:
            if found.value is None:
                wanted = ", ".join(map(str, self._profile.sunspec_models))
                raise NotFound(f"{self.device}: no SunSpec model {wanted} in unit {self.unit}") from None
            self._placed = tuple(placed(point, found.value) for point in self.points)

    async def _resolve(self, take: Take, known_silent: bool) -> None:
        """While the unit owes an answer, begin with a request that it would not fit, to see that it has passed."""
        if not self._bus.late.unresolved(self.unit):
            return
        for index, (block, _) in enumerate(self._plan):
            if not self._bus.late.fits(self._request(block)):
                self._plan.insert(0, self._plan.pop(index))
                return
        for block, _ in self._plan:
            for shorter in prefixes(block):
                if not self._bus.late.fits(self._request(shorter)):
                    take(self._decoder(shorter), shorter, await self._ask(shorter, known_silent))
                    return
        for probe in self._other_kind():
            if not self._bus.late.fits(probe):
                try:
                    await self._ask_for(probe, known_silent)
                except Refused:
                    log.debug("%s: the owed answer has passed", self.device)
                return

    def _other_kind(self) -> Iterator[ReadRequest]:
        """Reads with the other function code, of which only that there is an answer counts, be it a refusal."""
        for block, _ in self._plan:
            other = (
                7 - block.function if block.function > 2 else 3 - block.function
            )  # 3 for 4, 4 for 3; 1 for 2, 2 for 1
            for count in (1, 2, 3):
                yield ReadRequest(self.unit, other, block.start, count)

    def _request(self, block: Block) -> ReadRequest:
        return ReadRequest(self.unit, block.function, block.start, block.count)

    async def _read_ratios(self, known_silent: bool) -> None:
        if not self._needed or self._clock.monotonic() < self._ratios_until:
            return
        found = dict(self._given)
        for ratio in self._profile.ratios:
            if ratio.name in self._needed and ratio.name not in found:
                found[ratio.name] = await self._read_ratio(ratio, known_silent)
                known_silent = False
        self._ratios_until = self._clock.monotonic() + RATIOS_AGAIN_S
        if found != self._ratios:
            self._ratios = found
            self._plan = []

    async def _read_ratio(self, ratio: Ratio, known_silent: bool) -> float:
        request = ReadRequest(self.unit, FUNCTION_CODES[ratio.area], ratio.at, TYPES[ratio.type].words)
        answer = await self._ask_for(request, known_silent)
        factor = decode_ratio(answer.payload, ratio.type, ratio.word_order, ratio.scale)
        if not 0 < factor <= RATIO_MAX:
            raise BadRatio(f"{self.device}: the {ratio.name} ratio in register {ratio.at} is {factor:g}")
        return factor
