"""What can happen to an answer between the device and the one who asked."""

from __future__ import annotations

import random
from typing import Literal, NamedTuple

from simulators.wires.modbus_frames import checksum, serial_frame, tcp_frame

Damage = Literal["", "checksum", "flipped", "cut", "glued", "unit"]
NOISE: tuple[Damage, ...] = ("checksum", "flipped", "cut", "glued")
READABLE: frozenset[Damage] = frozenset({"", "glued"})
"""An answer that may still be taken for what it is."""
FLIPS_MAX = 3
"""So many wrong bits the checksum finds for certain in frames of this length."""


class OnTcp(NamedTuple):
    """Bytes for a connection, and whether it ends behind them."""

    data: bytes
    close: bool = False


def on_line(unit: int, pdu: bytes, damage: Damage, rng: random.Random) -> bytes:
    """A frame for a serial line, damaged as told."""
    frame = serial_frame(unit, pdu)
    if damage == "checksum":
        return frame[:-2] + bytes(byte ^ 0x5A for byte in checksum(frame[:-2]))
    if damage == "flipped":
        hit = bytearray(frame)
        for bit in rng.sample(range(8 * len(frame)), rng.randint(1, FLIPS_MAX)):
            hit[bit // 8] ^= 1 << bit % 8
        return bytes(hit)
    if damage == "cut":
        return frame[: rng.randint(1, len(frame) - 1)]
    if damage == "glued":
        stray = rng.randbytes(rng.randint(1, 5))
        return stray + frame if rng.random() < 0.5 else frame + stray
    if damage == "unit":
        return serial_frame(unit % 247 + 1, pdu)
    return frame


def on_tcp(transaction: int, unit: int, pdu: bytes, damage: Damage) -> OnTcp:
    """A frame for a connection. TCP itself loses no bits: what is garbled on a line is another exchange's here."""
    frame = tcp_frame(transaction, unit, pdu)
    if damage in ("checksum", "flipped"):
        return OnTcp(tcp_frame(transaction + 1, unit, pdu))
    if damage == "cut":
        return OnTcp(frame[: len(frame) // 2], close=True)
    if damage == "glued":
        return OnTcp(tcp_frame(transaction - 1, unit, pdu) + frame)
    if damage == "unit":
        return OnTcp(tcp_frame(transaction, unit % 247 + 1, pdu))
    return OnTcp(frame)
