"""A damaged buffer file is set aside and what reads is saved into a new one, under its old names.

Every batch carries its own checksum and name, so that nothing else of the file needs to be sound. The new file is
complete before the old one is moved; an interruption at any instant is made good by `finish_swap` at the next start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from edge.buffer import Damage
from edge.buffer_file import (
    PAGE_BYTES,
    connect,
    create_schema,
    draw_epoch,
    sync_folder,
)
from edge.buffer_rows import Epoch, Rows
from edge.contract import FailPoint
from edge.ranges import Ranges
from edge.sqlite_pages import Cell, Log, LogVerdict, Pages
from protocols.batch import Identity, peek
from protocols.errors import BadBatch, StoreUnavailable

log = logging.getLogger(__name__)

ASIDE_KEPT = 3
"""Older files that were set aside are deleted: each may be as large as the buffer."""

GAPS_TOLD = 16
ROWS_PER_COMMIT = 2_000
_SUFFIXES = ("-wal", "-shm", "-journal")


def inspect_log(path: Path) -> LogVerdict:
    """The state of a buffer's write-ahead log, before SQLite quietly drops what it cannot read."""
    wal = _beside(path, "-wal")
    if path.exists() and wal.exists():
        return Log(wal, PAGE_BYTES).verdict
    return LogVerdict(False, False, "")


def has_log(path: Path) -> bool:
    """Whether there is a write-ahead log with something in it; a file that was closed in order has none."""
    wal = _beside(path, "-wal")
    return wal.exists() and wal.stat().st_size > 0


def finish_swap(path: Path) -> None:
    """Complete or undo a salvage that was interrupted. Raises OSError."""
    new = _beside(path, ".new")
    if not new.exists():
        return
    aside = _completed_for(new)
    if aside:
        _swap(path, new, path.with_name(aside))
        return
    for each in (new, *(_beside(new, suffix) for suffix in _SUFFIXES)):
        each.unlink(missing_ok=True)


def set_aside(
    path: Path, detail: str, now_ms: int, max_bytes: int, fail_point: FailPoint, used_place: int = 0
) -> Damage:
    """Build a new buffer file from the intact batches of a damaged one and put it in its place.

    The damaged file is kept beside it with the time in its name. `lost` is an upper bound: batches whose remains were
    found, and numbers missing between those that were saved. What comes new stands above `used_place`, the highest that
    this process gave out: acks for it may be under way. Raises StoreUnavailable when the new file cannot be made.
    """
    aside = _aside_name(path, now_ms)
    new = _beside(path, ".new")
    for each in (new, *(_beside(new, suffix) for suffix in _SUFFIXES)):
        each.unlink(missing_ok=True)
    pages = Pages(path, PAGE_BYTES)
    try:
        connection = connect(new, 2 * max_bytes)
        os.chmod(new, 0o600)
        try:
            damage = _build(connection, pages, path, Damage(str(aside), 0, 0, detail), fail_point, used_place)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{new}: {error}") from error
    finally:
        pages.close()
    fail_point("mid_salvage")
    _swap(path, new, aside)
    for old in sorted(path.parent.glob(f"{path.name}.damaged-*[0-9Z]"))[:-ASIDE_KEPT]:
        for each in (old, *(_beside(old, suffix) for suffix in _SUFFIXES)):
            each.unlink(missing_ok=True)
    return damage


class _Survey(NamedTuple):
    """bases: per epoch its base and highest seq, by majority. broken: places whose payload does not read. oldest: the
    lowest place in use when the newest batch was stored; what stands below was deleted before."""

    bases: dict[str, tuple[int, int]]
    broken: set[int]
    oldest: int


def _build(
    connection: sqlite3.Connection, pages: Pages, path: Path, damage: Damage, fail_point: FailPoint, used_place: int
) -> Damage:
    survey = _survey(pages)
    rows = Rows(connection)
    top = max((base + last for base, last in survey.bases.values()), default=0)
    create_schema(connection, Epoch(max(top, used_place) + 1, draw_epoch()))
    for name, (base, _) in survey.bases.items():
        connection.execute("INSERT OR IGNORE INTO epoch VALUES (?, ?)", Epoch(base, name))
    places = _copy(connection, pages, survey, fail_point)
    holes = _holes(survey, places)
    lost = sum(last - first + 1 for _, first, last in holes) + sum(place > top for place in survey.broken)
    if holes:
        told = ", ".join(f"{name} {first}-{last}" for name, first, last in holes[:GAPS_TOLD])
        damage = damage._replace(detail=f"{damage.detail}; numbers not found: {told}")
    damage = damage._replace(salvaged=len(places), lost=lost, detail=damage.detail.replace("\n", " ")[:400])
    connection.execute("BEGIN IMMEDIATE")
    for key, value in _old_meta(path).items():
        rows.set_meta(key, value)
    rows.set_meta("damage", "\n".join(map(str, damage)))
    rows.set_meta("complete", Path(damage.path).name)
    connection.execute("COMMIT")
    return damage


