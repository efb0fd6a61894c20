"""Damage in the registry's log that SQLite says nothing of.

SQLite takes up its write-ahead log as far as the checksums go and drops the rest without a word: that is how it tells
a commit that a power cut tore. A log whose middle is damaged looks the same, but there are commits behind the damage,
and each of them was on the disk before the next began. Damage to the very last commit cannot be told from a torn one.

The log: a head of 32 bytes, then frames of 24 bytes and a page each; checksums go on from frame to frame.
"""

import os
import shutil
import struct
from pathlib import Path

_MAGIC = 0x377F0682
_HEAD = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_PAGES = frozenset(1 << n for n in range(9, 17))

Sums = tuple[int, int]


def dropped_commits(content: bytes) -> int:
    """Commits in a log that SQLite will not take up, although they were whole; 0 for a sound or merely torn log."""
    if len(content) <= _HEAD.size or not any(content[: _HEAD.size]):
        return 0
    magic, _, page, _, *salts, first, second = _HEAD.unpack_from(content)
    order = ">" if magic & 1 else "<"
    sums = _checksum(content[:24], order, (0, 0))
    if magic & ~1 != _MAGIC or page not in _PAGES or sums != (first, second):
        return 1  # nothing is taken up; how much that is only the head could tell
    chain, commits = True, 0
    for place in range(_HEAD.size, len(content) - _FRAME.size - page + 1, _FRAME.size + page):
        _, pages_after, *frame_salts, first, second = _FRAME.unpack_from(content, place)
        if chain:
            sums = _checksum(content[place : place + 8], order, sums)
            sums = _checksum(content[place + _FRAME.size : place + _FRAME.size + page], order, sums)
            chain = frame_salts == salts and sums == (first, second)
        if not chain and frame_salts == salts and pages_after:
            commits += 1
    return commits if commits > 1 else 0


def keep_damaged_log(path: Path, now_ms: int) -> int:
    """Copy the log of the registry at ``path`` beside it when commits in it will be dropped; how many.

    Call before opening: opening ends the damaged log. Raises OSError.
    """
    log = path.with_name(f"{path.name}-wal")
    lost = dropped_commits(log.read_bytes()) if log.exists() else 0
    if lost:
        copy = path.with_name(f"{path.name}.damaged-log-{now_ms}")
        shutil.copy2(log, copy)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
    return lost


def kept_log(path: Path) -> Path | None:
    """The newest copy that nobody has taken away yet."""
    return max(path.parent.glob(f"{path.name}.damaged-log-*"), default=None)


def _checksum(data: bytes, order: str, sums: Sums) -> Sums:
    one, other = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for place in range(0, len(words), 2):
        one = (one + words[place] + other) & 0xFFFFFFFF
        other = (other + words[place + 1] + one) & 0xFFFFFFFF
    return one, other
