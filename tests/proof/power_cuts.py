"""Simulated power cuts of the buffer, the store and the registry: ``python -m tests.proof.power_cuts --level ci``.

Each lies in a file system on a loop device. The writer is stopped, the device's backing file is copied as it is (what
the "disk" has got by then, and no more), the copy is mounted, and what the writer had been told is durable must be in
it. The writer then goes on in the copy: a cut may meet a file that was mended after the cut before.

A planted fault shows that the method finds what it is for: SQLite with NORMAL, and a DuckDB whose syncs do nothing.
kill -9 cannot show this: the kernel still writes what the dead process left in its cache. Needs root. A simulated cut
is not a card that lies about what it has written.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from protocols.errors import DayuanError
from tests.proof.cut_writers import LOOKS
from tests.proof.levels import Finding, Level, alone
from tests.waiting import until

SOURCE = Path(__file__).with_name("no_sync.c")
IMAGE_BYTES = 96 << 20
LIVES = 3
"""Cuts that one file system goes through."""

UNMOUNT_S = 10.0
PROMISES_MOST = 150
LIFE_S = 20.0
"""A writer makes fewer than so many promises before the cut, on a slow machine those of so many seconds."""

CUTS: dict[Level, dict[str, int]] = {
    "ci": {"buffer": 4, "store": 4, "registry": 2},
    "soak": {"buffer": 120, "store": 120, "registry": 60},
    "proof": {"buffer": 2000, "store": 2000, "registry": 1000},
}
PLANTED_CUTS = 15
"""At most so many with the fault planted: on a slow machine the kernel writes most things back by itself in time."""


class Cut(NamedTuple):
    """What one cut did: of ``told`` promises in this life, ``lost`` are broken, of this life or an earlier one."""

    told: int
    lost: list[str]
    wrong: list[str]


def not_here() -> str:
    """Why power cuts cannot be simulated here; '' when they can."""
    if os.geteuid() != 0:
        return "needs root, for loop devices and mounts"
    missing = [tool for tool in ("losetup", "mkfs.ext4", "mount") if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    probe = subprocess.run(["losetup", "-f"], capture_output=True, text=True, check=False)
    return "" if probe.returncode == 0 else f"no loop device can be had: {probe.stderr.strip()}"


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """The file system in ``image``, on a loop device."""
    made = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True, check=True)
    device = made.stdout.strip()
    try:
        subprocess.run(["mount", device, folder], check=True)
        try:
            yield folder
        finally:
            _unmount(folder)
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


def _unmount(folder: Path) -> None:
    """A child that another thread is just starting has our files for an instant, too."""

    def is_done() -> bool:
        return subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0

    asyncio.run(until(is_done, UNMOUNT_S, f"umount {folder}"))


def cuts_of(store: str, count: int, work: Path, rng: random.Random, *, plant: Path | None = None) -> list[Cut]:
    """``count`` cuts of one store, a fresh file system every few. ``plant``: the library under which nothing syncs."""
    work.mkdir(parents=True, exist_ok=True)
    done: list[Cut] = []
    while len(done) < count:
        image = work / "image"
        image.unlink(missing_ok=True)
        image.touch()
        os.truncate(image, IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-b", "4096", image], check=True)
        due: set[str] = set()
        for _ in range(min(LIVES, count - len(done))):
            done.append(_one_life(store, image, work, rng, due, plant))
            if done[-1].lost or done[-1].wrong:
                break
    return done


def _one_life(store: str, image: Path, work: Path, rng: random.Random, due: set[str], plant: Path | None) -> Cut:
    """Write, cut, look. Afterwards ``image`` is what the cut left, and ``due`` what must be in it."""
    folder, copy, told_file = work / "disk", work / "copy", work / "told"
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.proof.cut_writers", store, str(folder)]
    environment = dict(os.environ)
    if plant is not None:
        command.append("--plant")
        if store == "store":
            environment["LD_PRELOAD"] = str(plant)
    with mounted(image, folder), told_file.open("w") as told:
        writer = subprocess.Popen(command, stdout=told, env=environment)
        try:
            _wait(writer, told_file, rng)
            writer.send_signal(signal.SIGSTOP)
            lines = [line.strip() for line in told_file.read_text().splitlines(keepends=True) if line.endswith("\n")]
            shutil.copy(image, copy)
        finally:
            writer.kill()
            writer.wait()
    copy.replace(image)
    kept = [line.removeprefix("kept ") for line in lines if line.startswith("kept ")]
    due |= set(kept)
    due -= {line.removeprefix("released ") for line in lines if line.startswith("released ")}
    with mounted(image, folder):
        try:
            found = asyncio.run(LOOKS[store](folder))
        except DayuanError as error:
            return Cut(len(kept), [], [f"{store}: cannot be opened afterwards: {error}"])
    lost = sorted(due - found.names)
    due &= found.names
    return Cut(len(kept), [f"{store}: {name} was told durable and is gone" for name in lost], found.wrong)


def _wait(writer: subprocess.Popen[bytes], told: Path, rng: random.Random) -> None:
    """Until the instant of the cut: mostly after some promises, now and then while it starts."""
    starting = rng.random() < 0.15
    enough = 0 if starting else rng.randrange(1, PROMISES_MOST)
    deadline = time.monotonic() + (1.5 * rng.random() if starting else LIFE_S)
    while time.monotonic() < deadline and writer.poll() is None:
        if enough and told.read_bytes().count(b"kept ") >= enough:
            break
        with suppress(subprocess.TimeoutExpired):
            writer.wait(0.02)
    if writer.poll() is not None:
        raise RuntimeError(f"the writer ended with {writer.returncode} before the cut")


def _broken(cut: Cut) -> bool:
    return bool(cut.lost or cut.wrong)


def build(folder: Path) -> Path:
    """The library under which nothing is synced."""
    made = folder / "no_sync.so"
    subprocess.run(["cc", "-O1", "-Wall", "-shared", "-fPIC", "-o", str(made), str(SOURCE)], check=True)
    return made


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """Cuts of the three stores side by side, then a few of each with the fault planted."""
    names = {name: f"simulated power cuts of the {name}" for name in CUTS[level]}
    if reason := not_here():
        return [Finding("R3", what, not_run=reason) for what in names.values()]
    library = build(work)

    def prove(name: str) -> Finding:
        rng = random.Random(f"{seed} {name}")
        done = cuts_of(name, CUTS[level][name], work / name, rng)
        told = sum(cut.told for cut in done)
        violations = [text for cut in done for text in (*cut.wrong, *cut.lost[:5])]
        if not told:
            violations.append("nothing was told durable before any cut")
        planted: list[Cut] = []
        while len(planted) < PLANTED_CUTS and not any(_broken(cut) for cut in planted):
            planted += cuts_of(name, LIVES, work / f"{name}-planted", rng, plant=library)
        broken = sum(map(_broken, planted))
        if not broken:
            violations.append("the planted fault (nothing is synced) was not found")
        shown = f"{told} promises held; planted: {broken} of {len(planted)} cuts lose something"
        return Finding("R3", names[name], f"{len(done)} cuts", tuple(violations), shown)

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(prove, names))


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
