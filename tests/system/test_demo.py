"""``dayuan-sim demo`` as a person starts it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from simulators.cli import build_parser
from simulators.east_compound import PLANTED
from simulators.free_port import free_port
from simulators.history_readings import FAULTS_DAYS_LEAST
from tests.waiting import until

DEMO = [sys.executable, "-m", "simulators.cli", "demo"]
ROOT = Path(__file__).parents[2]


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    # A log file instead of a pipe: nobody has to empty it.
    with (folder.parent / f"{folder.name}.out").open("w") as out:
        return subprocess.Popen(
            [*DEMO, "--data", str(folder), "--port", str(free_port()), *more],
            cwd=ROOT,
            stdout=out,
            stderr=out,
            text=True,
        )


def said(folder: Path) -> str:
    return (folder.parent / f"{folder.name}.out").read_text()


def children(folder: Path) -> list[int]:
    try:
        return list(json.loads((folder / "children.json").read_text()).values())
    except OSError:
        return []


def alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.append(pid)
    return found


async def ended(demo: subprocess.Popen[str], within_s: float) -> int:
    await until(lambda: demo.poll() is not None, within_s=within_s, what="the demo to end")
    return demo.returncode


async def test_the_demo_proves_itself_without_a_person(tmp_path):
    folder = tmp_path / "demo"
    demo = start(folder, "--for", "12s", "--verify", "--headless", "--history", "0")
    try:
        code = await ended(demo, 600)
    finally:
        demo.kill()
    told = said(folder)
    assert code == 0, told
    verdict = re.search(r"produced (\d+)  stored (\d+)  missing 0  duplicated 0  altered 0", told)
    assert verdict is not None, told
    assert int(verdict.group(1)) == int(verdict.group(2)) > 3000
    assert "assword" not in told


async def test_ctrl_c_ends_everything_and_the_folder_is_nobody_else_s_meanwhile(tmp_path):
    folder = tmp_path / "demo"
    demo = start(folder, "--history", "0")
    try:
        await until(lambda: "Ctrl-C" in said(folder) or demo.poll() is not None, within_s=600, what="the address")
        told = said(folder)
        assert re.search(r"Page +http://127\.0\.0\.1:\d+", told), told
        assert re.search(r"One-time password +\S{8,}", told), told
        pids = children(folder)
        assert len(pids) == 4
        second = subprocess.run(
            [*DEMO, "--data", str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert second.returncode == 2
        assert f"is in use by process {demo.pid}" in second.stdout
        demo.send_signal(signal.SIGINT)
        assert await ended(demo, 15) == 0
        assert alive(pids) == []
    finally:
        demo.kill()


def asked(folder: Path, path: str) -> Any:
    """What the API answers to the demo's own token."""
    url = f"http://127.0.0.1:{json.loads((folder / 'state.json').read_text())['http_port']}{path}"
    token = (folder / "api-token").read_text().strip()
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


async def test_the_demo_has_energy_with_money_and_quotas_beside_what_goes_on(tmp_path):
    folder = tmp_path / "demo"
    demo = start(folder, "--history", "3", "--headless", "--quiet-people")
    try:
        await until(
            lambda: "amounts are worked out" in said(folder) or demo.poll() is not None, within_s=900, what="energy"
        )
        told = said(folder)
        assert demo.poll() is None, told
        assert told.index("values ") < told.index("history "), "devices come first"
        overview = asked(folder, "/api/v1/energy/overview?site=east-compound")
        assert overview["total"]["value"] > 0
        assert float(overview["cost"]["amount"]) > 0
        assert {each["id"] for each in overview["buildings"]} >= {"b1", "b2", "b3", "garage", "grounds"}
        quotas = asked(folder, "/api/v1/energy/quotas?site=east-compound")["quotas"]
        assert [each["used"] > 0 for each in quotas] == [True] * 4
        assert asked(folder, "/api/v1/energy/structure/east-compound")["rev"] == 1
        demo.send_signal(signal.SIGINT)
        assert await ended(demo, 30) == 0
    finally:
        demo.kill()


def test_a_demo_has_a_past_long_enough_for_what_was_planted_in_it():
    history = build_parser().parse_args(["demo"]).history
    assert history >= FAULTS_DAYS_LEAST
    assert history > max(plan.days_ago for plan in PLANTED)


async def test_nothing_outlives_a_demo_that_was_killed(tmp_path):
    folder = tmp_path / "demo"
    demo = start(folder, "--history", "0")
    try:
        await until(lambda: len(children(folder)) == 4, within_s=120, what="four processes")
        pids = children(folder)
        os.kill(demo.pid, signal.SIGKILL)
        await ended(demo, 5)
        await until(lambda: alive(pids) == [], within_s=20, what="its children to end")
    finally:
        demo.kill()


@pytest.mark.parametrize("wrong", [["--for", "soon"], ["--kill-every", "1"], ["--unknown"]])
def test_wrong_options_are_told_before_anything_starts(tmp_path, wrong):
    done = subprocess.run(
        [*DEMO, "--data", str(tmp_path / "demo"), *wrong], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert not (tmp_path / "demo").exists()
