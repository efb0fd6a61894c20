"""Unix sockets beside the buffer, mode 0600, at paths of any length."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path


def listen(path: Path) -> socket.socket:
    """A socket at ``path`` to serve on, for its owner only. What lay there is removed."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as address:
            listener.bind(address)
        # Nobody can connect before listen() is called.
        os.chmod(path, 0o600)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def connect(path: Path, timeout_s: float) -> socket.socket | None:
    """A connection to whoever serves at ``path``; None when nobody does."""
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    asking.settimeout(timeout_s)
    try:
        with _short(path) as address:
            asking.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        asking.close()
        return None
    except BaseException:
        asking.close()
        raise
    return asking


def receive(asking: socket.socket, most_bytes: int) -> bytes:
    """Everything until the other side ends; raises OSError when that is more than ``most_bytes``."""
    received = bytearray()
    while part := asking.recv(65536):
        received += part
        if len(received) > most_bytes:
            raise OSError("an answer without end")
    return bytes(received)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """An address for a path of any length: the kernel takes only 107 bytes."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
