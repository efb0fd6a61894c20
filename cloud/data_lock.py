"""One process at a time changes a data folder: a collector, from before it opens anything until it has let go of all,
or a restore. The lock is on the folder itself and ends with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

from protocols.errors import Permanent, StoreUnavailable

log = logging.getLogger(__name__)


class DataInUse(Permanent):
    """Another process has the folder."""


class DataLock:
    """Held from the beginning until ``release``. Raises DataInUse, StoreUnavailable."""

    def __init__(self, data: Path) -> None:
        try:
            self._folder: int | None = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StoreUnavailable(f"{data}: {error.strerror}") from None
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            text = "another collector, or a restore, works with this data folder; end it first, or use another --data"
            raise DataInUse(f"{data}: {text}") from None
        except OSError as error:
            log.warning("%s: nothing keeps a second collector out, no locks there: %s", data, error.strerror)

    def release(self) -> None:
        """Let go; may be called again."""
        folder, self._folder = self._folder, None
        if folder is not None:
            os.close(folder)
