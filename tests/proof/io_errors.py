"""Every k-th call to the disk fails once, or thrice, or for a while: what was told durable is there afterwards.

Or the process is killed in the middle of that call, half of what it wrote on the disk.

python -m tests.proof.io_errors --of buffer --step 1
"""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from protocols.errors import DayuanError
from tests.proof import buffer_session, faulty_io, store_session
from tests.proof.faulty_io import ERRORS, Ran
from tests.proof.levels import Finding, Level, alone

SESSIONS: dict[str, ModuleType] = {"buffer": buffer_session, "store": store_session}
"""What runs under the failing disk; its ``look(folder)`` runs here, on a good one."""


KILLED = "killed"
SHAPES = ((1, "EIO"), (1, KILLED), (5, "ENOSPC"), (3, "EROFS"), (12, "EIO"), (5, "EMFILE"))
"""How many calls in a row fail, and with what."""


class Case(NamedTuple):
    """From the ``first`` call on, ``times`` calls fail with ``error``."""

    first: int
    times: int
    error: str


class Sweep(NamedTuple):
    """What a sweep did: ``met`` cases in which the process noticed the fault; what was violated, in words."""

    cases: int
    met: int
    promises: int
    violations: list[str]


def calls_of(library: Path, session: str, work: Path) -> int:
    """How many calls the session makes on a good disk."""
    ran = faulty_io.run(library, SESSIONS[session].__name__, fresh(work))
    if ran.code:
        raise RuntimeError(f"the session fails on a good disk: {ran.errors}")
    return ran.calls


def sweep(library: Path, session: str, work: Path, cases: Iterable[Case]) -> Sweep:
    """Run the session once per case, each in a fresh folder, and look at what is left on a good disk."""
    count = met = promises = 0
    violations: list[str] = []
    for case in cases:
        folder = fresh(work)
        ran = faulty_io.run(
            library,
            SESSIONS[session].__name__,
            folder,
            first=case.first,
            times=case.times,
            error=ERRORS.get(case.error, faulty_io.DEADLY),
        )
        try:
            after = list(SESSIONS[session].look(folder))
        except (DayuanError, OSError) as error:
            violations.append(f"{case}: cannot be opened afterwards: {error}")
            continue
        kept = [line for line in ran.lines if line.startswith("kept ")]
        count += 1
        met += case.error == KILLED or any(line.startswith(("refused", "damaged")) for line in ran.lines)
        promises += len(kept)
        violations += [f"{case}: {wrong}" for wrong in judge(ran, after)]
    return Sweep(count, met, promises, violations)


def judge(ran: Ran, after: list[str]) -> list[str]:
    """What is wrong with what is there ``after`` a session, in words; nothing when all is well."""
    if ran.code not in (0, -signal.SIGKILL):
        return [f"the session ended with {ran.code}: {ran.errors.strip().splitlines()[-1:]}"]
    wrong = []
    released = {line.split(maxsplit=1)[1] for line in ran.lines if line.startswith("releasing ")}
    found = [line.split(maxsplit=1)[1] for line in after if line.startswith("found ")]
    for line in ran.lines:
        word, _, what = line.partition(" ")
        if word == "kept" and what not in released and what not in found:
            wrong.append(f"{what} was told durable and is gone")
    if len(found) != len(set(found)):
        wrong.append("something is there twice")
    # A file that was never made whole holds nothing that anybody was promised.
    harmless = ("wrong ",) if ran.code and not ran.lines else ("wrong ", "set aside")
    wrong += [line for line in after if line.startswith(harmless)]
    sessions = [int(line.split()[1]) for line in (*ran.lines, *after) if line.startswith("session ")]
    if sessions != sorted(set(sessions)):
        wrong.append(f"session numbers {sessions} do not grow")
    return wrong


def fresh(work: Path) -> Path:
    folder = work / "disk"
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """A part of the calls, all of them, or all of them in every shape; the seed has no say."""
    del seed
    library = faulty_io.build(work)
    shapes = SHAPES if level == "proof" else SHAPES[:2] if level == "ci" else SHAPES[:3]
    found = []
    for session in SESSIONS:
        calls = calls_of(library, session, work)
        step = 12 if level == "ci" else 1
        cases = [Case(first, *shape) for shape in shapes for first in range(1, calls + 1, step)]
        done = sweep(library, session, work, cases)
        violations = [*done.violations, *(() if done.met else ("no fault was met",))]
        found.append(
            Finding(
                "R4",
                f"every call of the {session} to the disk fails" if step == 1 else f"calls of the {session} fail",
                f"{done.cases} cases of {calls} calls: {', '.join(f'{error} x {times}' for times, error in shapes)}",
                tuple(violations),
                f"{done.met} cases noticed, {done.promises} batches told durable",
            )
        )
    return found


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
