"""A copy of those blocks that DuckDB writes in place, for a write that is cut short.

Blocks of data that the header in force refers to are never overwritten, and a header is written last. Blocks of
metadata are: a checkpoint puts new parts where such a block has room, and writes it whole, with a new checksum, while
the header that refers to its older parts is still in force. A process that is killed in that write (the kernel stops
between pages) or a power cut leaves a block that does not fit its checksum, and DuckDB refuses the whole file, although
nothing in use was touched. So each time a new header is in force these blocks are copied, and before the file is opened
a block that does not fit is put back, if the header is still the one it was copied under.

The file: three heads of 4096 bytes, then blocks. The second and third head take turns; each begins with its checksum,
the number of the checkpoint, two pointers, the number of blocks and their size (8 bytes each, little-endian).
"""

import errno
import fcntl
import logging
import os
import struct
import threading
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from cloud.store.duckdb_checksum import is_whole
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

_HEAD_BYTES = 4096
_BLOCKS_AT = 3 * _HEAD_BYTES
_MAGIC = b"dayuan shadow 1\n"
_BLOCK_MOST = 1 << 20
_LOCKED = (errno.EACCES, errno.EAGAIN)


class Head(NamedTuple):
    """A header of the file: ``checksum`` names it, no two are alike."""

    checksum: int
    checkpoint: int
    blocks: int
    block_bytes: int


def shadow_of(path: Path) -> Path:
    """Where the copies of a file's blocks lie."""
    return path.with_name(f"{path.name}.shadow")


class Shadow:
    """``open`` after the file was, ``keep`` after whatever may have been a checkpoint; from any thread.

    The descriptor stays open until the file is another one: closing it would give up DuckDB's lock on the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._kept = 0
        self._is_told = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Look at the file that lies there now. Raises StoreUnavailable."""
        with self._lock:
            try:
                if self._file is not None and os.path.samestat(os.fstat(self._file), self._path.stat()):
                    return
                before, self._file, self._kept = self._file, os.open(self._path, os.O_RDONLY | os.O_CLOEXEC), 0
                if before is not None:
                    os.close(before)
            except OSError as error:
                raise StoreUnavailable(f"{self._path}: {error.strerror}") from None

    def close(self) -> None:
        """After DuckDB has closed the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file = None

    def keep(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Copy the blocks of metadata when a header is in force that they were not copied under.

        Costs some microseconds when there is nothing to do. A copy that cannot be written is told once and tried again.
        """
        if self._file is None or not self._lock.acquire(blocking=False):
            return
        try:
            head = head_of(self._file)
            if head is None or head.checksum == self._kept:
                return
            found = connection.execute("SELECT block_id FROM pragma_metadata_info()").fetchall()
            copied = _copied(self._file, head, sorted({int(number) for (number,) in found}))
            if copied is not None and head_of(self._file) == head:
                _write(shadow_of(self._path), head, copied)
                self._kept, self._is_told = head.checksum, False
        except (OSError, duckdb.Error) as error:
            if not self._is_told:
                log.warning("the store's metadata cannot be copied for a write that is cut short: %s", error)
            self._is_told = True
        finally:
            self._lock.release()


def put_back(path: Path, now_ms: int) -> list[int]:
    """Before opening: blocks of metadata of the header in force that do not fit are put back; their numbers.

    What lay there is kept beside the file. Nothing is done while another process has the file open. Raises
    StoreUnavailable when the machine does not let us.
    """
    try:
        kept = _read(shadow_of(path))
        if kept is None or not path.exists():
            return []
        with path.open("r+b") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in _LOCKED:
                    return []
                raise
            head, blocks = kept
            if head_of(file.fileno()) != head:
                return []
            torn = [number for number in blocks if not is_whole(_block(file.fileno(), head, number))]
            if torn:
                _save(path, head, {number: _block(file.fileno(), head, number) for number in torn}, now_ms)
            for number in torn:
                os.pwrite(file.fileno(), blocks[number], _BLOCKS_AT + number * head.block_bytes)
            os.fsync(file.fileno())
            return torn
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from None


def head_of(file: int) -> Head | None:
    """The header in force; None for a file that has none."""
    found = []
    for place in (_HEAD_BYTES, 2 * _HEAD_BYTES):
        raw = os.pread(file, _HEAD_BYTES, place)
        if len(raw) == _HEAD_BYTES and is_whole(raw):
            checksum, checkpoint, _, _, blocks, size = struct.unpack_from("<6Q", raw)
            if _HEAD_BYTES <= size <= _BLOCK_MOST:
                found.append(Head(checksum, checkpoint, blocks, size))
    return max(found, key=lambda head: head.checkpoint, default=None)


def _block(file: int, head: Head, number: int) -> bytes:
    return os.pread(file, head.block_bytes, _BLOCKS_AT + number * head.block_bytes)


def _copied(file: int, head: Head, numbers: Iterable[int]) -> dict[int, bytes] | None:
    """None when one is just being written: the header is another one soon."""
    blocks = {number: _block(file, head, number) for number in numbers if number < head.blocks}
    return blocks if all(is_whole(block) for block in blocks.values()) else None


def _write(path: Path, head: Head, blocks: dict[int, bytes]) -> None:
    parts = [struct.pack("<5Q", *head, len(blocks))]
    for number, block in blocks.items():
        small = zlib.compress(block, 1)
        parts.append(struct.pack("<2Q", number, len(small)) + small)
    body = b"".join(parts)
    _put(path, _MAGIC + struct.pack("<I", zlib.crc32(body)) + body)


def _read(path: Path) -> tuple[Head, dict[int, bytes]] | None:
    """None when there is no copy, or none that can be read."""
    if not path.exists():
        return None
    raw = path.read_bytes()
    start = len(_MAGIC) + 4
    body = raw[start:]
    if not raw.startswith(_MAGIC) or raw[len(_MAGIC) : start] != struct.pack("<I", zlib.crc32(body)):
        log.warning("%s cannot be read; it is made anew", path)
        return None
    *head, count = struct.unpack_from("<5Q", body)
    place, blocks = struct.calcsize("<5Q"), {}
    for _ in range(count):
        number, size = struct.unpack_from("<2Q", body, place)
        place += 16
        blocks[number] = zlib.decompress(body[place : place + size])
        place += size
    return Head(*head), blocks


def _save(path: Path, head: Head, torn: dict[int, bytes], now_ms: int) -> None:
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    for number, block in torn.items():
        _put(path.with_name(f"{path.name}.torn-{stamp}-{head.checkpoint}-{number}"), block)


def _put(path: Path, content: bytes) -> None:
    """Whole or not at all, and on the disk."""
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
