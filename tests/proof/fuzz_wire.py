"""What travels between gateway and collector: batches in both forms, acks, births, statuses; and commands."""

from __future__ import annotations

import json
import math
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import zstandard

from cloud.ingest.decode import decode_columns
from cloud.store.series_book import NO_SERIES, QualityBook, SeriesBook
from edge.command_socket import LINE_BYTES_MAX, CommandSocket
from edge.commands import Command, CommandOutcome
from protocols.ack import Ack, Rejection, encode_ack, parse_ack
from protocols.batch import WIRE_MAX, _dictionary, open_batch, peek, seal
from protocols.birth import Birth, DeviceBirth, PointBirth, encode_birth, parse_birth
from protocols.errors import BadAck, BadBatch, BadCommand
from protocols.modbus import writes
from protocols.modbus.profile import ModbusProfile
from protocols.profile import load_profile, profile_ids
from protocols.reading import Event, Quality, Reading
from protocols.status import BusReport, ClockReport, DeviceReport, Report, Status, encode_status, parse_status
from tests.proof.fuzz_engine import Target
from tests.proof.mutate import LARGEST, ODD_TEXTS, change_bytes, change_document, change_json, walk

NOW = 1_795_000_000_000


def wire_targets() -> list[Target]:
    """Everything that comes over the broker, and the socket of a running gateway."""
    return [
        # 600 bytes may open to 16 MiB, which takes what it takes to walk over once.
        Target("batch", batches(), change_batch, attempt_batch, (BadBatch,), slow_s=0.2),
        Target("JSON batch", json_batches(), change_json, attempt_batch, (BadBatch,)),
        Target("ack", acks(), change_json, attempt_ack, (BadAck,)),
        Target("birth", births(), change_json, attempt_birth, (BadAck,)),
        Target("status", statuses(), change_json, attempt_status, (BadAck,)),
        Target("command", commands(), change_json, CommandTry().attempt, (BadCommand,)),
    ]


# --- batches ---------------------------------------------------------------------------------------------------------


def readings() -> list[Reading]:
    values = [230.1, 8123.5, 1e9 / 3, 0.0, -0.001, 1e300]
    made = [Reading("b3-main", f"point_{n % 4}", value, NOW + 700 * n) for n, value in enumerate(values)]
    made.append(Reading("gate-north", "door_open", 1.0, NOW - 10**11, Quality.UNCERTAIN, "clock"))
    made.append(Reading("b3-main", "point_1", None, NOW + 2**40, Quality.BAD, "sentinel"))
    return made


def events() -> list[Event]:
    data: dict[str, str | int | float | bool | None] = {"card_key": "9f2c", "n": 3, "f": 0.5, "ok": True, "no": None}
    return [Event("gate-north", "card_read", NOW, data), Event("b3", "button", NOW + 1)]


def batches() -> list[bytes]:
    """Small ones of every layout, the fullest, and bombs: small on the wire and large when opened."""

    def sealed(readings: Sequence[Reading], events: Sequence[Event] = (), seq: int = 7) -> bytes:
        return seal("5b1e9c04", seq, readings, events, gateway="b3-plant-room", sealed_at=NOW)

    whole = readings()
    same = [Reading("m", "p", n / 10, NOW + n) for n in range(40)]
    full = [Reading(f"d{n % 90}", f"p{n % 70}", n / 8, NOW + n) for n in range(100_000)]
    good = [sealed(whole, events()), sealed(same), sealed(whole[:1]), sealed([], events()), sealed([], [], 2**63 - 1)]
    return [*good, sealed(full), *bombs()]


