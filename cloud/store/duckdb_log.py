"""The log of the store file, damaged: what stands before the damage is kept, and with it the whole file.

DuckDB refuses to open a file whose log has an entry with a wrong checksum. Without its end the log is what a crash
leaves behind: every commit before it is taken up, none is taken up by half. Where an entry's length is damaged, DuckDB
takes it for the end that a crash cut off, and drops without a word what follows; an intact entry behind tells.

The log: a head that ends with FF FF, then entries: length and checksum (8 bytes each), and so many bytes.
"""

import os
import re
import shutil
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cloud.store.duckdb_checksum import checksum
from protocols.errors import StoreUnavailable

_DAMAGED_AT = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")

_HEAD_END = b"\xff\xff"
_HEAD_MOST = 200
_ENTRY_HEAD = 16


class LostEnd(NamedTuple):
    """The end of a log that was cut off: a copy of the whole log lies at ``path``."""

    path: Path
    size: int


def cut_damaged_end(path: Path, detail: str, now_ms: int) -> LostEnd | None:
    """Cut the log of the store at ``path`` where ``detail`` says that it is damaged; None when it does not say so.

    Raises StoreUnavailable when the machine does not let us; nothing is cut before its copy is on the disk.
    """
    found = _DAMAGED_AT.search(detail)
    return None if found is None else _cut(path, int(found[1]), now_ms)


def cut_quiet_damage(path: Path, now_ms: int) -> LostEnd | None:
    """Cut the log where DuckDB would stop reading it although entries follow; None where it is whole or merely ends.

    Call before opening. Raises StoreUnavailable as above.
    """
    log = _log_of(path)
    try:
        content = log.read_bytes() if log.exists() else b""
    except OSError as error:
        raise StoreUnavailable(f"{log}: {error.strerror}") from None
    stop = _end_of_chain(content)
    return _cut(path, stop, now_ms) if stop < len(content) and _entry_follows(content, stop) else None


def _end_of_chain(content: bytes) -> int:
    """Where the chain of entries ends: at the end of the log, or before an entry whose length cannot be."""
    place = content.find(_HEAD_END, 0, _HEAD_MOST) + len(_HEAD_END)
    if place < len(_HEAD_END):
        return 0
    while place + _ENTRY_HEAD <= len(content):
        (size,) = struct.unpack_from("<Q", content, place)
        if not 0 < size <= len(content) - place - _ENTRY_HEAD:
            break
        place += _ENTRY_HEAD + size
    return place


def _entry_follows(content: bytes, start: int) -> bool:
    """Whether an intact entry begins behind ``start``. Only entries of whole words are looked for: one in eight."""
    for shift in range(8):
        words = np.frombuffer(content[start + shift : len(content) - (len(content) - start - shift) % 8], "<u8")
        left = 8 * (len(words) - 2 - np.arange(len(words), dtype=np.int64))
        sizes = np.minimum(words, np.uint64(1 << 62)).astype(np.int64)
        for place in np.flatnonzero((sizes > 0) & (sizes % 8 == 0) & (sizes <= left)):
            body = words[place + 2 : place + 2 + sizes[place] // 8]
            if checksum(body) == int(words[place + 1]):
                return True
    return False


def _cut(path: Path, keep: int, now_ms: int) -> LostEnd | None:
    log = _log_of(path)
    if not log.exists() or keep >= log.stat().st_size:
        return None
    size = log.stat().st_size
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{path.name}.damaged-log-{stamp}"
    number = len(list(path.parent.glob(f"{name}*")))
    copy = path.with_name(f"{name}-{number + 1}" if number else name)
    try:
        shutil.copy2(log, copy)
        _sync(copy)
        _sync(path.parent)
        os.truncate(log, keep)
        _sync(log)
    except OSError as error:
        raise StoreUnavailable(f"{log}: damaged, and could not be cut: {error.strerror}") from None
    return LostEnd(copy, size - keep)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
