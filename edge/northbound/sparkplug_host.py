"""What is known of the primary host of a Sparkplug node, from its STATE messages on one connection."""

from __future__ import annotations

import logging

from protocols.errors import BadPayload
from protocols.sparkplug_names import parse_state

log = logging.getLogger(__name__)


class PrimaryHost:
    """``name`` "" means that none is configured; then it is neither online nor offline."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.word = "not heard"
        self._at: int | None = None

    @property
    def is_online(self) -> bool:
        return self.word == "online"

    @property
    def is_offline(self) -> bool:
        return self.word == "offline"

    def forget(self) -> None:
        """A new connection, perhaps to another server: the first STATE there counts, whatever its time."""
        self.word, self._at = "not heard", None

    def hear(self, payload: bytes) -> None:
        """Take a STATE; one that is older than the last, or cannot be read, changes nothing."""
        try:
            state = parse_state(payload)
        except BadPayload as error:
            log.warning("sparkplug: STATE of %s is ignored: %s", self.name, error)
            return
        if self._at is not None and state.timestamp < self._at:
            log.warning("sparkplug: an old STATE of %s is ignored (%d before %d)", self.name, state.timestamp, self._at)
            return
        self._at = state.timestamp
        self.word = "online" if state.online else "offline"
