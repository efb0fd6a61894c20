"""Noise that looks like an answer, over and over: the checksum of the same bytes is worked out once."""

from __future__ import annotations

import pytest

from edge import modbus_frames
from edge.modbus_frames import ReadRequest, RtuFraming, crc16

REQUEST = ReadRequest(3, 4, 100, 20)
HEAD = bytes((3, 4, 40))


def test_what_only_looks_like_an_answer_is_judged_once_though_it_is_met_at_every_arrival(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[bytes] = []

    def counting(data: bytes) -> bytes:
        judged.append(data)
        return crc16(data)

    monkeypatch.setattr(modbus_frames, "crc16", counting)
    framing, buffer = RtuFraming(), bytearray()
    framing.frame(REQUEST)
    judged.clear()
    for number in range(200):
        buffer += HEAD + bytes((number, 0))
        assert framing.take(buffer) is None
    assert 150 < len(judged) <= 200
    answer = HEAD + bytes(range(40))
    buffer += answer + crc16(answer)
    assert framing.take(buffer) == answer[1:], "the answer behind the noise is found"
    framing.frame(REQUEST)
    assert framing.take(bytearray(answer + crc16(answer))) == answer[1:]
