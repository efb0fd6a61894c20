"""Site files from afar on the gateway's disk: one folder beside the buffer, mode 0700.

The file on the box is never written: it stays the installer's, and may lie where the process cannot write. Here lie the
texts, each under its SHA-256, and one record that says which of them is in force, which is on trial, and what the
collector has not been told yet. Every change is one rename of the record, after the text it names is on the disk: a
power cut leaves the state before or the state after, and nothing between.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from edge.contract import FailPoint
from edge.failpoint import never
from protocols.errors import StoreDamaged, StoreUnavailable
from protocols.reading import Scalar
from protocols.site_config import TEXT_BYTES_MAX, sha256_of

RECORD, SUFFIX = "record.json", ".toml"
RECORD_BYTES_MAX = 1024 * 1024
UNTOLD_MAX = 50
"""What the collector has not been told; when there is more the oldest goes."""


class Held(msgspec.Struct, frozen=True):
    """A text in this folder, and the number the collector gave it."""

    revision: int
    sha256: str


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A text that runs and is not confirmed. ``deadline``: by the monotonic clock of ``boot``; ``starts``: how often a
    process began with it; ``devices``: which answered before, and are in both files.
    """

    text: Held
    boot: str
    deadline: float
    within_s: float
    devices: tuple[str, ...]
    starts: int = 0


class Told(msgspec.Struct, frozen=True):
    """An event that is due: its name is drawn once, so that it is stored once."""

    name: str
    kind: str
    at: int
    data: dict[str, Scalar]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What holds. ``highest``: the newest revision that was judged; ``box``: SHA-256 of the file on the box that
    ``good`` and ``trial`` belong to. Without ``good`` the file on the box is in force.
    """

    v: int = 1
    highest: int = 0
    box: str = ""
    good: Held | None = None
    before: Held | None = None
    trial: Trial | None = None
    untold: tuple[Told, ...] = ()

    def telling(self, told: Told) -> Record:
        """The same, with something more to tell."""
        return msgspec.structs.replace(self, untold=(*self.untold, told)[-UNTOLD_MAX:])


class ConfigStore:
    """Blocking. Raises StoreUnavailable when the disk refuses, StoreDamaged for a record that cannot be read."""

    def __init__(self, buffer_path: Path, fail_point: FailPoint = never) -> None:
        self.folder = buffer_path.with_name(buffer_path.name + ".config")
        self._fail_point = fail_point

    def read(self) -> Record:
        """The record; an empty one where nothing ever came."""
        path = self.folder / RECORD
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return Record()
        except OSError as error:
            raise StoreUnavailable(f"{path}: {error.strerror}") from None
        try:
            if len(raw) > RECORD_BYTES_MAX:
                raise StoreDamaged(str(path), f"larger than {RECORD_BYTES_MAX} bytes")
            return msgspec.json.decode(raw, type=Record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise StoreDamaged(str(path), str(error)) from None

    def write(self, record: Record) -> None:
        """Put the record on disk in the place of the one before; then forget texts it does not name."""
        self._put(RECORD, msgspec.json.encode(record))
        named = {held.sha256 for held in (record.good, record.before, record.trial and record.trial.text) if held}
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                if path.suffix == SUFFIX and path.stem not in named:
                    path.unlink()

    def keep(self, text: bytes) -> str:
        """Put a text on disk; returns its SHA-256. The next `write` must name it."""
        name = sha256_of(text)
        self._put(name + SUFFIX, text)
        return name

    def text(self, held: Held) -> bytes:
        """A text, as it was kept. Raises StoreDamaged when it is missing or another one."""
        path = self.folder / (held.sha256 + SUFFIX)
        try:
            with path.open("rb") as file:
                text = file.read(TEXT_BYTES_MAX + 1)
        except FileNotFoundError:
            raise StoreDamaged(str(path), "it is missing") from None
        except OSError as error:
            raise StoreUnavailable(f"{path}: {error.strerror}") from None
        if sha256_of(text) != held.sha256:
            raise StoreDamaged(str(path), "it is not what it was")
        return text

    def set_aside(self) -> Path:
        """Move a record that cannot be read out of the way; returns where it lies."""
        path = self.folder / RECORD
        aside = path.with_suffix(".damaged")
        with contextlib.suppress(OSError):
            path.replace(aside)
        return aside

    def _put(self, name: str, content: bytes) -> None:
        half = self.folder / (name + ".half")
        kind = "config_record" if name == RECORD else "config_text"
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                with open(handle, "wb", closefd=False) as file:
                    file.write(content)
                os.fsync(handle)
            finally:
                os.close(handle)
            self._fail_point(f"before_{kind}")
            half.replace(self.folder / name)
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StoreUnavailable(f"{self.folder / name}: {error.strerror}") from None
        self._fail_point(f"after_{kind}")
