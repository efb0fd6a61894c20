"""The batch: what a gateway seals once, keeps on disk and publishes until it is acked.

Two forms share the topic. The first byte tells them apart.

Binary, version 1::

    byte 0      0x01, the version
    bytes 1-4   CRC-32 of everything that follows, big-endian
    byte 5      length of the epoch, 1 to 64
    ...         epoch, UTF-8
    8 bytes     seq, unsigned, big-endian, from 1
    rest        one zstd frame (content size and checksum on, dictionary ``wire1.dict``) of a MessagePack array,
                see :class:`_Body`

JSON, first byte ``{``: see :mod:`protocols.batch_json`.

Reasons of :class:`BadBatch`: ``empty``, ``too_large``, ``version``, ``checksum``, ``damaged``, ``schema``, ``json``,
``duplicate_key``, ``identity``, ``series``.
"""

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import Annotated, NamedTuple

import msgspec
import zstandard

from protocols.columns import Values, check_values, pack_deltas, pack_values, unpack_deltas, unpack_values
from protocols.errors import BadBatch
from protocols.reading import Event, Quality, Reading, is_id

WIRE_MAX = 1024 * 1024
"""Bytes of a batch as published; larger ones are rejected unopened."""
OPEN_MAX = 16 * 1024 * 1024
"""Bytes of a batch's body after decompression."""
READINGS_MAX = 100_000
EVENTS_MAX = 10_000
SERIES_MAX = 20_000
QUALITIES_MAX = 200
EPOCH_MAX = 64
SEQ_MAX = 2**63 - 1

POINT_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}")
EPOCH_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}")

_VERSION = 1
_LEVEL = 3
_GOOD = (Quality.GOOD, "")
_LARGEST_CACHED_TABLE = 256 * 1024
_LARGEST_TABLE = SERIES_MAX * 128
"""Bytes of a series table: more than ``SERIES_MAX`` of the longest names. What is larger is refused unread, as a few
hundred bytes on the wire may open to millions of empty names."""

_dictionary = zstandard.ZstdCompressionDict(
    resources.files("protocols").joinpath("wire1.dict").read_bytes(), dict_type=zstandard.DICT_TYPE_RAWCONTENT
)
_dictionary.precompute_compress(level=_LEVEL)  # else every batch would pay for it: 85 us instead of 11


class Identity(NamedTuple):
    """What names a batch for ever, together with its gateway."""

    epoch: str
    seq: int


class _Body(msgspec.Struct, frozen=True, array_like=True):
    gateway: str
    sealed_at: int
    count: int
    series: msgspec.Raw
    index: bytes
    at_first: int
    at_size: int
    at: bytes
    values: Values
    quality_table: Annotated[list[tuple[Quality, str]], msgspec.Meta(max_length=QUALITIES_MAX)]
    quality: bytes
    events: Annotated[list[Event], msgspec.Meta(max_length=EVENTS_MAX)]


class Batch(msgspec.Struct, frozen=True):
    """An opened batch. Its columns are as they travelled; lengths are checked, the contents of ``index`` are not.

    ``series``: (device, point) by index, names checked. ``series_key``: bytes that are equal for equal tables.
    ``index``: shuffled int32 differences, first from 0. ``at``: shuffled differences of ``at_size`` bytes (4 or 8),
    first from ``at_first``, ms since 1970. ``values``: see :class:`protocols.columns.Values`; 0 stands where quality
    is bad. ``quality``: one byte a reading into ``quality_table``, or empty when all are good.
    ``gateway`` is what the batch says of itself, "" when it does not.
    """

    identity: Identity
    gateway: str
    sealed_at: int
    count: int
    series: tuple[tuple[str, str], ...]
    series_key: bytes
    index: bytes
    at_first: int
    at_size: int
    at: bytes
    values: Values
    quality_table: list[tuple[Quality, str]]
    quality: bytes
    events: list[Event]

    def indices(self) -> list[int]:
        """The series index of each reading; raises BadBatch when one is outside the table."""
        indices = unpack_deltas(4, self.index, 0)
        if indices and (min(indices) < 0 or max(indices) >= len(self.series)):
            raise BadBatch("series", f"a reading names series {max(indices)} of {len(self.series)}")
        return indices

    def readings(self) -> Iterator[Reading]:
        """The readings one by one, in the order they were sealed. For tools and tests; the collector reads columns."""
        times = unpack_deltas(self.at_size, self.at, self.at_first)
        values = unpack_values(self.values, self.count)
        codes = self.quality or bytes(self.count)
        for place, at, value, code in zip(self.indices(), times, values, codes, strict=True):
            device, point = self.series[place]
            quality, reason = self.quality_table[code] if self.quality else _GOOD
            yield Reading(device, point, None if quality is Quality.BAD else value, at, quality, reason)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)
