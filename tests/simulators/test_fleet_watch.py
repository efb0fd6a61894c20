"""What a load costs others is read from what the machine says of their processes and folders."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.errors import BadSettings
from simulators.fleet_watch import Watch, parse_named

BUSY = """
import sys
print("begun", flush=True)
sys.stdin.readline()
memory = bytearray(64 * 2**20)
total = 0
while __import__("time").process_time() < 0.3:
    total += 1
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[str]]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", BUSY], text=True, **pipes) as process:  # type: ignore[call-overload]
        yield process
        process.kill()


def test_processor_time_and_memory_of_a_process_are_those_since_the_watch_began(busy: subprocess.Popen[str]) -> None:
    assert busy.stdin is not None and busy.stdout is not None
    assert busy.stdout.readline() == "begun\n"
    watch = Watch({"one": busy.pid})
    watch.begin()
    assert watch.spent()["one"].cpu_s <= 0.02
    busy.stdin.write("\n")
    busy.stdin.flush()
    assert busy.stdout.readline() == "done\n"
    spent = watch.spent()["one"]
    assert 0.15 <= spent.cpu_s <= 0.4
    assert spent.rss_bytes >= 64 * 2**20


def test_a_folder_grows_by_what_is_written_to_it(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"x" * 100_000)
    watch = Watch(folders={"store": tmp_path})
    watch.begin()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "new").write_bytes(b"x" * 409_600)
    assert watch.grown() == {"store": 409_600}


def test_a_process_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="there is no process 4194999"):
        Watch({"store": 4_194_999}).begin()
    with pytest.raises(ValueError, match="'store' is no NAME=VALUE"):
        parse_named("store")
