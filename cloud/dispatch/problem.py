"""What the matching works on: jobs, candidates, and where they are. All of one site and one kind of resource."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud.assets.contract import AssetKey, Booked
from cloud.dispatch.request import Tier
from cloud.geo.earth import Spot

CARRIERS = ("sedan", "suv", "mpv", "van", "minibus", "bus")
"""Classes for people, the smaller first: a larger one may come where a smaller one was asked for."""


class Job(NamedTuple):
    """A request as the matching sees it. Instants in ms."""

    id: str
    number: str
    kind: str
    """Of the resource."""
    tier: Tier
    spot: Spot | None
    """Where the resource is needed; None for a place nobody knows on the map."""
    end: Spot | None
    """Where the resource is free again."""
    created_at: int
    earliest: int
    latest: int
    work_s: float
    """From arriving to being free again."""
    seats: int = 0
    vehicle_class: str = ""
    skills: frozenset[str] = frozenset()
    weight: float = 1.0
    """How much more its lateness and waiting count."""
    before: str = ""
    """Entity that was suggested for it last; changing that costs ``switch``."""
    locked_to: str = ""
    """Entity that a dispatcher locked it to."""


class Candidate(NamedTuple):
    """A resource as the matching sees it."""

    key: AssetKey
    name: str
    state: str
    spot: Spot | None
    """Where it is, or where it will be when free."""
    free_at: int | None
    """From when it can be sent; None when nobody can say."""
    booked: tuple[Booked, ...] = ()
    """Work of later, by its beginning."""
    taken: tuple[Booked, ...] = ()
    """Bookings of a room, by their beginning."""
    locked: frozenset[str] = frozenset()
    """Requests among ``booked`` that are locked to it."""
    seats: int = 0
    vehicle_class: str = ""
    skills: frozenset[str] = frozenset()
    load: int = 0
    """Work it was given today."""
    worked_s: float = 0.0
    """How long it has worked without a rest, up to when it is free."""
    off_shift: frozenset[int] = frozenset()
    """Beginnings of jobs (``earliest``) at which it is off duty."""
    out_of_service: str = ""
    driver: str = ""
    phone: str = ""
    here: Spot | None = None
    """Where it was seen last."""
    moves: bool = True
    """False for a room: nobody has to travel."""


def rank_of(vehicle_class: str) -> int | None:
    """Place among the classes for people; None for trucks and the like, which nothing else replaces."""
    return CARRIERS.index(vehicle_class) if vehicle_class in CARRIERS else None


def ordered_jobs(jobs: Sequence[Job]) -> list[Job]:
    """In an order that does not depend on how they came: ties between equal costs fall the same way every time."""
    return sorted(jobs, key=lambda job: (-job.weight, job.created_at, job.id))


def ordered_candidates(candidates: Sequence[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda each: each.key)
