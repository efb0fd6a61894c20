"""Files of keys and certificates, written whole or not at all, and never for an instant with other rights."""

import os
from pathlib import Path

PRIVATE, PUBLIC = 0o600, 0o644


def put(path: Path, content: bytes, mode: int = PRIVATE, *, owner: tuple[int, int] | None = None) -> None:
    """Write ``content``; whoever opens ``path`` meanwhile, or after a power cut, finds the old file or the new one.

    ``owner``: the user and group it is given to; None leaves it ours.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
