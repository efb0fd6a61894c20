"""One Modbus line: a connection, one exchange at a time, and never an answer given to the wrong question.

Polls and writes of all devices on the line come through `Bus.ask` and `Bus.write`. The order of waiting callers is
kept, except that writes and the reads that belong to them go before waiting polls.

- Before a request the input is dropped and the line has been silent for 3.5 characters and for what the device wants.
- Without an answer in time, TCP connections are closed (a late answer dies with them); on RTU, where nothing ties an
  answer to its request, the line stays unused for another timeout while late bytes are swallowed, and `late` says
  which requests to that unit an owed answer would fit.
- A connection that the other side closed while idle is opened again and the request repeated once, at once; but never
  a write that may have been carried out and must not be done twice.

Who retries otherwise: the poller.
"""

import asyncio
import logging
import random
from typing import NamedTuple

from edge.busy_share import BusyShare
from edge.late_answers import LateAnswers
from edge.modbus_frames import (
    RTU_OVERHEAD,
    Framing,
    Garbled,
    GatewaySilent,
    Postponed,
    ReadRequest,
    Refused,
    Request,
    WriteRequest,
    payload_of,
)
from edge.modbus_wire import ByteLink
from edge.turns import Turns
from protocols.clock import Clock
from protocols.errors import DeviceBusy, DeviceSilent, Retryable, WireLost
from protocols.status import BusReport

log = logging.getLogger(__name__)

REOPEN_MIN_S = 0.5
REOPEN_MAX_S = 30.0
SETTLE_S = 0.02
"""Between connecting and the first request; some devices drop what comes at once."""
GATEWAY_ERRORS_MAX = 3
"""Some gateways answer 0x0A or 0x0B for ever until the connection is closed."""
EARLY_S = 0.0001
"""How much earlier than meant the last of the whole milliseconds of a wait on a serial line ends."""
GARBLE_IDLE_S = 0.15
DEAD_UNIT_QUIET_S = 0.1


class Line(NamedTuple):
    """How a kind of line behaves in time. ``char_s``: one character on a serial line we drive, else 0."""

    char_s: float = 0.0
    close_on_fault: bool = True
    garble_idle_s: float = GARBLE_IDLE_S

    @property
    def silence_s(self) -> float:
        """The 3.5 characters between frames; 1.75 ms above 19,200 baud, as the specification wants."""
        return max(0.00175, 3.5 * self.char_s) if self.char_s else 0.0


class Answer(NamedTuple):
    """The registers (or bits) of a read, and the wall clock in ms when they arrived."""

    payload: bytes
    observed_at: int


class WriteUnknown(DeviceSilent):
    """A write that must not be done twice was sent, and nothing says whether it was carried out."""


class _Closed(DeviceSilent):
    """The other side ended the connection before the first byte of an answer."""


class _NotSent(_Closed):
    """The connection was found closed before the request was out."""


