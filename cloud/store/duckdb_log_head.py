"""The head of the store's log: a flipped bit in it, and DuckDB takes the log for another file's and drops it.

The head names the file (16 bytes, also in the file's first head) and the checkpoint the log goes on from, so what it
must be is known. Only the log of the checkpoint before is left alone: a crash leaves it behind when its entries are in
the file already. Numbers are written seven bits a byte, the lowest first.
"""

import logging
import os
import shutil
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from cloud.store.duckdb_checksum import checksum
from cloud.store.duckdb_shadow import head_of
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

_NAME_AT, _NAME_BYTES = 124, 16
_ENTRY_HEAD = 16


def mend_head(path: Path, now_ms: int) -> bool:
    """Put the head of the log of the store at ``path`` right when entries of it follow; whether that was needed.

    A copy is kept. Call before opening, while nobody has the file open. Raises StoreUnavailable.
    """
    lies = path.with_name(f"{path.name}.wal")
    if not (path.exists() and lies.exists()):
        return False
    try:
        with path.open("rb") as file:
            name, head = os.pread(file.fileno(), _NAME_BYTES, _NAME_AT), head_of(file.fileno())
        if head is None:
            return False
        content = lies.read_bytes()
        right = expected(name, head.checkpoint)
        if content.startswith((right, expected(name, head.checkpoint - 1))) or not _begins_entry(content, len(right)):
            return False
        stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        shutil.copy2(lies, path.with_name(f"{path.name}.damaged-head-{stamp}"))
        with lies.open("r+b") as file:
            file.write(right)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreUnavailable(f"{lies}: {error.strerror}") from None
    log.error("the head of the store's log was damaged and is put right; nothing is lost: %s", lies)
    return True


def expected(name: bytes, checkpoint: int) -> bytes:
    """The head of a log that goes on from a checkpoint of the file of this name."""
    said = b"".join(_number(byte) for byte in name)
    return b"\x64\x00\x62\x65\x00\x02\x66\x00\x10" + said + b"\x67\x00" + _number(max(0, checkpoint)) + b"\xff\xff"


def _number(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _begins_entry(content: bytes, place: int) -> bool:
    """Whether an entry stands there whose length fits, and whose checksum does where it can be worked out."""
    if place + _ENTRY_HEAD > len(content):
        return False
    size, said = struct.unpack_from("<2Q", content, place)
    body = content[place + _ENTRY_HEAD : place + _ENTRY_HEAD + size]
    if not 0 < size == len(body):
        return False
    return bool(size % 8) or checksum(np.frombuffer(body, "<u8")) == int(said)
