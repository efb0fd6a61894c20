"""The example project of the docs, run as its reader would run it: a folder of its own, the plugin as installed."""

import os
import re
import shutil
import subprocess
import sys

from tests.architecture.source import ROOT

EXAMPLE = ROOT / "docs/examples/testing-a-building"
TESTS = 9


def test_the_example_project_is_green(tmp_path):
    project = shutil.copytree(EXAMPLE, tmp_path / "building")
    # No -p: pytest finds the fixtures by the entry point of the installed package, or not at all.
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--durations=3",
            f"--dayuan-keep={tmp_path / 'kept'}",
        ],
        cwd=project,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.search(rf"=+ {TESTS} passed in", said), said
    assert not (tmp_path / "kept").exists(), "nothing is kept of tests that passed"