class Bus:
    """See the module. ``kind`` is the word of the site file, for reports."""

    def __init__(
        self,
        name: str,
        kind: str,
        link: ByteLink,
        framing: Framing,
        line: Line,
        *,
        timeout_s: float,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self.name, self._kind = name, kind
        self._link, self._framing, self._line = link, framing, line
        self._timeout_s = timeout_s
        self._clock, self._rng = clock, rng
        self._turns = Turns()
        self._free_at = 0.0
        self._silence_s = 0.0
        self._reopen_s = REOPEN_MIN_S
        self.retry_at = 0.0
        """Monotonic; while the line is down, `ask` fails at once until then."""
        self.late = LateAnswers(timeout_s, clock)
        """What the units still owe; always empty on Modbus TCP, where the transaction id tells answers apart."""
        self._gateway_errors = 0
        self._busy = BusyShare(clock.monotonic())
        self._state = "connecting"
        self._down_since = 0.0
        self._requests = self._timeouts = self._errors = 0
        self._last_error = ""

    async def ask(
        self,
        request: ReadRequest,
        *,
        silence_s: float = 0.0,
        known_silent: bool = False,
        urgent: bool = False,
        curious: bool = False,
    ) -> Answer:
        """Send ``request`` and return its answer.

        silence_s: what the device wants before a request. known_silent: the unit has missed its last answers, so the
        line need not be kept free for late ones as long. urgent: part of a command, goes before waiting polls.
        curious: a refusal is as good an answer, and no error of the bus.
        Raises WireLost when the line cannot be opened, else DeviceSilent, DeviceBusy, Refused (an exception of the
        device) or Garbled.
        """
        return await self._serve(request, silence_s, known_silent, urgent=urgent, repeatable=True, curious=curious)

    async def write(self, request: WriteRequest, *, repeatable: bool, silence_s: float = 0.0) -> None:
        """Send ``request`` before all waiting polls; returns when the device has confirmed it.

        repeatable: doing it twice is the same as doing it once. What is not repeatable is sent once at most.
        Raises what `ask` raises. For what is not repeatable, WriteUnknown instead of all errors after which it may have
        been carried out; after every other error it was not.
        """
        try:
            await self._serve(request, silence_s, False, urgent=True, repeatable=repeatable)
        except (WireLost, _NotSent):
            raise
        except (Refused, DeviceBusy, DeviceSilent, Garbled) as error:
            if repeatable or (_was_not_done(error) and not self.late.fits(request)):
                raise
            raise WriteUnknown(str(error)) from None
        if not repeatable and self.late.fits(request):
            raise WriteUnknown(f"{request.describe()}: confirmed, or that was the late answer to an earlier command")

    async def _serve(
        self,
        request: Request,
        silence_s: float,
        known_silent: bool,
        *,
        urgent: bool,
        repeatable: bool,
        curious: bool = False,
    ) -> Answer:
        # The turn is the line: one exchange at a time is what the wire can carry.
        async with self._turns.turn(urgent=urgent):
            started = self._clock.monotonic()
            try:
                answer = await self._exchange(request, silence_s, known_silent, repeatable)
            except Retryable as error:
                if not (curious and isinstance(error, Refused)):
                    self._note(error)
                raise
            finally:
                self._busy.add(started, self._clock.monotonic())
        self._gateway_errors = 0
        return answer

    def close(self) -> None:
        """Let go of the line; `ask` opens it again."""
        self._link.close()

    def report(self) -> BusReport:
        """The bus now."""
        return BusReport(
            name=self.name,
            kind=self._kind,
            state="up" if self._link.is_open else "down" if self._state == "down" else "connecting",
            busy_share=round(self._busy.share(self._clock.monotonic()), 4),
            requests=self._requests,
            timeouts=self._timeouts,
            errors=self._errors,
            last_error=self._last_error,
        )

    async def _exchange(self, request: Request, silence_s: float, known_silent: bool, repeatable: bool) -> Answer:
        fresh = await self._open()
        try:
            return await self._once(request, silence_s, known_silent)
        except _Closed as error:
            if fresh or not (repeatable or isinstance(error, _NotSent)):
                raise
        await self._open()
        return await self._once(request, silence_s, known_silent)

    async def _open(self) -> bool:
        """True when the connection had to be made now."""
        if self._link.is_open:
            return False
        now = self._clock.monotonic()
        if now < self.retry_at:
            raise WireLost(self._last_error or f"{self.name}: down")
        try:
            await self._link.open()
        except WireLost as error:
            if self._state != "down":
                log.warning("bus %s is down, its devices wait: %s", self.name, error)
                self._down_since = self._clock.monotonic()
            self._state = "down"
            self.retry_at = self._clock.monotonic() + self._reopen_s * self._rng.uniform(0.8, 1.2)
            self._reopen_s = min(REOPEN_MAX_S, self._reopen_s * 2)
            raise
        if self._state == "down":
            log.info("bus %s is up again after %.0f s", self.name, self._clock.monotonic() - self._down_since)
        self._state = "up"
        self._reopen_s = REOPEN_MIN_S
        await self._clock.sleep(SETTLE_S)
        return True

    async def _once(self, request: Request, silence_s: float, known_silent: bool) -> Answer:
        free_at = self._free_at + max(silence_s, self._silence_s, self._line.silence_s)
        await self._sleep_until(free_at)
        self._silence_s = silence_s
        self._link.buffer.clear()
        self._requests += 1
        frame = self._framing.frame(request)
        complete = False
        try:
            self._send(request, frame)
            payload = payload_of(request, await self._answer(request, frame, known_silent))
            self.late.answered(request)
            complete = True
            return Answer(payload, self._link.arrived_ms)
        except (Refused, DeviceBusy, GatewaySilent) as error:
            if isinstance(error, Refused) and self.late.refusal_is_doubtful(request):
                # The refusal may be the late answer to an earlier request; believing it would teach a wrong hole.
                self._owe(request)
                raise Garbled(f"{error}, perhaps of an earlier request") from None
            complete = not self._gateway_is_stuck(error)
            raise
        except asyncio.CancelledError:
            self._owe(request)
            self._keep_free(self._timeout_s)
            raise
        finally:
            self._free_at = max(self._free_at, self._link.arrived_s)
            if not complete and self._line.close_on_fault:
                self._link.close()

    async def _sleep_until(self, deadline: float) -> None:
        """On a serial line to the tenth of a millisecond: timers end a whole one late, and that before each request."""
        left = deadline - self._clock.monotonic()
        if left <= 0:
            return
        if self._line.char_s:
            whole_ms = int((left - EARLY_S) * 1000)
            if whole_ms > 0:
                await self._clock.sleep(whole_ms / 1000)
            while (now := self._clock.monotonic()) < deadline:
                await self._clock.sleep(0)
                if self._clock.monotonic() == now:
                    break  # a clock on which only sleeping takes time
        if self._clock.monotonic() < deadline:
            await self._clock.sleep_until(deadline)

    def _send(self, request: Request, frame: bytes) -> None:
        try:
            self._link.send(frame)
        except WireLost as error:
            raise _NotSent(f"{request.describe()}: {error}") from None

    async def _answer(self, request: Request, frame: bytes, known_silent: bool) -> bytes:
        """The PDU of the answer. On failure the line is left so that a late one can do no harm."""
        loop = asyncio.get_running_loop()
        buffer = self._link.buffer
        answer_bytes = request.answer_pdu_bytes + RTU_OVERHEAD
        wire_s = (len(frame) + answer_bytes) * self._line.char_s
        deadline = loop.time() + self._timeout_s + wire_s
        limit = deadline
        while await self._link.more(limit):
            try:
                pdu = self._framing.take(buffer)
            except Garbled:
                self._owe(request)
                raise
            if pdu is not None:
                return pdu
            if self._framing.late_answers_match and bytes(buffer) != frame:
                limit = min(deadline, loop.time() + self._line.garble_idle_s)
        if not self._link.is_open:
            if buffer:
                raise Garbled(f"{request.describe()}: connection closed in the middle of the answer")
            raise _Closed(f"{request.describe()}: connection closed before the answer")
        self._owe(request)
        if buffer and bytes(buffer) != frame:
            if len(buffer) != answer_bytes:
                # Not our answer, which may still come: its whole time has to pass.
                self._keep_free(max(0.0, deadline - loop.time()))
            raise Garbled(self._framing.explain(buffer))
        self._keep_free(DEAD_UNIT_QUIET_S if known_silent else self._timeout_s)
        raise DeviceSilent(f"{request.describe()}: no answer within {self._timeout_s:g} s ({self._kind})")

    def _keep_free(self, seconds: float) -> None:
        if self._framing.late_answers_match:
            self._free_at = self._clock.monotonic() + seconds

    def _owe(self, request: Request) -> None:
        if self._framing.late_answers_match:
            self.late.owe(request)

    def _gateway_is_stuck(self, error: Retryable) -> bool:
        if not isinstance(error, GatewaySilent):
            return False
        self._gateway_errors += 1
        if self._gateway_errors < GATEWAY_ERRORS_MAX:
            return False
        self._gateway_errors = 0
        return True

    def _note(self, error: Retryable) -> None:
        if isinstance(error, DeviceSilent):
            self._timeouts += 1
        else:
            self._errors += 1
        self._last_error = str(error)[:400]


def _was_not_done(error: Retryable) -> bool:
    """True when the answer says that the device has not carried the request out and will not."""
    if isinstance(error, GatewaySilent):
        return error.never_delivered
    return isinstance(error, (Refused, DeviceBusy)) and not isinstance(error, Postponed)
