"""Modbus messages and frames: what is sent, and whether what came back is the answer to it.

Stricter than the libraries on purpose, and a tenth of their CPU: an answer counts only when unit, function, length and
(TCP) transaction id or (RTU) checksum are those of the one outstanding request. Specifications: Modbus Application
Protocol V1.1b3, Modbus over Serial Line V1.02, Modbus Messaging on TCP/IP V1.0b.
"""

import struct
from typing import Protocol

import msgspec

from protocols.errors import DeviceBusy, DeviceSilent, Retryable

EXCEPTION_BIT = 0x80
PDU_MAX = 253
MBAP_BYTES = 7
RTU_OVERHEAD = 3
REMEMBERED_MAX = 1024
"""Wrong frames of one request that are remembered: more than fit into the buffer of a link at once."""

EXCEPTIONS: dict[int, str] = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "device busy",
    8: "memory parity error",
    10: "gateway has no path to the device",
    11: "gateway got no answer from the device",
}
_POSTPONED, _BUSY = 5, 6
_NO_PATH, _NO_ANSWER = 10, 11
MEANS_NOT_HERE = frozenset({1, 2, 3})
"""Exceptions that say something about the request; asking the same again will not help."""


class Garbled(Retryable):
    """Bytes came that are not the answer to the request: wrong unit, function, length, id or checksum."""


