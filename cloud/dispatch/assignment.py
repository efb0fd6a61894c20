"""The cheapest way to give each request at most one resource, or nobody. The only file that knows SciPy.

Each request has a column of its own beside the resources: "leave it waiting", at its own price. So there is always a
solution, pairs that cannot be are simply dear beyond everything, and no infinity ever reaches the solver.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DENSE_MAX = 1000
"""More requests or resources than that, and only the nearest of each request are looked at."""
NEAREST = 64
STEP = 1e-6
"""Costs are rounded to this many minutes: what differs by less is the same, on every machine."""


class Solvers(NamedTuple):
    """What of SciPy is used here; it ships no types."""

    linear_sum_assignment: Any
    csr_array: Any
    min_weight_full_bipartite_matching: Any


@cache
def solvers() -> Solvers:
    """SciPy, imported when first asked for: a second of the collector's start that only dispatch needs."""
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]
    from scipy.sparse import csr_array  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching  # type: ignore[import-untyped]

    return Solvers(linear_sum_assignment, csr_array, min_weight_full_bipartite_matching)


class Assignment(NamedTuple):
    """``chosen``: per request (row) the column of its resource, -1 to wait. ``pruned``: some pairs were left out."""

    chosen: list[int]
    cost: float
    pruned: bool


def assign(cost: Floats, feasible: Bools, waiting: Floats, *, dense_max: int = DENSE_MAX) -> Assignment:
    """The assignment of least total cost. Costs are finite and not negative where feasible; rows and columns in order.

    Exact up to ``dense_max`` requests and resources. Above, each request looks at its ``NEAREST`` cheapest resources;
    with at most so many requests that is exact, too.
    """
    jobs, resources = cost.shape
    if jobs == 0:
        return Assignment([], 0.0, pruned=False)
    rounded = np.round(np.where(feasible, cost, 0.0) / STEP) * STEP
    pruned = max(jobs, resources) > dense_max
    columns = _sparse(rounded, feasible, waiting) if pruned else _dense(rounded, feasible, waiting)
    chosen = [int(column) if column < resources else -1 for column in columns]
    paid = sum(cost[row, column] if column >= 0 else waiting[row] for row, column in enumerate(chosen))
    return Assignment(chosen, float(paid), pruned=pruned and jobs > NEAREST)


def _dense(cost: Floats, feasible: Bools, waiting: Floats) -> npt.NDArray[np.int64]:
    jobs, resources = cost.shape
    never = 1.0 + float(waiting.sum()) + float(cost.max(initial=0.0))
    table = np.full((jobs, resources + jobs), never)
    table[:, :resources] = np.where(feasible, cost, never)
    table[np.arange(jobs), resources + np.arange(jobs)] = waiting
    rows, columns = solvers().linear_sum_assignment(table)
    found = np.full(jobs, resources, np.int64)
    found[rows] = columns
    return found


def _sparse(cost: Floats, feasible: Bools, waiting: Floats) -> npt.NDArray[np.int64]:
    """Sparse matching drops zeros, so every edge costs one more; all solutions have equally many."""
    jobs, resources = cost.shape
    kept = min(NEAREST, resources)
    shown = np.where(feasible, cost, np.inf)
    near = np.argsort(shown, axis=1, kind="stable")[:, :kept]
    rows = np.repeat(np.arange(jobs), kept)
    columns = near.ravel()
    possible = feasible[rows, columns]
    rows, columns = rows[possible], columns[possible]
    weights = np.concatenate([cost[rows, columns], waiting]) + 1.0
    rows = np.concatenate([rows, np.arange(jobs)])
    columns = np.concatenate([columns, resources + np.arange(jobs)])
    graph = solvers().csr_array((weights, (rows, columns)), shape=(jobs, resources + jobs))
    matched, partners = solvers().min_weight_full_bipartite_matching(graph)
    found = np.full(jobs, resources, np.int64)
    found[matched] = partners
    return found
