"""Who may write the data folder may answer for the collector: what a backup reads is looked at, nothing is written."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.backup import read_backup, write_backup
from cloud.backup_copies import REGISTRY, STORE
from cloud.backup_files import BadBackup
from cloud.backup_restore import restore_backup
from cloud.backup_socket import SOCKET, STAGING
from protocols.clock import SystemClock
from tests.cloud.test_backup import filled

CLOCK = SystemClock()


@contextlib.contextmanager
def answering(data: Path, folder: Path) -> Iterator[None]:
    """Somebody at the socket of the data folder, who names this folder as that of the copies."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(data / SOCKET))
        listener.listen()

        def answer() -> None:
            with contextlib.suppress(OSError), contextlib.closing(listener.accept()[0]) as asked:
                asked.recv(10)
                asked.sendall(json.dumps({"copies": {"folder": str(folder), "at": 1}}).encode() + b"\n")
                asked.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            (data / SOCKET).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup."""
    folder = tmp_path_factory.mktemp("good")
    write_backup(asyncio.run(filled(folder)), folder / "b.tar", CLOCK)
    return folder / "b.tar"


@pytest.fixture
def staged(tmp_path: Path, good: Path) -> tuple[Path, Path]:
    """A data folder, and copies in it as a collector makes them."""
    data = tmp_path / "data"
    restore_backup(good, data, CLOCK)
    staging = data / f"{STAGING}1"
    staging.mkdir()
    for name in (REGISTRY, STORE):
        shutil.copyfile(data / name, staging / name)
    return data, staging


def test_nothing_is_written_into_the_folder_that_the_socket_names(tmp_path: Path, staged: tuple[Path, Path]) -> None:
    data, staging = staged
    elsewhere = tmp_path / "root-only"
    (staging / "broker-client-id").symlink_to(elsewhere)
    before = sorted(path.name for path in staging.iterdir())
    with answering(data, staging):
        made = write_backup(data, tmp_path / "b.tar", CLOCK)
    assert not elsewhere.exists()
    assert sorted(path.name for path in staging.iterdir()) == before
    (tmp_path / "out").mkdir()
    read_backup(tmp_path / "b.tar", tmp_path / "out")
    assert (tmp_path / "out" / "broker-client-id").read_text() == (data / "broker-client-id").read_text()
    assert made.readings == 10


@pytest.mark.parametrize("trick", ["elsewhere", "linked folder", "linked copy", "pipe", "linked name", "other owner"])
def test_copies_that_are_not_what_they_should_be_are_not_read(
    tmp_path: Path, staged: tuple[Path, Path], trick: str
) -> None:
    data, staging = staged
    other = tmp_path / "other"
    if trick == "elsewhere":
        staging.rename(other)
        staging = other
    elif trick == "linked folder":
        staging.rename(other)
        staging.symlink_to(other)
    elif trick == "linked copy":
        (staging / REGISTRY).rename(other)
        (staging / REGISTRY).symlink_to(other)
    elif trick == "pipe":
        (staging / STORE).unlink()
        os.mkfifo(staging / STORE)
    elif trick == "linked name":
        (data / "broker-client-id").rename(other)
        (data / "broker-client-id").symlink_to(other)
    elif os.geteuid() == 0:
        os.chown(staging, 12345, -1)
    else:
        pytest.skip("only root can give a folder to somebody else")
    with (
        answering(data, staging),
        pytest.raises(BadBackup, match=r"no folder of the collector's|no plain file|belongs to"),
    ):
        write_backup(data, tmp_path / "b.tar", CLOCK)
    assert not list(tmp_path.glob("b.tar*"))
