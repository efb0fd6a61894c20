"""How large a proof is, and what each of its methods says at the end."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, get_args

Level = Literal["ci", "soak", "proof"]
LEVELS: tuple[Level, ...] = get_args(Level)


class Finding(NamedTuple):
    """One row of the table.

    number: of the figure (R1 ...). amount: how much was tried. meaningful: what shows that the faults were met.
    not_run: why it could not run here; such a row is never a pass.
    """

    number: str
    what: str
    amount: str = ""
    violations: tuple[str, ...] = ()
    meaningful: str = ""
    not_run: str = ""

    @property
    def verdict(self) -> str:
        return "not run" if self.not_run else f"{len(self.violations)} violations" if self.violations else "held"


Method = Callable[[Level, int, Path], list[Finding]]


def table(findings: list[Finding]) -> str:
    """The rows as text: number, what, verdict, how much, what shows that it meant something; violations below."""
    lines = []
    for found in findings:
        lines.append(f"{found.number:4} {found.what}: {found.verdict}")
        if found.not_run:
            lines.append(f"       not run: {found.not_run}")
            continue
        lines += [f"       {text}" for text in (found.amount, found.meaningful) if text]
        lines += [f"       VIOLATED: {text}" for text in found.violations[:20]]
    return "\n".join(lines)


def alone(about: str, method: Method) -> int:
    """The command line of one method; its folder is kept when something was violated."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--level", choices=LEVELS, default="ci")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="dayuan-proof-"))
    findings = method(options.level, options.seed, work)
    print(f"seed {options.seed}, level {options.level}")
    print(table(findings))
    if any(found.violations for found in findings):
        print(f"kept: {work}")
        return 1
    shutil.rmtree(work, ignore_errors=True)
    return 0
