"""Some of the planted faults, each caught by its test; all of them: ``python -m tests.proof.red --level soak``."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.planting import NAME, ROOT, Plant, plant
from tests.proof.plants import GROUPS, PLANTS
from tests.proof.red import Ended, judge, run

SAMPLE = PLANTS["synchronous-normal"]


def test_the_suite_is_red_with_a_fault_in_the_product(tmp_path: Path) -> None:
    (found,) = run("ci", 1, tmp_path)
    assert found.violations == ()


def test_every_fault_can_still_be_planted() -> None:
    """Where the code has moved on, the plant must follow: this says which, and what it looked for."""
    for fault in PLANTS.values():
        assert fault.text() != (ROOT / fault.path).read_text("utf-8"), fault.name
        compile(fault.text(), fault.path, "exec")


def test_every_fault_says_what_it_does_and_which_tests_catch_it() -> None:
    assert len(PLANTS) == sum(len(group) for group in GROUPS.values()), "names differ"
    assert 6 <= sum(fault.in_ci for fault in PLANTS.values()) <= 10
    there = {test for fault in PLANTS.values() for path in {t.partition("::")[0] for t in fault.caught_by}
             for test in _tests_in(path)}  # fmt: skip
    for fault in PLANTS.values():
        assert fault.fault.endswith(".") and fault.harm.endswith("."), fault.name
        assert fault.caught_by and {test.partition("[")[0] for test in fault.caught_by} <= there, fault.name


def test_a_line_that_is_not_there_or_there_twice_is_told() -> None:
    with pytest.raises(LookupError, match="stands 0 times"):
        SAMPLE._replace(old="SYNCHRONOUS_NEVER").text()
    with pytest.raises(LookupError, match=r"stands \d+ times"):
        SAMPLE._replace(old="SYNCHRONOUS_FULL").text()
    with pytest.raises(LookupError, match="imported already"):
        plant(SAMPLE._replace(path="tests/proof/planting.py", old="class Plant(NamedTuple)", new="class Plant(tuple)"))


def test_a_fault_is_planted_in_child_processes_too() -> None:
    child = "import edge.buffer_file as b; print(b.SYNCHRONOUS_FULL)"
    parent = (
        "import subprocess, sys\n"
        "from tests.proof.planting import plant\n"
        "from tests.proof.plants import PLANTS\n"
        f"plant(PLANTS[{SAMPLE.name!r}])\n"
        f"{child}\n"
        f"print(subprocess.run([sys.executable, '-c', {child!r}], capture_output=True, text=True).stdout)"
    )
    environment = {key: value for key, value in os.environ.items() if key != NAME}
    ran = subprocess.run(
        [sys.executable, "-c", parent], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["1", "1"]


def test_what_counts_as_caught() -> None:
    test = "tests/x.py::test_it"
    fault = Plant("planted", "It does.", "It hurts.", "edge/x.py", "a", "b", (test,))
    assert judge(fault, Ended(1, {test: "failed"}, True, "")) == []
    assert judge(fault, Ended(1, {f"{test}[a]": "passed", f"{test}[b]": "failed"}, True, "")) == []
    assert judge(fault, Ended(0, {test: "passed"}, True, "")) == [f"planted: not caught by {test}, which passed"]
    assert judge(fault, Ended(0, {test: "skipped"}, True, "")) == [f"planted: not caught by {test}, which did not run"]
    assert judge(fault, Ended(1, {test: "failed"}, False, "")) == ["planted: edge/x.py was not even imported"]
    assert judge(fault, Ended(-1, {}, True, "")) == [f"planted: not over after 120 s, with {test}"]
    assert judge(fault, Ended(4, {}, True, "no such file")) == ["planted: no test ran: no such file"]


def _tests_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {f"{path}::{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
