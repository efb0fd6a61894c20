"""The batch: what is sealed comes back the same; what is not a batch is refused with a reason."""

import json
import math
import struct
import tracemalloc
import zlib

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from protocols.batch import OPEN_MAX, WIRE_MAX, _dictionary, digest, open_batch, peek, seal
from protocols.errors import BadBatch
from protocols.reading import Event, Quality, Reading

NOW = 1_795_000_000_000

RECORDED_V1 = (
    "017289bf76083562316539633034000000000000000728b52ffd24eb0d0500a4079cad62332d706c616e742d726f6f6dcf00"
    "0001a1ee5661e8039192a762332d6d61696e9331c40c000101005e0004c40c000028009500c403010000c4080000dc00fd00"
    "4500c404e8870300c40092c4030000019184a6646576696365aa676174652d6e6f727468a46b696e64a26174a46461746181"
    "a4616231320b00c4bd4aa97119fef7ba3d1ad702dc962b1f3a24209c178e0005e1b60af37cc1999b78027bde06e6"
)


def sealed(readings=(), events=(), epoch="5b1e9c04", seq=1):
    return seal(epoch, seq, list(readings), list(events), gateway="b3-plant-room", sealed_at=NOW)


def reading(value=1.5, device="b3-main", point="active_power_total", at=NOW, **more):
    return Reading(device, point, value, at, **more)


qualities = st.one_of(
    st.tuples(st.just(Quality.GOOD), st.just("")),
    st.tuples(st.just(Quality.UNCERTAIN), st.sampled_from(["clock", "retained"])),
    st.tuples(st.just(Quality.BAD), st.sampled_from(["sentinel", "device_error"])),
)
numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.integers(-(10**9), 10**9).map(lambda n: n / 1000),
)


@st.composite
def any_reading(draw):
    quality, reason = draw(qualities)
    value = None if quality is Quality.BAD else draw(numbers)
    device = draw(st.sampled_from(["b3-main", "gate-north", "car-7"]))
    point = draw(st.sampled_from(["active_power_total", "frequency", "latitude"]))
    return Reading(device, point, value, draw(st.integers(0, 2**45)), quality, reason)


@given(st.lists(any_reading(), max_size=60), st.integers(1, 2**63 - 1))
def test_what_is_sealed_is_what_is_opened(readings, seq):
    events = [Event("gate-north", "button", NOW, {"detail": "门"})]
    batch = open_batch(sealed(readings, events, seq=seq))
    assert list(batch.readings()) == readings
    assert batch.events == events
    assert batch.identity == ("5b1e9c04", seq)
    assert batch.gateway == "b3-plant-room"


@given(st.lists(numbers, min_size=1, max_size=30))
def test_no_value_is_rounded_on_the_way(values):
    readings = [reading(value, at=NOW + n) for n, value in enumerate(values)]
    opened = [r.value for r in open_batch(sealed(readings)).readings()]
    assert struct.pack(f"{len(values)}d", *opened) == struct.pack(f"{len(values)}d", *values)


def test_the_bytes_of_a_batch_are_as_they_always_were():
    """Batches lie on disks for weeks: version 1 must be readable for ever."""
    batch = open_batch(bytes.fromhex(RECORDED_V1))
    assert [r.value for r in batch.readings()] == [231.4, 8123.5, None]
    assert batch.identity == ("5b1e9c04", 7)


def test_a_binary_batch_is_small():
    points = [f"{q}_l{n}{s}" for q, s in (("voltage", "_n"), ("current", ""), ("active_power", "")) for n in (1, 2, 3)]
    as_float32 = struct.unpack(
        "9f", struct.pack("9f", *[231.1, 230.4, 229.8, 12.5, 11.9, 13.0, 2890.1, 2741.0, 2987.7])
    )
    readings = [
        Reading(f"b{meter}-main", point, value + meter, NOW + meter * 40)
        for meter in range(5)
        for point, value in zip(points, as_float32, strict=True)
    ]
    assert len(sealed(readings)) / len(readings) < 14


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_and_never_crash(payload):
    with pytest.raises(BadBatch):
        open_batch(payload)


