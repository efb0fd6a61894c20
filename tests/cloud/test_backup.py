"""Backup and restore: online and at rest, damaged, refused, and the drill: everything destroyed under load."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import duckdb
import pytest

from cloud import backup, cli
from cloud.app import Collector
from cloud.backup import read_backup, write_backup
from cloud.backup_copies import REGISTRY, STORE
from cloud.backup_files import BadBackup
from cloud.backup_restore import restore_backup
from cloud.backup_socket import SOCKET, STAGING, is_running
from protocols.clock import SystemClock
from tests.cloud.test_collector import ROOT, batch, collecting, settings
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.waiting import until

CLOCK = SystemClock()
T0 = 1_795_000_000_000


async def filled(folder: Path) -> Path:
    """The data folder of a collector that took ten batches and does not run any more."""
    import aiomqtt

    with mosquitto(folder) as broker:
        async with (
            collecting(settings(folder, broker.port)) as collector,
            aiomqtt.Client("127.0.0.1", broker.port) as client,
        ):
            await until(lambda: collector.ingest.view().connected, 20, "the collector listens")
            for seq in range(1, 11):
                await client.publish(f"{ROOT}/up", batch(seq, T0 + seq), qos=1)

            async def stored() -> bool:
                return (await collector.store.size()).batches == 10

            await until(stored, 20)
    return folder / "data"


def values(data: Path) -> list[float]:
    with contextlib.closing(duckdb.connect(str(data / STORE), read_only=True)) as store:
        return [row[0] for row in store.execute("SELECT observed_at FROM readings ORDER BY 1").fetchall()]


async def test_a_backup_at_rest_restores_to_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, file, other = await filled(tmp_path), tmp_path / "b.tar", tmp_path / "other"
    (data / "authority").mkdir()
    (data / "authority" / "ca.key").write_text("the key that must stay", encoding="ascii")
    assert await asyncio.to_thread(cli.main, ["backup", str(file), "--data", str(data)]) == 0
    said = capsys.readouterr().out
    assert "10 readings" in said
    assert "not in it, keep them yourself where they matter: audit.checkpoints, audit.key, authority" in said
    assert b"the key that must stay" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert cli.main(["restore", str(file), "--data", str(other), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["readings"], told["batches"], told["aside"]) == (10, 10, None)
    assert values(other) == values(data)
    assert (other / "broker-client-id").read_text() == (data / "broker-client-id").read_text()
    assert sorted(path.name for path in other.iterdir()) == sorted([REGISTRY, STORE, "broker-client-id"])
    assert (other / REGISTRY).stat().st_mode & 0o777 == 0o600


async def test_a_backup_does_not_replace_and_a_restore_only_when_told(tmp_path: Path) -> None:
    data, file = await filled(tmp_path), tmp_path / "b.tar"
    write_backup(data, file, CLOCK)
    with pytest.raises(BadBackup, match="never replaces"):
        write_backup(data, file, CLOCK)
    before = values(data)
    with pytest.raises(BadBackup, match="--replace"):
        restore_backup(file, data, CLOCK)
    assert values(data) == before
    for name in ("audit.key", "audit.checkpoints"):
        (data / name).touch()
    _, aside = restore_backup(file, data, CLOCK, replace=True)
    assert aside is not None
    assert values(aside) == values(data) == before
    assert (aside / "audit.checkpoints").exists(), "they are about the registry that went"
    assert not (data / "audit.checkpoints").exists()
    assert (data / "audit.key").exists(), "the trail of the backup is sealed by it"


async def test_a_roll_out_that_ran_in_the_backup_is_paused_before_its_registry_is_in_place(tmp_path: Path) -> None:
    data, file, other = await filled(tmp_path), tmp_path / "b.tar", tmp_path / "other"
    with contextlib.closing(sqlite3.connect(data / REGISTRY)) as registry, registry:
        columns = registry.execute("SELECT name, type FROM pragma_table_info('site_file_rollouts')").fetchall()
        row = {name: 1 if "INT" in kind else "" for name, kind in columns} | {"state": "running"}
        asked = ", ".join(f":{name}" for name in row)
        names = ", ".join(f'"{name}"' for name in row)
        registry.execute(f"INSERT INTO site_file_rollouts ({names}) VALUES ({asked})", row)
    write_backup(data, file, CLOCK)
    restore_backup(file, other, CLOCK)
    assert sorted(path.name for path in other.iterdir()) == sorted([REGISTRY, STORE, "broker-client-id"])
    with contextlib.closing(sqlite3.connect(other / REGISTRY)) as registry:
        assert registry.execute("SELECT state, halted FROM site_file_rollouts").fetchall() == [("paused", "restored")]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("good")
    data = asyncio.run(filled(folder))
    write_backup(data, folder / "b.tar", CLOCK)
    return (folder / "b.tar").read_bytes()


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"not a tar file" * 100,
        lambda content: content[: len(content) // 2],
        lambda content: content[: content.rindex(b"broker-client-id")],
        lambda content: _flipped(content, len(content) // 2),
        lambda content: _flipped(content, content.index(b"SQLite format 3") + 5000),
        lambda content: content.replace(b'"format": 1', b'"format": 9', 1),
        lambda content: content.replace(b"registry.sqlite", b"../etc/x.sqlite", 3),
    ],
    ids=["empty", "no tar", "half", "one file short", "a bit of the store", "a bit of the registry", "newer", "a path"],
)
def test_a_damaged_backup_is_refused_and_touches_nothing(
    tmp_path: Path, good: bytes, damage: Callable[[bytes], bytes]
) -> None:
    file, data = tmp_path / "b.tar", tmp_path / "data"
    file.write_bytes(damage(good))
    with pytest.raises(BadBackup):
        read_backup(file)
    with pytest.raises(BadBackup):
        restore_backup(file, data, CLOCK)
    assert list(data.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "data"]


def test_random_damage_never_passes(tmp_path: Path, good: bytes) -> None:
    file = tmp_path / "b.tar"
    content = [at for at in range(0, len(good), max(1, len(good) // 40)) if good[at]]
    for at in content:
        file.write_bytes(_flipped(good, at))
        try:
            read_backup(file, None)
        except BadBackup:
            continue
        # Only what says nothing may differ: times and owners in the heads of the tar.
        with tarfile.open(file) as tar:
            assert all(entry.isreg() for entry in tar)


async def test_damage_in_the_data_is_found_when_backing_up(tmp_path: Path) -> None:
    data = await filled(tmp_path)
    with contextlib.closing(sqlite3.connect(data / REGISTRY)) as registry:
        registry.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray((data / REGISTRY).read_bytes())
    content[4096:8192] = b"\xff" * 4096
    (data / REGISTRY).write_bytes(content)
    assert await asyncio.to_thread(cli.main, ["backup", str(tmp_path / "b.tar"), "--data", str(data)]) == 1
    assert not list(tmp_path.glob("*.tar*"))
    assert not list(tmp_path.glob(".dayuan*"))


async def test_no_room_and_no_data_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["backup", str(tmp_path / "b.tar"), "--data", str(tmp_path / "nothing")]) == 1
    assert "holds no collector's data" in capsys.readouterr().err
    data = await filled(tmp_path)
    monkeypatch.setattr(backup, "ROOM_LEAST", 1 << 60)
    with pytest.raises(BadBackup, match="MiB free"):
        write_backup(data, tmp_path / "b.tar", CLOCK)


# The drill. Real processes: a collector, a broker, gateways that commit numbered events and send them until acked.


@contextlib.asynccontextmanager
async def process(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield made
    finally:
        if made.returncode is None:
            made.kill()
        await made.communicate()


def collector_words(data: Path, broker: Mosquitto) -> tuple[str, ...]:
    where = ("--data", str(data), "--broker", f"mqtt://127.0.0.1:{broker.port}", "--listen", "127.0.0.1:0")
    return ("cloud.cli", "run", *where, "--log-level", "error")


def numbers(data: Path) -> list[int]:
    """Every event of the gateway that the store holds, as often as it holds it."""
    with contextlib.closing(duckdb.connect(str(data / STORE), read_only=True)) as store:
        rows = store.execute("SELECT data FROM events WHERE kind = 'button'").fetchall()
    return sorted(int(re.search(r'"detail":\s*"(\d+)"', row[0])[1]) for row in rows)  # type: ignore[index]


async def backed_up(data: Path, folder: Path) -> Path:
    """The first of some backups beside the running collector that holds a hundred events."""
    for number in itertools.count():
        file = folder / f"online-{number}.tar"
        if (await asyncio.to_thread(write_backup, data, file, CLOCK)).events >= 100:
            return file
    raise AssertionError("never")


async def test_backed_up_under_load_destroyed_and_restored_nothing_is_twice_and_only_the_stated_is_lost(
    tmp_path: Path,
) -> None:
    data, count = tmp_path / "data", 700
    with mosquitto(tmp_path, "max_queued_messages 0") as broker:
        async with process("tests.edge.box", str(tmp_path / "buffer.db"), str(broker.port), str(count)) as gateway:
            async with process(*collector_words(data, broker)) as collector:
                await until(lambda: is_running(data) if data.exists() else False, 60, "the collector answers")
                assert gateway.stdout is not None
                made = await backed_up(data, tmp_path)
                assert gateway.returncode is None, "the gateway was to send all the while"
                await until(lambda: not list(data.glob(f"{STAGING}*")), 10, "the copies are removed")
                collector.kill()
                await collector.wait()
            at_the_end = set(numbers(data))  # all that was acked, and perhaps some that was not
            shutil.rmtree(data)
            restore_backup(made, data, CLOCK)
            in_backup = numbers(data)
            assert in_backup
            assert len(in_backup) == len(set(in_backup))
            async with process(*collector_words(data, broker)) as collector:
                assert await asyncio.wait_for(gateway.wait(), 120) == 0, "the gateway ends when all is acked"
                collector.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(collector.wait(), 60) == 0
    stored = numbers(data)
    assert len(stored) == len(set(stored)), "twice"
    lost = set(range(count)) - set(stored)
    assert set(in_backup) <= set(stored)
    # What no backup can hold: told to be stored after it was made, and nowhere else since.
    assert lost <= at_the_end - set(in_backup)
    assert max(stored) == count - 1


async def test_moved_at_rest_nothing_at_all_is_lost(tmp_path: Path) -> None:
    """Stop, back up, restore elsewhere: whatever comes meanwhile waits on the gateway."""
    data, file, moved, count = tmp_path / "data", tmp_path / "b.tar", tmp_path / "moved", 400
    with mosquitto(tmp_path, "max_queued_messages 0") as broker:
        async with process("tests.edge.box", str(tmp_path / "buffer.db"), str(broker.port), str(count)) as gateway:
            async with process(*collector_words(data, broker)) as collector:
                await until(lambda: is_running(data) if data.exists() else False, 60, "the collector answers")
                await backed_up(data, tmp_path)
                collector.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(collector.wait(), 60) == 0
            await asyncio.to_thread(write_backup, data, file, CLOCK)
            shutil.rmtree(data)
            restore_backup(file, moved, CLOCK)
            async with process(*collector_words(moved, broker)) as collector:
                assert await asyncio.wait_for(gateway.wait(), 120) == 0
                collector.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(collector.wait(), 60) == 0
    assert numbers(moved) == list(range(count))


async def test_beside_a_running_collector_nothing_is_restored_and_what_a_kill_left_is_removed(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        left = tmp_path / "data" / f"{STAGING}dead"
        left.mkdir(parents=True)
        async with collecting(settings(tmp_path, broker.port)) as collector:
            data = collector.settings.data
            await until(lambda: is_running(data), 20)
            assert not left.exists()
            assert (data / SOCKET).stat().st_mode & 0o777 == 0o600
            file = tmp_path / "b.tar"
            await asyncio.to_thread(write_backup, data, file, CLOCK)
            with pytest.raises(BadBackup, match="a collector runs"):
                restore_backup(file, data, CLOCK, replace=True)
            asked = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-m", "cloud.cli", "backup", str(tmp_path / "c.tar"), "--data", str(data), "--json"],
                capture_output=True,
                text=True,
                env=os.environ,
            )
            assert asked.returncode == 0, asked.stderr
            assert json.loads(asked.stdout)["format"] == 1


async def test_beside_a_collector_that_starts_or_ends_nothing_is_restored(tmp_path: Path) -> None:
    data, file = await filled(tmp_path), tmp_path / "b.tar"
    await asyncio.to_thread(write_backup, data, file, CLOCK)
    collector = Collector(settings(tmp_path, 1), CLOCK)
    try:
        await collector.open()
        assert not is_running(data), "its socket is not there yet"
        with pytest.raises(BadBackup, match="runs, starts or ends"):
            await asyncio.to_thread(restore_backup, file, data, CLOCK, replace=True)
    finally:
        await collector.close()
    await asyncio.to_thread(restore_backup, file, data, CLOCK, replace=True)


def test_data_on_servers_is_not_said_to_be_backed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "cloud.toml"
    settings.write_text('[registry]\nurl = "postgresql://dayuan@db.example/dayuan"\npassword_file = "p"\n')
    (tmp_path / "p").write_text("secret\n")
    (tmp_path / "p").chmod(0o600)
    for command in ("backup", "restore"):
        assert cli.main([command, str(tmp_path / "b.tar"), "--settings", str(settings), "--data", str(tmp_path)]) != 0
        assert "[registry] is on a server (pg_dump)" in capsys.readouterr().err
    assert not (tmp_path / "b.tar").exists()
