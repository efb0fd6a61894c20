"""The files a backup is made of: opened once, and only as what they should be.

Who may write the folder they lie in may put a link there, to what only the backup's maker may read or write. So nothing
is written there, no link is followed, and what is open is what is looked at and packed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from cloud.backup_copies import REGISTRY, STORE
from cloud.backup_socket import STAGING
from protocols.errors import Permanent

CLIENT_ID = "broker-client-id"
TAKEN = (REGISTRY, STORE, CLIENT_ID)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # opening a pipe must not wait for its other end


class BadBackup(Permanent):
    """A backup could not be made, or is not what it should be. The message says what and where."""


def staged(data: Path, named: str) -> Path:
    """The folder that the collector of ``data`` named for its copies. Raises BadBackup."""
    folder = data / Path(named).name
    if not folder.name.startswith(STAGING):
        raise BadBackup(f"{named[:200]}: no folder of the collector's copies; those are {data / STAGING}...")
    return folder


@contextlib.contextmanager
def opened(folder: Path, data: Path, *, owner: int) -> Iterator[dict[str, BufferedReader]]:
    """The copies in ``folder``, all of which must be ``owner``'s, and what is taken from ``data``. Raises BadBackup."""
    files: dict[str, BufferedReader] = {}
    with contextlib.ExitStack() as stack:
        copies = stack.enter_context(_folder(folder, _FOLDER | os.O_NOFOLLOW))
        _refuse_foreign(copies, folder, owner)
        for name in (REGISTRY, STORE):
            files[name] = stack.enter_context(_plain(copies, folder / name))
            _refuse_foreign(files[name].fileno(), folder / name, owner)
        beside = stack.enter_context(_folder(data, _FOLDER))
        with contextlib.suppress(FileNotFoundError):
            files[CLIENT_ID] = stack.enter_context(_plain(beside, data / CLIENT_ID))
        yield files


def path_of(file: BufferedReader) -> Path:
    """A name by which what is open is opened once more, whatever has become of the name it had."""
    return Path(f"/proc/self/fd/{file.fileno()}")


@contextlib.contextmanager
def _folder(path: Path, flags: int) -> Iterator[int]:
    try:
        folder = os.open(path, flags)
    except OSError as error:
        raise BadBackup(f"{path}: no folder of the collector's: {error.strerror}") from None
    try:
        yield folder
    finally:
        os.close(folder)


def _plain(folder: int, path: Path) -> BufferedReader:
    try:
        descriptor = os.open(path.name, _FILE, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BadBackup(f"{path}: no plain file: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadBackup(f"{path}: no plain file")
    return open(descriptor, "rb")


def _refuse_foreign(descriptor: int, path: Path, owner: int) -> None:
    if (found := os.fstat(descriptor).st_uid) != owner:
        raise BadBackup(f"{path}: belongs to user {found}, not to {owner}, whose data it should be")
