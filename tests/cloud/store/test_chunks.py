"""Buckets are worked out in parts of bounded size; every bucket exactly once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cloud.store import rollup
from cloud.store.rollup import BUCKET_MS, HOUR_MS, Buckets, chunks


@given(st.sets(st.tuples(st.integers(0, 30), st.integers(0, 400)), max_size=200), st.integers(1, 40))
def test_parts_hold_every_bucket_once_and_are_bounded(pairs: set[tuple[int, int]], most: int) -> None:
    ordered = sorted(pairs)
    buckets = Buckets(
        np.array([series for series, _ in ordered], np.int32),
        np.array([place * BUCKET_MS for _, place in ordered], np.int64),
    )
    before = rollup.BUCKETS_PER_CHUNK
    rollup.BUCKETS_PER_CHUNK = most
    try:
        parts = list(chunks(buckets))
    finally:
        rollup.BUCKETS_PER_CHUNK = before
    found = [
        pair for part in parts for pair in zip(part.series.tolist(), (part.start // BUCKET_MS).tolist(), strict=True)
    ]
    assert sorted(found) == ordered
    assert len(found) == len(set(found))
    for part in parts:
        assert 0 < len(part.series) <= most
        assert part.start.max() - part.start.min() <= 24 * HOUR_MS
