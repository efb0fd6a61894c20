"""A disk that fails at some call: what was told durable is there afterwards, whole and once.

Here a part of the calls; ``python -m tests.proof.io_errors --level soak`` takes every one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof import faulty_io
from tests.proof.faulty_io import Ran
from tests.proof.io_errors import KILLED, Case, calls_of, judge, sweep

CASES = 8
DEATHS = 6


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faulty_io.build(tmp_path_factory.mktemp("faulty-io"))


@pytest.mark.parametrize("session", ["buffer", "store"])
def test_no_promise_is_broken_by_a_call_that_fails(library: Path, session: str, tmp_path: Path) -> None:
    calls = calls_of(library, session, tmp_path)
    shapes = [(1, "EIO"), (5, "ENOSPC"), (3, "EROFS"), (12, "EIO")]
    spread = [1 + round(place * (calls - 1) / (CASES - 1)) for place in range(CASES)]
    done = sweep(
        library, session, tmp_path, [Case(first, *shapes[place % len(shapes)]) for place, first in enumerate(spread)]
    )
    assert done.violations == []
    assert done.met >= CASES // 2, "the faults must have been met"
    assert done.promises >= CASES * 10


@pytest.mark.parametrize("session", ["buffer", "store"])
def test_no_promise_is_broken_by_a_death_in_the_middle_of_a_call(library: Path, session: str, tmp_path: Path) -> None:
    calls = calls_of(library, session, tmp_path)
    spread = [1 + round(place * (calls - 1) / (DEATHS - 1)) for place in range(DEATHS)]
    done = sweep(library, session, tmp_path, [Case(first, 1, KILLED) for first in spread])
    assert done.violations == []
    assert done.cases == DEATHS
    assert done.promises > DEATHS


def test_a_commit_that_failed_and_is_there_all_the_same_is_not_written_twice(library: Path, tmp_path: Path) -> None:
    """The log was written, its sync failed, and so did cutting it back: opening the file again brings the commit."""
    done = sweep(library, "store", tmp_path, [Case(first, 5, "ENOSPC") for first in range(11, 15)])
    assert done.violations == []
    assert done.met == 4


def test_the_judge_sees_what_is_gone_doubled_or_wrong() -> None:
    told = Ran(0, ["kept e 1", "kept e 2", "releasing e 1", "session 4"], "", 9)
    assert judge(told, ["found e 2", "session 5"]) == []
    assert judge(told, ["session 5"]) == ["e 2 was told durable and is gone"]
    assert judge(told, ["found e 2", "found e 2", "session 5"]) == ["something is there twice"]
    assert judge(told, ["found e 2", "session 4"]) == ["session numbers [4, 4] do not grow"]
    assert judge(told, ["found e 2", "wrong batch", "session 5"]) == ["wrong batch"]
    assert judge(Ran(1, [], "Traceback\nOSError: no", 1), []) == ["the session ended with 1: ['OSError: no']"]
