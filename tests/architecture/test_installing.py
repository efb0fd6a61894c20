"""Locks, scripts and commands stand together."""

import os
import re
import tomllib
from functools import cache

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import ROOT, nothing, relative, sources, tracked

LOCKS = {"edge": ("edge",), "cloud": ("cloud",), "demo": ("sim", "edge", "cloud"), "test": ("dev", "influx")}


@cache
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@cache
def pins(name: str) -> dict[str, str]:
    text = (ROOT / f"deploy/locks/{name}.txt").read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_hashes_and_names_no_place(name: str) -> None:
    text = (ROOT / f"deploy/locks/{name}.txt").read_text("utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(name))
    bare = [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]
    assert not bare, f"without a hash: {bare}"
    assert "://" not in text
    assert "--index" not in text
    assert "/opt/" not in text


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_what_pyproject_asks_for(name: str) -> None:
    wanted = [*project()["project"]["dependencies"], *project()["dependency-groups"]["build"]]
    for extra in LOCKS[name]:
        wanted += project()["project"]["optional-dependencies"][extra]
    found = []
    for line in wanted:
        asked = Requirement(line)
        have = pins(name).get(canonicalize_name(asked.name))
        if asked.name == "dayuan":
            continue
        if have is None or not asked.specifier.contains(have, prereleases=True):
            found.append(f"{asked}: locked is {have}")
    nothing(found, f"run `make lock`; deploy/locks/{name}.txt does not have:")


@pytest.mark.parametrize("name", [name for name in LOCKS if name != "test"])
def test_every_lock_is_part_of_the_test_lock(name: str) -> None:
    """deploy/setup.sh goes by it: an environment for tests serves the demo too, and tests run what is deployed."""
    missing = pins(name).items() - pins("test").items()
    assert not missing, f"run `make lock`; other than in test.txt: {sorted(missing)}"


def test_the_packages_are_what_setuptools_ships() -> None:
    include = project()["tool"]["setuptools"]["packages"]["find"]["include"]
    assert set(include) == {"edge*", "cloud*", "protocols*", "simulators*"}
    assert not (ROOT / "deploy/__init__.py").exists()


def test_every_package_folder_is_shipped() -> None:
    """A folder without __init__.py works in a checkout and is missing in a wheel."""
    folders = {(ROOT / source.path).parent for source in sources()}
    found = [relative(folder) for folder in folders if not (folder / "__init__.py").is_file()]
    nothing(found, "an __init__.py is missing in:")


def test_every_shell_script_can_be_run_and_stops_at_errors() -> None:
    found = []
    for path in tracked():
        name = relative(path)
        if path.suffix != ".sh" and name != ".ci/run":
            continue
        text = path.read_text("utf-8")
        if text.startswith("# shellcheck shell=bash\n# Sourced by "):
            continue
        if not os.access(path, os.X_OK):
            found.append(f"{name}: is not executable")
        strict = re.search(r"^set -\w*u\w*o pipefail$", text, re.MULTILINE)
        if not text.startswith("#!/usr/bin/env bash\n") or not strict:
            found.append(f"{name}: starts with `#!/usr/bin/env bash` and `set -euo pipefail`")
    nothing(found, "shell scripts:")


def test_every_make_target_is_in_its_help() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = {name for line in re.findall(r"^\.PHONY:(.*)$", text, re.MULTILINE) for name in line.split()}
    assert phony == set(re.findall(r"^([a-z]+):  ## \S", text, re.MULTILINE))


def test_debian_packages_say_how_to_see_them_and_what_for() -> None:
    rows = [
        line.split("#")[0].split()
        for line in (ROOT / "deploy/debian-packages.txt").read_text("utf-8").splitlines()
        if line.split("#")[0].strip()
    ]
    assert all(len(row) >= 3 for row in rows), rows
    assert {purpose for row in rows for purpose in row[2:]} == {"ci", "lint", "test", "venv"}
    assert len({row[0] for row in rows}) == len(rows)
