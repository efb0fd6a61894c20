"""The log of the store file, damaged: what stands before the damage is kept, and with it the whole file.

DuckDB refuses to open a file whose log has an entry with a wrong checksum. Without its end the log is what a crash
leaves behind: every commit before it is taken up, none is taken up by half.
"""

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from protocols.errors import StoreUnavailable

_DAMAGED_AT = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")


class LostEnd(NamedTuple):
    """The end of a log that was cut off: a copy of the whole log lies at ``path``."""

    path: Path
    size: int


def cut_damaged_end(path: Path, detail: str, now_ms: int) -> LostEnd | None:
    """Cut the log of the store at ``path`` where ``detail`` says that it is damaged; None when it does not say so.

    Raises StoreUnavailable when the machine does not let us; nothing is cut before its copy is on the disk.
    """
    found = _DAMAGED_AT.search(detail)
    log = path.with_name(f"{path.name}.wal")
    if found is None or not log.exists():
        return None
    keep, size = int(found[1]), log.stat().st_size
    if keep >= size:
        return None
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = path.with_name(f"{path.name}.damaged-log-{stamp}")
    try:
        shutil.copy2(log, copy)
        _sync(copy)
        _sync(path.parent)
        os.truncate(log, keep)
        _sync(log)
    except OSError as error:
        raise StoreUnavailable(f"{log}: damaged, and could not be cut: {error.strerror}") from None
    return LostEnd(copy, size - keep)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
