"""Damaged files: ``python -m tests.proof.corruption --level ci``.

Bits are flipped, pages zeroed, swapped or scribbled over, ends cut off, at random places in the gateway's buffer, the
collector's store, the registry, their logs, and small files. Whatever opens them must start within 30 seconds, take
something new, hand out nothing altered, and say what is lost; at the next start nothing may be wrong any more.

What is not promised: an end that was cut off a log looks like what a crash leaves; SQLite has no checksums, so that a
flipped bit in a text of the registry is not noticed; a flipped digit in a card secret makes other card keys.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import multiprocessing.connection
import random
import shutil
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.proof.corrupt_files import LOOKS, MAKES, TARGETS, Seen
from tests.proof.harm import HARMS
from tests.proof.levels import Finding, Level, alone

START_S = 30.0
"""Of the processor, to open a harmed file and read all that is left."""
END_S = 300.0
"""By the clock: it hangs."""
CASES: dict[Level, dict[str, int]] = {
    "ci": {"buffer": 20, "store": 12, "registry": 10, "settings": 10, "card key": 5, "client id": 5},
    "soak": {"buffer": 400, "store": 300, "registry": 150, "settings": 100, "card key": 25, "client id": 25},
    "proof": {"buffer": 2000, "store": 1500, "registry": 1000, "settings": 400, "card key": 50, "client id": 50},
}

NOT_TOLD_ALLOWED = {
    ("buffer.db-wal", "cut"),
    ("readings.duckdb.wal", "cut"),
}
"""Where a loss looks like what a crash leaves behind, and nobody can tell."""

UNSEEN_ALLOWED = {("readings.duckdb", "swap_pages")}
"""DuckDB's checksum of a block is the sum of its words: it does not see two pages of it in each other's place."""

NEVER_TOLD = {"registry", "card key", "client id", "settings"}
"""Files without checksums, or whose damage is refused in words."""


class Case(NamedTuple):
    """One harm to one file; ``seed`` says where."""

    file: str
    target: str
    harm: str
    seed: int


class Outcome(NamedTuple):
    case: Case
    seen: Seen | None
    violations: list[str]
    unseen: int = 0
    """Batches that were altered in a way that the engine cannot see."""


def cases(file: str, count: int, rng: random.Random) -> list[Case]:
    """Targets and harms in turn, so that a few cases have met all of them."""
    targets, harms = TARGETS[file], list(HARMS)
    return [
        Case(file, targets[number % len(targets)], harms[number // len(targets) % len(harms)], rng.randrange(1 << 30))
        for number in range(count)
    ]


def _in_child(case: Case, folder: Path, answer: multiprocessing.connection.Connection) -> None:
    logging.disable(logging.CRITICAL)

    async def look() -> Seen:
        return await LOOKS[case.file](folder)

    began = time.process_time()
    try:
        answer.send((asyncio.run(look()), time.process_time() - began))
    except BaseException as error:  # noqa: BLE001 - whatever it was is the finding
        answer.send((f"{type(error).__name__}: {str(error)[:300]}", 0.0))


def try_case(case: Case, source: Path, work: Path) -> Outcome:
    """Harm a copy of ``source`` and open it in a child process."""
    folder = work / "case"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    HARMS[case.harm](folder / case.target, random.Random(case.seed))
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(case, folder, send))
    child.start()
    send.close()
    try:
        seen, took = receive.recv() if receive.poll(END_S) else (f"not done after {END_S:g} s", 0.0)
    except EOFError:
        seen, took = "the process ended", 0.0
    child.join(1)
    if child.is_alive():
        child.kill()
        child.join()
    if isinstance(seen, str):
        return Outcome(case, None, [f"{case}: {seen} (exit {child.exitcode})"])
    altered = [text for text in seen.wrong if text.endswith("was altered")]
    unseen = altered if (case.target, case.harm) in UNSEEN_ALLOWED else []
    wrong = [f"{case}: {text}" for text in seen.wrong if text not in unseen]
    if took > START_S:
        wrong.append(f"{case}: took {took:.0f} s of the processor")
    gone = seen.kept - seen.found
    if case.file not in NEVER_TOLD and gone and not seen.told and (case.target, case.harm) not in NOT_TOLD_ALLOWED:
        wrong.append(f"{case}: {gone} are gone and nothing was said")
    return Outcome(case, seen, wrong, len(unseen))


def prove(file: str, count: int, rng: random.Random, work: Path) -> list[Outcome]:
    """``count`` cases of one file."""
    source = work / f"{file} source"
    source.mkdir(parents=True)
    maker = multiprocessing.get_context("fork").Process(target=MAKES[file], args=(source,))
    maker.start()  # a child of its own: DuckDB's threads would not survive the fork of a case
    maker.join()
    if maker.exitcode:
        raise RuntimeError(f"the {file} could not be made")
    done = []
    for case in cases(file, count, rng):
        done.append(try_case(case, source, work))
        if done[-1].violations:
            kept = work / f"{file} {case.harm} {case.seed}"
            shutil.copytree(work / "case", kept, dirs_exist_ok=True)
    return done


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """One row for each file."""
    findings = []
    for file, count in CASES[level].items():
        done = prove(file, count, random.Random(f"{seed} {file}"), work)
        seen = [each.seen for each in done if each.seen is not None]
        violations = [text for each in done for text in each.violations]
        harmed = sum(each.told or each.found < each.kept for each in seen)
        if not harmed and file != "client id":
            violations.append("no harm was met")
        quiet = sum(each.found < each.kept and not each.told for each in seen)
        shown = f"{harmed} noticed or with a loss, {sum(each.told for each in seen)} told, {quiet} lost without a word"
        if unseen := sum(each.unseen for each in done):
            shown += f"; {unseen} batches altered by pages that changed places within a block of DuckDB"
        findings.append(Finding("R10", f"damage to the {file}", f"{len(done)} cases", tuple(violations), shown))
    return findings


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