def _survey(pages: Pages) -> _Survey:
    votes: dict[str, Counter[int]] = {}
    highest: dict[str, int] = {}
    broken: set[int] = set()
    newest = oldest = 0
    for cell in pages.cells():
        if not _is_batch(cell):
            continue
        identity = _identity(cell)
        if identity is None:
            broken.add(cell.rowid)
            continue
        votes.setdefault(identity.epoch, Counter())[cell.rowid - identity.seq] += 1
        highest[identity.epoch] = max(highest.get(identity.epoch, 0), identity.seq)
        if cell.rowid > newest:
            newest, oldest = cell.rowid, int(str(cell.values[7]))
    bases = {name: (found.most_common(1)[0][0], highest[name]) for name, found in votes.items()}
    return _Survey(bases, broken, oldest if oldest <= newest else 0)


def _copy(connection: sqlite3.Connection, pages: Pages, survey: _Survey, fail_point: FailPoint) -> Ranges:
    places = Ranges()
    pending = 0
    connection.execute("BEGIN IMMEDIATE")
    try:
        for cell in pages.cells():
            identity = _identity(cell) if _is_batch(cell) else None
            if identity is not None:
                place = survey.bases[identity.epoch][0] + identity.seq
                if place < survey.oldest:
                    continue
                connection.execute(
                    "INSERT OR IGNORE INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (place, *cell.values[1:])
                )
                places.add(place)
            elif _is_untimed(cell):
                connection.execute(
                    "INSERT OR IGNORE INTO untimed VALUES (?, ?, ?, ?, ?)", (cell.rowid, *cell.values[1:])
                )
            elif _is_origin(cell):
                connection.execute("INSERT OR IGNORE INTO origin VALUES (?, ?)", (cell.rowid, cell.values[1]))
            else:
                continue
            pending += 1
            if pending % ROWS_PER_COMMIT == 0:
                connection.execute("COMMIT")
                fail_point("mid_salvage")
                connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        log.error("the rest stays in the file that is set aside: %s", error)
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        return Ranges((place, place) for (place,) in connection.execute("SELECT place FROM batch"))
    connection.execute("COMMIT")
    return places


def _is_batch(cell: Cell) -> bool:
    values = cell.values
    return (
        len(values) == 9
        and values[0] is None
        and all(isinstance(value, int) for value in values[1:8])
        and isinstance(values[8], bytes)
    )


def _is_untimed(cell: Cell) -> bool:
    values = cell.values
    if len(values) != 5 or not isinstance(values[1], str) or not isinstance(values[4], bytes):
        return False
    try:
        return peek(values[4]).epoch == values[1] and isinstance(values[2], int) and isinstance(values[3], int)
    except BadBatch:
        return False


def _is_origin(cell: Cell) -> bool:
    return len(cell.values) == 2 and cell.values[0] is None and isinstance(cell.values[1], bytes)


def _identity(cell: Cell) -> Identity | None:
    payload = cell.values[8]
    assert isinstance(payload, bytes)
    try:
        return peek(payload)
    except BadBatch:
        return None


def _holes(survey: _Survey, places: Ranges) -> list[tuple[str, int, int]]:
    """Ranges of seqs that were in use, as far as is known, and are not among the places that were saved."""
    holes: list[tuple[str, int, int]] = []
    for name, (base, highest) in survey.bases.items():
        missing = Ranges([(max(survey.oldest, base + 1), base + highest)])
        for first, last in places.meet(base + 1, base + highest):
            missing.remove(first, last)
        holes += [(name, first - base, last - base) for first, last in missing]
    return holes


def _old_meta(path: Path) -> dict[str, object]:
    """The small things of the damaged file, as far as SQLite can read them."""
    with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            found = dict(connection.execute("SELECT key, value FROM meta"))
            return {key: found[key] for key in ("session",) if isinstance(found.get(key), int)}
        finally:
            connection.close()
    return {}


def _completed_for(new: Path) -> str:
    """The name under which the damaged file is to be set aside, when the new file is complete; else ''."""
    with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
        connection = sqlite3.connect(new)
        try:
            row = connection.execute("SELECT value FROM meta WHERE key = 'complete'").fetchone()
            return str(row[0]) if row else ""
        finally:
            connection.close()
    return ""


def _swap(path: Path, new: Path, aside: Path) -> None:
    if path.exists() and not aside.exists():
        os.replace(path, aside)
    for suffix in _SUFFIXES:
        if _beside(path, suffix).exists():
            os.replace(_beside(path, suffix), _beside(aside, suffix))
    os.replace(new, path)
    sync_folder(path.parent)


def _aside_name(path: Path, now_ms: int) -> Path:
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    found = path.with_name(f"{path.name}.damaged-{stamp}")
    count = 1
    while found.exists():
        count += 1
        found = path.with_name(f"{path.name}.damaged-{stamp}.{count}")
    return found


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