@given(st.data())
def test_one_flipped_bit_is_always_noticed(data):
    payload = bytearray(sealed([reading(), reading(2.5, point="frequency")]))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadBatch):
        peek(bytes(payload))


@given(st.integers(0, 400))
def test_a_cut_batch_is_refused(length):
    payload = sealed([reading(value) for value in range(40)])
    if length < len(payload):
        with pytest.raises(BadBatch):
            open_batch(payload[:length])


def wrapped(frame: bytes) -> bytes:
    rest = bytes([1]) + b"e" + struct.pack(">Q", 1) + frame
    return b"\x01" + struct.pack(">I", zlib.crc32(rest)) + rest


def test_a_bomb_is_refused_before_it_opens():
    frame = zstandard.ZstdCompressor(level=19).compress(bytes(OPEN_MAX + 1))
    assert len(frame) < WIRE_MAX
    with pytest.raises(BadBatch, match="too_large"):
        open_batch(wrapped(frame))


def test_a_bomb_that_hides_its_size_is_refused():
    frame = zstandard.ZstdCompressor(level=19, write_content_size=False).compress(bytes(OPEN_MAX * 4))
    with pytest.raises(BadBatch, match="damaged"):
        open_batch(wrapped(frame))


SMALL_THINGS = {
    "devices without points": (3, b"\x92\xa0\x90"),
    "points of one device": (3, b"\xa2ab"),
    "empty points of one device": (3, b"\xa0"),
    "qualities": (9, msgspec.msgpack.encode(["bad", ""])),
    "events": (11, msgspec.msgpack.encode({"device": "", "kind": "", "at": 0})),
}


