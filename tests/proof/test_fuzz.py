"""Every decoder takes some hundred changed inputs; ``python -m tests.proof.fuzz --level soak`` takes 100,000."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from protocols.errors import BadPayload
from tests.proof.fuzz import targets
from tests.proof.fuzz_engine import Target, fuzz
from tests.proof.mutate import change_bytes

INPUTS = 300
PATIENCE = 5.0
"""A loaded machine is slower; what takes quadratic time is found all the same."""


def test_every_decoder_keeps_its_word(tmp_path: Path) -> None:
    violations: list[str] = []
    for target in targets(tmp_path):
        violations += fuzz(target, int(INPUTS * target.share), 1, tmp_path / "inputs", patience=PATIENCE).violations
    assert violations == []


def planted(name: str, attempt) -> Target:
    return Target(name, [b"good 1", b"bad"], change_bytes, attempt, (BadPayload,))


def refuses_bad(data: bytes) -> None:
    if not data.startswith(b"good"):
        raise BadPayload("bad")


def swallows(data: bytes) -> str:
    refuses_bad(data)
    if b"0" in data:
        raise KeyError("nobody declared this")
    return "good"


def dawdles(data: bytes) -> str:
    refuses_bad(data)
    if len(data) > 40:
        sum(range(6_000_000))
    return "good"


def hoards(data: bytes, hoard: list[bytes] = []) -> str:  # noqa: B006  # what it keeps is the fault
    refuses_bad(data)
    hoard.append(random.randbytes(4_000_000))
    return "good"


def guzzles(data: bytes) -> str:
    refuses_bad(data)
    return "long" if len(data) > 6 and len(b"\1" * (100 << 20)) > 0 else "short"


def takes_nothing(data: bytes) -> str:
    raise BadPayload("all of it")


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (swallows, "KeyError"),
        (dawdles, "ms of CPU"),
        (hoards, "grew by"),
        (guzzles, "while they are read"),
        (takes_nothing, "tried nothing"),
    ],
)
def test_a_decoder_that_breaks_its_word_is_found(attempt, says: str, tmp_path: Path) -> None:
    tried = fuzz(planted(says, attempt), 120, 1, tmp_path)
    assert any(says in text for text in tried.violations), tried


def test_the_same_seed_makes_the_same_inputs(tmp_path: Path) -> None:
    seen: list[list[bytes]] = [[], [], []]
    for place, seed in enumerate((1, 1, 2)):

        def attempt(data: bytes, place: int = place) -> str:
            seen[place].append(data)
            refuses_bad(data)
            return "good"

        fuzz(planted("n", attempt), 100, seed, tmp_path)
    assert seen[0] == seen[1] != seen[2]
