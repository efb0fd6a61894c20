"""Damaged files of every kind: the start is never stopped, nothing altered is handed out, losses are told.

Here each harm on each file about once; ``python -m tests.proof.corruption --level soak`` takes a thousand.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.proof.corrupt_files import MAKES
from tests.proof.corruption import Case, prove, try_case

COUNTS = {"buffer": 10, "store": 6, "registry": 5, "settings": 5, "card key": 5, "client id": 5}


@pytest.mark.parametrize("file", COUNTS)
def test_a_damaged_file_stops_nothing_and_losses_are_told(file: str, tmp_path: Path) -> None:
    done = prove(file, COUNTS[file], random.Random(11), tmp_path)
    assert [text for each in done for text in each.violations] == []
    assert len(done) == COUNTS[file]


@pytest.mark.parametrize(
    "case",
    [
        Case("client id", "broker-client-id", "zero_a_page", 345496884),
        Case("client id", "broker-client-id", "scribble", 673472152),
        Case("store", "readings.duckdb", "flip", 581072402),
        Case("store", "readings.duckdb", "swap_pages", 587694362),
        Case("store", "readings.duckdb.wal", "zero_a_page", 536247620),
        Case("store", "readings.duckdb.wal", "swap_pages", 885403044),
        Case("store", "readings.duckdb.wal", "flip", 999933405),
    ],
)
def test_what_was_found_once_stays_mended(case: Case, tmp_path: Path) -> None:
    """A damaged client id ended every start of the collector; a bit in the upkeep's notes ended the upkeep.

    Where an entry's length in the log was damaged, DuckDB dropped the rest without a word. Of two pages of a block
    in each other's place its checksum says nothing, but unpacking them may fail: nobody took that for damage.
    """
    source = tmp_path / "source"
    source.mkdir()
    MAKES[case.file](source)
    assert try_case(case, source, tmp_path).violations == []
