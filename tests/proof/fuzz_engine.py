"""Tries inputs on a decoder: only its declared errors, in bounded time and memory.

An input whose outcome is new (another error, another shape of result) joins those that are changed further, so that
the search leaves the paths it knows.
"""

from __future__ import annotations

import gc
import hashlib
import random
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

SLOW_S = 0.05
SLOW_BYTES = 16 * 1024
"""An input may take ``SLOW_S``; a larger one as much for each ``SLOW_BYTES``, so that quadratic time is found."""
PEAK_BYTES = 64 << 20
"""One input may need this much while it is read, and leave nothing of it."""
GROWTH_BYTES = 20 << 20
BLOCK = 200
CORPUS_MAX = 400

Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


class Target(NamedTuple):
    """A decoder. ``attempt`` says in a word what came of an input; it raises one of ``declared`` or AssertionError.

    share: of a level's inputs, for what is slow. always: nothing is refused. slow_s: CPU seconds an input may take.
    """

    name: str
    seeds: Sequence[bytes]
    change: Change
    attempt: Callable[[bytes], str]
    declared: tuple[type[Exception], ...]
    share: float = 1.0
    always: bool = False
    slow_s: float = SLOW_S


class Tried(NamedTuple):
    """What came of it: inputs, those taken, different outcomes, CPU seconds, the slowest, RSS growth, violations."""

    inputs: int
    taken: int
    outcomes: int
    cpu_s: float
    slowest_s: float
    growth: int
    violations: list[str]


def fuzz(target: Target, amount: int, seed: int, keep: Path, *, patience: float = 1.0) -> Tried:
    """Try the seeds as they are and ``amount`` changed ones; inputs that violate something are kept in ``keep``.

    patience: how many times the CPU seconds an input may take here, where speed is not what is asked.
    """
    return _Run(target, seed, keep, patience).run(amount)


class _Run:
    def __init__(self, target: Target, seed: int, keep: Path, patience: float) -> None:
        self.target, self.keep, self.patience = target, keep, patience
        self.rng = random.Random(f"{seed}/{target.name}")
        self.corpus: list[bytes] = []
        self.good: list[bytes] = []
        self.outcomes: Counter[str] = Counter()
        self.warm = False
        self.taken = 0
        self.cpu_s = self.slowest_s = 0.0
        self.violations: dict[str, str] = {}

    def run(self, amount: int) -> Tried:
        seeds = list(self.target.seeds)
        for data in seeds:
            self.one(data)
        self.warm = True
        before = _memory("VmRSS")
        done, block = 0, max(1, min(BLOCK, amount // 10))
        while done < amount:
            size = min(block, amount - done)
            self.block([self.made() for _ in range(size)])
            done += size
            if done >= amount / 10 > done - size:
                before = max(before, _memory("VmRSS"))  # caches have filled
        growth = max(0, _memory("VmRSS") - before)
        if growth > GROWTH_BYTES:
            gc.collect()
            growth = max(0, _memory("VmRSS") - before)
        if growth > GROWTH_BYTES:
            self.violate("memory", b"", f"the process grew by {growth >> 20} MiB")
        refused = sum(count for outcome, count in self.outcomes.items() if outcome.startswith("!"))
        if not self.taken or not (refused or self.target.always):
            self.violate("meaning", b"", f"{self.taken} inputs taken, {refused} refused: this tried nothing")
        tried = len(seeds) + amount
        violations = list(self.violations.values())
        return Tried(tried, self.taken, len(self.outcomes), self.cpu_s, self.slowest_s, growth, violations)

    def made(self) -> bytes:
        parents = self.good if self.good and self.rng.random() < 0.7 else self.corpus
        return self.target.change(self.rng, self.rng.choice(parents), self.corpus)

    def block(self, inputs: list[bytes]) -> None:
        """Inputs one after the other; when they needed much memory, the one that did is looked for."""
        start = _memory("VmRSS")
        _forget_peak()
        for data in inputs:
            self.one(data)
        if _memory("VmHWM") - start > PEAK_BYTES:
            gc.collect()
            for data in inputs:
                start = _memory("VmRSS")
                _forget_peak()
                self.outcome_of(data)
                peak = _memory("VmHWM") - start
                if peak > PEAK_BYTES:
                    self.violate("peak", data, f"{len(data)} bytes need {peak >> 20} MiB while they are read")

    def one(self, data: bytes) -> None:
        outcome, cpu_s = self.outcome_of(data)
        self.cpu_s += cpu_s
        allowed_s = self.patience * self.target.slow_s * max(1.0, len(data) / SLOW_BYTES)
        if cpu_s > allowed_s:  # perhaps only the collector of garbage came by
            cpu_s = min(cpu_s, *(self.outcome_of(data)[1] for _ in range(2)))
            if cpu_s > allowed_s:
                self.violate("slow", data, f"{len(data)} bytes take {1000 * cpu_s:.0f} ms of CPU")
        self.slowest_s = max(self.slowest_s, cpu_s)
        self.taken += not outcome.startswith("!")
        self.outcomes[outcome] += 1
        is_new = self.outcomes[outcome] == 1 and len(self.corpus) < CORPUS_MAX
        if len(data) <= SLOW_BYTES and (is_new or not self.warm):
            self.corpus.append(data)
            if not outcome.startswith("!"):
                self.good.append(data)

    def outcome_of(self, data: bytes) -> tuple[str, float]:
        start = time.thread_time()
        try:
            outcome = self.target.attempt(data)
        except self.target.declared as error:
            outcome = f"!{type(error).__name__} {_shape(str(error))}"
        except Exception as error:  # noqa: BLE001  # what is not declared is what this looks for
            outcome = f"!!{type(error).__name__}"
            at = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}"
            self.violate(where, data, f"{where}: {str(error)[:200]!r}")
        return outcome, time.thread_time() - start

    def violate(self, kind: str, data: bytes, text: str) -> None:
        """Keep the first, and the smallest, input of each kind of violation."""
        name = f"{self.target.name}-{hashlib.sha256(kind.encode()).hexdigest()[:8]}.input"
        file = self.keep / re.sub(r"[^\w.-]", "_", name)
        if kind in self.violations and (not file.exists() or file.stat().st_size <= len(data)):
            return
        shown = ""
        if data:
            self.keep.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            shown = f" [{data[:60]!r}{'...' if len(data) > 60 else ''}, kept as {file.name}]"
        self.violations[kind] = f"{self.target.name}: {text}{shown}"


def _shape(text: str) -> str:
    """An error's text without what differs from input to input."""
    return re.sub(r"'[^']*'|`[^`]*`|\"[^\"]*\"|[0-9a-f]{2}( [0-9a-f]{2})+|\d+", "_", text)[:100]


def _memory(field: str) -> int:
    with open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(field.encode()):
                return int(line.split()[1]) * 1024
    return 0


def _forget_peak() -> None:
    """From now on VmHWM is the peak since now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # then the peak is of the whole process: too strict only for the first of many
