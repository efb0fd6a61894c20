"""A child process: started with its log in a file, ended politely or not, and never left behind.

Every child runs in a session of its own (a Ctrl-C in the terminal reaches only us, and we end the children in order)
and gets SIGTERM from the kernel when we die without ending it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
LOG_BYTES_MAX = 8 * 1024 * 1024
TAIL_LINES = 6

_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """One program with fixed arguments; may be started again after it ended."""

    def __init__(self, name: str, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name, self.argv, self.log = name, tuple(argv), log
        self._env = dict(env) if env is not None else None
        self._process: asyncio.subprocess.Process | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: ended by that signal."""
        return self._process.returncode if self._process is not None else None

    async def start(self) -> None:
        """Start it. Raises OSError when the program cannot be executed, RuntimeError when it still runs."""
        if self.running:
            raise RuntimeError(f"{self.name} is running")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=self._env,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        finally:
            os.close(descriptor)
        self.starts += 1

    async def wait(self) -> int:
        """Wait until it ends; its exit code."""
        assert self._process is not None
        return await self._process.wait()

    def signal(self, number: int) -> None:
        """Send a signal; a child that is gone already is no error."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Process.send_signal looks whether it has ended, and then takes its exit code from who waits for it.
                os.kill(self._process.pid, number)

    async def stop(self, within_s: float = 5.0) -> bool:
        """SIGTERM, then SIGKILL after ``within_s``; True when the first was enough."""
        if not self.running:
            return True
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.wait(), within_s)
        except TimeoutError:
            await self.kill()
            return False
        return True

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.running:
            self.signal(signal.SIGKILL)
            await self.wait()

    def last_lines(self, count: int = TAIL_LINES) -> list[str]:
        """The end of the log, for a person who wants to know why it ended."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 8192))
                return file.read().decode(errors="replace").splitlines()[-count:]
        except OSError:
            return []


def _die_with(parent: int) -> Callable[[], None]:
    """What runs in the child between fork and exec; only async-signal-safe calls."""

    def prepare() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
