"""Things that features show beside devices and gateways: vehicles, rooms, guards, requests, visitors."""

from collections.abc import Callable, Mapping

from cloud.live.entities import new_thing
from cloud.live.state import LiveState
from cloud.live.state_log import StateLog


class Things:
    """Puts things into live state, from where they go out as all entities do. See ``cloud.assets.contract.Shown``.

    told_by: the gateways that news of a thing come through, by its name; shown as its attribute ``gateways``.
    """

    def __init__(self, live: LiveState, state_log: StateLog | None = None) -> None:
        self._live, self._log = live, state_log
        self.told_by: Callable[[str], list[str]] = lambda name: []

    def show(
        self,
        name: str,
        kind: str,
        site: str,
        *,
        title: str,
        attributes: Mapping[str, object],
        observed_at: int | None = None,
        received_at: int | None = None,
        quality: str = "good",
        stale_after_s: float | None = None,
        urgent: bool = False,
    ) -> None:
        """Show a thing, or change what is shown of it. ``name`` is ``site/kind:id``; attributes not named stay.

        stale_after_s None: it does not age. urgent: the change is not held back to keep this entity's rate low.
        """
        entity = self._live.find(name)
        if entity is None:
            entity = new_thing(self._free_index(), name, kind, site)
            self._live.add(entity)
        renamed = (entity.name, entity.stale_after_s) != (title, stale_after_s)
        if renamed:
            entity.name, entity.stale_after_s, entity.renamed = title, stale_after_s, True
        renamed |= entity.quality != quality
        before = (entity.observed_at, entity.received_at, entity.quality)
        entity.observed_at, entity.received_at, entity.quality = observed_at, received_at, quality
        gateways = self.told_by(name)
        if gateways or "gateways" in entity.attributes:
            attributes = {**attributes, "gateways": gateways}
        news = [attribute for attribute, value in attributes.items() if entity.put(attribute, value)]
        changed = bool(news) or entity.renamed or before != (observed_at, received_at, quality)
        if self._log is not None and (news or renamed):
            self._log.shown(entity, news, renamed=renamed)
        if changed:
            self._live.dirty.add(entity.index)
            if urgent:
                self._live.urgent.add(entity.index)
            self._live.on_change()

    def hide(self, name: str) -> None:
        """Show a thing no longer. No error when it was not shown."""
        entity = self._live.find(name)
        if entity is not None and self._log is not None:
            self._log.hidden(entity)
        self._live.take_out(name)
        self._live.on_change()

    def _free_index(self) -> int:
        """The place of a thing that is gone, or a new one. Devices keep theirs, as their series name it."""
        live = self._live
        for index in live.removed:
            if live.entities[index].device is None:
                live.removed.discard(index)
                return index
        return len(live.entities)