def bombs() -> list[bytes]:
    """Bodies of 16 MiB that hold millions of small things."""
    size = (16 << 20) - 300
    event = msgspec.msgpack.encode({"device": "", "kind": "", "at": 0})
    parts = (
        (3, b"\x92\xa0\x90"),  # devices without points
        (9, msgspec.msgpack.encode(["bad", ""])),
        (11, event),
    )
    made = []
    for place, one in parts:
        count = size // len(one)
        made.append(bomb(place, b"\xdd" + struct.pack(">I", count) + one * count))
    names = b"\xa2ab" * (size // 3)
    made.append(bomb(3, b"\x91\x92\xa1d\xdd" + struct.pack(">I", size // 3) + names))
    made.append(bomb(3, b"\x91\x92\xa1d\xdd" + struct.pack(">I", size) + b"\xa0" * size))
    return made


def bomb(place: int, raw: bytes) -> bytes:
    return wrapped([*empty_body()[:place], msgspec.Raw(raw), *empty_body()[place + 1 :]])


def empty_body() -> list[Any]:
    return ["g", NOW, 0, [], b"", 0, 4, b"", [0, b"", b"", b"", b""], [], b"", []]


def wrapped(body: object, epoch: bytes = b"5b1e9c04", seq: int = 7) -> bytes:
    """A body under a right header and checksum."""
    compressor = zstandard.ZstdCompressor(dict_data=_dictionary, write_checksum=True, write_content_size=True)
    return headed(compressor.compress(msgspec.msgpack.encode(body)), epoch, seq)


def headed(frame: bytes, epoch: bytes = b"5b1e9c04", seq: int = 7) -> bytes:
    rest = bytes([len(epoch) % 256]) + epoch + struct.pack(">Q", seq) + frame
    return b"\x01" + struct.pack(">I", zlib.crc32(rest)) + rest


def change_batch(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """The bytes, or what is inside of them under a right checksum: header, frame, or any value of the body."""
    way = rng.random()
    if way < 0.1 or len(data) > LARGEST:
        return change_bytes(rng, data[:4000], others)
    try:
        identity = peek(data)
        start = 14 + data[5]
        if way < 0.25:
            return headed(change_bytes(rng, data[start:], ()), identity.epoch.encode(), identity.seq)
        if way < 0.3:
            epoch = rng.choice(ODD_TEXTS).encode()[:255]
            return headed(data[start:], epoch, rng.choice((0, 1, 2**63, 2**64 - 1)))
        if not 0 < zstandard.frame_content_size(data[start:]) <= LARGEST:
            return change_bytes(rng, data, others)
        opened = zstandard.ZstdDecompressor(dict_data=_dictionary).decompress(data[start:])
        body = msgspec.msgpack.decode(opened)
    except (BadBatch, zstandard.ZstdError, msgspec.DecodeError, ValueError, RecursionError):
        return change_bytes(rng, data, others)
    if rng.random() < 0.3:  # other contents of the same length: the layout holds, what stands in it does not
        places = [(holder, key) for holder, key in walk(body) if isinstance(holder[key], bytes) and holder[key]]
        for holder, key in rng.sample(places, min(len(places), rng.choice((1, 1, 3)))):
            length = len(holder[key])
            holder[key] = (change_bytes(rng, holder[key], ()) + rng.randbytes(length))[:length]
        return wrapped(body, identity.epoch.encode(), identity.seq)
    for _ in range(rng.choice((1, 1, 2, 3))):
        body = change_document(rng, body, lambda: junk(rng))
    try:
        return wrapped(body, identity.epoch.encode(), identity.seq)[:WIRE_MAX]
    except (TypeError, OverflowError, RecursionError, ValueError):
        return change_bytes(rng, data, others)


def junk(rng: random.Random) -> Any:
    """A value that MessagePack can carry."""
    return rng.choice(
        (
            *(0, 1, -1, 3, 250, 2**31 - 1, 2**31, 2**62, 2**63 - 1, -(2**63), 2**64 - 1, 100_001),
            *(0.5, math.nan, math.inf, -math.inf, True, None, "", b"", [], {}, [[]], [b"", b"", b"", b"", b""]),
            *(rng.choice(ODD_TEXTS)[:600], rng.randbytes(rng.choice((1, 4, 8, 32))), bytes(4 * rng.randrange(50))),
            msgspec.Raw(b"\x91" * 3000 + b"\x90"),
            msgspec.Raw(b"\xdd\xff\xff\xff\xff"),
            msgspec.Raw(b"\xdf\xff\xff\xff\xff"),
            msgspec.Raw(b"\xdb\xff\xff\xff\xff"),
            msgspec.Raw(b"\xa2\xff\xfe"),
            msgspec.Raw(b"\xa3\xed\xa0\x80"),
            msgspec.Raw(b"\xd4\x05\x00"),
            msgspec.Raw(b"\xd6\xff\x7f\xff\xff\xff"),
            msgspec.Raw(b"\xc1"),
        )
    )


def attempt_batch(payload: bytes) -> str:
    """Open it as tools do and as the collector does; both must say the same."""
    batch = open_batch(payload)
    assert peek(payload) == batch.identity
    columns = decode_columns(batch, "east", SeriesBook(), QualityBook())
    assert len(columns.series) == len(columns.at) == len(columns.value) == len(columns.quality) == batch.count
    assert (columns.series != NO_SERIES).all()
    if batch.count <= 1000:
        for place, reading in enumerate(batch.readings()):
            value = columns.value[place]
            assert reading.value == value or (reading.value is None or math.isnan(reading.value)) == math.isnan(value)
            assert abs(reading.observed_at) >= 2**62 or reading.observed_at == columns.at[place]
    return f"{min(batch.count, 3)} {len(batch.events) > 0} {bool(batch.quality)} {bool(batch.values.forms)}"


def json_batches() -> list[bytes]:
    rows = [
        {"device": r.device, "point": r.point, "at": r.observed_at, "value": r.value}
        | ({"quality": r.quality, "reason": r.reason} if r.reason else {})
        for r in readings()
    ]
    happened = [{"device": e.device, "kind": e.kind, "at": e.at, "data": e.data} for e in events()]
    head = {"v": 1, "epoch": "5b1e9c04", "seq": 1}
    many = json.dumps({**head, "readings": rows * 1000}).encode()[: WIRE_MAX - 1]
    return [
        json.dumps({**head, "readings": rows, "events": happened}).encode(),
        json.dumps({**head, "gateway": "b3", "sealed_at": NOW, "events": happened}).encode(),
        json.dumps({**head, "readings": rows[:1]}).encode(),
        json.dumps({**head, "readings": rows * 900}).encode(),
        many,
        *(b'{"v": 1, "readings": [' + part * (WIRE_MAX // len(part) - 30) + b"0]}" for part in (b"{},", b"[],", b"0,")),
        b'{"v":' + b"[" * 1_000_000,
        b'{"v":' * 200_000,
        b'{"v":' + b"9" * 1_000_000 + b"}",
    ]


# --- what is said about batches and gateways -------------------------------------------------------------------------


def acks() -> list[bytes]:
    rejections = [Rejection("9f2c41d07b3a5e66", "schema", "no", 4), Rejection("9f2c41d07b3a5e66", "fenced", hold=True)]
    many = Ack("e", [(n, n) for n in range(1, 20_000, 2)], [], NOW)
    wide = Ack("e", [(1, 2**63 - 1)])
    return [*map(encode_ack, (Ack("5b1e9c04", [(1, 3), (5, 5)], rejections, NOW), many, wide)), *deep(b'{"epoch":')]


def deep(head: bytes) -> list[bytes]:
    return [head + b"[" * 100_000, head + b'{"a":' * 20_000, head + b"9" * 100_000, head + b'"' + b"\\u0041" * 20_000]


def attempt_ack(payload: bytes) -> str:
    ack = parse_ack(payload)
    assert parse_ack(encode_ack(ack)) == ack
    return f"{len(ack.stored) > 0} {len(ack.rejected) > 0}"


def births() -> list[bytes]:
    points = [PointBirth("active_power_total", "W", "gauge", 30), PointBirth("door_open", "", "state", 0.5)]
    devices = [DeviceBirth(f"d{n}", f"表 {n}", "meter", "a/b", "rs485-1", 10, 30.5, points) for n in range(3)]
    birth = Birth(
        site="east",
        gateway="b3",
        name="B3",
        site_name="东院",
        time_zone="Asia/Shanghai",
        software="0.1.0",
        config_hash="9f2c",
        session=3,
        started_at=NOW,
        devices=devices,
    )
    return [encode_birth(birth), encode_birth(msgspec.structs.replace(birth, devices=[])), *deep(b'{"v":')]


def attempt_birth(payload: bytes) -> str:
    birth = parse_birth(payload)
    assert parse_birth(encode_birth(birth)) == birth
    return f"{min(len(birth.devices), 2)}"


def statuses() -> list[bytes]:
    report = Report(
        epoch="5b1e9c04",
        backlog_batches=1,
        backlog_readings=2,
        backlog_bytes=3,
        buffer_max_bytes=1 << 29,
        oldest_unacked_s=0.5,
        live_in_flight=1,
        backlog_in_flight=2,
        acked_batches=3,
        resent_batches=4,
        quarantined=0,
        dropped_readings=0,
        dropped_events=0,
        untimed=0,
        clock=ClockReport("synced", NOW),
        buses=[BusReport(name="rs485-1", kind="modbus-rtu", state="up", busy_share=0.25, last_error="x")],
        devices=[DeviceReport(id="d1", state="ok", every_s=10, achieved_s=10.1, last_ok_at=NOW)],
    )
    online = Status(state="online", session=3, at=NOW, report=report)
    return [encode_status(online), encode_status(Status(state="offline", session=3)), *deep(b'{"session":')]


def attempt_status(payload: bytes) -> str:
    status = parse_status(payload)
    assert parse_status(encode_status(status)) == status
    return f"{status.state} {status.report is not None}"


# --- commands --------------------------------------------------------------------------------------------------------


def commands() -> list[bytes]:
    made = [
        Command("b3", "relay_1", "on"),
        Command("b3", "relay_1", "pulse", 3.0),
        Command("b3", "setpoint", "set", 21.5),
    ]
    return [*(msgspec.json.encode(one) for one in made), b'{"device": ' + b"[" * 4000]


class CommandTry:
    """A line on the command socket, and what each built-in profile makes of the command in it."""

    def __init__(self) -> None:
        loaded = [load_profile(name) for name in profile_ids()]
        profiles = [profile for profile in loaded if isinstance(profile, ModbusProfile)]
        all_writes = [write for profile in profiles for write in profile.writes.values()]
        shapes = {(w.kind, w.function, getattr(w, "type", ""), w.pulse): w for w in all_writes}
        self._writes = list(shapes.values())
        self._socket = CommandSocket.__new__(CommandSocket)
        self._socket._obey = self._obey
        self._took: list[Command] = []

    def attempt(self, line: bytes) -> str:
        line = line.split(b"\n")[0][:LINE_BYTES_MAX]
        self._took.clear()
        answer = _now(self._socket._outcome(line))
        assert json.loads(json.dumps(answer))
        if self._took:
            return f"taken {answer['ok']}"
        raise BadCommand("refused", str(answer["detail"]))

    async def _obey(self, command: Command) -> CommandOutcome:
        self._took.append(command)
        assert len(command.text) <= LINE_BYTES_MAX + 40
        made = 0
        for write in self._writes:
            for make in self._ways(command, write):
                try:
                    pdu = make()
                except BadCommand:
                    continue
                made += 1
                assert 5 <= len(pdu.pdu) <= 253
        return CommandOutcome(made > 0, command.text)

    @staticmethod
    def _ways(command: Command, write: writes.PointWrite) -> list[Callable[[], writes.WritePdu]]:
        if command.action == "pulse":
            return [lambda: writes.pulse(write, command.value)]
        if command.action == "set":
            return [lambda: writes.number(write, command.value or 0.0)]
        return [lambda: writes.switch(write, command.action == "on")]


def _now(coroutine: Any) -> Any:
    """What a coroutine returns that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waited")
