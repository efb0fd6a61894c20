"""How a device hands a message to its wire: written into the ledger first, then sent until the broker confirmed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, Protocol

from protocols.clock import Clock
from simulators.ledger import Expectation, Ledger
from simulators.wires.mqtt import MqttWire


class Talks(Protocol):
    """A device that speaks by itself until told to halt; the message in flight is finished first."""

    @property
    def device(self) -> str: ...

    async def run(self, halt: asyncio.Event) -> None: ...


class Mouth:
    """One device's way to the broker."""

    def __init__(self, device: str, wire: MqttWire, ledger: Ledger, clock: Clock) -> None:
        self.device, self.wire, self.clock = device, wire, clock
        self._ledger = ledger

    async def say(
        self, topic: str, body: dict[str, Any], expected: Expectation = Expectation(), *, retain: bool = False
    ) -> None:
        """Publish ``body`` as JSON. Returns after the PUBACK, however long the broker is away."""
        payload = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        ledger, clock = self._ledger, self.clock
        number = ledger.publishing(self.device, clock.now_ms(), topic, payload, expected)
        await self.wire.publish(
            topic, payload, retain=retain, on_attempt=lambda: ledger.attempted(number, clock.now_ms())
        )
        ledger.confirmed(number, clock.now_ms())


async def pause(clock: Clock, seconds: float, halt: asyncio.Event) -> bool:
    """Wait ``seconds``, or less when told to halt; True while the device should go on."""
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    halting = asyncio.ensure_future(halt.wait())
    try:
        await asyncio.wait({sleeping, halting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiting in (sleeping, halting):
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
    return not halt.is_set()
