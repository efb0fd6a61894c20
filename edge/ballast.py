"""A file of nothing that is given up when the disk is full, so that acked batches can still be deleted.

A full disk can wedge a WAL database: deleting needs room in the log, and without deleting there is no room.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

BALLAST_BYTES = 1024 * 1024
FREE_FACTOR = 4
"""The ballast is laid only where so many times its size is free."""


class Ballast:
    """Lies beside the buffer. Every method may be called at any time; none raises."""

    def __init__(self, path: Path, size: int = BALLAST_BYTES) -> None:
        self._path = path
        self._size = size

    @property
    def laid(self) -> bool:
        """True while there is something to give up."""
        return self._path.exists()

    def lay(self) -> bool:
        """Reserve the room when there is plenty; True when it lies there afterwards."""
        try:
            if self._path.exists() and self._path.stat().st_size == self._size:
                return True
            if self.free_bytes() < FREE_FACTOR * self._size:
                return False
            descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
            return True
        except OSError as error:
            log.debug("ballast %s: %s", self._path, error)
            return False

    def release(self) -> bool:
        """Give the room up; True when there was some."""
        try:
            self._path.unlink()
            return True
        except OSError:
            return False

    def free_bytes(self) -> int:
        """Room on the disk now; 0 when it cannot be told."""
        try:
            free = os.statvfs(self._path.parent)
        except OSError:
            return 0
        return free.f_bavail * free.f_frsize
