"""ESP-RFID door controllers, firmware 2.x (branch dev) and 1.x (stable): cards, the door, a heartbeat.

``isKnown`` is text, a swipe of an unknown card says so twice, and English text in ``desc`` is the only thing that tells
the events apart. 1.x has one topic for everything, prints bytes of a card without leading zeros, and is silent about
cards that it does not know.
"""

from __future__ import annotations

from typing import Any

from simulators.devices.mqtt.dialect import GRANTING, Dialect, Place
from simulators.devices.mqtt.said import MS, Moment, Said, reads, spelled
from simulators.ledger import CARD, Expectation, ExpectedEvent
from simulators.world.people import Person

UID_DIGITS = (8, 14, 20)
"""Hex digits of a whole number of an ISO 14443 card."""


class EspRfid(Dialect):
    """Firmware 2.x: everything goes to TOPIC/send."""

    taps = opens = tells_time = whole_seconds = True
    report_s = 60.0
    unknown_is_told = True

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._address = f"192.0.2.{self.rng.randint(1, 254)}"

    @property
    def send_topic(self) -> str:
        return f"{self.topic}/send"

    def printed(self, card: str) -> str:
        """A card number as this firmware prints it."""
        return card.lower()

    def hello(self, now: Moment) -> list[Said]:
        return [self._state(now, "boot", [now.event("device_started", said_ms=_second(now))])]

    def report(self, now: Moment) -> list[Said]:
        return [self._state(now, "heartbeat", [])]

    def tap(self, now: Moment, person: Person, *, known: bool = True) -> list[Said]:
        said = []
        if known or self.unknown_is_told:
            said.append(self._access(now, person, known))
        if not known:
            said.append(self._event(now, "WARN", "rfid", "Unknown rfid tag is scanned", Expectation()))
        return said

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        kind, words = ("door_opened", "Door Open") if is_open else ("door_closed", "Door Closed")
        at = _second(now)
        expected = reads([now.reading("door_open", is_open, at)], [now.event(kind, said_ms=at)])
        return [self._event(now, "INFO", "door", words, expected)]

    def held(self, now: Moment) -> list[Said]:
        """The door stood open for too long."""
        expected = reads((), [now.event("door_held", said_ms=_second(now))])
        return [self._event(now, "WARN", "tamper", "Door wasn't closed within max open time!", expected)]

    def _access(self, now: Moment, person: Person, known: bool) -> Said:
        uid = self.printed(person.card)
        body: dict[str, Any] = {
            "type": "access",
            "time": now.clock_ms // MS,
            "isKnown": "true" if known else "false",
            "access": person.access if known else "Denied",
            "username": person.name if known else "Unknown",
            "uid": uid,
            "hostname": self.device,
        }
        told = {CARD: person.card, "reason": body["access"]}
        if known:
            body["doorName"] = told["door"] = self.device
        granted = known and person.access in GRANTING
        kind = "access_granted" if granted else "access_denied"
        if not self.decides:
            kind, told = "card_read", {CARD: person.card, "known": granted, "access": body["access"]}
        # A number that lost digits may be several cards: nobody may take it for one of them.
        whole = len(uid) in UID_DIGITS
        events = [now.event(kind, told, _second(now))] if whole else []
        return self._said(body, reads((), events))

    def _event(self, now: Moment, level: str, source: str, words: str, expected: Expectation) -> Said:
        body = {"type": level, "src": source, "desc": words, "data": "", "time": now.clock_ms // MS, "cmd": "event"}
        return self._said(body | {"hostname": self.device}, expected)

    def _state(self, now: Moment, kind: str, events: list[ExpectedEvent]) -> Said:
        uptime = int(now.uptime_s)
        body = {"type": kind, "time": now.clock_ms // MS, "uptime": uptime, "ip": self._address}
        expected = reads([now.reading("uptime_s", uptime, _second(now))], events)
        return self._said(body | {"hostname": self.device}, expected)

    def _said(self, body: dict[str, Any], expected: Expectation) -> Said:
        return Said(self.send_topic, spelled(body), expected, 0, False, True)


class EspRfidV1(EspRfid):
    """Firmware 1.x: one topic; bytes below 0x10 are printed with one digit."""

    unknown_is_told = False

    @property
    def send_topic(self) -> str:
        return self.topic

    def printed(self, card: str) -> str:
        return "".join(f"{byte:x}" for byte in bytes.fromhex(card))


def _second(now: Moment) -> int:
    return now.clock_ms // MS * MS