@pytest.mark.parametrize("what", SMALL_THINGS)
def test_a_batch_of_millions_of_small_things_is_refused_before_they_are_made(what):
    """600 bytes on the wire were half a minute and 1.3 GB."""
    place, one = SMALL_THINGS[what]
    count = (OPEN_MAX - 300) // len(one)
    many = b"\xdd" + struct.pack(">I", count) + one * count
    raw = msgspec.Raw(b"\x91\x92\xa1d" + many if "of one" in what else many)
    body = ["g", NOW, 0, [], b"", 0, 4, b"", [0, b"", b"", b"", b""], [], b"", []]
    body[place] = raw
    payload = wrapped(zstandard.ZstdCompressor(dict_data=_dictionary).compress(msgspec.msgpack.encode(body)))
    assert len(payload) < 4000
    tracemalloc.start()
    with pytest.raises(BadBatch):
        open_batch(payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * OPEN_MAX


def test_a_batch_of_a_hundred_megabytes_is_refused_unopened():
    for first in (b"\x01", b"{"):
        with pytest.raises(BadBatch, match="too_large"):
            open_batch(first + bytes(100 * 1024 * 1024))


def test_columns_that_do_not_hold_what_they_announce_are_refused():
    good = msgspec.msgpack.decode(
        zstandard.ZstdDecompressor(dict_data=_dictionary).decompress(sealed([reading()])[5 + 1 + 8 + 8 :])
    )
    for place, wrong in (
        (2, 2),
        (2, -1),
        (2, 10**9),
        (4, b""),
        (6, 3),
        (7, b"123"),
        (10, b"\x07"),
        (8, [9, b"", b"", b"", b""]),
    ):
        body = list(good)
        body[place] = wrong
        frame = zstandard.ZstdCompressor(dict_data=_dictionary).compress(msgspec.msgpack.encode(body))
        with pytest.raises(BadBatch):
            open_batch(wrapped(frame))


def test_an_index_outside_the_table_is_refused():
    good = msgspec.msgpack.decode(
        zstandard.ZstdDecompressor(dict_data=_dictionary).decompress(sealed([reading()])[5 + 1 + 8 + 8 :])
    )
    for delta in (1, -1):
        body = list(good)
        body[4] = struct.pack("<i", delta)
        frame = zstandard.ZstdCompressor(dict_data=_dictionary).compress(msgspec.msgpack.encode(body))
        with pytest.raises(BadBatch, match="series"):
            open_batch(wrapped(frame)).indices()


def as_json(**more):
    return json.dumps({"v": 1, "epoch": "5b1e9c04", "seq": 1, **more}).encode()


def test_a_json_batch_is_read():
    batch = open_batch(
        as_json(
            readings=[{"device": "b3-main", "point": "active_power_total", "at": NOW, "value": 8123.5}],
            events=[{"device": "gate-north", "kind": "button", "at": NOW, "data": {"detail": "x"}}],
        )
    )
    assert list(batch.readings()) == [reading(8123.5)]
    assert batch.events == [Event("gate-north", "button", NOW, {"detail": "x"})]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"v": 1, "v": 1}', "duplicate_key"),
        (b'{"v":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "json"),
        (b'{"v":' + b"[" * 500_000, "json"),
        (b'{"v": 1, "epoch": "\xff\xfe"}', "json"),
        (b'{"v": 1', "json"),
        (b"{}", "schema"),
        (as_json(v=2), "version"),
        (as_json(epoch="../../etc"), "identity"),
        (as_json(epoch=""), "identity"),
        (as_json(seq=0), "schema"),
        (as_json(seq=2**63), "schema"),
        (as_json(readings=[{"device": "b3", "point": "p", "at": NOW, "value": "12"}]), "schema"),
        (as_json(readings=[{"device": "b3", "point": "p", "at": NOW, "value": True}]), "schema"),
        (as_json(readings=[{"device": "b3", "point": "p", "at": NOW, "value": None}]), "schema"),
        (as_json(readings=[{"device": "b3/#", "point": "p", "at": NOW, "value": 1}]), "series"),
        (as_json(readings=[{"device": "b3", "point": "p", "at": NOW, "value": 1, "unit": "W"}]), "schema"),
        (b'{"v": 1, "epoch": "e", "seq": ' + b"9" * 5000 + b"}", "json"),
        (b'{"v": 1, "epoch": "e", "seq": "\\udc00\\ud800"}', "schema"),
        (as_json(readings=[{"\ud800": 1}]), "schema"),
        (as_json(readings=[{"device": "\ud800", "point": "p", "at": NOW, "value": 1}]), "series"),
    ],
)
def test_a_json_batch_that_is_wrong_says_why(payload, reason):
    with pytest.raises(BadBatch) as error:
        open_batch(payload)
    assert error.value.reason == reason
    assert error.value.detail


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_json_value_that_is_not_finite_keeps_its_neighbours(word):
    payload = as_json(
        readings=[
            {"device": "b3", "point": "p", "at": NOW, "value": 1},
            {"device": "b3", "point": "p", "at": NOW + 1, "value": 77777},
        ]
    ).replace(b"77777", word)
    values = [r.value for r in open_batch(payload).readings()]
    assert values[0] == 1.0
    assert not math.isfinite(values[1])


def test_a_digest_tells_payloads_apart():
    assert digest(b"a") != digest(b"b")
    assert len(digest(b"a")) == 16


class OldEvent(msgspec.Struct, frozen=True):
    """An event as it was before it could say that its time is not certain."""

    device: str
    kind: str
    at: int
    data: dict[str, str] = {}


def test_events_of_older_and_newer_programs_are_read():
    old, new = OldEvent("gate", "button", NOW, {"detail": "x"}), Event("gate", "button", NOW, {"detail": "x"}, "clock")
    for pack, unpack in ((msgspec.msgpack.encode, msgspec.msgpack.decode), (msgspec.json.encode, msgspec.json.decode)):
        assert unpack(pack(old), type=Event) == Event("gate", "button", NOW, {"detail": "x"})
        assert unpack(pack(new), type=OldEvent) == old


def test_an_event_keeps_why_its_time_is_not_certain_in_both_forms():
    event = Event("gate", "button", NOW, {}, "clock")
    assert open_batch(seal("e1", 1, [], [event], gateway="g", sealed_at=NOW)).events == [event]
    said = {"device": "gate", "kind": "button", "at": NOW, "data": {}, "reason": "clock"}
    assert open_batch(json.dumps({"v": 1, "epoch": "e1", "seq": 1, "events": [said]}).encode()).events == [event]
