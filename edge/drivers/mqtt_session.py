"""Which of the broker's sessions this is: a number that changes when the broker has forgotten us.

Packet ids begin again at 1 in a new session. Without the session's number beside it, the first ring of a bell after a
restart of the broker would look like the first ring before it, and be taken for a message that is sent again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from pathlib import Path

log = logging.getLogger(__name__)

MARK_BYTES = 8


class SessionMark:
    """The number of one client's session, kept in a small file so that it outlives the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.value = self._read()

    def renew(self) -> None:
        """The broker began a new session. Where the file cannot be written the number holds for this process only."""
        self.value = secrets.token_bytes(MARK_BYTES)
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(self.value.hex() + "\n", encoding="ascii")
            os.replace(fresh, self._path)
        except OSError as error:
            log.warning("%s: %s; after a restart a message sent again may be stored twice", self._path, error)
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _read(self) -> bytes:
        try:
            return bytes.fromhex(self._path.read_text(encoding="ascii").strip())[:MARK_BYTES]
        except (OSError, ValueError):
            return b""