class Refused(Retryable):
    """The device answered with an exception; ``code`` as in the specification."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class Postponed(DeviceBusy):
    """The device has taken the request and needs time to carry it out."""


class GatewaySilent(DeviceSilent):
    """A Modbus gateway answered 0x0A or 0x0B: the device behind it did not. ``never_delivered``: 0x0A, no path."""

    def __init__(self, message: str, *, never_delivered: bool) -> None:
        self.never_delivered = never_delivered
        super().__init__(message)


class ReadRequest(msgspec.Struct, frozen=True):
    """Read ``count`` registers or bits of ``unit`` from ``start`` with function 1 to 4."""

    unit: int
    function: int
    start: int
    count: int

    @property
    def pdu(self) -> bytes:
        return struct.pack(">BHH", self.function, self.start, self.count)

    @property
    def answer_bytes(self) -> int:
        """Bytes of payload the answer must have."""
        return (self.count + 7) // 8 if self.function <= 2 else 2 * self.count

    @property
    def answer_pdu_bytes(self) -> int:
        return self.answer_bytes + 2

    @property
    def answer_head(self) -> bytes:
        return bytes((self.function, self.answer_bytes & 0xFF))

    def describe(self) -> str:
        """For error texts: ``unit 3, function 4, registers 0-59``."""
        what = "bits" if self.function <= 2 else "registers"
        return f"unit {self.unit}, function {self.function}, {what} {self.start}-{self.start + self.count - 1}"


class WriteRequest(msgspec.Struct, frozen=True):
    """Send ``pdu`` to ``unit``; only ``echo`` (a whole PDU) or an exception is the answer. ``text``: for people."""

    unit: int
    pdu: bytes
    echo: bytes
    text: str = ""

    @property
    def function(self) -> int:
        return self.pdu[0]

    @property
    def answer_pdu_bytes(self) -> int:
        return len(self.echo)

    @property
    def answer_head(self) -> bytes:
        return self.echo

    def describe(self) -> str:
        """For error texts: ``unit 3, write 05 00 00 ff 00 (relay 1 on)``."""
        return f"unit {self.unit}, write {self.pdu.hex(' ')}" + (f" ({self.text})" if self.text else "")


Request = ReadRequest | WriteRequest
"""``answer_head`` are the first bytes and ``answer_pdu_bytes`` the length of the only PDU that is a normal answer."""


def payload_of(request: Request, pdu: bytes) -> bytes:
    """What an answer PDU whose function code has been matched carries: the registers, or the rest of the echo.

    Raises Refused, DeviceBusy or GatewaySilent for an exception, Garbled when it is not the answer to ``request``.
    """
    if pdu[0] & EXCEPTION_BIT:
        raise _exception(request, pdu[1])
    if len(pdu) != request.answer_pdu_bytes:
        wanted = request.answer_pdu_bytes - 2
        raise Garbled(f"{request.describe()}: answer of {len(pdu) - 2} bytes, {wanted} expected")
    if not pdu.startswith(request.answer_head):
        raise Garbled(f"{request.describe()}: the answer confirms something else: {pdu[:16].hex(' ')}")
    return pdu[2:]


def _exception(request: Request, code: int) -> Retryable:
    text = f"{request.describe()}: exception {code}, {EXCEPTIONS.get(code, 'not in the specification')}"
    if code == _POSTPONED:
        return Postponed(text)
    if code == _BUSY:
        return DeviceBusy(text)
    if code in {_NO_PATH, _NO_ANSWER}:
        return GatewaySilent(text, never_delivered=code == _NO_PATH)
    return Refused(code, text)


class Framing(Protocol):
    """How requests and answers stand on the wire. One instance per connection; one request at a time."""

    late_answers_match: bool
    """True when nothing in a frame ties an answer to its request."""

    def frame(self, request: Request) -> bytes:
        """The bytes to send; from now on `take` looks for the answer to this request."""

    def take(self, buffer: bytearray) -> bytes | None:
        """The answer's PDU when it is complete in ``buffer``, None while bytes are missing.

        Raises Garbled as soon as it is certain that the buffer does not hold the answer.
        """

    def explain(self, buffer: bytes | bytearray) -> str:
        """What is wrong with bytes that hold no answer."""


class TcpFraming:
    """Modbus TCP: a header with transaction id, length and unit."""

    late_answers_match = False

    def __init__(self) -> None:
        self._id = 0
        self._request: Request | None = None

    def frame(self, request: Request) -> bytes:
        self._id = self._id % 0xFFFF + 1
        self._request = request
        pdu = request.pdu
        return struct.pack(">HHHB", self._id, 0, len(pdu) + 1, request.unit) + pdu

    def take(self, buffer: bytearray) -> bytes | None:
        request = self._request
        assert request is not None
        if len(buffer) < MBAP_BYTES:
            return None
        transaction, protocol, length, unit = struct.unpack_from(">HHHB", buffer)
        if protocol or not 3 <= length <= PDU_MAX + 1:
            raise Garbled(f"{request.describe()}: not Modbus TCP (header {buffer[:MBAP_BYTES].hex(' ')})")
        if transaction != self._id:
            raise Garbled(f"{request.describe()}: answer with transaction id {transaction}, {self._id} expected")
        if unit != request.unit:
            raise Garbled(f"{request.describe()}: answer from unit {unit}")
        if len(buffer) < 6 + length:
            return None
        if len(buffer) > 6 + length:
            raise Garbled(f"{request.describe()}: {len(buffer) - 6 - length} bytes too many")
        pdu = bytes(buffer[MBAP_BYTES:])
        if pdu[0] & ~EXCEPTION_BIT != request.function:
            raise Garbled(f"{request.describe()}: answer to function {pdu[0] & ~EXCEPTION_BIT}")
        return pdu

    def explain(self, buffer: bytes | bytearray) -> str:
        assert self._request is not None
        return f"{self._request.describe()}: only {len(buffer)} bytes came: {bytes(buffer).hex(' ')}"


class RtuFraming:
    """Modbus RTU, on a serial line or in a TCP stream: unit, PDU, checksum; nothing else tells frames apart.

    Noise or an echo of the request before the answer is skipped: the answer is looked for at every offset, and counts
    only with the right unit, function, length and checksum.
    """

    late_answers_match = True

    def __init__(self) -> None:
        self._good = b""
        self._refusal = b""
        self._length = 0
        self._request: Request | None = None
        self._no_answer: set[bytes] = set()

    def frame(self, request: Request) -> bytes:
        self._request = request
        self._no_answer.clear()
        self._good = bytes((request.unit,)) + request.answer_head
        self._refusal = bytes((request.unit, request.function | EXCEPTION_BIT))
        self._length = request.answer_pdu_bytes
        body = bytes((request.unit,)) + request.pdu
        return body + crc16(body)

    def take(self, buffer: bytearray) -> bytes | None:
        if len(buffer) < RTU_OVERHEAD + 2:
            return None
        for head, pdu_length in ((self._good, self._length), (self._refusal, 2)):
            offset = buffer.find(head)
            while offset >= 0:
                end = offset + 1 + pdu_length
                if len(buffer) >= end + 2 and self._is_frame(bytes(buffer[offset : end + 2])):
                    return bytes(buffer[offset + 1 : end])
                offset = buffer.find(head, offset + 1)
        return None

    def _is_frame(self, candidate: bytes) -> bool:
        """Whether its checksum is right. What was wrong is remembered: the buffer is looked through at each arrival."""
        if candidate in self._no_answer:
            return False
        if crc16(candidate[:-2]) == candidate[-2:]:
            return True
        if len(self._no_answer) >= REMEMBERED_MAX:
            self._no_answer.clear()
        self._no_answer.add(candidate)
        return False

    def explain(self, buffer: bytes | bytearray) -> str:
        """What is wrong with bytes that hold no answer."""
        request = self._request
        assert request is not None
        if len(buffer) < RTU_OVERHEAD + 1:
            return f"{request.describe()}: only {len(buffer)} bytes came: {bytes(buffer).hex(' ')}"
        if crc16(buffer[:-2]) == buffer[-2:]:
            if buffer[0] != request.unit:
                return f"{request.describe()}: answer from unit {buffer[0]}"
            if buffer[1] & ~EXCEPTION_BIT != request.function:
                return f"{request.describe()}: answer to function {buffer[1] & ~EXCEPTION_BIT}"
            if len(buffer) == request.answer_pdu_bytes + RTU_OVERHEAD:
                return f"{request.describe()}: the answer confirms something else: {bytes(buffer[1:-2]).hex(' ')}"
            return f"{request.describe()}: answer of {len(buffer) - 5} bytes, {request.answer_pdu_bytes - 2} expected"
        return f"{request.describe()}: checksum wrong in {len(buffer)} bytes: {bytes(buffer[:16]).hex(' ')}"


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
        table.append(byte)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16(data: bytes | bytearray) -> bytes:
    """The two checksum bytes of an RTU frame, as sent (low byte first)."""
    crc = 0xFFFF
    table = _CRC_TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")
