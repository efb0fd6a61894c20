"""A backup: one tar file with the registry, the store, a manifest that names them with their sums, and no keys."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from cloud.backup_copies import REGISTRY, STORE, copy_at_rest
from cloud.backup_files import TAKEN, BadBackup, opened, path_of, staged
from cloud.backup_socket import SOCKET, STAGING, asked_for
from cloud.registry.database_copy import check_registry
from cloud.store.duckdb_copy import look_into
from cloud.version import version
from protocols.clock import Clock

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_MAX = 1 << 20
CHUNK = 1 << 20
Files = Mapping[str, io.BufferedReader]
ROOM_LEAST = 64 << 20


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One file in it."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. ``at``: ms, the instant it stands for; ``left_out``: what lay beside and is not in it."""

    format: int
    software: str
    at: int
    migration: str
    readings: int
    batches: int
    events: int
    stored_to: int
    files: list[Member]
    left_out: list[str] = []


def write_backup(data: Path, out: Path, clock: Clock) -> Manifest:
    """Copy, check the copies, pack them, read the result back. The file appears only when all that went well.

    With a running collector it makes the copies itself and goes on working; nothing is written beside
    them. Raises BadBackup, StoreUnavailable, StoreDamaged, OSError.
    """
    if out.exists():
        raise BadBackup(f"{out} is there already; a backup never replaces one")
    if not (data / REGISTRY).exists():
        raise BadBackup(f"{data} holds no collector's data; is --data right?")
    with _copies(data, out, clock) as (files, at):
        manifest = _describe(files, at, data)
        _room(out.resolve().parent, sum(member.size for member in manifest.files))
        part = out.with_name(out.name + ".part")
        try:
            _pack(files, manifest, part)
            if read_backup(part) != manifest:
                raise BadBackup(f"{part}: what was written reads differently")
            os.link(part, out)  # unlike a rename, never over another one
        finally:
            part.unlink(missing_ok=True)
        _sync(out.resolve().parent)
    return manifest


def read_backup(path: Path, into: Path | None = None) -> Manifest:
    """Read a backup to its end and compare every sum; with ``into`` the files are written there. Raises BadBackup."""
    try:
        with tarfile.open(path, mode="r:") as tar:
            manifest = _manifest(tar, path)
            wanted = {member.name: member for member in manifest.files}
            while (entry := tar.next()) is not None:
                member = wanted.pop(entry.name, None)
                if member is None or not entry.isreg() or entry.size != member.size:
                    raise BadBackup(f"{path}: {entry.name!r} does not belong into it")
                _take(tar, entry, member, into, path)
    except (tarfile.TarError, EOFError) as error:
        raise BadBackup(f"{path}: {error}") from error
    if wanted:
        raise BadBackup(f"{path}: {', '.join(wanted)} is missing; the file was cut short")
    return manifest


@contextlib.contextmanager
def _copies(data: Path, out: Path, clock: Clock) -> Iterator[tuple[Files, int]]:
    with asked_for(data) as answer:
        if answer is not None:
            if answer.copies is None:
                raise BadBackup(f"the collector made no copies: {answer.error}")
            with opened(staged(data, answer.copies.folder), data, owner=data.stat().st_uid) as files:
                yield files, answer.copies.at
            return
    with tempfile.TemporaryDirectory(prefix=".dayuan-backup-", dir=out.resolve().parent) as folder:
        copies = copy_at_rest(data, Path(folder), clock)
        with opened(Path(folder), data, owner=os.geteuid()) as files:
            yield files, copies.at


def _describe(files: Files, at: int, data: Path) -> Manifest:
    content = look_into(path_of(files[STORE]))
    members = []
    for name, file in files.items():
        sum_of = hashlib.file_digest(file, "sha256").hexdigest()
        members.append(Member(name=name, size=os.fstat(file.fileno()).st_size, sha256=sum_of))
    beside = [path.name for path in sorted(data.iterdir()) if not path.name.startswith((*TAKEN, SOCKET, STAGING))]
    return Manifest(
        format=FORMAT,
        software=version(),
        at=at,
        migration=check_registry(path_of(files[REGISTRY]), still=True),
        readings=content.readings,
        batches=content.batches,
        events=content.events,
        stored_to=content.stored_to,
        files=members,
        left_out=beside,
    )


def _pack(files: Files, manifest: Manifest, part: Path) -> None:
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:", format=tarfile.PAX_FORMAT) as tar:
            told = msgspec.json.format(msgspec.json.encode(manifest))
            tar.addfile(_entry(MANIFEST, len(told), manifest.at), io.BytesIO(told))
            for member in manifest.files:
                files[member.name].seek(0)
                tar.addfile(_entry(member.name, member.size, manifest.at), files[member.name])
        file.flush()
        os.fsync(file.fileno())


def _entry(name: str, size: int, at: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, at // 1000, 0o600
    return entry


def _manifest(tar: tarfile.TarFile, path: Path) -> Manifest:
    entry = tar.next()
    if entry is None or entry.name != MANIFEST or not entry.isreg() or entry.size > MANIFEST_MAX:
        raise BadBackup(f"{path}: it does not begin with a manifest, so it is no backup")
    content = tar.extractfile(entry)
    assert content is not None
    try:
        manifest = msgspec.json.decode(content.read(), type=Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BadBackup(f"{path}: its manifest cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise BadBackup(
            f"{path}: format {manifest.format} of a newer version ({manifest.software}); this one reads {FORMAT}"
        )
    if not {REGISTRY, STORE} <= {member.name for member in manifest.files} <= set(TAKEN):
        raise BadBackup(f"{path}: its manifest names other files than a backup has")
    return manifest


def _take(tar: tarfile.TarFile, entry: tarfile.TarInfo, member: Member, into: Path | None, path: Path) -> None:
    content = tar.extractfile(entry)
    assert content is not None
    summed, read = hashlib.sha256(), 0
    with contextlib.ExitStack() as stack:
        # The name is one of TAKEN: nothing in the archive says where a file goes.
        to = None if into is None else stack.enter_context(_private(into / member.name))
        while chunk := content.read(CHUNK):
            summed.update(chunk)
            read += len(chunk)
            if to is not None:
                to.write(chunk)
        if to is not None:
            to.flush()
            os.fsync(to.fileno())
    if read != member.size or summed.hexdigest() != member.sha256:
        raise BadBackup(f"{path}: {member.name} is damaged (its sum is another)")


def _private(path: Path) -> io.BufferedWriter:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + ROOM_LEAST:
        raise BadBackup(f"{folder} has {free >> 20} MiB free, the backup needs {(needed + ROOM_LEAST) >> 20} MiB")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
