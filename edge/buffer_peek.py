"""A look at the buffer's file while no gateway runs, for `dayuan-edge status`. Changes nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import msgspec

from edge.buffer_keeping import CLOSED, NEWEST
from edge.kept import read_marks


class FileFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in the file, as of its last checkpoint: the last few batches may not be counted."""

    path: str
    batches: int = 0
    readings: int = 0
    events: int = 0
    payload_bytes: int = 0
    oldest_sealed_at: int = 0
    newest_sealed_at: int = 0
    untimed: int = 0
    quarantined: int = 0
    epoch: str = ""
    error: str = ""


def look(path: Path) -> FileFigures:
    """Count what waits in the file. Never raises: what is wrong stands in `error`."""
    if not path.exists():
        return FileFigures(path=str(path), error="there is no such file yet")
    try:
        # Immutable: neither locks nor the log are touched; opening it in any other way would tidy up after a crash.
        connection = sqlite3.connect(f"file:{path.absolute()}?mode=ro&immutable=1", uri=True)
        with contextlib.closing(connection):
            run = connection.execute
            meta = dict(run("SELECT key, value FROM meta WHERE key IN (?, ?)", (CLOSED, NEWEST)))
            first, last = run("SELECT coalesce(min(place), 1), coalesce(max(place), 0) FROM batch").fetchone()
            parts = read_marks(meta.get(CLOSED), meta.get(NEWEST)).miss(first, last)
            sums = [0, 0, 0, 0, 0, 0]
            for part in parts:
                of_part = run(
                    "SELECT count(*), total(readings), total(events), total(length(payload)), min(sealed_at),"
                    " max(sealed_at) FROM batch WHERE place BETWEEN ? AND ?",
                    part,
                ).fetchone()
                sums[:4] = [had + more for had, more in zip(sums, of_part[:4], strict=False)]
                sums[4:] = [sums[4] or of_part[4] or 0, of_part[5] or sums[5]]
            epoch = run("SELECT name FROM epoch ORDER BY base DESC LIMIT 1").fetchone()
            return FileFigures(
                path=str(path),
                batches=sums[0],
                readings=int(sums[1]),
                events=int(sums[2]),
                payload_bytes=int(sums[3]),
                oldest_sealed_at=sums[4] or 0,
                newest_sealed_at=sums[5] or 0,
                untimed=int(run("SELECT total(items) FROM untimed").fetchone()[0]),
                quarantined=run("SELECT count(*) FROM quarantine").fetchone()[0],
                epoch=epoch[0] if epoch else "",
            )
    except sqlite3.Error as error:
        return FileFigures(path=str(path), error=f"it cannot be read: {error}")
