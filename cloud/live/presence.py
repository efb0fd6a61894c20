"""Whether a gateway is online, by session number.

A broker publishes the will of a broken session when it notices, which may be long after the gateway came back on a
new one. So an offline counts only for the newest session that was heard of; a birth or an online always counts, as
only a living gateway says them (a new card in the gateway starts again at session 1).
"""

from dataclasses import dataclass

from cloud.store.contract import GatewayKey


@dataclass(slots=True)
class _Link:
    session: int
    online: bool
    heard_at: int


class Presence:
    """Sessions of all gateways."""

    def __init__(self) -> None:
        self._links: dict[GatewayKey, _Link] = {}

    def born(self, key: GatewayKey, session: int, at: int, *, retained: bool) -> None:
        """A birth begins a session. A retained one tells the session's number but not that it still lives."""
        link = self._links.get(key)
        if link is None:
            self._links[key] = _Link(session, not retained, at)
        elif not retained:
            self._links[key] = _Link(session, True, at)
        elif session > link.session:
            # Retained births and statuses arrive in any order: an offline of before this session says nothing of it.
            self._links[key] = _Link(session, link.online, at)

    def status(self, key: GatewayKey, session: int, at: int, *, online: bool) -> bool:
        """Take a status; False when it is the late will of an older session, which says nothing."""
        link = self._links.get(key)
        if not online and link is not None and session < link.session:
            return False
        self._links[key] = _Link(session, online, at)
        return True

    def heard(self, key: GatewayKey, at: int) -> None:
        """Something else came from the gateway (a batch)."""
        link = self._links.get(key)
        if link is not None:
            link.heard_at = max(link.heard_at, at)

    def online(self, key: GatewayKey) -> bool:
        """What was said last; False for a gateway that never said anything."""
        link = self._links.get(key)
        return link is not None and link.online

    def heard_at(self, key: GatewayKey) -> int | None:
        """When the collector last heard from the gateway, ms; None for never."""
        link = self._links.get(key)
        return link.heard_at if link else None
