"""The number of a Sparkplug session, bdSeq: kept in a small file, so that an old death never ends a new session."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

from protocols.sparkplug_names import SEQ_COUNT

log = logging.getLogger(__name__)


def bd_seq_path(buffer_path: Path) -> Path:
    """Beside the buffer, which lies on a disk that survives a restart."""
    return buffer_path.with_name(buffer_path.name + ".bdseq")


class BdSeq:
    """0 for the first session ever, then one more for each, and 0 again after 255."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: int | None = None
        self._told = ""

    async def following(self) -> int:
        """The number of the session that is about to connect, on disk before it is returned.

        A disk that refuses costs only what happens after a restart, so that is logged, once for each reason.
        """
        number, trouble = await asyncio.to_thread(self._step)
        if trouble and trouble != self._told:
            log.warning("the number of the Sparkplug session is not on disk: %s", trouble)
        self._told = trouble
        return number

    def _step(self) -> tuple[int, str]:
        last = self._last if self._last is not None else self._read()
        number = 0 if last is None else (last + 1) % SEQ_COUNT
        self._last = number
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            with fresh.open("w", encoding="ascii") as file:
                file.write(f"{number}\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            return number, f"{self._path}: {error.strerror}"
        return number, ""

    def _read(self) -> int | None:
        try:
            number = int(self._path.read_text(encoding="ascii")[:16])
        except (OSError, ValueError):
            return None
        return number if 0 <= number < SEQ_COUNT else None
