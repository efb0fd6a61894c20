"""A door with an ESP-RFID controller: cards, an opening door, a heartbeat, in the controller's own words.

Message shapes: esp-rfid, branch dev, README-MQTT.md. ``isKnown`` is text, a swipe of an unknown card says so twice, and
English text in ``desc`` is the only thing that tells the events apart.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from simulators.devices.message import Mouth, pause
from simulators.ledger import CARD, Expectation, ExpectedEvent, ExpectedReading
from simulators.world.people import Person, new_card

GRANTING = ("Always", "Admin")
HEARTBEAT_S = 60.0
MS = 1000


class EspRfidDoor:
    """``topic`` is the controller's base topic. Swipes come at random, on average every ``swipe_every_s``."""

    def __init__(
        self,
        mouth: Mouth,
        *,
        topic: str,
        people: Sequence[Person],
        rng: random.Random,
        number: int,
        swipe_every_s: float = 40.0,
    ) -> None:
        self._mouth, self._topic, self._people, self._rng = mouth, topic, people, rng
        self._address = f"192.0.2.{number % 250 + 1}"
        self._swipe_every_s = swipe_every_s
        self._started_s = mouth.clock.monotonic()
        self._swipe_at_s = 0
        self.swipes = 0

    @property
    def device(self) -> str:
        return self._mouth.device

    async def run(self, halt: asyncio.Event) -> None:
        """Live as a door until told to halt; whatever was begun (an open door) is finished."""
        await self._boot()
        beat_at = self._mouth.clock.monotonic() + HEARTBEAT_S
        swipe_at = self._mouth.clock.monotonic() + self._rng.uniform(0.5, min(8.0, self._swipe_every_s))
        while not halt.is_set():
            now = self._mouth.clock.monotonic()
            if now >= beat_at:
                beat_at = now + HEARTBEAT_S
                await self._heartbeat()
            elif now >= swipe_at:
                await self.swipe(halt)
                swipe_at = self._mouth.clock.monotonic() + self._rng.expovariate(1 / self._swipe_every_s)
            else:
                await pause(self._mouth.clock, min(beat_at, swipe_at) - now, halt)

    async def swipe(self, halt: asyncio.Event, person: Person | None = None) -> None:
        """Somebody holds a card to the reader; when it is accepted the door opens and closes again."""
        # The controller's clock counts seconds: two swipes within one would be one and the same message.
        while self._now_s() <= self._swipe_at_s:
            await pause(self._mouth.clock, 0.2, asyncio.Event())
        self._swipe_at_s = self._now_s()
        self.swipes += 1
        if person is None and self._rng.random() < 0.08:
            await self._unknown_card(new_card(self._rng))
            return
        person = person or self._rng.choice(self._people)
        granted = person.access in GRANTING
        await self._access(known=True, access=person.access, name=person.name, card=person.card)
        if not granted:
            return
        await self._event("INFO", "door", "Door Open", "door_opened", door_open=1)
        await self._mouth.clock.sleep(self._rng.uniform(1.5, 4.0))
        if self._rng.random() < 0.02:
            await self._event("WARN", "tamper", "Door wasn't closed within max open time!", "door_held")
            await self._mouth.clock.sleep(3.0)
        await self._event("INFO", "door", "Door Closed", "door_closed", door_open=0)

    async def _unknown_card(self, card: str) -> None:
        await self._access(known=False, access="Denied", name="Unknown", card=card)
        await self._event("WARN", "rfid", "Unknown rfid tag is scanned")

    async def _access(self, *, known: bool, access: str, name: str, card: str) -> None:
        now_s = self._now_s()
        body: dict[str, Any] = {
            "type": "access",
            "time": now_s,
            "isKnown": "true" if known else "false",
            "access": access,
            "username": name,
            "uid": card.lower(),
            "hostname": self.device,
        }
        if known:
            body["doorName"] = self.device
        granted = known and access in GRANTING
        told = {CARD: card, "reason": access, **({"door": self.device} if known else {})}
        events = (ExpectedEvent("access_granted" if granted else "access_denied", now_s * MS, told),)
        await self._mouth.say(f"{self._topic}/send", body, Expectation(events=events))

    async def _event(
        self, level: str, source: str, text: str, kind: str | None = None, *, door_open: int | None = None
    ) -> None:
        now_s = self._now_s()
        body = {
            "type": level,
            "src": source,
            "desc": text,
            "data": "",
            "time": now_s,
            "cmd": "event",
            "hostname": self.device,
        }
        events = (ExpectedEvent(kind, now_s * MS, {}),) if kind else ()
        readings = () if door_open is None else (ExpectedReading("door_open", float(door_open), now_s * MS),)
        await self._mouth.say(f"{self._topic}/send", body, Expectation(readings, events))

    async def _boot(self) -> None:
        now_s = self._now_s()
        body = {"type": "boot", "time": now_s, "uptime": 0, "ip": self._address, "hostname": self.device}
        expected = Expectation((_uptime(0, now_s),), (ExpectedEvent("device_started", now_s * MS, {}),))
        await self._mouth.say(f"{self._topic}/send", body, expected)

    async def _heartbeat(self) -> None:
        uptime = int(self._mouth.clock.monotonic() - self._started_s)
        now_s = self._now_s()
        body = {"type": "heartbeat", "time": now_s, "uptime": uptime, "ip": self._address, "hostname": self.device}
        await self._mouth.say(f"{self._topic}/send", body, Expectation((_uptime(uptime, now_s),)))

    def _now_s(self) -> int:
        return self._mouth.clock.now_ms() // MS


def _uptime(seconds: int, now_s: int) -> ExpectedReading:
    return ExpectedReading("uptime_s", float(seconds), now_s * MS)
