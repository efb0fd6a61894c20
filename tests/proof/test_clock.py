"""A clock that is set again and again: nothing is lost, doubled, out of order or at a time that nobody told.

Here a few series; ``python -m tests.proof.clock --level soak`` takes a thousand steps. Seeds that found something stay.
"""

from __future__ import annotations

import pytest

from tests.proof.clock import one_series


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(3, id="stamped by the clock before it fell to 1970, handed over after"),
        pytest.param(4, id="the clock becomes known while the newest readings are about to be sealed"),
        pytest.param(9, id="ended in a boot that had no time"),
    ],
)
def test_a_series_of_steps_loses_doubles_and_disorders_nothing(seed: int) -> None:
    series = one_series(seed)
    assert series.violations == []
    assert series.counts["steps"] >= 10
    assert series.counts["stored"] >= 100
    assert series.counts["steps told by the gateway"] >= 1
