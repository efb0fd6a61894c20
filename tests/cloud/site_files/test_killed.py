"""A collector killed in the middle of a roll-out, at one change of its registry after the other."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from cloud.store.failpoint import EXIT_CODE
from tests.cloud.site_files.killed_collector import NAMES

NEW = 'flush_every = "5 s"'


def run(folder: Path, fail_point: str = "") -> tuple[int, str]:
    """A collector until it ends, or is killed where a fail point says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cloud.site_files.killed_collector", str(folder)],
        env={**os.environ, "DAYUAN_FAILPOINT": fail_point},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout if done.returncode == 0 else done.stderr


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    assert run(folder) == (0, "prepared\n")
    return folder


@pytest.mark.parametrize("where", ["before_registry_commit", "after_registry_commit"])
def test_no_gateway_gets_the_change_twice_and_nothing_is_left_half(prepared: Path, tmp_path: Path, where: str) -> None:
    folder = tmp_path / "collector"
    shutil.copytree(prepared, folder)
    killed, code, said = 0, EXIT_CODE, ""
    while code == EXIT_CODE and killed < 40:
        # Each start passes some commits before it goes on: one more each time, so that it comes further.
        code, said = run(folder, f"{where}:{2 + killed}")
        killed += code == EXIT_CODE
    assert (code, said) == (0, "done\n"), said[-2000:]
    assert killed >= 5
    _, gateways, _ = msgspec.json.decode((folder / "gateways.json").read_bytes())
    for name, (_, _, heard, answer, does) in gateways.items():
        given = {revision for revision, text in heard if NEW in text}
        assert len(given) == 1, f"{name} was given the change as {given}"
        assert answer[0] == ("config_rolled_back" if does == "roll_back" else "config_applied")
    with sqlite3.connect(folder / "registry.sqlite") as registry:
        made = registry.execute(
            "select site || '/' || gateway, count(*) from site_file_revisions where text like ? group by 1",
            (f"%{NEW}%",),
        )
        assert dict(made.fetchall()) == dict.fromkeys(NAMES, 1)
        parts = registry.execute("select state, revision from site_file_rollout_gateways").fetchall()
    assert parts == [("sent", 2)] * len(NAMES)
