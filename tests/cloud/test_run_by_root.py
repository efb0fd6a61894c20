"""`sudo dayuan-cloud`: what it leaves in the data folder, the collector's own user can read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cloud.audit.chain import checkpoint_of
from cloud.audit.files import KEEP_BYTES
from tests.service_data import give, needs_root, not_of_the_service, run, service_folder

pytestmark = needs_root


@pytest.fixture
def data(empty_registry: Path) -> Iterator[Path]:
    """A collector's data folder. Beside it lies what only root reads."""
    with service_folder() as made:
        (made / "registry.sqlite").write_bytes(empty_registry.read_bytes())
        (made / "audit.key").write_text("ab" * 32 + "\n", "ascii")
        lines = [msgspec.json.encode(checkpoint_of(b"\xab" * 32, 0, "0" * 64, at)) + b"\n" for at in range(2000)]
        (made / "audit.checkpoints").write_bytes(b"".join(lines))
        give(*made.iterdir())
        for path in made.iterdir():
            os.chmod(path, 0o600)
        assert (made / "audit.checkpoints").stat().st_size > KEEP_BYTES
        os.mkdir(made.parent / "roots", 0o700)
        yield made


def cloud(data: Path, *words: str) -> str:
    done = run("-m", "cloud.cli", *words, "--data", str(data))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_any_command_of_root_shortens_the_checkpoints_and_leaves_them_the_collectors(data: Path) -> None:
    cloud(data, "user", "add", "li")
    assert (data / "audit.checkpoints").stat().st_size < KEEP_BYTES
    assert not_of_the_service(data) == []


def test_an_authority_made_by_root_is_the_collectors(data: Path) -> None:
    cloud(data, "gateway", "add", "east/b3")
    assert (data / "identity" / "ca.key").exists()
    assert not_of_the_service(data) == []


def test_the_brokers_files_are_written_where_only_root_may(data: Path) -> None:
    folder = data.parent / "roots" / "broker"
    cloud(data, "broker", "files", str(folder), "--name", "broker.example")
    assert (folder / "server.pem").stat().st_uid == 0
    assert not_of_the_service(data) == []
    cloud(data, "broker", "renew", str(folder), "--now")
    assert not_of_the_service(data) == []


def test_the_brokers_files_may_come_before_the_first_start(data: Path) -> None:
    for path in data.iterdir():
        path.unlink()
    cloud(data, "broker", "files", str(data.parent / "roots" / "broker"), "--name", "broker.example")
    assert (data / "registry.sqlite").exists()
    assert not_of_the_service(data) == []


def test_a_file_that_only_root_reads_is_brought_in(data: Path) -> None:
    drawn = data.parent / "roots" / "map.geojson"
    drawn.write_text('{"type": "FeatureCollection", "features": []}', "utf-8")
    os.chmod(drawn, 0o600)
    cloud(data, "map", str(drawn), "--site", "east")
    assert not_of_the_service(data) == []