_Points = Annotated[list[str], msgspec.Meta(max_length=SERIES_MAX)]
_series_decoder = msgspec.msgpack.Decoder(Annotated[list[tuple[str, _Points]], msgspec.Meta(max_length=SERIES_MAX)])


def build(
    identity: Identity, readings: Sequence[Reading], events: Sequence[Event], *, gateway: str, sealed_at: int
) -> Batch:
    """Lay readings and events out as a batch. Keeps their order; checks only what the layout needs."""
    known: set[tuple[str, str]] = set()
    table: list[tuple[str, list[str]]] = []
    order: dict[str, list[str]] = {}
    for reading in readings:
        points = order.get(reading.device)
        if points is None:
            points = order[reading.device] = []
            table.append((reading.device, points))
        key = (reading.device, reading.point)
        if key not in known:
            known.add(key)
            points.append(reading.point)
    series = tuple((device, point) for device, points in table for point in points)
    places = {key: place for place, key in enumerate(series)}
    codes, qualities = _code_qualities(readings)
    times = [reading.observed_at for reading in readings]
    at_first = times[0] if times else 0
    at_size, at = pack_deltas(times, at_first)
    _, index = pack_deltas([places[(reading.device, reading.point)] for reading in readings], 0)
    return Batch(
        identity=identity,
        gateway=gateway,
        sealed_at=sealed_at,
        count=len(readings),
        series=series,
        series_key=_encoder.encode(table),
        index=index,
        at_first=at_first,
        at_size=at_size,
        at=at,
        values=pack_values([0.0 if reading.value is None else reading.value for reading in readings]),
        quality_table=qualities,
        quality=codes,
        events=list(events),
    )


def _code_qualities(readings: Sequence[Reading]) -> tuple[bytes, list[tuple[Quality, str]]]:
    if all(reading.quality is Quality.GOOD for reading in readings):
        return b"", []
    table: dict[tuple[Quality, str], int] = {}
    codes = [table.setdefault((reading.quality, reading.reason), len(table)) for reading in readings]
    if len(table) > QUALITIES_MAX:
        raise BadBatch("too_large", f"{len(table)} different qualities and reasons, at most {QUALITIES_MAX}")
    return bytes(codes), list(table)


def encode(batch: Batch) -> bytes:
    """The binary form of ``batch``. Raises BadBatch when it breaks a limit of this module."""
    epoch = batch.identity.epoch.encode()
    if not EPOCH_PATTERN.fullmatch(batch.identity.epoch) or not 1 <= batch.identity.seq <= SEQ_MAX:
        raise BadBatch("identity", f"epoch {batch.identity.epoch!r}, seq {batch.identity.seq}")
    if batch.count > READINGS_MAX or len(batch.events) > EVENTS_MAX or len(batch.series) > SERIES_MAX:
        raise BadBatch("too_large", f"{batch.count} readings, {len(batch.events)} events, {len(batch.series)} series")
    body = _Body(
        batch.gateway,
        batch.sealed_at,
        batch.count,
        msgspec.Raw(batch.series_key),
        batch.index,
        batch.at_first,
        batch.at_size,
        batch.at,
        batch.values,
        batch.quality_table,
        batch.quality,
        batch.events,
    )
    compressor = zstandard.ZstdCompressor(
        level=_LEVEL, dict_data=_dictionary, write_checksum=True, write_content_size=True
    )
    frame = compressor.compress(_encoder.encode(body))
    rest = bytes([len(epoch)]) + epoch + struct.pack(">Q", batch.identity.seq) + frame
    payload = bytes([_VERSION]) + struct.pack(">I", zlib.crc32(rest)) + rest
    if len(payload) > WIRE_MAX:
        raise BadBatch("too_large", f"{len(payload)} bytes, at most {WIRE_MAX}")
    return payload


def seal(
    epoch: str, seq: int, readings: Sequence[Reading], events: Sequence[Event], *, gateway: str, sealed_at: int
) -> bytes:
    """Readings and events as the bytes that are stored and published. Raises BadBatch above a limit."""
    return encode(build(Identity(epoch, seq), readings, events, gateway=gateway, sealed_at=sealed_at))


def digest(payload: bytes) -> str:
    """16 hex digits that tell two payloads apart (BLAKE2b, 8 bytes)."""
    return hashlib.blake2b(payload, digest_size=8).hexdigest()


def peek(payload: bytes) -> Identity:
    """The identity of a payload, its checksum verified but its body unopened. Raises BadBatch."""
    if payload[:1] == b"{":
        return open_batch(payload).identity
    return _header(payload)[0]


