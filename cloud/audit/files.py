"""The trail's two files outside the database: its key, and the checkpoints in a second place."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cloud.audit.chain import Checkpoint
from protocols.errors import Permanent, StoreUnavailable

KEY_BYTES = 32
KEEP_BYTES = 256 * 1024
"""A file of checkpoints that is larger is begun anew with its last lines when the collector starts."""
KEEP_LINES = 500


class BadKey(Permanent):
    """The key file cannot be used; the message says which and why."""


def read_key(path: Path) -> bytes | None:
    """The key; None when there is no file. Raises BadKey."""
    try:
        text = path.read_text("ascii").strip()
        key = bytes.fromhex(text)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadKey(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadKey(f"{path}: this is no key of the trail; put the file back from where it was kept")
    return key


def make_key(path: Path) -> bytes:
    """Make the key, readable only to its owner, on the disk before it is used. Raises StoreUnavailable."""
    key = secrets.token_bytes(KEY_BYTES)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(part, key.hex().encode() + b"\n", os.O_EXCL)
        try:
            os.link(part, path)  # fails when another process was first: then its key is the key
        except FileExistsError:
            return read_key(path) or key
        finally:
            part.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from None
    return key


class Checkpoints:
    """A file of lines, one checkpoint each, only ever added to. Copy it to another machine and it proves more."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Checkpoint]:
        """All of them; a last line that was torn by a kill is left out. Raises BadKey for a file that is none."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BadKey(f"{self.path}: cannot be read: {error.strerror}") from None
        found = []
        for number, line in enumerate(lines[:-1], 1):
            if not line:
                continue
            try:
                found.append(msgspec.json.decode(line, type=Checkpoint))
            except msgspec.DecodeError:
                raise BadKey(f"{self.path}:{number}: this line is no checkpoint") from None
        return found

    def add(self, checkpoint: Checkpoint) -> None:
        """On the disk when this returns. Raises StoreUnavailable."""
        try:
            torn = self.path.exists() and self.path.read_bytes()[-1:] not in (b"", b"\n")
            if torn:
                self._replace(self.read())
            _write(self.path, msgspec.json.encode(checkpoint) + b"\n", os.O_APPEND)
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: {error.strerror}") from None

    def shorten(self) -> None:
        """Keep the newest of a file that became large. Raises StoreUnavailable."""
        try:
            if self.path.exists() and self.path.stat().st_size > KEEP_BYTES:
                self._replace(self.read()[-KEEP_LINES:])
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: {error.strerror}") from None

    def _replace(self, kept: Sequence[Checkpoint]) -> None:
        part = self.path.with_name(self.path.name + ".part")
        part.unlink(missing_ok=True)
        _write(part, b"".join(msgspec.json.encode(each) + b"\n" for each in kept), os.O_EXCL)
        part.replace(self.path)
        _sync_folder(self.path.parent)


def _write(path: Path, content: bytes, how: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
