"""What a hostile or broken sender can send: refused with a reason, counted, shown; no crash, no lost neighbour."""

import json
import os
import struct
import zlib
from pathlib import Path

import msgspec
import pytest
import zstandard

from cloud.store.contract import GatewayKey
from protocols.batch import OPEN_MAX, READINGS_MAX, WIRE_MAX
from protocols.reading import Event
from tests.cloud.ingest.rig import AT, batch, rig

NOW = "now"


def sealed(body: bytes, *, epoch: bytes = b"e1", seq: int = 5) -> bytes:
    """A binary batch around any body, its checksum right."""
    rest = bytes([len(epoch)]) + epoch + struct.pack(">Q", seq) + body
    return b"\x01" + struct.pack(">I", zlib.crc32(rest)) + rest


def bomb() -> bytes:
    frame = zstandard.ZstdCompressor(level=19).compress(bytes(OPEN_MAX + 1))
    assert len(frame) < 10_000
    return sealed(frame)


def silent_bomb() -> bytes:
    """A frame that does not say its size, so that it cannot be refused by it."""
    compressor = zstandard.ZstdCompressor(level=19, write_content_size=False)
    return sealed(compressor.compress(bytes(200_000_000)))


def crowd() -> bytes:
    readings = [{"device": "m1", "point": "p", "at": AT, "value": 1}] * 1000
    return json.dumps({"v": 1, "epoch": "e1", "seq": 5, "readings": readings * (READINGS_MAX // 1000 + 1)}).encode()


POISON = {
    "random bytes": (os.urandom(500), {"version", "checksum", "damaged"}),
    "cut": (batch(5)[:-7], {"checksum"}),
    "flipped": (batch(5)[:-3] + b"\x00" + batch(5)[-2:], {"checksum"}),
    "other version": (b"\x02" + batch(5)[1:], {"version"}),
    "zip bomb": (bomb(), {"too_large"}),
    "zip bomb that hides its size": (silent_bomb(), {"damaged"}),
    "no zstd": (sealed(b"hello"), {"damaged"}),
    "no batch": (sealed(zstandard.ZstdCompressor().compress(msgspec.msgpack.encode({"a": 1}))), {"damaged", "schema"}),
    "too large on the wire": (b"\x01" + bytes(WIRE_MAX), {"too_large"}),
    "a hundred megabytes": (b"{" + b" " * 100_000_000, {"too_large"}),
    "too many readings": (crowd(), {"too_large"}),
    "invalid utf-8": (b'{"v":1,"epoch":"\xff\xfe","seq":1}', {"json"}),
    "no json": (b'{"v":1,', {"json"}),
    "nesting": (b'{"v":' + b"[" * 10_000 + b"]" * 10_000 + b"}", {"json", "schema"}),
    "nesting of objects": (b'{"a":' * 100_000, {"json"}),
    "duplicate key": (b'{"v":1,"epoch":"e1","epoch":"e2","seq":1}', {"duplicate_key"}),
    "a very long number": (b'{"v":1,"epoch":"e1","seq":' + b"9" * 10_000 + b"}", {"json", "schema"}),
    "lone surrogate": (b'{"v":1,"epoch":"\\ud800","seq":1}', {"identity", "schema"}),
    "epoch of control characters": (b'{"v":1,"epoch":"\\u0000\\n","seq":1}', {"identity", "schema"}),
    "seq 0": (b'{"v":1,"epoch":"e1","seq":0}', {"schema"}),
    "bad with a value": (
        b'{"v":1,"epoch":"e1","seq":1,"readings":[{"device":"m1","point":"p","at":1,"value":1,"quality":"bad"}]}',
        {"schema"},
    ),
    "another gateway's": (batch(5, gateway="g2"), {"foreign"}),
    "another gateway's, json": (b'{"v":1,"epoch":"e1","seq":5,"gateway":"g2"}', {"foreign"}),
}


@pytest.mark.parametrize("name", POISON)
async def test_poison_is_rejected_with_a_reason_and_kept_and_its_neighbours_are_stored(
    tmp_path: Path, name: str
) -> None:
    payload, reasons = POISON[name]
    async with rig(tmp_path) as it:
        await it.send(batch(1), payload, batch(2), payload, batch(3))
        assert len(await it.stored()) == 3
        rejected = [one for _, ack in it.acks for one in ack.rejected]
        assert rejected
        assert {one.reason for one in rejected} <= reasons
        assert not any(one.hold for one in rejected)
        (kept,) = (await it.store.quarantine()).rows
        assert kept[1:3] == ("east", "g1")
        assert kept[7] in reasons
        assert kept[9] == len(payload)
        assert len(bytes(kept[10])) <= 64 * 1024  # type: ignore[arg-type]
        assert it.counters()["rejected"] == 2
        assert it.alarms.standing[("batch_rejected", "east/g1")]["reason"] in reasons
    async with rig(tmp_path) as it:
        await it.send(payload)
        assert len((await it.store.quarantine()).rows) == 1, "a repetition after a restart is not kept again"
        assert it.counters()["rejected"] == 3


async def test_a_foreign_batch_does_not_touch_the_gateway_it_names(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(batch(1, [666.0], gateway="g2"))
        assert it.alarms.standing[("foreign_batch", "east/g1")]["claimed"] == "g2"
        assert await it.stored() == []
        acks = await it.send(batch(1, [1.0], gateway="g2"), key=GatewayKey("east", "g2"))
        assert [ack.stored for ack in acks] == [[(1, 1)]]


def json_batch(readings: str, seq: int = 1) -> bytes:
    return f'{{"v":1,"epoch":"e1","seq":{seq},"readings":[{readings}]}}'.encode()


def reading(at: int, value: str, quality: str = "") -> str:
    extra = f',"quality":"{quality}"' if quality else ""
    return f'{{"device":"m1","point":"active_power_total","at":{at},"value":{value}{extra}}}'


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (reading(AT, "NaN"), "not_finite"),
        (reading(AT, "Infinity"), "not_finite"),
        (reading(AT, "1e999"), "not_finite"),
        (reading(AT, "-Infinity", "uncertain"), "not_finite"),
    ],
)
async def test_a_bad_reading_is_refused_and_shown_and_its_neighbours_are_stored(
    tmp_path: Path, bad: str, reason: str
) -> None:
    async with rig(tmp_path) as it:
        payload = json_batch(
            ",".join([reading(AT, "1.5"), bad, reading(AT + 1, "2.5"), reading(AT + 2, "null", "bad")])
        )
        (ack,) = await it.send(payload)
        assert ack.stored == [(1, 1)]
        assert await it.stored() == [(AT, 1.5), (AT + 1, 2.5), (AT + 2, None)]
        (row,) = (await it.store.refused()).rows
        assert row[1:7] == ("east", "g1", "e1", 1, "m1", "active_power_total")
        assert row[9] == reason
        assert it.counters()["refused"] == {reason: 1}
        alarm = it.alarms.standing[("readings_refused", "east/g1")]
        assert (alarm["reason"], alarm["device"], alarm["point"]) == (reason, "m1", "active_power_total")
        (given,) = it.handler.batches
        assert (len(given.at), given.refused) == (3, 1)
    async with rig(tmp_path) as it:
        assert it.counters()["refused"] == {reason: 1}, "counters are exact over restarts"


async def test_refused_readings_of_a_binary_batch(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        (ack,) = await it.send(batch(1, [1.0, float("nan"), float("inf"), None, 2.0]))
        assert ack.stored == [(1, 1)]
        assert [value for _, value in await it.stored()] == [1.0, None, 2.0]
        assert it.counters()["refused"] == {"not_finite": 2}


async def test_many_refused_readings_are_all_counted_and_some_are_kept(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(batch(1, [float("nan")] * 5000 + [1.0]))
        assert it.counters()["refused"] == {"not_finite": 5000}
        assert len((await it.store.refused(limit=1000)).rows) == 200
        assert len(await it.stored()) == 1


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Event("Gate 1", "button", AT), "event_name"),
        (Event("gate", "but ton", AT), "event_name"),
        (Event("gate", "button", AT, {"x" * 100: 1}), "event_name"),
        (Event("gate", "button", AT, {"detail": "x" * 2000}), "event_size"),
        (Event("gate", "button", AT, {f"f{n}": n for n in range(50)}), "event_size"),
    ],
)
async def test_a_bad_event_is_refused_and_the_others_are_stored(tmp_path: Path, event: Event, reason: str) -> None:
    async with rig(tmp_path) as it:
        (ack,) = await it.send(batch(1, events=[Event("gate", "button", AT), event]))
        assert ack.stored == [(1, 1)]
        assert await it.events() == [(AT, "gate", "button")]
        assert it.counters()["refused"] == {reason: 1}


async def test_an_event_of_a_kind_we_do_not_know_yet_is_stored(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(batch(1, events=[Event("gate", "levitated", AT, {"height_m": 2.5, "text": "\x00 好"})]))
        assert await it.events() == [(AT, "gate", "levitated")]


async def test_half_a_surrogate_pair_stops_neither_its_neighbours_nor_a_commit(tmp_path: Path) -> None:
    event = '{"device":"gate","kind":"button","at":%d,"data":{"detail":"%s"}}'
    readings = f'{{"device":"m1","point":"p","at":{AT},"value":null,"quality":"bad","reason":"\\udc00"}}'
    both = ",".join([event % (AT, "\\ud800"), event % (AT + 1, "fine")])
    async with rig(tmp_path) as it:
        (ack,) = await it.send(f'{{"v":1,"epoch":"e1","seq":1,"events":[{both}],"readings":[{readings}]}}'.encode())
        assert ack.stored == [(1, 1)]
        assert await it.events() == [(AT + 1, "gate", "button")]
        assert it.counters()["refused"] == {"event_text": 1}
        assert await it.stored("m1", "p") == [(AT, None)]


async def test_a_point_that_nobody_knows_is_stored(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(
            b'{"v":1,"epoch":"e1","seq":1,"readings":[{"device":"x1","point":"mystery","at":%d,"value":7}]}' % AT
        )
        assert await it.stored("x1", "mystery") == [(AT, 7.0)]
        assert not it.preparer.series.in_vocabulary(0)


async def test_a_flood_of_different_rubbish_is_bounded(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(*(b"rubbish %d" % number for number in range(1200)), batch(1))
        assert len((await it.store.quarantine(limit=5000)).rows) == 1000
        assert it.counters()["rejected"] == 1200
        assert len(await it.stored()) == 1