def _header(payload: bytes) -> tuple[Identity, int]:
    if not payload:
        raise BadBatch("empty", "no bytes")
    if len(payload) > WIRE_MAX:
        raise BadBatch("too_large", f"{len(payload)} bytes, at most {WIRE_MAX}")
    if payload[0] != _VERSION:
        raise BadBatch("version", f"first byte 0x{payload[0]:02x}; this collector reads 0x01 and JSON")
    if len(payload) < 15 or not 1 <= payload[5] <= EPOCH_MAX or len(payload) < 14 + payload[5]:
        raise BadBatch("damaged", "the header is cut")
    if zlib.crc32(memoryview(payload)[5:]) != struct.unpack_from(">I", payload, 1)[0]:
        raise BadBatch("checksum", "the bytes are not those that were sealed")
    end = 6 + payload[5]
    epoch = payload[6:end].decode("utf-8", "replace")
    seq = struct.unpack_from(">Q", payload, end)[0]
    if not EPOCH_PATTERN.fullmatch(epoch) or not 1 <= seq <= SEQ_MAX:
        raise BadBatch("identity", f"epoch {epoch!r}, seq {seq}")
    return Identity(epoch, seq), end + 8


def open_batch(payload: bytes) -> Batch:
    """Open either form. Raises BadBatch, never anything else, in time and memory bounded by this module's limits."""
    if payload[:1] == b"{":
        from protocols.batch_json import open_json  # the JSON form is built on this module

        return open_json(payload)
    identity, start = _header(payload)
    body = _decode_body(_decompress(memoryview(payload)[start:]))
    if body.count > READINGS_MAX:
        raise BadBatch("too_large", f"{body.count} readings, at most {READINGS_MAX}")
    _check_columns(body)
    series_key = bytes(body.series)
    series = (_known_series if len(series_key) <= _LARGEST_CACHED_TABLE else _read_series)(series_key)
    return Batch(
        identity=identity,
        gateway=body.gateway,
        sealed_at=body.sealed_at,
        count=body.count,
        series=series,
        series_key=series_key,
        index=body.index,
        at_first=body.at_first,
        at_size=body.at_size,
        at=body.at,
        values=body.values,
        quality_table=body.quality_table,
        quality=body.quality,
        events=body.events,
    )


def _decompress(frame: memoryview) -> bytes:
    try:
        size = zstandard.frame_content_size(frame)
        if size > OPEN_MAX:
            raise BadBatch("too_large", f"opens to {size} bytes, at most {OPEN_MAX}")
        if size < 0:
            raise BadBatch("damaged", "the frame does not say its size")
        opened = zstandard.ZstdDecompressor(dict_data=_dictionary).decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise BadBatch("damaged", str(error)) from None
    if len(opened) != size:
        raise BadBatch("damaged", f"opens to {len(opened)} bytes, {size} announced")
    return opened


def _decode_body(opened: bytes) -> _Body:
    try:
        return _decoder.decode(opened)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise BadBatch("schema", str(error)) from None


def _check_columns(body: _Body) -> None:
    count = body.count
    if count < 0 or body.at_size not in (4, 8):
        raise BadBatch("schema", f"count {count}, times of {body.at_size} bytes")
    if len(body.index) != 4 * count or len(body.at) != body.at_size * count:
        raise BadBatch("schema", f"columns do not hold the {count} readings announced")
    wrong = check_values(body.values, count)
    if wrong:
        raise BadBatch("schema", wrong)
    if body.quality and (len(body.quality) != count or max(body.quality) >= len(body.quality_table)):
        raise BadBatch("schema", "the quality column does not fit")


def _read_series(key: bytes) -> tuple[tuple[str, str], ...]:
    if len(key) > _LARGEST_TABLE:
        raise BadBatch("too_large", f"a table of series of {len(key)} bytes, at most {_LARGEST_TABLE}")
    try:
        table = _series_decoder.decode(key)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise BadBatch("schema", f"series: {error}") from None
    count = sum(len(points) for _, points in table)
    if count > SERIES_MAX:
        raise BadBatch("too_large", f"{count} series, at most {SERIES_MAX}")
    series = tuple((device, point) for device, points in table for point in points)
    check_series(series)
    return series


def check_series(series: Sequence[tuple[str, str]]) -> None:
    """Raise BadBatch when the table is too long, names one series twice or holds a name that is none."""
    if len(series) > SERIES_MAX:
        raise BadBatch("too_large", f"{len(series)} series, at most {SERIES_MAX}")
    if len(set(series)) != len(series):
        raise BadBatch("series", "a series stands twice in the table")
    for device, point in series:
        if not is_id(device) or not POINT_PATTERN.fullmatch(point):
            raise BadBatch("series", f"{device[:40]!r}/{point[:40]!r} is no series name")


_known_series = lru_cache(maxsize=512)(_read_series)
