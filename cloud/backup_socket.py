"""How ``dayuan-cloud backup`` asks a running collector for copies: a unix socket in the data folder, mode 0600.

Whoever connects says ``copy`` and a line's end; the collector makes the copies in a folder beside its data, answers one
JSON line that names it, and removes the folder when the other side hangs up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cloud.backup_copies import Copies, CopyableStore, make_copies
from protocols.clock import Clock
from protocols.errors import Permanent, Retryable

log = logging.getLogger(__name__)

SOCKET = "backup.sock"
STAGING = "backup-staging-"
ASK_S = 10.0
COPY_S = 3600.0
ASKED_MAX = 64


class BackupAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where the copies are, or why there are none."""

    copies: Copies | None = None
    error: str = ""


class BackupDesk:
    """Serves copies of a collector's data. One at a time; the next one waits for the one before."""

    def __init__(self, data: Path, registry: Path, store: CopyableStore, clock: Clock) -> None:
        self._data, self._registry, self._store, self._clock = data, registry, store, clock
        self._one = asyncio.Lock()

    async def run(self) -> None:
        """Serve until cancelled. A socket that cannot be made costs only online backups, so it is logged."""
        forget_stagings(self._data)
        path = self._data / SOCKET
        try:
            listener = _listen(path)
        except OSError as error:
            log.warning("no backups while running: %s: %s", path, error)
            return
        server = await asyncio.start_unix_server(self._answer, sock=listener, limit=ASKED_MAX)
        try:
            async with server:
                await server.serve_forever()
        finally:
            path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        folder = self._data / f"{STAGING}{secrets.token_hex(4)}"
        try:
            async with asyncio.timeout(ASK_S):
                asked = await reader.readline()
            if asked.strip() != b"copy":
                return
            async with self._one, asyncio.timeout(COPY_S):
                writer.write(msgspec.json.encode(await self._copy(folder)) + b"\n")
                await writer.drain()
                await reader.read()  # until the other side has what it wants
        except (OSError, TimeoutError, ValueError):
            pass
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _copy(self, folder: Path) -> BackupAnswer:
        try:
            folder.mkdir(mode=0o700)
            copies = await make_copies(self._registry, self._store, folder, self._clock)
        except (OSError, Retryable, Permanent) as error:
            log.warning("no backup: %s", error)
            return BackupAnswer(error=str(error))
        log.info("copies for a backup are made")
        return BackupAnswer(copies=copies)


@contextlib.contextmanager
def asked_for(data: Path) -> Iterator[BackupAnswer | None]:
    """The copies of the collector that runs with this data folder, as long as the block lasts; None when none runs.

    Raises OSError when it does not answer as it should.
    """
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as asking:
        asking.settimeout(COPY_S)
        try:
            with _short(data / SOCKET) as address:
                asking.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            yield None
            return
        asking.sendall(b"copy\n")
        with asking.makefile("rb") as lines:
            line = lines.readline(1 << 20)
        try:
            answer = msgspec.json.decode(line, type=BackupAnswer)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise OSError(f"the collector's answer is none: {error}") from None
        yield answer


def is_running(data: Path) -> bool:
    """True when a collector runs with this data folder."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as asking:
        try:
            with _short(data / SOCKET) as address:
                asking.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True


def forget_stagings(data: Path) -> None:
    """Remove copies that a killed collector left."""
    for left in data.glob(f"{STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as address:
            listener.bind(address)
        os.chmod(path, 0o600)  # nobody can connect before it listens
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """An address for a path of any length: the kernel takes only 107 bytes."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
