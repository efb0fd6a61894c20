"""Decoders under inputs nobody meant (R13): only declared errors, in bounded time and memory.

Inputs are made from real ones: bytes changed, values of JSON, MessagePack and TOML replaced, the checksums put right
again; what has a new outcome is changed further. All follow from the seed.

python -m tests.proof.fuzz --level soak --seed 7
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.proof.fuzz_console import console_targets
from tests.proof.fuzz_devices import device_targets
from tests.proof.fuzz_energy import energy_targets
from tests.proof.fuzz_engine import Target, Tried, fuzz
from tests.proof.fuzz_files import file_targets
from tests.proof.fuzz_wire import wire_targets
from tests.proof.levels import Finding, Level, alone

INPUTS: dict[Level, int] = {"ci": 2_000, "soak": 100_000, "proof": 1_000_000}
"""Inputs of each decoder; of those with a ``share`` (a file is slow, dialects are many) that much of it."""


def targets(work: Path) -> list[Target]:
    """Every decoder there is."""
    return [*wire_targets(), *device_targets(), *file_targets(work / "files"), *console_targets(), *energy_targets()]


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """One row for each decoder, and one for all dialects of MQTT together."""
    keep = work / "inputs"
    rows: dict[str, list[Tried]] = {}
    for target in targets(work):
        name = "every MQTT dialect" if target.name.startswith("MQTT ") and "profile" not in target.name else target.name
        rows.setdefault(name, []).append(fuzz(target, int(INPUTS[level] * target.share), seed, keep))
    return [finding(name, tried) for name, tried in rows.items()]


def finding(name: str, tried: list[Tried]) -> Finding:
    inputs, taken = sum(one.inputs for one in tried), sum(one.taken for one in tried)
    cpu_s = sum(one.cpu_s for one in tried)
    many = f"{len(tried)} dialects, " if len(tried) > 1 else ""
    slowest_ms = 1000 * max(one.slowest_s for one in tried)
    growth = max(one.growth for one in tried)
    return Finding(
        "R13",
        f"decoder of {name}",
        f"{many}{inputs:,} inputs, {1e6 * cpu_s / inputs:.0f} us each, the slowest {slowest_ms:.1f} ms, "
        f"grown by {growth / 2**20:.1f} MiB",
        tuple(text for one in tried for text in one.violations),
        f"{taken:,} taken, {inputs - taken:,} refused, {sum(one.outcomes for one in tried)} different outcomes",
    )


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
