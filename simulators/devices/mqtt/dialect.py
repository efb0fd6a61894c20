"""The ground that every dialect stands on: what it is told of its place, and what it may be asked to say."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import ClassVar

from simulators.devices.mqtt.said import Moment, Said
from simulators.wires.mqtt import WillMessage
from simulators.world.people import Person
from simulators.world.routes import Fix

Truth = dict[str, float | None]

GRANTING = ("Always", "Admin")


def _nothing(at_ms: int) -> Truth:
    return {}


def _nobody_says(at_ms: int) -> None:
    return None


def _nowhere(at_ms: int) -> Fix:
    return Fix(0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one device is fitted: its topic as a site file would name it, and the truth around it.

    ident: its name where several share one topic. measured: what its load draws. fix: where its vehicle is.
    occupied: whether somebody sits in its room; None: chance says.
    parked_s: how often it speaks while it stands, 0: as the real one does.
    """

    device: str
    topic: str
    rng: random.Random
    ident: str = ""
    zone: tzinfo = UTC
    parked_s: float = 0.0
    measured: Callable[[int], Truth] = field(default=_nothing)
    fix: Callable[[int], Fix] = field(default=_nowhere)
    occupied: Callable[[int], bool | None] = field(default=_nobody_says)


class Dialect:
    """One device's words. Each method gives the messages of one occasion, in their order, and remembers what it said.

    ``reports``: speaks by itself every so often. ``taps``: reads cards. ``opens``: knows a door. ``moves``: is in a
    vehicle. ``tells_time``: messages hold the time of the device's own clock; ``whole_seconds``: and no more of it, so
    that two taps of one card within a second would be one message.
    """

    reports = True
    taps = False
    opens = False
    moves = False
    tells_time = whole_seconds = False
    report_s = 10.0
    """How often the real device speaks unless told otherwise."""
    places: ClassVar[dict[str, str]] = {}
    """Where a site file has to say which topic is which point: point -> place."""

    def __init__(self, place: Place) -> None:
        self.device, self.topic, self.rng = place.device, place.topic, place.rng
        self.place = place
        self.is_open = False
        self.decides = True
        """False: a gateway decides, and what the reader thinks of a card is stored as a card that was read."""
        self._counted_before: Truth = {}

    @staticmethod
    def speaks_on(topic: str) -> tuple[str, ...]:
        """Filters of all topics on which a device of this dialect publishes."""
        return (f"{topic}/#",)

    def will(self, now: Moment) -> WillMessage | None:
        """What the broker says for it when it is gone without a goodbye."""
        return None

    def hello(self, now: Moment) -> list[Said]:
        """After every connect."""
        return []

    def report(self, now: Moment) -> list[Said]:
        """What it says by itself, every so often."""
        return []

    def tap(self, now: Moment, person: Person, *, known: bool = True) -> list[Said]:
        """A card is held to its reader. ``known`` false: nobody's card."""
        raise NotImplementedError(f"{type(self).__name__} reads no cards")

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        """Its door is opened or closed."""
        raise NotImplementedError(f"{type(self).__name__} knows no door")

    def held(self, now: Moment) -> list[Said]:
        """Its door stood open for too long; nothing from a device that does not watch that."""
        return []

    def pause_s(self, now: Moment, every_s: float) -> float:
        """How long until it speaks by itself again."""
        return every_s

    def reset_counters(self, at_ms: int) -> None:
        """Its counters begin again at 0."""
        self._counted_before = {
            name: value for name, value in self.place.measured(at_ms).items() if value and "_energy_" in name
        }

    def measured(self, now: Moment) -> Truth:
        """The quantities at the instant its sensors show; counters since they were last reset."""
        truth = self.place.measured(now.sensed_ms)
        for name, before in self._counted_before.items():
            truth[name] = max(0.0, (truth[name] or 0.0) - (before or 0.0))
        return truth

    def figure(self, now: Moment, name: str) -> float:
        """One quantity; 0 where the installation has none."""
        return self.measured(now).get(name) or 0.0

    def fix(self, now: Moment) -> Fix:
        """Where it is."""
        return self.place.fix(now.sensed_ms)
