"""docs/TESTING.md: every fixture stands there, and every block of it can be run or is a file that is run."""

import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml

from simulators import pytest_plugin, pytest_plugin_devices, pytest_plugin_processes
from simulators.cli import build_parser
from simulators.devices.mqtt.misbehaviour import MQTT_KINDS
from simulators.faults import MEANINGS
from simulators.ledger import Expectation, Ledger
from simulators.scenario import load_scenario
from tests.architecture.source import ROOT

PAGES = ("docs/TESTING.md", "docs/TESTING.zh-CN.md")
EXAMPLE = ROOT / "docs/examples/testing-a-building"
MODULES = (pytest_plugin, pytest_plugin_devices, pytest_plugin_processes)

in_both = pytest.mark.parametrize("page", PAGES)


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text(page), re.DOTALL | re.MULTILINE)


def fixtures() -> dict[str, str]:
    """Name and contract of each fixture that is for others."""
    found = {}
    for module in MODULES:
        for name, thing in vars(module).items():
            if type(thing).__name__ == "FixtureFunctionDefinition" and not name.startswith("_"):
                found[name] = thing.__doc__ or ""
    return found


def first_column(page: str, head: str) -> list[str]:
    """What stands in backticks in the first column of the table that begins with ``head``."""
    table = text(page).split(f"\n| {head} |", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


@in_both
def test_every_fixture_is_in_the_table_and_the_reverse(page):
    assert len(fixtures()) == 13
    assert sorted(first_column(page, "Fixture")) == sorted(fixtures())


def test_every_fixture_has_a_contract_that_pytest_shows(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--fixtures", "-q", "-p", "simulators.pytest_plugin",
         "-c", os.devnull, "--rootdir", str(tmp_path)],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    for name, contract in fixtures().items():
        assert len(contract.splitlines()) >= 3, f"{name} says too little of itself"
        assert re.search(rf"^{name} -- ", done.stdout, re.MULTILINE), done.stdout
    assert "_workshop" not in done.stdout


@in_both
def test_every_fault_is_in_its_table_and_the_reverse(page):
    assert first_column(page, "Modbus") == list(MEANINGS)
    assert sorted(first_column(page, "MQTT")) == sorted(MQTT_KINDS)


@in_both
def test_code_comes_from_the_example_or_runs(page, tmp_path):
    ran = 0
    for block in blocks(page, "python"):
        head, _, rest = block.partition("\n")
        if head.startswith("# "):
            assert rest.strip("\n") in (EXAMPLE / head[2:]).read_text("utf-8"), f"{page}: is not in {head[2:]}:\n{rest}"
            continue
        (tmp_path / "kept").mkdir()
        ledger = Ledger(tmp_path / "kept" / "ledger.db")
        ledger.answered("meter", 1_790_000_000_000, ["frequency"], [50.0])
        ledger.attempted(ledger.publishing("door", 1_790_000_000_000, "a", b"b", Expectation()), 1_790_000_000_001)
        ledger.close()
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", block],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.splitlines()[0] == "1790000000000 meter frequency 50.0", done.stderr
        ran += 1
    assert ran == 1


@in_both
def test_the_ci_files_are_those_of_the_example_and_can_be_read(page):
    github, gitlab = blocks(page, "yaml")
    assert github == (EXAMPLE / ".github/workflows/test.yml").read_text("utf-8")
    assert gitlab == (EXAMPLE / ".gitlab-ci.yml").read_text("utf-8")
    steps = yaml.safe_load(github)["jobs"]["test"]["steps"]
    assert all(set(step) & {"uses", "run"} for step in steps)
    assert any("pytest" in step.get("run", "") for step in steps)
    job = yaml.safe_load(gitlab)["test"]
    assert any("pytest" in line for line in job["script"])
    assert job["artifacts"]["reports"]["junit"] == "report.xml"


@in_both
def test_the_scenario_is_one(page, tmp_path):
    (block,) = blocks(page, "toml")
    path = tmp_path / "scenario.toml"
    path.write_text(block)
    assert load_scenario(path).speed == 60.0


@in_both
def test_every_command_is_one(page):
    debian = {
        line.split()[0] for line in (ROOT / "deploy/debian-packages.txt").read_text().splitlines() if line.split()
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    commands = [line for block in blocks(page, "sh") for line in block.splitlines()]
    said = text(page) + "\n".join(commands)
    assert f"dayuan-{project['version']}-py3-none-any.whl" in said
    for line in commands:
        words = shlex.split(line)
        if words[0] == "dayuan-sim":
            build_parser().parse_args(words[1:])
        elif "apt-get" in words:
            packages = [word for word in words[words.index("install") + 1 :] if not word.startswith("-")]
            assert set(packages) <= debian
        elif "pip" in line:
            extras = re.findall(r"\[(\w+)\]", line)
            assert extras
            assert set(extras) <= set(project["optional-dependencies"])
        else:
            assert "-m" in words, line
