"""Visitors of the demo with cards that were lent to them: two come by their gates, the time of a third is soon over."""

from __future__ import annotations

import asyncio
import random
from typing import NamedTuple

from protocols.clock import Clock
from simulators.clerk_api import ClerkApi, Refused
from simulators.hardware import Hardware
from simulators.sample_site import SITE, units
from simulators.told_matching import card_key
from simulators.world.happenings import person, phone
from simulators.world.people import Person, new_card

HOUR_MS = 3_600_000
COMES_EVERY_S = (20.0, 60.0)


class Lent(NamedTuple):
    """A card that lies at a gate for visitors, and how long the pass of today lasts."""

    gate: str
    purpose: str
    lasts_ms: int


LENT = (
    Lent("gate-north", "设备检修", 8 * HOUR_MS),
    Lent("gate-east", "来访洽谈", 3 * HOUR_MS),
    Lent("gate-south", "送资料", 90_000),
)


class LentCards:
    """`run` makes the passes of this run and lets their visitors come, until cancelled."""

    def __init__(self, api: ClerkApi, hardware: Hardware, clock: Clock, *, secret: bytes, seed: int) -> None:
        self._api, self._hardware, self._clock, self._secret = api, hardware, clock, secret
        rng = random.Random(f"{seed}:lent")
        self._cards = [new_card(rng) for _ in LENT]
        self._rng = rng

    async def run(self) -> None:
        """Refused for something nobody expected ends it."""
        for lent, card in zip(LENT, self._cards, strict=True):
            await self._expect(lent, card)
        while True:
            await self._clock.sleep(self._rng.uniform(*COMES_EVERY_S))
            place = self._rng.randrange(len(LENT))
            visitor = Person("Visitor", self._cards[place], "Denied")
            # A tap that was begun is finished, whoever ends us: the ledger has it already.
            tap = self._hardware.mqtt.devices[LENT[place].gate].tap(visitor, known=False)
            await asyncio.shield(asyncio.ensure_future(tap))

    async def _expect(self, lent: Lent, card: str) -> None:
        now = self._clock.now_ms()
        body = {
            "site": SITE,
            "name": person(self._rng),
            "phone": phone(self._rng),
            "host": person(self._rng),
            "unit": self._rng.choice(units()),
            "purpose": lent.purpose,
            "gate": lent.gate,
            "card_key": card_key(self._secret, card),
            "from": now - 60_000,
            "until": now + lent.lasts_ms,
        }
        try:
            await self._api.post("/api/v1/passes", body)
        except Refused as error:
            if error.status not in (409, 422):
                raise
