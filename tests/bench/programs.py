"""Programs that a measurement starts: on which processor, for how long, and what they used of it."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

OURS, OTHERS = 0, 1
"""Processors: what is measured has one for itself, everything else shares the other."""
ENDS_WITHIN_S = 20.0


def on_core(core: int, argv: Sequence[str]) -> list[str]:
    """``argv`` kept on one processor, where the machine has more."""
    if (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return list(argv)
    return ["taskset", "-c", str(core), *argv]


class Program:
    """A child process with its output in a file."""

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        *,
        core: int,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                on_core(core, argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(env or {})},
                cwd=cwd,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def cpu_s(self) -> float:
        """User and system time so far, of all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to one that does not end."""
        if not self.is_running:
            return
        self._process.terminate()
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_lines(self, count: int = 5) -> str:
        """The end of its output, for an error text."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n  ".join(lines[-count:])


@contextlib.contextmanager
def running(
    argv: Sequence[str], log: Path, *, core: int, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Program]:
    """A program for the time of the block."""
    program = Program(argv, log, core=core, env=env, cwd=cwd)
    try:
        yield program
    finally:
        program.stop()


def pause(seconds: float) -> None:
    """Let what is measured go on for that long."""
    threading.Event().wait(seconds)


def python(module: str, *arguments: object) -> list[str]:
    """A module of this checkout as a program."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def wait_for(condition: Callable[[], bool], what: str, program: Program | None = None, within_s: float = 30.0) -> None:
    """Until ``condition``; raises AssertionError with ``what`` when it takes too long or ``program`` has ended."""
    deadline = time.monotonic() + within_s
    while not condition():
        ended = program is not None and not program.is_running
        if ended or time.monotonic() > deadline:
            tail = f"; it says:\n  {program.last_lines()}" if program is not None else ""
            raise AssertionError(f"{what} {'ended' if ended else f'did not come within {within_s:g} s'}{tail}")
        pause(0.05)
