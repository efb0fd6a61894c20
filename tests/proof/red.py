"""Red builds: one fault after the other is planted in the product, and the tests named for it must fail.

A suite that stays green with a fault in the product proves nothing. So that a test which always fails does not count
as having caught something, the named tests are first run on the product as it is.

    python -m tests.proof.red --level soak
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from tests.proof.levels import Finding, Level, alone
from tests.proof.planting import MET, NAME, ROOT, Plant
from tests.proof.plants import PLANTS

TIMEOUT_S = 120
"""A test that hangs with a fault in the product has not said what is wrong."""


class Ended(NamedTuple):
    """How a run of pytest ended. code: -1 when it was not over in time. tests: "passed", "failed" or "skipped".
    met: the planted module was imported. text: the end of the output."""

    code: int
    tests: dict[str, str]
    met: bool
    text: str

    def of(self, test: str) -> str:
        """Of a test with parameters: failed when it failed with any of them."""
        ends = {end for name, end in self.tests.items() if name == test or name.startswith(f"{test}[")}
        return "failed" if "failed" in ends else "passed" if ends == {"passed"} else "did not run"


class Pytest:
    """Runs tests in processes of their own (see red_server.py); used with ``with``."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.red_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def run(self, tests: Sequence[str], work: Path, fault: Plant | None = None) -> Ended:
        """Run these tests, with the fault or without."""
        work.mkdir(parents=True, exist_ok=True)
        told, met, output = work / "told.json", work / "met", work / "output.txt"
        told.unlink(missing_ok=True)
        met.unlink(missing_ok=True)
        environment = {key: value for key, value in os.environ.items() if key != NAME and not key.startswith("PYTEST_")}
        arguments = ["-q", "--tb=line", "-p", "no:cacheprovider", "-p", "tests.proof.planted"]
        # Of plugins that the server has imported already; there is nothing in them to be rewritten.
        arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        arguments += [f"--planted-told={told}", f"--basetemp={work / 'tmp'}"]
        arguments += [f"--planted={fault.name}"] if fault else []
        code = self._ask(
            {
                "arguments": [*arguments, *tests],
                "environment": environment | {MET: str(met)},
                "output": str(output),
                "within_s": TIMEOUT_S if fault else TIMEOUT_S * 5,
            }
        )
        ends = json.loads(told.read_text("utf-8")) if told.exists() else {}
        return Ended(code, ends, met.exists(), output.read_text("utf-8", "replace").strip()[-400:])

    def _ask(self, job: dict[str, object]) -> int:
        assert self._server.stdin is not None and self._server.stdout is not None
        print(json.dumps(job), file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())


def judge(fault: Plant, ended: Ended) -> list[str]:
    """What is wrong with a run in which `fault` was planted; nothing when each named test failed."""
    if ended.code < 0:
        return [f"{fault.name}: not over after {TIMEOUT_S} s, with {', '.join(fault.caught_by)}"]
    if not ended.tests:
        return [f"{fault.name}: no test ran: {ended.text}"]
    if not ended.met:
        return [f"{fault.name}: {fault.path} was not even imported"]
    ends = {test: ended.of(test) for test in fault.caught_by}
    return [f"{fault.name}: not caught by {test}, which {end}" for test, end in ends.items() if end != "failed"]


def chosen(level: Level) -> list[Plant]:
    """In CI a few, else all."""
    return [fault for fault in PLANTS.values() if fault.in_ci or level != "ci"]


def run_plants(faults: Iterable[Plant], work: Path) -> Finding:
    """Plant each of these in turn."""
    faults = list(faults)
    tests = list(dict.fromkeys(test for fault in faults for test in fault.caught_by))
    with Pytest() as pytest:
        sound = pytest.run(tests, work / "sound")
        violations = [f"{test} {sound.of(test)} without a fault" for test in tests if sound.of(test) != "passed"]
        for fault in faults:
            violations += judge(fault, pytest.run(fault.caught_by, work / fault.name, fault))
    return Finding(
        "R22",
        "red builds: a fault in the product is caught by the suite",
        f"{len(faults)} planted faults of {len(PLANTS)}, {len(tests)} tests",
        tuple(violations),
        "each planted file was imported, and the same tests pass without the fault",
    )


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """All of them, or in CI a few; the seed has no say."""
    del seed
    return [run_plants(chosen(level), work)]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
