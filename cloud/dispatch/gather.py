"""From requests, assets, states and orders to the problem that is solved."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cloud.assets.contract import Asset, AssetKey, Booked, Calendar, Resources, ResourceState, Roster
from cloud.dispatch.eta import TravelTimes
from cloud.dispatch.orders import OrderBook
from cloud.dispatch.problem import Candidate, Job
from cloud.dispatch.request import SENT, Request
from cloud.dispatch.settings import DispatchSettings

BOARDING_S = 120.0
OVERDUE_MS = 120_000
"""Work that should have ended is believed to end so soon."""
TIER_WEIGHT = {"real_time": 3.0, "4h": 1.5, "24h": 1.0}
EMERGENCY_WEIGHT = 5.0


class Ground(NamedTuple):
    """What the problem is gathered from."""

    roster: Roster
    resources: Resources
    orders: OrderBook
    calendar: Calendar
    travel: TravelTimes
    settings_of: Callable[[str], DispatchSettings]
    taken: Callable[[str], Sequence[Booked]]
    """Bookings of the rooms of a site, by their beginning."""
    suggested: Callable[[str], str]
    """Resource (entity) that was suggested last for a request (entity); empty for none."""


def work_s(request: Request, travel: TravelTimes, at: int) -> float:
    """From arriving to being free again: what the requester said, or boarding, the way there, waiting, and back."""
    kind = SENT.get(request.kind, "")
    start, end = request.origin.spot, request.to.spot if request.to else None
    asked = request.duration_min * 60.0
    if kind != "vehicle" or start is None or end is None:
        return asked
    there = travel.estimate(request.site, kind, start, end, at).seconds
    ways = 2 if request.round_trip else 1
    return max(asked, BOARDING_S + there * ways + request.waiting_min * 60.0)


def job_of(request: Request, ground: Ground, now: int) -> Job:
    """The request as the matching sees it."""
    weight = TIER_WEIGHT[request.tier] * (1 + (3 - request.priority) * 0.2)
    if request.emergency:
        weight *= EMERGENCY_WEIGHT
    locked = request.assigned.resource if request.assigned and request.assigned.locked else ""
    back = request.round_trip or request.to is None
    return Job(
        id=request.entity,
        number=request.number,
        kind=SENT.get(request.kind, ""),
        tier=request.tier,
        spot=request.origin.spot,
        end=request.origin.spot if back or request.to is None else request.to.spot,
        created_at=request.created_at,
        earliest=now if request.tier == "real_time" else max(now, request.window.earliest),
        latest=request.window.latest,
        work_s=work_s(request, ground.travel, now),
        seats=max(request.demand.seats, request.passengers if request.kind in ("vehicle", "room") else 0),
        vehicle_class=request.demand.vehicle_class if request.kind == "vehicle" else "",
        skills=frozenset(request.demand.skills),
        weight=weight,
        before=ground.suggested(request.entity),
        locked_to=locked,
    )


def candidates_of(
    site: str, kind: str, ground: Ground, now: int, jobs: Sequence[Job], *, leave_out: str = ""
) -> list[Candidate]:
    """All resources of a kind, for these jobs. ``leave_out``: a request whose own work does not count: it is moved."""
    begins = sorted({job.earliest for job in jobs})
    states = {state.key: state for state in ground.resources.states(site, kind)}
    day = ground.calendar.day_of(site, now)
    taken: dict[AssetKey, list[Booked]] = {}
    for booking in ground.taken(site) if kind == "room" else ():
        taken.setdefault(booking.resource, []).append(booking)
    return [
        candidate_of(asset, states.get(asset.key), ground, now, day, leave_out=leave_out)._replace(
            off_shift=_off_shift(asset, begins, ground.calendar), taken=tuple(taken.get(asset.key, ()))
        )
        for asset in ground.roster.all(kind, site)
    ]


def candidate_of(
    asset: Asset, state: ResourceState | None, ground: Ground, now: int, day: tuple[int, int], *, leave_out: str = ""
) -> Candidate:
    """One resource with the work it has. Without a state it is taken to stand where it belongs, available."""
    settings = ground.settings_of(asset.key.site)
    works = [work for work in ground.orders.open_of(asset.key) if work.request != leave_out]
    current = [work for work in works if work.status in ("under_way", "arrived") or work.since <= now]
    later = tuple(work for work in works if work not in current)
    spot = state.spot if state is not None and state.spot is not None else asset.spot
    free_at: int | None = now
    for work in current:
        free_at = max(free_at or now, work.until if work.until > now else now + OVERDUE_MS)
        spot = work.to or spot
    doing = state.state if state is not None else "available"
    if doing in ("on_trip", "busy") and not current:
        free_at = None
    today = ground.orders.of(asset.key, *day)
    moves = asset.key.kind != "room"
    return Candidate(
        key=asset.key,
        name=asset.name,
        state=doing,
        spot=spot,
        free_at=free_at,
        booked=later,
        locked=frozenset(work.request for work in later if work.request in ground.orders.locked),
        seats=int(asset.number("seats" if moves else "capacity")),
        vehicle_class=asset.text("class"),
        skills=frozenset(asset.texts("skills")),
        load=sum(1 for work in today if work.request != leave_out),
        worked_s=worked_s(ground.orders.of(asset.key, now - 86_400_000, now), free_at or now, settings.rest_s),
        out_of_service=_out_of_service(asset, now),
        driver=asset.text("driver"),
        phone=asset.text("driver_phone") or asset.text("phone"),
        here=state.spot if state is not None else None,
        moves=moves,
    )


def worked_s(works: Sequence[Booked], until: int, rest_s: float) -> float:
    """How long somebody has worked up to ``until`` without a rest of ``rest_s``; 0 when rested."""
    worked, end = 0.0, -math.inf
    for work in works:
        finish = min(work.until, until)
        if work.since - end >= rest_s * 1000:
            worked = 0.0
        worked += max(0.0, finish - max(work.since, end)) / 1000
        end = max(end, finish)
    return 0.0 if until - end >= rest_s * 1000 else worked


def _off_shift(asset: Asset, begins: Sequence[int], calendar: Calendar) -> frozenset[int]:
    shift = asset.texts("shift")
    return frozenset(at for at in begins if not calendar.within(asset.key.site, at, shift)) if shift else frozenset()


def _out_of_service(asset: Asset, now: int) -> str:
    until = asset.number("out_of_service_until")
    return asset.text("out_of_service") if not until or until > now else ""
