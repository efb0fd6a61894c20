"""What dispatch has given to whom: the work of every resource, of now, of later, and of the last days."""

from collections import defaultdict
from collections.abc import Sequence

from cloud.assets.contract import AssetKey, Booked
from cloud.dispatch.request import AT_WORK, Request
from cloud.geo.earth import Spot

KEPT_MS = 8 * 86_400_000
"""Ended work is remembered so long: late positions of that time are still judged by it."""


class OrderBook:
    """Answers from RAM. See ``cloud.assets.contract.Orders``."""

    def __init__(self) -> None:
        self.locked: set[str] = set()
        """Requests (entities) whose resource a dispatcher locked."""
        self._of: defaultdict[AssetKey, dict[str, Booked]] = defaultdict(dict)
        self._holder: dict[str, AssetKey] = {}

    def take(self, request: Request) -> None:
        """The request is new or has changed. What was under way and was taken from a resource ended with that; what was
        cancelled covered what was done until then: a day worked out anew must not find it driven without an order."""
        self.locked.discard(request.entity)
        if request.open and request.assigned is not None and request.assigned.locked:
            self.locked.add(request.entity)
        before = self._holder.get(request.entity)
        key = AssetKey.of_entity(request.assigned.resource) if request.assigned else None
        if before is not None and before != key:
            self._of[before].pop(request.entity, None)
            del self._holder[request.entity]
        if key is None or request.assigned is None:
            return
        if request.status not in AT_WORK and request.ended_at is None:
            self._of[key].pop(request.entity, None)
            return
        self._holder[request.entity] = key
        until = request.assigned.until if request.ended_at is None else request.ended_at
        self._of[key][request.entity] = Booked(
            request=request.entity,
            resource=key,
            since=min(request.assigned.since, until),
            until=until,
            to=_last_place(request),
            to_name=(request.to or request.origin).name,
            unit=request.requester.unit,
            driver=request.assigned.driver,
            status=request.status if request.ended_at is None else "done",
        )

    def forget(self, before: int) -> None:
        """Leave out work that ended before that instant."""
        for key, works in list(self._of.items()):
            for entity, work in list(works.items()):
                if work.status == "done" and work.until < before:
                    del works[entity]
                    self._holder.pop(entity, None)
            if not works:
                del self._of[key]

    def of(self, resource: AssetKey, since: int, until: int) -> Sequence[Booked]:
        """Work that overlaps [since, until), also what ended, by its beginning. What is under way has no end yet."""
        found = [
            work
            for work in self._of.get(resource, {}).values()
            if work.since < until and (work.until > since or work.status in ("under_way", "arrived"))
        ]
        return sorted(found, key=lambda work: (work.since, work.request))

    def open_of(self, resource: AssetKey) -> Sequence[Booked]:
        """Work that has not ended, by its beginning."""
        found = [work for work in self._of.get(resource, {}).values() if work.status != "done"]
        return sorted(found, key=lambda work: (work.since, work.request))


def _last_place(request: Request) -> Spot | None:
    """Where the resource is free again."""
    if request.round_trip or request.to is None:
        return request.origin.spot
    return request.to.spot
