"""A backup put back: read and checked whole before anything is touched, what was there is kept aside."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from cloud.backup import Manifest, read_backup
from cloud.backup_copies import REGISTRY, STORE
from cloud.backup_files import BadBackup
from cloud.backup_socket import is_running
from cloud.data_lock import DataInUse, DataLock
from cloud.registry.audit_trail import CHECKPOINT_FILE
from cloud.registry.database_copy import check_registry
from cloud.registry.rollouts_restored import pause_restored_file
from cloud.store.duckdb_copy import look_into
from protocols.clock import Clock

OURS = (f"{REGISTRY}*", f"{STORE}*", "broker-client-id", CHECKPOINT_FILE)
"""With their logs and shadows, which belong to the file they stand beside and to no other; and with the checkpoints of
the audit trail, which say how far the registry that goes had come. The trail's key stays: the backup's is sealed by it.
"""


def restore_backup(backup: Path, data: Path, clock: Clock, *, replace: bool = False) -> tuple[Manifest, Path | None]:
    """Put it into ``data``; the manifest, and where the former files are. Raises BadBackup, StoreDamaged,
    StoreUnavailable, OSError.

    Roll-outs that ran in it are paused.

    Killed at any instant, the former data is where it was or in a folder ``replaced-...`` of the data folder.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        lock = DataLock(data)
    except DataInUse:
        raise BadBackup(f"a collector runs, starts or ends with {data}; stop it, and wait for its end") from None
    try:
        if is_running(data):  # one of a version without the lock
            raise BadBackup(f"a collector runs with {data}; stop it first")
        return _restore(backup, data, clock, replace=replace)
    finally:
        lock.release()


def _restore(backup: Path, data: Path, clock: Clock, *, replace: bool) -> tuple[Manifest, Path | None]:
    former = sorted(path for pattern in OURS for path in data.glob(pattern))
    if former and not replace:
        raise BadBackup(f"{data} holds a collector's data already; --replace keeps it aside and takes the backup's")
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=data) as name:
        folder = Path(name)
        manifest = read_backup(backup, folder)
        check_registry(folder / REGISTRY)
        found = look_into(folder / STORE)
        if found != (manifest.readings, manifest.batches, manifest.events, manifest.stored_to):
            raise BadBackup(
                f"{backup}: its store holds {found.readings} readings, its manifest says {manifest.readings}"
            )
        pause_restored_file(folder / REGISTRY, clock.now_ms())
        aside = _put_aside(former, data, clock) if former else None
        owner = data.stat()
        for member in manifest.files:
            if os.geteuid() == 0:
                os.chown(folder / member.name, owner.st_uid, owner.st_gid)
        # The registry last: without it there is no collector's data, and a restore that was cut short is begun again.
        for each in sorted(manifest.files, key=lambda member: member.name == REGISTRY):
            os.replace(folder / each.name, data / each.name)
        _sync(data)
    return manifest, aside


def _put_aside(former: list[Path], data: Path, clock: Clock) -> Path:
    aside = data / f"replaced-{clock.now_ms()}"
    aside.mkdir(mode=0o700)
    owner = data.stat()
    if os.geteuid() == 0:
        os.chown(aside, owner.st_uid, owner.st_gid)
    for path in former:
        shutil.move(path, aside / path.name)
    _sync(data)
    return aside


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
