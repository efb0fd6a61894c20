"""Room on the buffer's disk: a ballast while there is plenty, and what may still be written when there is none."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from pathlib import Path
from typing import NamedTuple

from edge.ballast import BALLAST_BYTES, FREE_FACTOR, Ballast
from edge.buffer import Change
from edge.buffer_file import PAGE_BYTES
from protocols.clock import Clock

log = logging.getLogger(__name__)

RELAY_S = 60.0
FREE_PAGES_LEAST = 8
"""Free pages of the file that deletions may need when the disk is full."""


class Need(NamedTuple):
    """What a change may take on the disk, about, and whether readings are in it."""

    payload_bytes: int
    telemetry: bool

    @classmethod
    def of(cls, change: Change) -> Need:
        drafts = (*change.drafts, *change.untimed)
        size = sum(400 + 8 * len(draft.readings) + 200 * len(draft.events) for draft in drafts)
        return cls(size, any(draft.readings for draft in drafts))


NOTHING = Need(0, False)


class Room:
    """Belongs to the buffer's thread."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._ballast = Ballast(path.with_name(path.name + ".ballast"))
        self._laid_at = 0.0
        self.full_since: float | None = None
        """Since when the disk has had no room, by the monotonic clock."""

    def keep_ballast(self, *, now: bool = False) -> None:
        """Lay the ballast where it is missing and there is room; looks only once in a while, or `now`."""
        time = self._clock.monotonic()
        if now or time - self._laid_at > RELAY_S:
            self._laid_at = time
            self._ballast.lay()

    def note_full(self) -> None:
        """The disk refused something for want of room."""
        if self.full_since is None:
            self.full_since = self._clock.monotonic()

    def make_last(self, connection: sqlite3.Connection | None) -> bool:
        """The disk is full: give up the ballast, and let the log have room to go round. True when that can help."""
        self.note_full()
        if connection is None or not self._ballast.release():
            return False
        log.warning("%s: the disk is full; the ballast is released", self._path)
        with contextlib.suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(RESTART)")
        return True

    def suffices(self, need: Need, connection: sqlite3.Connection | None) -> bool:
        """On a full disk: what goes into free pages of the file may, deletions may, events may use half the ballast."""
        if self.full_since is None or connection is None or not need.payload_bytes:
            return True
        room = self._ballast.free_bytes()
        if room >= need.payload_bytes + FREE_FACTOR * BALLAST_BYTES:
            self.full_since = None
            return True
        free_pages = connection.execute("PRAGMA freelist_count").fetchone()[0]
        if 2 * need.payload_bytes <= (free_pages - FREE_PAGES_LEAST) * PAGE_BYTES:
            return True
        return not need.telemetry and room >= need.payload_bytes + BALLAST_BYTES // 2
