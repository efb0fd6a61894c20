"""What a device says, and what whoever hears it must make of it, written down by the device's own reckoning."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from simulators.ledger import Expectation, ExpectedEvent, ExpectedReading

GOOD, UNCERTAIN = "good", "uncertain"
MS = 1000


class Said(NamedTuple):
    """One message. ``once``: a copy right behind it says nothing new, as it holds the device's time or is a card's."""

    topic: str
    payload: bytes
    expected: Expectation = Expectation()
    qos: int = 0
    retain: bool = False
    once: bool = False


@dataclass(frozen=True, kw_only=True)
class Moment:
    """An instant as one device lives it.

    at_ms: the true time. clock_ms: what the device's clock shows; ``clock_right`` false when nobody can believe that.
    sensed_ms: the instant whose truth its sensors show. uptime_s: since it started. has_fix: satellites are heard.
    """

    at_ms: int
    clock_ms: int
    sensed_ms: int
    uptime_s: float
    clock_right: bool = True
    has_fix: bool = True

    def reading(
        self, point: str, value: float, said_ms: int | None = None, *, optional: bool = False, quality: str = GOOD
    ) -> ExpectedReading:
        """A reading with the device's own time ``said_ms``, as it stands in the message, or with that of receipt."""
        if said_ms is None:
            return ExpectedReading(point, float(value), self.at_ms, optional, True, quality)
        if not self.clock_right:
            return ExpectedReading(point, float(value), self.at_ms, optional, True, UNCERTAIN)
        return ExpectedReading(point, float(value), said_ms, optional, False, quality)

    def unknown(self, point: str, said_ms: int | None = None) -> ExpectedReading:
        """The device says that it does not know. Whoever hears it may say so too, or say nothing."""
        return self.reading(point, math.nan, said_ms, optional=True)._replace(quality="")

    def readings(self, values: Mapping[str, float], said_ms: int | None = None) -> tuple[ExpectedReading, ...]:
        """Several at once."""
        return tuple(self.reading(point, value, said_ms) for point, value in values.items())

    def event(self, kind: str, data: Mapping[str, Any] | None = None, said_ms: int | None = None) -> ExpectedEvent:
        """An event; as with a reading, a time that cannot be believed gives way to that of receipt."""
        received = said_ms is None or not self.clock_right
        return ExpectedEvent(kind, self.at_ms if received or said_ms is None else said_ms, dict(data or {}), received)


def text(topic: str, words: str, expected: Expectation = Expectation(), *, qos: int = 0, retain: bool = False) -> Said:
    """A message that is plain text."""
    return Said(topic, words.encode(), expected, qos, retain)


def spelled(body: Any) -> bytes:
    """JSON without blanks, as firmware prints it."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def reads(readings: Iterable[ExpectedReading], events: Iterable[ExpectedEvent] = ()) -> Expectation:
    """What a message must become."""
    return Expectation(tuple(readings), tuple(events))
