"""A copy of the registry as of one instant, made while it is written, and a look into such a copy."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from protocols.errors import StoreDamaged, StoreUnavailable

BUSY_S = 10.0


def copy_registry(path: Path, target: Path) -> None:
    """Write the registry as of now into a new file. Blocks; call it from a thread. Raises StoreUnavailable.

    Beside a running collector: it reads one snapshot of the database and holds nobody up.
    """
    try:
        with contextlib.closing(_open(path)) as source:
            source.execute("VACUUM INTO ?", (str(target),))
        os.chmod(target, 0o600)
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"no copy of the registry {path}: {error}") from error


def check_registry(path: Path, *, still: bool = False) -> str:
    """Read all of it; the migration it is at. ``still``: nobody writes it, no log counts. Raises StoreDamaged."""
    try:
        with contextlib.closing(_open(path, "mode=ro&immutable=1" if still else "mode=rw")) as connection:
            verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if verdict != "ok":
                raise StoreDamaged(str(path), str(verdict)[:300])
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise StoreDamaged(str(path), str(error)[:300]) from error


def _open(path: Path, how: str = "mode=rw") -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=BUSY_S)
