"""Which values are due to be published, and when: on change, not too often, and often enough not to expire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge.northbound.current import Current, Key
from edge.northbound.home_entities import Entity, HomeDevice
from protocols.clock import Clock
from protocols.reading import Reading

REPEAT_S = 300.0
"""A value that never goes stale is said again so often: Home Assistant may have missed it."""
REFRESH_SHARE = 3.0
"""A value that expires is said again when this part of its time is over."""


class _Said:
    __slots__ = ("at", "entity", "payload", "wanted")

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.payload: str | None = None
        self.at = 0.0
        self.wanted = False


class HomeValues:
    """Bounded by the entities of the site: of each, only the newest value waits."""

    def __init__(self, devices: Iterable[HomeDevice], current: Current, clock: Clock, every_s: float) -> None:
        self._current, self._clock, self._every_s = current, clock, every_s
        self._said = [_Said(entity) for device in devices for entity in device.entities if entity.points]
        self._of: dict[Key, _Said] = {}
        entities = [(device.object_id, entity) for device in devices for entity in device.entities if entity.points]
        for (device, entity), said in zip(entities, self._said, strict=True):
            for point in entity.points:
                self._of[(device, point)] = said
        self.unknown_points = 0
        self.late = 0

    @property
    def waiting(self) -> int:
        """Values that are not published yet."""
        return sum(said.wanted for said in self._said)

    def take(self, readings: Iterable[Reading]) -> None:
        """Readings in the order of the pipeline."""
        for reading in readings:
            key = (reading.device, reading.point)
            if key not in self._of:
                self.unknown_points += 1
            elif self._current.take(reading):
                self._of[key].wanted = True
            else:
                self.late += 1

    def forget(self) -> None:
        """Nobody remembers what was said: say everything again that is known."""
        for said in self._said:
            said.wanted = said.wanted or said.payload is not None
            said.payload = None

    def due(self) -> Iterator[tuple[str, str]]:
        """(topic, payload) of what is to be published now. What is taken counts as said."""
        for key in self._current.gone_stale():
            self._of[key].wanted = True
        now = self._clock.monotonic()
        for said in self._said:
            entity = said.entity
            if not said.wanted:
                repeats = not entity.limit_s and said.payload is not None and now - said.at >= REPEAT_S
                if not repeats:
                    continue
            payload = entity.render(self._current)
            if not payload or not self._is_due(said, payload, now):
                continue
            said.payload, said.at, said.wanted = payload, now, False
            yield entity.topic, payload

    def _is_due(self, said: _Said, payload: str, now: float) -> bool:
        if said.payload is None or payload == said.entity.nothing:
            said.wanted = said.wanted and payload != said.payload
            return payload != said.payload
        limit_s = said.entity.limit_s
        since_s = now - said.at
        if payload == said.payload:
            said.wanted = False
            return since_s >= (limit_s / REFRESH_SHARE if limit_s else REPEAT_S)
        # A value that changed too soon stays wanted: the newest one is said when its time has come.
        return since_s >= (min(self._every_s, limit_s / REFRESH_SHARE) if limit_s else self._every_s)
