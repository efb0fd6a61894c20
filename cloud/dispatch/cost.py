"""What it costs to send a resource to a request, in minutes, as a sum of terms that a dispatcher can read.

eta      minutes from now until it is there (waiting to be free included)
late     minutes beyond the window, times the weight of the request
empty    kilometres driven with nobody aboard
fair     work it was given today beyond what the least busy was given
switch   1 when something else was suggested for the request before
class    how much more it can than is needed: classes above, seats to spare, skills nobody asked for

Each is multiplied with its weight from the settings.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cloud.dispatch.feasible import arrivals, free_at
from cloud.dispatch.problem import Candidate, Job, rank_of
from cloud.dispatch.settings import Weights

Floats = npt.NDArray[np.float64]

TERMS = ("eta", "late", "empty", "fair", "switch", "class")
SPARE_SEATS = 4
"""So many empty seats are no waste: a car has them anyway."""


class Costs(NamedTuple):
    """Tables of jobs (rows) by candidates (columns); NaN where a place is not known."""

    terms: dict[str, Floats]
    """In minutes, weighted."""
    total: Floats
    eta_s: Floats
    """Seconds from now until it is there; for a booked request until it has travelled, not until the window."""
    metres: Floats
    arrival: Floats
    """Instants, ms."""


def costs(
    jobs: Sequence[Job],
    candidates: Sequence[Candidate],
    metres: Floats,
    travel_s: Floats,
    now: int,
    weights: Weights,
) -> Costs:
    """The cost of every pair, feasible or not."""
    arrival = arrivals(jobs, candidates, travel_s, now)
    latest = np.array([job.latest for job in jobs], np.float64)
    weight = np.array([job.weight for job in jobs], np.float64)
    free = np.array([free_at(each, now) for each in candidates], np.float64)
    eta_s = (free[None, :] - now) / 1000 + travel_s
    load = np.array([each.load for each in candidates], np.float64)
    busier = load - (load.min() if len(load) else 0.0)
    shape = (len(jobs), len(candidates))
    terms = {
        "eta": weights.eta * eta_s / 60,
        "late": weights.late * np.maximum(0.0, arrival - latest[:, None]) / 60_000 * weight[:, None],
        "empty": weights.empty * metres / 1000,
        "fair": weights.fair * np.broadcast_to(busier[None, :], shape),
        "switch": weights.switch * _switched(jobs, candidates),
        "class": weights.overqualified * _surplus(jobs, candidates),
    }
    total: Floats = np.zeros(shape)
    for term in terms.values():
        total = total + term
    return Costs(terms, total, eta_s, metres, arrival)


def waiting_costs(jobs: Sequence[Job], weights: Weights) -> Floats:
    """What it costs to send nobody now."""
    return np.array([weights.wait * job.weight for job in jobs], np.float64)


def _switched(jobs: Sequence[Job], candidates: Sequence[Candidate]) -> Floats:
    """1 for all but the one that was suggested before."""
    column_of = {each.key.entity: column for column, each in enumerate(candidates)}
    table = np.zeros((len(jobs), len(candidates)))
    for row, job in enumerate(jobs):
        if job.before:
            table[row] = 1.0
            if job.before in column_of:
                table[row, column_of[job.before]] = 0.0
    return table


def _surplus(jobs: Sequence[Job], candidates: Sequence[Candidate]) -> Floats:
    seats = np.array([each.seats for each in candidates], np.float64)
    need = np.array([job.seats for job in jobs], np.float64)
    spare = np.maximum(0.0, seats[None, :] - need[:, None] - SPARE_SEATS) / SPARE_SEATS
    skills = np.array([len(each.skills) for each in candidates], np.float64)
    asked = np.array([len(job.skills) for job in jobs], np.float64)
    able = np.maximum(0.0, skills[None, :] - asked[:, None]) * 0.2
    above = {
        wanted: np.array([_classes_above(wanted, each.vehicle_class) for each in candidates], np.float64)
        for wanted in {job.vehicle_class for job in jobs}
    }
    classes = np.array([above[job.vehicle_class] for job in jobs]).reshape(spare.shape)
    total: Floats = spare + able + classes
    return total


def _classes_above(wanted: str, has: str) -> float:
    low, high = rank_of(wanted), rank_of(has)
    return float(max(0, high - low)) if low is not None and high is not None else 0.0
