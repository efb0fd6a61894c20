"""Card readers that publish nothing but the number: ESPHome's on_tag, and what Home Assistant's tag scanner hears."""

from __future__ import annotations

from typing import ClassVar

from simulators.devices.mqtt.dialect import Dialect
from simulators.devices.mqtt.said import Moment, Said, reads, spelled, text
from simulators.ledger import CARD
from simulators.wires.mqtt import WillMessage
from simulators.world.people import Person


class EspHomeTag(Dialect):
    """Bytes with dashes between them, as rc522 and pn532 components print them: 74-10-37-94."""

    reports = False
    taps = True

    def tap(self, now: Moment, person: Person, *, known: bool = True) -> list[Said]:
        number = bytes.fromhex(person.card).hex("-").upper()
        return [_number(now, self.topic, number, person)]


class EspHomeDoor(Dialect):
    """A binary_sensor: ON is open. States are retained, and told again after every connect; the node has a will."""

    opens = True
    report_s = 3600.0

    @staticmethod
    def speaks_on(topic: str) -> tuple[str, ...]:
        return (f"{topic}/#", f"{topic.split('/', maxsplit=1)[0]}/status")

    @property
    def _status(self) -> str:
        return f"{self.topic.split('/')[0]}/status"

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(self._status, b"offline", retain=True)

    def hello(self, now: Moment) -> list[Said]:
        return [text(self._status, "online", retain=True), self._state(now)]

    def report(self, now: Moment) -> list[Said]:
        return [self._state(now)]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        return [self._state(now)]

    def _state(self, now: Moment) -> Said:
        expected = reads([now.reading("door_open", self.is_open)])
        return text(f"{self.topic}/state", "ON" if self.is_open else "OFF", expected, retain=True)


class EspHomeNode(Dialect):
    """A node with a contact, a lock and a sensor; what a sensor cannot measure it says as nan."""

    opens = True
    report_s = 60.0
    places: ClassVar[dict[str, str]] = {
        "door_open": "binary_sensor/front_door",
        "lock_state": "lock/front_door",
        "active_power_total": "sensor/power",
    }

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(f"{self.topic}/status", b"offline", retain=True)

    def hello(self, now: Moment) -> list[Said]:
        return [
            text(f"{self.topic}/status", "online", retain=True),
            text(f"{self.topic}/sensor/power/state", "nan", retain=True),
            *self._door(now),
        ]

    def report(self, now: Moment) -> list[Said]:
        words = f"{self.figure(now, 'active_power_total'):.1f}"
        return [self._state(now, "active_power_total", words, float(words))]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        moving = self._state(now, "lock_state", "UNLOCKING" if is_open else "LOCKING", 2)
        return [moving, *self._door(now)]

    def _door(self, now: Moment) -> list[Said]:
        return [
            self._state(now, "lock_state", "UNLOCKED" if self.is_open else "LOCKED", self.is_open),
            self._state(now, "door_open", "ON" if self.is_open else "OFF", self.is_open),
        ]

    def _state(self, now: Moment, point: str, words: str, value: float) -> Said:
        return text(f"{self.topic}/{self.places[point]}/state", words, reads([now.reading(point, value)]), retain=True)


class HomeAssistantTag(Dialect):
    """Announces itself with a retained discovery message; the number is text, with blanks behind it now and then."""

    reports = False
    taps = True

    @staticmethod
    def speaks_on(topic: str) -> tuple[str, ...]:
        return (topic, "homeassistant/tag/#")

    def hello(self, now: Moment) -> list[Said]:
        body = {"topic": self.topic, "device": {"identifiers": [self.device], "name": self.device}}
        return [Said(f"homeassistant/tag/{self.device}/config", spelled(body), retain=True)]

    def tap(self, now: Moment, person: Person, *, known: bool = True) -> list[Said]:
        blanks = "   " if self.rng.random() < 0.2 else ""
        return [_number(now, self.topic, person.card + blanks, person)]


def _number(now: Moment, topic: str, words: str, person: Person) -> Said:
    return text(topic, words, reads((), [now.event("card_read", {CARD: person.card})]))._replace(once=True)
