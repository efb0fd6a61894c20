"""A gateway without drivers that keeps what was acked, under load of several kinds, for drills of a restore.

``python -m tests.edge.kept_box BUFFER PORT KEEP_S MAX_BYTES PAD`` produces until BUFFER.stop is there and runs until
BUFFER.end is, with PAD readings of noise in each batch. A line of its output is what one commit made durable, written
after it:
``r NUMBER AT`` a reading, ``b NUMBER AT`` a button, ``c NUMBER AT`` a card; or ``s WAITING SENT BACKLOG``, how a resend
goes and what has no ack yet.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from edge import session
from edge.failpoint import VARIABLE, armed
from protocols.mqtt_url import MqttUrl
from protocols.reading import Event, Reading
from tests.edge.box import Box, first_unused, use

EVERY_S = 0.02


def card_key(number: int) -> str:
    return f"{number:064x}"


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def produce(box: Box, counter: Path, number: int, pad: int) -> None:
    use(counter, number)
    at = box.clock.now_ms()
    noise = [Reading("noise", "active_power_total", random.random(), at + n) for n in range(pad)]
    await box.intake.readings([Reading("meter", "active_power_total", float(number), at), *noise])
    if number % 5 == 0:
        await box.intake.event(Event("gate", "button", at, {"detail": str(number)}))
        tell("b", number, at)
    if number % 7 == 0:
        await box.intake.event(Event("reader", "card_read", at, {"card_key": card_key(number)}))
        tell("c", number, at)
    await box.intake.committed()
    tell("r", number, at)


async def main(path: Path, port: int, keep_s: float, max_bytes: int, pad: int) -> None:
    session.REPORT_EVERY_S = 0.3
    session.BACKOFF_S = (0.1, 1.0)
    fail_point = armed(os.environ.get(VARIABLE))
    box = Box(path, MqttUrl("127.0.0.1", port, False), fail_point, keep_acked_s=keep_s, max_bytes=max_bytes)
    stop, end, counter = (path.with_suffix(suffix) for suffix in (".stop", ".end", ".next"))
    number = first_unused(counter)
    async with box.running():
        while not end.exists():
            if not stop.exists():
                await produce(box, counter, number, pad)
                number += 1
            report = box.reporter.report()
            if report.kept is not None:
                tell("s", report.kept.waiting, report.kept.sent, report.backlog_batches)
            await box.clock.sleep(EVERY_S)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
