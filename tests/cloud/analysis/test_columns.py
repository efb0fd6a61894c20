"""Percentiles of columns are numpy's, holes and all."""

import numpy as np
import pytest

from cloud.analysis.columns import medians, percentiles


@pytest.mark.parametrize("seed", range(20))
def test_percentiles_are_those_of_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = rng.standard_normal((rng.integers(1, 12), 30))
    grid[rng.random(grid.shape) < rng.random()] = np.nan
    known = np.isfinite(grid).any(axis=0)
    wanted = (0, 10, 50, 90, 100)
    for share, found in zip(wanted, percentiles(grid, wanted), strict=True):
        assert np.allclose(found[known], np.nanpercentile(grid[:, known], share, axis=0))
        assert np.isnan(found[~known]).all()
    assert np.allclose(medians(grid)[known], np.nanmedian(grid[:, known], axis=0))
