"""No core dump of a process that holds secrets: asked of the kernel, and of a real crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ASKING = """
import ctypes, os, resource, sys
from protocols.no_core import keep_memory_private
secret = "correct horse " + str(os.getpid())
if sys.argv[1] == "kept":
    assert keep_memory_private()
else:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE), flush=True)
os.abort()
"""


@pytest.mark.parametrize(("way", "dumpable"), [("kept", False), ("as it comes", True)])
def test_a_process_that_crashes_leaves_no_core_and_the_kernel_says_so(tmp_path: Path, way: str, dumpable: bool) -> None:
    words = [sys.executable, "-c", ASKING, way]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGABRT, done.stderr
    said = [int(word) for word in done.stdout.split()]
    assert (said[0] != 0) is dumpable
    if not dumpable:
        assert said[1:] == [0, 0]
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", ["edge/cli_run.py", "cloud/cli.py"])
def test_both_programs_ask_for_it_before_they_read_a_secret(program: str) -> None:
    source = (Path(__file__).parents[2] / program).read_text(encoding="utf-8")
    first = "SystemClock(), armed" if program.startswith("edge") else "settings.broker_password()"
    assert source.count("    keep_memory_private()\n") == (1 if program.startswith("edge") else 2)
    begins = source.index("    keep_memory_private()\n")
    assert begins < source.index(first)


def test_the_units_allow_no_core() -> None:
    units = [*Path(__file__).parents[2].glob("deploy/*/dayuan-*.service")]
    assert [unit.name for unit in units if "LimitCORE=0" not in unit.read_text()] == []
