"""The failing disk: builds ``faulty_io.c`` and runs a Python module under it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("faulty_io.c")
ROOT = SOURCE.parents[2]
RUN_S = 60
ERRORS = {name: getattr(errno, name) for name in ("EIO", "ENOSPC", "EROFS", "EMFILE")}
NO_CALL = 0
DEADLY = 0
"""Instead of an error: the process is killed in that call, a write is half done."""


class Ran(NamedTuple):
    """How one process under the failing disk ended: ``calls`` of it touched the folder."""

    code: int
    lines: list[str]
    errors: str
    calls: int


def build(folder: Path) -> Path:
    """The library to preload; raises CalledProcessError with the compiler's words."""
    made = folder / "faulty_io.so"
    command = ["cc", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return made


def run(
    library: Path,
    module: str,
    folder: Path,
    *arguments: str,
    first: int = NO_CALL,
    times: int = 1,
    error: int = errno.EIO,
) -> Ran:
    """Run ``python -m module folder arguments``; calls ``first`` .. ``first + times - 1`` on files in it fail."""
    folder.mkdir(parents=True, exist_ok=True)
    tally = folder.with_name(folder.name + ".tally")
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "FAULTY_IO_FOLDER": f"{folder}/",
        "FAULTY_IO_FROM": str(first),
        "FAULTY_IO_TIMES": str(times),
        "FAULTY_IO_ERRNO": str(error),
        "FAULTY_IO_TALLY": str(tally),
    }
    done = subprocess.run(
        [sys.executable, "-m", module, str(folder), *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_S,
    )
    calls = int(tally.read_text()) if tally.is_file() else 0
    return Ran(done.returncode, done.stdout.splitlines(), done.stderr, calls)
