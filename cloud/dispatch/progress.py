"""A request moves on by itself when its resource does: under way when it leaves, arrived when it is there.

A position counts when it is newer than the assignment and certain enough. Buttons do the same and are never undone.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from cloud.assets.contract import AssetKey, Resources, ResourceState
from cloud.dispatch.contract import TravelRow
from cloud.dispatch.request import SENT, Request
from cloud.dispatch.settings import DispatchSettings
from cloud.geo.earth import Spot, distance_m

ACCURACY_MAX_M = 50.0
EARLY_MS = 30 * 60_000
"""So long before a booked window a vehicle at the place is there for the request; before, it is there by chance."""


class Step(NamedTuple):
    """What to do with a request: ``start`` or ``arrive``, and where and when it was seen (ms)."""

    request: Request
    action: str
    at: int
    spot: Spot


class Progress:
    """Looks at positions; the caller acts."""

    def __init__(
        self,
        resources: Resources,
        settings_of: Callable[[str], DispatchSettings],
        hour_of: Callable[[str, int], int],
    ) -> None:
        self._resources, self._settings_of, self._hour_of = resources, settings_of, hour_of
        self._left: dict[str, int] = {}
        """When the resource of a request (entity) left, by position."""

    def look(self, requests: Iterable[Request], now: int) -> list[Step]:
        """What positions say of the requests that somebody was sent to."""
        sent = [each for each in requests if each.status in ("assigned", "under_way") and each.kind in SENT]
        states: dict[tuple[str, str], dict[AssetKey, ResourceState]] = {}
        busy = {each.assigned.resource for each in sent if each.assigned and each.status == "under_way"}
        found = []
        for request in sent:
            kind = SENT[request.kind]
            if (request.site, kind) not in states:
                known = self._resources.states(request.site, kind)
                states[request.site, kind] = {state.key: state for state in known}
            step = self._step(request, states[request.site, kind], busy, now)
            if step is not None:
                found.append(step)
        return found

    def journey(self, step: Step) -> TravelRow | None:
        """What an arrival teaches; None when nobody saw it leave. Called once per step that was done."""
        request = step.request
        if step.action == "start":
            self._left[request.entity] = step.at
            return None
        left = self._left.pop(request.entity, None)
        stood = request.assigned.stood.spot if request.assigned and request.assigned.stood else None
        place = request.origin.spot
        if left is None or stood is None or place is None:
            return None
        return TravelRow(
            site=request.site,
            kind=SENT[request.kind],
            at=step.at,
            hour=self._hour_of(request.site, left),
            straight_m=distance_m(stood, place),
            road_m=None,
            travel_s=(step.at - left) / 1000,
            source="request",
        )

    def _step(self, request: Request, states: dict[AssetKey, ResourceState], busy: set[str], now: int) -> Step | None:
        assigned = request.assigned
        key = AssetKey.of_entity(assigned.resource) if assigned else None
        state = states.get(key) if key else None
        if assigned is None or state is None or state.spot is None or state.observed_at is None:
            return None
        if state.observed_at <= assigned.at or (state.accuracy_m or 0.0) > ACCURACY_MAX_M:
            return None
        if request.status == "assigned" and assigned.resource in busy:
            return None
        if request.tier != "real_time" and now < min(assigned.since, request.window.earliest - EARLY_MS):
            return None
        radius = self._settings_of(request.site).arrival_radius_m
        place = request.origin.spot
        if place is not None and distance_m(state.spot, place) <= radius:
            return Step(request, "arrive", state.observed_at, state.spot)
        stood = assigned.stood.spot if assigned.stood else None
        if request.status == "assigned" and stood is not None and distance_m(state.spot, stood) > radius:
            return Step(request, "start", state.observed_at, state.spot)
        return None
