"""What devices answer and publish: Modbus frames on both wires, registers of every profile, every dialect of MQTT."""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Callable, Sequence

from edge.modbus_frames import Framing, ReadRequest, Request, RtuFraming, TcpFraming, WriteRequest, crc16, payload_of
from edge.modbus_wire import BUFFER_MAX
from protocols.batch import open_batch, seal
from protocols.errors import BadPayload, Retryable
from protocols.events import check_event
from protocols.modbus.decode import BlockDecoder
from protocols.modbus.plan import plan_reads
from protocols.modbus.profile import ModbusProfile
from protocols.modbus.texts import decode_text, identity_matches, identity_value
from protocols.mqtt.decoder import MqttDecoder
from protocols.profile import load_profile, profile_ids
from protocols.reading import REASONS, Quality, Reading
from tests.proof.fuzz_engine import Target
from tests.proof.mutate import change_bytes, change_json
from tests.protocols.mqtt.message_case import MessageCase, case_files, read_case

NOW = 1_795_000_000_000
READ = ReadRequest(3, 4, 100, 20)
REQUESTS: tuple[Request, ...] = (
    READ,
    ReadRequest(1, 1, 0, 16),
    ReadRequest(255, 3, 65_000, 125),
    WriteRequest(1, struct.pack(">BHH", 5, 0, 0xFF00), struct.pack(">BHH", 5, 0, 0xFF00), "relay 1 on"),
    WriteRequest(9, struct.pack(">BHHBH", 16, 7, 1, 2, 5), struct.pack(">BHH", 16, 7, 1), "set"),
)
ARRIVE_IN = (1, 2, 3, 7, 100_000)
INPUT_MAX = 4096


def device_targets() -> list[Target]:
    """Both Modbus wires, what registers hold, and one target for each dialect."""
    dialects: dict[str, list[MessageCase]] = {}
    for path in case_files():
        case = read_case(path)
        dialects.setdefault(case.profile.id, []).append(case)
    return [
        Target("Modbus TCP answer", answers(tcp), change_frame(tcp), Answers(TcpFraming, tcp).attempt, (Retryable,)),
        Target(
            "Modbus RTU answer",
            answers(rtu),
            change_frame(rtu),
            Answers(RtuFraming, rtu).attempt,
            (Retryable,),
            slow_s=0.3,  # it comes in some 600 pieces, and the buffer is looked through at each
        ),
        Target("Modbus registers", registers(), change_bytes, Registers().attempt, (), share=0.3, always=True),
        *(dialect(name, cases) for name, cases in sorted(dialects.items())),
    ]


# --- Modbus frames: the first byte of an input says which request it answers, the second in which pieces it comes


