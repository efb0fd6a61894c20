"""Nuki Smart Lock with its door sensor: numbers as text, one topic each, states retained, who did it in CSV."""

from __future__ import annotations

from simulators.devices.mqtt.dialect import Dialect
from simulators.devices.mqtt.said import Moment, Said, reads, text
from simulators.wires.mqtt import WillMessage

LOCKED, UNLOCKING, UNLOCKED, LOCKING = 1, 2, 3, 4
SEEN_AS = {LOCKED: 0.0, UNLOCKED: 1.0, UNLOCKING: 2.0, LOCKING: 2.0}
"""States of the lock as the vocabulary has them: locked, unlocked, moving."""
DOOR_CLOSED, DOOR_OPEN = 2, 3


class NukiLock(Dialect):
    """The bolt moves before the door opens and after it is closed; its intermediate states are told too."""

    opens = True
    report_s = 3600.0

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(f"{self.topic}/connected", b"false", retain=True)

    def hello(self, now: Moment) -> list[Said]:
        return [text(f"{self.topic}/connected", "true", qos=1, retain=True), *self.report(now)]

    def report(self, now: Moment) -> list[Said]:
        return [
            self._state(now, UNLOCKED if self.is_open else LOCKED),
            self._door(now),
            self._charge(now),
            text(f"{self.topic}/batteryCritical", "false", qos=1, retain=True),
        ]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        if is_open:
            user = f"1,0,{54_000 + self.rng.randint(1, 99)},12345,1"
            return [
                self._state(now, UNLOCKING),
                self._state(now, UNLOCKED),
                self._operated(now, user, "unlock"),
                self._door(now),
            ]
        return [
            self._door(now),
            self._state(now, LOCKING),
            self._state(now, LOCKED),
            self._operated(now, "2,6,0,0,0", "lock"),
        ]

    def _operated(self, now: Moment, words: str, action: str) -> Said:
        """Who did it stays in the message: codes and users of a door are nobody's business behind it."""
        expected = reads((), [now.event("lock_operated", {"action": action})])
        return text(f"{self.topic}/lockActionEvent", words, expected, qos=1)

    def _state(self, now: Moment, number: int) -> Said:
        expected = reads([now.reading("lock_state", SEEN_AS[number])])
        return text(f"{self.topic}/state", str(number), expected, qos=1, retain=True)

    def _door(self, now: Moment) -> Said:
        number = DOOR_OPEN if self.is_open else DOOR_CLOSED
        expected = reads([now.reading("door_open", self.is_open)])
        return text(f"{self.topic}/doorsensorState", str(number), expected, qos=1, retain=True)

    def _charge(self, now: Moment) -> Said:
        charge = self.rng.randint(70, 90)
        expected = reads([now.reading("battery_percent", charge)])
        return text(f"{self.topic}/batteryChargeState", str(charge), expected, qos=1, retain=True)
