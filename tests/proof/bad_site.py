"""The site of the kills with a bad network on every way: meter to gateway, tag to gateway, gateway to broker, broker to
collector. Nothing is killed here but the broker, now and then, with what it remembers or without.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from protocols.batch import open_batch, peek
from protocols.errors import BadBatch
from simulators.broker import write_private
from simulators.wires.bad_network import BAD, FINE, BadNetwork
from tests.proof.kill_site import BROKER, COLLECTOR, GATEWAYS, TIMEOUT_S, Site
from tests.proof.oracle import SALT, BatchName, Oracle
from tests.waiting import until

AFTER_MS = round(1000 * (TIMEOUT_S + 7.0))
"""For so long after bad weather a meter may still be asked by somebody who has given up: 5 s late, then a time-out."""
AGAIN_S = 5.0
UNDERWAY_MS = 1_000
"""An answer may be on its way when the weather turns."""
PROBED = ("a", "b")
"""Gateways whose tags speak over the broker that is never restarted: what it confirmed has to come."""


class Spell(NamedTuple):
    """What happens to one way, and how long the weather lasts and the fine one after it."""

    what: str
    lasts_s: float
    pause_s: float


class WeatherOracle(Oracle):
    """Knows besides when the way from a meter was bad, and what a batch holds."""

    def __init__(self, secret: bytes) -> None:
        super().__init__(secret)
        self.bad: list[tuple[str, int, int]] = []
        """gateway, from, until."""
        self.keys: dict[str, set[BatchName]] = {}
        self.newest: dict[str, dict[BatchName, int]] = {}

    def may_be_lost(self, device: str, at: int) -> bool:
        gateway = self.meters[device].gateway
        return any(who == gateway and since - UNDERWAY_MS <= at <= until_ms for who, since, until_ms in self.bad)

    def published(self, gateway: str, payload: bytes) -> None:
        super().published(gateway, payload)
        try:
            name: BatchName = (gateway, *peek(payload))
            batch = open_batch(payload)
        except BadBatch:
            return  # told by the oracle
        for event in batch.events:
            if key := event.data.get("card_key"):
                self.keys.setdefault(str(key), set()).add(name)
        for reading in batch.readings():
            if reading.value is not None:
                numbers = self.newest.setdefault(reading.device, {})
                numbers[name] = max(numbers.get(name, 0), int(reading.value) // SALT)

    def forget_contents(self) -> None:
        self.keys.clear()
        self.newest.clear()

    def is_acked(self, keys: list[str], numbers: dict[str, int]) -> bool:
        """One of these cards, and of each device an answer after that number, in batches that were acked."""
        if keys and not any(name in self.acked for key in keys for name in self.keys.get(key, ())):
            return False
        return all(
            any(n > number and name in self.acked for name, n in self.newest.get(device, {}).items())
            for device, number in numbers.items()
        )


class BadSite(Site):
    """See the module. ``wires``: by gateway and what is at the other end, like "a-meters"; and "collector"."""

    oracle: WeatherOracle

    def __init__(self, root: Path, rng: random.Random, *, meters: int, every: str, flush: str) -> None:
        super().__init__(root, rng, meters=meters, every=every, flush=flush)
        self.oracle = WeatherOracle(self.secret)
        self.wires: dict[str, BadNetwork] = {}
        self.met: Counter[str] = Counter()
        self.down_s = (0.3, 1.5)

    # Wires between

    async def _wire(self, name: str, port: int) -> int:
        wire = self.wires[name] = BadNetwork("127.0.0.1", port, self.clock, random.Random(self.rng.random()))
        await wire.start()
        return wire.port

    async def _write_gateway(self, gateway: str) -> None:
        await super()._write_gateway(gateway)
        path = self.root / f"{gateway}.toml"
        uplink, rest = path.read_text(encoding="utf-8").split("[buffer]")
        meters, tags = rest.split('name = "tags"')
        parts = {"up": uplink, "meters": meters, "tags": tags}
        for what, text in parts.items():
            found = re.search(r"^(?:port = |url = \"mqtt://127\.0\.0\.1:)(\d+)", text, re.MULTILINE)
            assert found is not None
            port = await self._wire(f"{gateway}-{what}", int(found[1]))
            parts[what] = text[: found.start(1)] + str(port) + text[found.end(1) :]
        write_private(path, f'{parts["up"]}[buffer]{parts["meters"]}name = "tags"{parts["tags"]}')

    async def _begin(self, name: str) -> None:
        if name == COLLECTOR and COLLECTOR not in self.wires:
            path = self.root / "cloud.toml"
            broker = self.brokers[BROKER].port
            port = await self._wire(COLLECTOR, broker)
            text = path.read_text(encoding="utf-8").replace(f"127.0.0.1:{broker}", f"127.0.0.1:{port}")
            write_private(path, text)
        await super()._begin(name)

    async def _hold_cards(self, gateway: str) -> None:
        # What the broker that is restarted has confirmed, it may forget: its tag says nothing.
        if gateway in PROBED:
            await super()._hold_cards(gateway)

    async def close(self) -> None:
        await super().close()
        for wire in self.wires.values():
            await wire.close()

    # Weather

    async def suffer(self, name: str, spells: list[Spell]) -> None:
        """One wire, one spell after the other; fine at the end."""
        wire = self.wires[name]
        gateway, _, end = name.partition("-")
        since = self.now()
        if end == "meters":
            self.oracle.bad.append((gateway, since, since + 3_600_000))
        for what, lasts_s, pause_s in spells:
            self.met[what] += 1
            if what in ("cut", "reset"):
                wire.cut(reset=what == "reset")
            elif what == "half open":
                wire.forget()
            else:
                wire.weather = BAD[what]
            await self.clock.sleep(lasts_s)
            wire.weather = FINE
            await self.clock.sleep(pause_s)
        if end == "meters":
            self.oracle.bad[self.oracle.bad.index((gateway, since, since + 3_600_000))] = (
                gateway, since, self.now() + AFTER_MS,
            )  # fmt: skip

    async def restart_broker(self, *, remembers: bool) -> None:
        """The broker ends and is started again, with all it remembered or with nothing."""
        self.met[f"broker restarted, remembering {'all' if remembers else 'nothing'}"] += 1
        child = self.children[BROKER]
        if remembers:
            self.polite.add(BROKER)
            child.signal(15)
        else:
            self.kill([BROKER])
        before = child.starts
        await until(lambda: not child.running or child.starts > before, 30, "the end of the broker")
        if not remembers:
            (self.root / BROKER / "mosquitto.db").unlink(missing_ok=True)
        await until(lambda: child.starts > before and BROKER in self.heard, 30, "the broker's start")

    async def recovery_s(self, within_s: float) -> dict[str, float]:
        """How long until what is new at each gateway was acked: a card, where one is held, and every meter.

        Those that take longer than ``within_s`` are not in it.
        """
        oracle, began, took = self.oracle, self.clock.monotonic(), dict[str, float]()
        numbers = {
            gateway: {name: meter.answers for name, meter in oracle.meters.items() if meter.gateway == gateway}
            for gateway in GATEWAYS
        }
        keys: dict[str, list[str]] = {gateway: [] for gateway in GATEWAYS}
        again_at = began
        while len(took) < len(GATEWAYS) and (now := self.clock.monotonic()) - began < within_s:
            if now >= again_at:
                # Once more: what the oracle did not hear while the broker was away it cannot know.
                again_at = now + AGAIN_S
                for gateway in PROBED:
                    tap = await self.hold_card(gateway)
                    keys[gateway] += [key for key, each in oracle.taps.items() if each is tap]
            for gateway in GATEWAYS:
                if gateway not in took and oracle.is_acked(keys[gateway], numbers[gateway]):
                    took[gateway] = self.clock.monotonic() - began
            await self.clock.sleep(0.05)
        return took