def tcp(request: Request, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", 1, 0, len(pdu) + 1, request.unit) + pdu


def rtu(request: Request, pdu: bytes) -> bytes:
    body = bytes((request.unit,)) + pdu
    return body + crc16(body)


Frame = Callable[[Request, bytes], bytes]


def answers(frame: Frame) -> list[bytes]:
    made = []
    for number, request in enumerate(REQUESTS):
        head = bytes((number, number % len(ARRIVE_IN)))
        rest = bytes(range(request.answer_pdu_bytes - len(request.answer_head)))
        made.append(head + frame(request, request.answer_head + rest))
        for code in (2, 5, 6, 11, 99):
            made.append(head + frame(request, bytes((request.function | 0x80, code))))
    nearly = bytes((READ.unit,)) + READ.answer_head
    made.append(b"\0\4" + nearly * (INPUT_MAX // len(nearly)))
    made.append(b"\1\4" + b"\1\1\2" * (INPUT_MAX // 3))
    made.append(b"\2\4" + b"\xff\3\xfa" * (INPUT_MAX // 3))
    return made


def change_frame(frame: Frame) -> Callable[[random.Random, bytes, Sequence[bytes]], bytes]:
    def change(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
        if rng.random() < 0.4 and len(data) > 2:  # another PDU in a right frame
            request = REQUESTS[data[0] % len(REQUESTS)]
            pdu = change_bytes(
                rng, request.answer_head + bytes(request.answer_pdu_bytes - len(request.answer_head)), ()
            )
            before = rng.randbytes(rng.choice((0, 0, 1, 8)))
            return data[:2] + before + frame(request, pdu)
        head = data[:2] if rng.random() < 0.8 else rng.randbytes(2)
        return head + change_bytes(rng, data[2:], [other[2:] for other in others[:20]])[:INPUT_MAX]

    return change


class Answers:
    """What arrives, in pieces, as the bus takes it: an answer counts only when it is one."""

    def __init__(self, framing: Callable[[], Framing], frame: Frame) -> None:
        self._framing, self._frame = framing, frame

    def attempt(self, data: bytes) -> str:
        request = REQUESTS[data[0] % len(REQUESTS) if data else 0]
        step = ARRIVE_IN[data[1] % len(ARRIVE_IN) if len(data) > 1 else 0]
        framing = self._framing()
        framing.frame(request)
        buffer = bytearray()
        whole = data[2:] if step > 3 or len(data) < 300 else data[2:300]
        pdu: bytes | None = None
        for start in range(0, len(whole), step):
            buffer += whole[start : start + step]
            del buffer[: max(0, len(buffer) - BUFFER_MAX)]  # as the wire does
            pdu = framing.take(buffer)
            if pdu is not None:
                break
        if pdu is None:
            raise Retryable(framing.explain(buffer) if buffer else "nothing came")
        payload = payload_of(request, pdu)
        assert self._frame(request, pdu) in bytes(buffer), "an answer that never stood on the wire"
        if isinstance(request, ReadRequest):
            assert len(payload) == request.answer_bytes
        else:
            assert pdu == request.echo
        return type(request).__name__


# --- registers: any content of the right length


def registers() -> list[bytes]:
    numbers = [struct.pack(">f", value) for value in (math.nan, math.inf, -math.inf, 1e38, -0.0, 230.1)]
    fills = [b"\0", b"\xff", b"\x7f\xff", b"\x80\0", b"\x5a", b"\x7f\xf0\0\0\0\0\0\0", b"EASTRON SDM630\0", *numbers]
    return [bytes((n,)) + fill * (260 // len(fill)) for fill in fills for n in (0, 77)]


class Registers:
    """Blocks, texts and identities of all Modbus profiles, in turns; the first byte of an input chooses."""

    def __init__(self) -> None:
        profiles = [profile for profile in map(load_profile, profile_ids()) if isinstance(profile, ModbusProfile)]
        self._blocks = []
        for profile in profiles:
            for block in plan_reads(profile, profile.points):
                ratios = {ratio.name: 2.0 for ratio in profile.ratios}
                self._blocks.append((block, BlockDecoder("m", block, ratios)))
        self._texts = [field for profile in profiles for field in profile.texts]
        self._identity = [(row, profile.word_order) for profile in profiles for row in profile.identity]
        self._turn = 0

    def attempt(self, data: bytes) -> str:
        self._turn += 1
        data = data.ljust(260, data[-1:] or b"\0")
        kinds = set()
        place = self._turn + data[0]
        for block, decoder in (self._blocks[(place + n) % len(self._blocks)] for n in range(4)):
            made = decoder.readings(data[1 : 1 + block.answer_bytes], NOW)
            assert [reading.point for reading in made] == [point.name for point in block.points]
            for reading in made:
                in_order(reading)
                kinds.add((reading.quality, reading.reason))
        field = self._texts[place % len(self._texts)]
        text = decode_text(field, data[1 : 1 + 2 * field.registers])
        assert text == "" or text.isprintable()
        row, order = self._identity[place % len(self._identity)]
        size = row.registers or {"uint16": 1, "uint32": 2, "float32": 2, "uint64": 4}.get(row.type, 1)
        matches = identity_matches(row, identity_value(row, data[1 : 1 + 2 * size], order))
        return f"{sorted(kinds)} {matches}"


# --- MQTT ------------------------------------------------------------------------------------------------------------


def dialect(name: str, cases: list[MessageCase]) -> Target:
    """Messages of one dialect on the topics of its cases; the first byte says on which, and whether retained."""
    decoders: dict[int, MqttDecoder] = {}

    def attempt(data: bytes) -> str:
        number = data[0] if data else 0
        case = cases[number // 2 % len(cases)]
        place = number // 2 % len(cases)
        decoder = decoders.get(place)
        if decoder is None:
            decoder = decoders[place] = case.decoder()
        retained = bool(number % 2)
        decoded = decoder.decode(case.values["topic"], data[1:], retained=retained, received_at=NOW)
        if decoded is None:
            return "another device"
        assert not (retained and decoded.events)
        for reading in decoded.readings:
            in_order(reading)
        for event in decoded.events:
            assert check_event(event) is None, check_event(event)
        made = seal("e", 1, decoded.readings, decoded.events, gateway="g", sealed_at=NOW)
        assert open_batch(made).events == list(decoded.events)
        said = json.dumps([*(text for pair in decoded.said for text in pair)], ensure_ascii=False).encode()
        points = sorted({(reading.point, reading.quality) for reading in decoded.readings})
        return f"{place} {points} {[(event.kind, sorted(event.data)) for event in decoded.events]} {len(said) > 2}"

    seeds = [bytes((2 * n % 256,)) + case.payload for n, case in enumerate(cases)]

    def change(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
        head = data[:1] if rng.random() < 0.8 else rng.randbytes(1)
        body = data[1:]
        inner = [other[1:] for other in others[:30]]
        is_json = body[:1] in (b"{", b"[")
        return head + (change_json if is_json else change_bytes)(rng, body, inner)

    return Target(f"MQTT {name}", seeds, change, attempt, (BadPayload,), share=0.1, always=True)


def in_order(reading: Reading) -> None:
    """What every decoder promises of a reading."""
    assert (reading.value is None) == (reading.quality is Quality.BAD)
    assert reading.value is None or math.isfinite(reading.value)
    assert (reading.reason == "") == (reading.quality is Quality.GOOD)
    assert not reading.reason or reading.reason in REASONS
    assert isinstance(reading.observed_at, int)
