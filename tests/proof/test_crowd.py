"""A crowd that holds the collector's connections keeps neither people nor gateways out; longer in ``make soak``."""

from __future__ import annotations

from pathlib import Path

from tests.proof.crowd import Size, play

SIZE = Size(8)
"""More than the collector takes at once. How quick the answers are is for a machine with nothing else to do."""


async def test_a_crowd_that_says_nothing_speaks_slowly_or_never_reads_keeps_nobody_out(tmp_path: Path) -> None:
    ran = await play(SIZE, 1, tmp_path / "crowd")
    assert ran.wrong == []
    assert not ran.refused
    assert ran.asked_s
    assert ran.acked_s
    assert ran.most > 512, "the crowd was not there"
