"""The far end of an RTU line, as slow as the wire: ``python -m tests.bench.far_rtu LINK RECORD --baud 9600 --bits 10``.

A process of its own on a pseudo-terminal. What a master writes is on such a terminal at once; here it takes the time
its bits take, then the unit thinks for its turnaround, then the answer comes byte by byte, each at the instant at which
its last bit would have come. Every unit has every register, and all hold REGISTER.

At SIGTERM the record is written: for each exchange when it was begun, when the last byte of its answer was handed over,
and what it was. `Exchange` reads it.
"""

import argparse
import contextlib
import json
import os
import select
import signal
import sys
import time
import tty
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

REGISTER = 0x4040
"""Two of them are 3.0 as float32; one is 16448: a value no meter refuses to have, and no ratio refuses to be."""
REQUEST_BYTES = 8
GAP_CHARS = 3.5
PRIORITY = 10


class Exchange(NamedTuple):
    """``began``: the request was there. ``ended``: the last byte of the answer was handed over. In seconds."""

    began: float
    ended: float
    unit: int
    function: int
    registers: int
    answer_bytes: int


class Wire(NamedTuple):
    """What a serial line can do."""

    baud: int
    bits: int
    turnaround_s: float

    @property
    def char_s(self) -> float:
        return self.bits / self.baud

    @property
    def gap_s(self) -> float:
        """3.5 characters; 1.75 ms above 19,200 baud, as the specification has it."""
        return max(0.00175, GAP_CHARS * self.char_s)

    def exchange_s(self, exchange: Exchange) -> float:
        """The least an exchange takes, from the first bit of its request to the last of its answer."""
        return (REQUEST_BYTES + exchange.answer_bytes) * self.char_s + self.turnaround_s


def checksum(data: bytes) -> bytes:
    """CRC of an RTU frame, bit by bit from the specification."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


def answer(request: bytes) -> bytes:
    """The normal answer to a read of registers, exception 1 to all else."""
    unit, function, registers = request[0], request[1], int.from_bytes(request[4:6], "big")
    if function in (3, 4) and 1 <= registers <= 125:
        body = bytes((unit, function, 2 * registers)) + REGISTER.to_bytes(2, "big") * registers
    else:
        body = bytes((unit, function | 0x80, 1))
    return body + checksum(body)


def serve(controller: int, wire: Wire, ended: Sequence[bool]) -> list[Exchange]:
    """Answer one request at a time until ``ended`` has something in it."""
    exchanges: list[Exchange] = []
    answers: dict[bytes, bytes] = {}
    while not ended:
        if not select.select([controller], [], [], 0.2)[0]:
            continue
        began = time.monotonic()
        request = os.read(controller, 256)
        if len(request) != REQUEST_BYTES or checksum(request[:-2]) != request[-2:]:
            continue
        frame = answers.setdefault(request, answer(request))
        starts = began + REQUEST_BYTES * wire.char_s + wire.turnaround_s
        sent = 0
        while sent < len(frame):
            select.select([], [], [], max(0.0, starts + (sent + 1) * wire.char_s - time.monotonic()))
            # A late wake-up hands over all that has come since: the line does not stretch.
            due = min(len(frame), max(sent + 1, int((time.monotonic() - starts) / wire.char_s)))
            sent += os.write(controller, frame[sent:due])
        registers = int.from_bytes(request[4:6], "big")
        exchanges.append(Exchange(began, time.monotonic(), request[0], request[1], registers, len(frame)))
    return exchanges


def read_record(path: Path) -> list[Exchange]:
    """What a far end wrote when it ended."""
    return [Exchange(*row) for row in json.loads(path.read_text(encoding="utf-8"))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="far_rtu")
    parser.add_argument("link", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument("--bits", type=int, default=10)
    parser.add_argument("--turnaround-ms", type=float, default=5.0)
    options = parser.parse_args()
    ended: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    with contextlib.suppress(OSError):
        # The wire must not wait for a processor; it sleeps nearly always.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    controller, terminal = os.openpty()
    tty.setraw(terminal)
    options.link.symlink_to(os.ttyname(terminal))
    exchanges = serve(controller, Wire(options.baud, options.bits, options.turnaround_ms / 1000), ended)
    options.record.write_text(json.dumps(exchanges), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
