"""Simulated power cuts of the buffer: ``python -m tests.contracts.power_cut --cuts 25`` (as root; needs loop devices).

The buffer lies in a file system on a loop device. The writer is stopped, the device's backing file is copied as it is
(what the "disk" has got by then, and no more), the copy is mounted, and what the writer had been told is durable must
be in it. ``--synchronous 1`` plants the fault that the method must find: WAL with NORMAL.

kill -9 cannot show this: the kernel still writes what the dead process left in its cache.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from edge import buffer_file
from edge.buffer import Change, Draft, Kind
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from protocols.clock import SystemClock
from protocols.reading import Event, Reading

KEPT = 40
"""The writer releases what is older; younger batches must survive every cut."""


class Outcome(NamedTuple):
    acked: int
    lost: int
    new_epoch: bool
    damaged: bool


def buffer_at(path: Path) -> SqliteBuffer:
    return SqliteBuffer(path, max_bytes=1 << 23, seal=sealer("gw"), clock=SystemClock())


async def write_for_ever(path: Path) -> None:
    buffer = buffer_at(path)
    await buffer.open()
    waiting: list[int] = []
    number = 0
    while True:
        number += 1
        draft = Draft(Kind.EVENTS, events=[Event("gate", "button", number)])
        if number % 3 == 0:
            readings = [Reading("meter", "active_power_total", n * 1.1, number * 100 + n) for n in range(50)]
            draft = Draft(Kind.TELEMETRY, readings=readings)
        release = [(waiting[0], waiting.pop(0))] if len(waiting) > KEPT else []
        for batch in (await buffer.commit(Change(sealed_at=number, drafts=[draft], release=release))).batches:
            waiting.append(batch.place)
            sys.stdout.write(f"{batch.identity.epoch} {batch.identity.seq}\n")
        sys.stdout.flush()


async def names_in(path: Path) -> tuple[str, bool, set[tuple[str, int]]]:
    buffer = buffer_at(path)
    opened = await buffer.open()
    found: set[tuple[str, int]] = set()
    place = 1
    while batches := (await buffer.read(place, 1 << 40, sealed_at=1)).batches:
        found |= {(batch.identity.epoch, batch.identity.seq) for batch in batches}
        place = batches[-1].place + 1
    await buffer.close()
    return opened.epoch, opened.damage is not None, found


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    device = subprocess.run(
        ["losetup", "-f", "--show", image], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        subprocess.run(["mount", device, folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


def cut_once(work: Path, rng: random.Random, synchronous: int) -> Outcome:
    image, copy, folder, told_file = (work / name for name in ("image", "copy", "mounted", "told"))
    folder.mkdir(exist_ok=True)
    image.write_bytes(b"")
    os.truncate(image, 64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-b", "4096", image], check=True)
    command = [sys.executable, "-m", "tests.contracts.power_cut", "--synchronous", str(synchronous), "--write"]
    with mounted(image, folder), told_file.open("w") as told:
        writer = subprocess.Popen([*command, str(folder / "buffer.db")], stdout=told)
        with suppress(subprocess.TimeoutExpired):
            writer.wait(1.0 + 1.5 * rng.random())
        writer.send_signal(signal.SIGSTOP)
        lines = [line.split() for line in told_file.read_text().splitlines(keepends=True) if line.endswith("\n")]
        shutil.copy(image, copy)
        writer.kill()
        writer.wait()
    names = [(epoch, int(seq)) for epoch, seq in lines]
    with mounted(copy, folder):
        epoch, damaged, found = asyncio.run(names_in(folder / "buffer.db"))
    lost = [name for name in names[-KEPT + 2 :] if name not in found]
    return Outcome(len(names), len(lost), bool(names) and epoch != names[-1][0], damaged)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--synchronous", type=int, default=buffer_file.SYNCHRONOUS_FULL)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        buffer_file.SYNCHRONOUS_FULL = options.synchronous
        asyncio.run(write_for_ever(options.write))
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="power-cut-") as folder:
        done = [cut_once(Path(folder), rng, options.synchronous) for _ in range(options.cuts)]
    acked, lost, epochs, damaged = (sum(column) for column in zip(*done, strict=True))
    print(
        f"seed {options.seed}: {len(done)} cuts, {acked} batches told durable, {lost} lost, {epochs} new epochs, ",
        end="",
    )
    print(f"{damaged} files set aside")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
