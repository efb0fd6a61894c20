"""What one device told already: a reader that tells a tap three times, a bridge that repeats its cache, a packet that
came through several gateways. Events that only say the same again are taken out here."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from protocols.mqtt.message import Decoded
from protocols.reading import Event, Scalar

SAME_PACKET_S = 600.0
"""A packet's name means the same packet for this long; devices count from 0 again, and numbers come round."""
KEPT = 256

_Key = tuple[str, ...] | tuple[str, tuple[tuple[str, Scalar], ...]]


class _Last(NamedTuple):
    heard_s: float
    own_at: int | None


class Repeats:
    """Memory of one device's messages. It is lost with the process: what comes again then is told again.

    within_s: the same event within so many seconds is one; 0: never. left_out: where it counts what it took out.
    """

    def __init__(self, within_s: float, left_out: Counter[str]) -> None:
        self._within_s = within_s
        self.left_out = left_out
        self._packets: dict[str, float] = {}
        self._events: dict[_Key, _Last] = {}
        self._said: dict[str, str] = {}

    def clear(self) -> None:
        """Take whatever comes as new."""
        self._packets.clear()
        self._events.clear()
        self._said.clear()

    def is_known_packet(self, decoded: Decoded, heard_s: float) -> bool:
        """True when the message has a name and a message of that name was heard a short time ago."""
        if not decoded.same:
            return False
        before = self._packets.pop(decoded.same, None)
        self._packets[decoded.same] = heard_s
        _trim(self._packets)
        known = before is not None and heard_s - before < SAME_PACKET_S
        self.left_out["same_packet"] += known
        return known

    def news(self, decoded: Decoded, heard_s: float, *, sent_again: bool, queued: bool) -> tuple[Event, ...]:
        """The events of ``decoded`` that are new, in their order.

        sent_again: the broker says so; the event may not be stored yet, and the buffer knows whether it is. queued: the
        message may have waited at the broker, so that nobody knows how long after the one before it was sent.
        """
        before = dict(self._said)
        self._said.update(decoded.said)
        if sent_again:
            return decoded.events
        changed = decoded.changed or ("",) * len(decoded.events)
        told = []
        for event, name in zip(decoded.events, changed, strict=True):
            if name and before.get(name) == self._said.get(name):
                self.left_out["unchanged"] += 1
            elif self._is_repeated(event, heard_s, decoded.has_own_time, queued):
                self.left_out["repeated_event"] += 1
            else:
                told.append(event)
        return tuple(told)

    def _is_repeated(self, event: Event, heard_s: float, has_own_time: bool, queued: bool) -> bool:
        if not self._within_s:
            return False
        key = (event.kind, tuple(sorted(event.data.items())))
        now = _Last(heard_s, event.at if has_own_time else None)
        last = self._events.pop(key, None)
        self._events[key] = now
        _trim(self._events)
        if last is None:
            return False
        if now.own_at is not None and last.own_at is not None:
            return abs(now.own_at - last.own_at) <= self._within_s * 1000
        return not queued and heard_s - last.heard_s <= self._within_s


def _trim(kept: dict[str, float] | dict[_Key, _Last]) -> None:
    if len(kept) > KEPT:
        del kept[next(iter(kept))]  # type: ignore[arg-type]
