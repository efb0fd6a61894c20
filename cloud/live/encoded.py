"""Entities as JSON, kept while they do not change: a snapshot for one more reader costs little."""

from collections.abc import AsyncIterator, Collection

import msgspec

from cloud.live.entities import Entity
from cloud.live.state import LiveState
from protocols.clock import Clock

ENCODED_AT_ONCE = 25
"""Encoding so many takes a third of a millisecond; then card events may pass."""
KEPT_AT_ONCE = 500


class EncodedEntities:
    """Gives each entity of live state as JSON."""

    def __init__(self, live: LiveState, clock: Clock) -> None:
        self.encoded = 0
        """How many had to be encoded so far."""
        self._live, self._clock = live, clock
        self._encoder = msgspec.json.Encoder()
        self._kept: dict[int, tuple[Entity, int, bytes]] = {}

    async def all(
        self, kind: str | None = None, site: str | None = None, sites: Collection[str] | None = None
    ) -> AsyncIterator[bytes]:
        """Those shown now, of a kind, a site or several ``sites``; in small steps, so that others get their turn."""
        load = 0
        for entity in self._live.shown():
            if kind not in (None, entity.kind) or site not in (None, entity.site):
                continue
            if sites is not None and entity.site not in sites:
                continue
            if entity.index in self._live.removed:
                continue  # while others had their turn
            before = self.encoded
            yield self.one(entity)
            load += KEPT_AT_ONCE // ENCODED_AT_ONCE if self.encoded > before else 1
            if load >= KEPT_AT_ONCE:
                load = 0
                await self._clock.sleep(0)

    def one(self, entity: Entity) -> bytes:
        """The entity as it is now."""
        kept = self._kept.get(entity.index)
        settled = self._settled(entity)
        if settled and kept is not None and kept[0] is entity and kept[1] == entity.rev:
            return kept[2]
        text = self._encoder.encode(self._live.views.view(entity))
        self.encoded += 1
        if settled:
            self._kept[entity.index] = (entity, entity.rev, text)
        return text

    def _settled(self, entity: Entity) -> bool:
        """Whether every change of it has raised its rev. What a gateway counts changes without."""
        if entity.is_gateway or entity.index in self._live.dirty:
            return False
        return not entity.series or not self._live.values.pending[list(entity.series.values())].any()
