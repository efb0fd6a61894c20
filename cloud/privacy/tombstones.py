"""The list of deletions, in a file beside the data: what was deleted is deleted again when a backup is put back.

A line for each deletion, with the ids of what went and nothing of what it said. The line is on the disk before the
first row goes, so that a deletion that a kill cut short is gone through again at the next start.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from protocols.errors import StoreUnavailable

FILE_NAME = "deletions.jsonl"


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """One deletion. ``ids``: source -> what went. ``at``: ms."""

    id: str
    at: int
    ids: Mapping[str, Sequence[str]]


class Tombstones:
    """The file. Raises StoreUnavailable."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    def add(self, deletion: Deletion) -> None:
        """Write it down, durably."""
        line = msgspec.json.encode(deletion) + b"\n"
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "ab+") as file:
                size = file.seek(0, os.SEEK_END)
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    line = b"\n" + line  # a write of before was cut short
                file.write(line)
                file.flush()
                os.fsync(handle)
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: {error.strerror}") from error

    def all(self) -> list[Deletion]:
        """Every deletion, the oldest first. A line that was cut short is none: its deletion had not begun."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: {error.strerror}") from error
        found = []
        for line in lines:
            try:
                found.append(msgspec.json.decode(line, type=Deletion))
            except msgspec.MsgspecError:
                continue
        return found
