"""Rows out of the raw pages of an SQLite file, whatever else in it is broken, and the state of its write-ahead log.

Source: https://www.sqlite.org/fileformat2.html (sections 1.6, 2.1 and 4). Only what the buffer writes is understood:
UTF-8 text, no reserved bytes at the end of a page.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LEAF_TABLE_PAGE = 0x0D
LOG_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
FILE_HEADER_BYTES = 100
OVERFLOW_PAGES_MAX = 4096
_MASK = 0xFFFFFFFF

Value = int | float | str | bytes | None


class Cell(NamedTuple):
    """A row as it lies in a leaf page. `values` are as stored: the INTEGER PRIMARY KEY is None there, see `rowid`."""

    rowid: int
    values: list[Value]


class LogVerdict(NamedTuple):
    """damaged: commits that were complete cannot be read. torn: at most the newest commit is missing."""

    damaged: bool
    torn: bool
    detail: str


class Frame(NamedTuple):
    page: int
    offset: int


class Log:
    """The write-ahead log beside a database, read without SQLite."""

    def __init__(self, path: Path, page_bytes: int) -> None:
        self.bytes = path.read_bytes() if path.exists() else b""
        self._frame_bytes = FRAME_HEADER_BYTES + page_bytes
        self.committed: list[Frame] = []
        """Frames of complete transactions that SQLite itself would use."""
        self.stranded: list[Frame] = []
        """Frames of complete transactions behind a damaged one: SQLite never gets there."""
        self.verdict = self._read()

    def _read(self) -> LogVerdict:
        log = self.bytes
        if not log.strip(b"\0"):
            return LogVerdict(False, bool(log), "the log is empty" if log else "")
        order = {0x377F0682: "<", 0x377F0683: ">"}.get(struct.unpack_from(">I", log.ljust(4, b"\0"))[0])
        if order is None or len(log) < LOG_HEADER_BYTES:
            self._strand(0, salts=None)
            return LogVerdict(True, False, "the log's header cannot be read")
        sums = _checksum(order, log[:24], (0, 0))
        if sums != struct.unpack_from(">II", log, 24):
            self._strand(0, salts=None)
            return LogVerdict(True, False, "the log's header is damaged")
        salts = log[16:24]
        waiting: list[Frame] = []
        count = (len(log) - LOG_HEADER_BYTES) // self._frame_bytes
        for place in range(count):
            start = LOG_HEADER_BYTES + place * self._frame_bytes
            page, size = struct.unpack_from(">II", log, start)
            sums = _checksum(order, log[start : start + 8], sums)
            body = start + FRAME_HEADER_BYTES
            sums = _checksum(order, log[body : body + self._frame_bytes - FRAME_HEADER_BYTES], sums)
            if log[start + 8 : start + 16] != salts or sums != struct.unpack_from(">II", log, start + 16):
                return self._judge(place, count, salts)
            waiting.append(Frame(page, body))
            if size:
                self.committed += waiting
                waiting = []
        cut = (len(log) - LOG_HEADER_BYTES) % self._frame_bytes
        return LogVerdict(False, bool(cut), "the log ends inside a page" if cut else "")

    def _judge(self, place: int, count: int, salts: bytes) -> LogVerdict:
        """What a frame that does not fit means, by what follows it."""
        commits, last_is_commit, any_of_ours = 0, False, False
        for later in range(place, count):
            start = LOG_HEADER_BYTES + later * self._frame_bytes
            if self.bytes[start + 8 : start + 16] == salts:
                any_of_ours = True
                last_is_commit = self.bytes[start + 4 : start + 8] != b"\0\0\0\0"
                commits += last_is_commit
        if not any_of_ours:
            return LogVerdict(False, False, "")
        if commits > 1 or (commits == 1 and not last_is_commit):
            self._strand(place, salts)
            return LogVerdict(True, False, f"the log is damaged at page {place} of {count}")
        return LogVerdict(False, True, f"the log is torn at page {place} of {count}")

    def _strand(self, place: int, salts: bytes | None) -> None:
        waiting: list[Frame] = []
        count = max(0, len(self.bytes) - LOG_HEADER_BYTES) // self._frame_bytes
        for later in range(place, count):
            start = LOG_HEADER_BYTES + later * self._frame_bytes
            if salts is not None and self.bytes[start + 8 : start + 16] != salts:
                continue
            page, size = struct.unpack_from(">II", self.bytes, start)
            waiting.append(Frame(page, start + FRAME_HEADER_BYTES))
            if size:
                self.stranded += waiting
                waiting = []


def _checksum(order: str, data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for place in range(0, len(words), 2):
        first = (first + words[place] + second) & _MASK
        second = (second + words[place + 1] + first) & _MASK
    return first, second


class Pages:
    """Every image of every page of a database and its log; cells are read from all of them."""

    def __init__(self, path: Path, page_bytes: int) -> None:
        self._size = page_bytes
        self._file = path.open("rb")
        length = path.stat().st_size
        self._main: mmap.mmap | bytes = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if length else b""
        self._count = length // page_bytes
        self._log = Log(path.with_name(path.name + "-wal"), page_bytes)
        self._newest = {frame.page: frame.offset for frame in (*self._log.committed, *self._log.stranded)}

    def close(self) -> None:
        if isinstance(self._main, mmap.mmap):
            self._main.close()
        self._file.close()

    def cells(self) -> Iterator[Cell]:
        """Rows of every table leaf: from the log newest first, then from the file. Old images come along."""
        for frame in reversed((*self._log.committed, *self._log.stranded)):
            yield from self._leaf(self._log.bytes[frame.offset : frame.offset + self._size], frame.page)
        for place in range(self._count):
            start = place * self._size
            first = FILE_HEADER_BYTES if place == 0 else 0
            if self._main[start + first] == LEAF_TABLE_PAGE:
                yield from self._leaf(self._main[start : start + self._size], place + 1)

    def _leaf(self, page: bytes, number: int) -> Iterator[Cell]:
        top = FILE_HEADER_BYTES if number == 1 else 0
        if page[top] != LEAF_TABLE_PAGE:
            return
        count = struct.unpack_from(">H", page, top + 3)[0]
        if count * 2 + top + 8 > self._size:
            return
        for pointer in struct.unpack_from(f">{count}H", page, top + 8):
            try:
                yield self._cell(page, pointer)
            except (IndexError, ValueError, struct.error, UnicodeDecodeError):
                continue

    def _cell(self, page: bytes, start: int) -> Cell:
        length, start = _varint(page, start)
        rowid, start = _varint(page, start)
        local = self._local_bytes(length)
        if start + local > self._size or length > OVERFLOW_PAGES_MAX * self._size:
            raise ValueError("the cell does not fit its page")
        payload = page[start : start + local]
        if local < length:
            payload += self._overflow(struct.unpack_from(">I", page, start + local)[0], length - local)
        return Cell(rowid - (1 << 64) if rowid >> 63 else rowid, _record(payload))

    def _local_bytes(self, length: int) -> int:
        most = self._size - 35
        if length <= most:
            return length
        least = (self._size - 12) * 32 // 255 - 23
        wanted = least + (length - least) % (self._size - 4)
        return wanted if wanted <= most else least

    def _overflow(self, number: int, missing: int) -> bytes:
        parts = []
        while missing > 0:
            page = self._image(number)
            number = struct.unpack_from(">I", page)[0]
            parts.append(page[4 : 4 + missing])
            missing -= len(parts[-1])
        return b"".join(parts)

    def _image(self, number: int) -> bytes:
        if number in self._newest:
            start = self._newest[number]
            return self._log.bytes[start : start + self._size]
        if not 1 <= number <= self._count:
            raise ValueError(f"there is no page {number}")
        return self._main[(number - 1) * self._size : number * self._size]


def _varint(data: bytes, start: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        byte = data[start + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, start + place + 1
    return value << 8 | data[start + 8], start + 9


_INT_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _record(payload: bytes) -> list[Value]:
    header, place = _varint(payload, 0)
    body = header
    values: list[Value] = []
    while place < header:
        kind, place = _varint(payload, place)
        size = _INT_BYTES.get(kind, 0) if kind < 12 else (kind - 12) // 2
        size = 8 if kind == 7 else size
        raw = payload[body : body + size]
        if len(raw) != size or kind in (10, 11):
            raise ValueError("the record does not fit")
        body += size
        values.append(_value(kind, raw))
    return values


def _value(kind: int, raw: bytes) -> Value:
    if kind == 0:
        return None
    if kind <= 6:
        return int.from_bytes(raw, "big", signed=True)
    if kind == 7:
        return float(struct.unpack(">d", raw)[0])
    if kind in (8, 9):
        return kind - 8
    return raw if kind % 2 == 0 else raw.decode("utf-8")
