"""One request from its filing to its rating: dispatched by what is suggested, and driven or walked to its end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from typing import Any

from protocols.clock import Clock
from simulators import sample_site
from simulators.clerk_api import ClerkApi, Refused
from simulators.devices.mqtt.device import MqttDevice
from simulators.hardware import Hardware
from simulators.sample_site import Spot
from simulators.world.happenings import CANCELS, Happening, request_body
from simulators.world.streets import inside, nearest_on_road

ASKED_MAX = 4
"""How often a dispatcher looks for a suggestion before somebody is sent without one."""
SHORTEST_S = 0.3
FILED_BY = "token simulators"
"""Who has filed what we asked for: the name of our token, as the collector puts it."""
SEEN_S = 6.0
"""A tracker that moves speaks every five seconds: the collector knows of an arrival so long after it."""
WITHOUT = "非工作时间用车，值班领导同意"
"""Why somebody is sent whom the rules would leave out (out of hours vehicles are sealed and technicians at home)."""


class Errands:
    """Lives requests. ``times``: people act so many times as fast; vehicles drive in real time."""

    def __init__(
        self, api: ClerkApi, hardware: Hardware, clock: Clock, done: Counter[str], name: str, *, times: float = 1.0
    ) -> None:
        self._api, self._hardware, self._clock = api, hardware, clock
        self._done, self._name, self._times = done, name, times
        self._trackers: dict[str, str] = {
            row["id"]: row["devices"]["position"] for row in sample_site.tables()["vehicle"] if row.get("devices")
        }
        self._taken: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.under_way = 0

    def key(self, each: Happening, what: str) -> str:
        """An Idempotency-Key of one deed of one run."""
        return f"{self._name}-{each.number}-{what}"

    def unit(self, rng: random.Random) -> str:
        return rng.choice(sample_site.units())

    async def later(self, seconds: float) -> None:
        """People take their time."""
        await self._clock.sleep(max(SHORTEST_S, seconds / self._times))

    async def give_up_open(self) -> None:
        """Cancel what a former run left open: whoever drove for it then does not any more."""
        left = (await self._api.get("/api/v1/requests", site=sample_site.SITE, status="open"))["requests"]
        for asked in left:
            if asked["created_by"] == FILED_BY:
                try:
                    await self._api.post(f"/api/v1/requests/{asked['id']}/cancel", {"reason": "演示重新开始"})
                except Refused:
                    continue  # it ended by itself meanwhile

    async def request(self, each: Happening, rng: random.Random) -> None:
        """File it, have somebody sent, and see it through."""
        body = request_body(each, rng)
        body["started_at"] = self._clock.now_ms() - rng.randint(15_000, 80_000)
        asked = (await self._api.post("/api/v1/requests", body, self.key(each, "file")))["request"]
        self._done["filed"] += 1
        await self.later(rng.uniform(3, 10))
        await self._act(each, asked, "acknowledge", {})
        if rng.random() < CANCELS:
            await self.later(rng.uniform(5, 15))
            await self._act(each, asked, "cancel", {"reason": "改期"})
            self._done["cancelled"] += 1
            return
        sent = await self._send(each, asked, rng)
        self.under_way += 1
        try:
            if sent["kind"] == "vehicle":
                await self._drive(each, sent, rng)
            else:
                await self._repair(each, sent, rng)
        finally:
            self.under_way -= 1
        await self._act(each, sent, "finish", {})
        self._done["finished"] += 1
        await self.later(rng.uniform(5, 30))
        await self._act(each, sent, "rate", {"stars": rng.choice((3, 4, 5, 5, 5)), "text": ""})

    async def _send(self, each: Happening, asked: dict[str, Any], rng: random.Random) -> dict[str, Any]:
        """Whoever is suggested; when nobody is, somebody with a reason."""
        for _ in range(ASKED_MAX):
            await self.later(rng.uniform(3, 8))
            told = await self._api.get(f"/api/v1/requests/{asked['id']}/suggestion")
            if told["suggested"]:
                return await self._act(each, asked, "assign", {"resource": told["suggested"]})
        if asked["kind"] == "vehicle":
            # With everybody on the road somebody is sent who comes when he is back.
            free = sorted(name for name in self._trackers if not self._taken[name].locked())
            spare = free or sorted(self._trackers)
        else:
            spare = [row["id"] for row in sample_site.tables()["technician"]]
        choice = {"resource": rng.choice(spare), "reason": WITHOUT}
        return await self._act(each, asked, "assign", choice)

    async def _drive(self, each: Happening, sent: dict[str, Any], rng: random.Random) -> None:
        """The vehicle drives to where it is wanted, waits, drives there, and home unless it is sent again."""
        vehicle = sent["assigned"]["resource"].rpartition(":")[2]
        tracker = self._tracker(vehicle)
        async with self._taken[vehicle]:
            await self.later(rng.uniform(2, 8))
            await self._go(tracker, _spot(sent["from"]), rng)
            await self._clock.sleep(SEEN_S)
            now = (await self._api.get(f"/api/v1/requests/{sent['id']}"))["request"]
            if now["status"] in ("assigned", "under_way"):
                await self._act(each, sent, "arrive", {})
            await self.later(rng.uniform(8, 25))
            await self._go(tracker, _spot(sent["to"]), rng)
        if tracker is not None and tracker.driver is not None and not self._taken[vehicle].locked():
            tracker.driver.go(self._clock.now_ms() + 1, tracker.driver.home, gate=rng.randrange(2))

    async def _go(self, tracker: MqttDevice | None, to: Spot, rng: random.Random) -> None:
        if tracker is None or tracker.driver is None:
            await self.later(rng.uniform(30, 90))
            return
        stop = nearest_on_road(to)[0] if inside(to) else to
        arrives = tracker.driver.go(self._clock.now_ms(), stop, gate=rng.randrange(2), pace=rng.uniform(0.9, 1.15))
        await self._clock.sleep(max(0.0, (arrives - self._clock.now_ms()) / 1000))

    async def _repair(self, each: Happening, sent: dict[str, Any], rng: random.Random) -> None:
        """A technician has no tracker: the buttons on the telephone say it."""
        resource = sent["assigned"]["resource"]
        async with self._taken[resource]:
            await self.later(rng.uniform(2, 10))
            await self._act(each, sent, "start", {})
            await self.later(rng.uniform(15, 60))
            await self._act(each, sent, "arrive", {})
            await self.later(rng.uniform(30, 150))

    async def _act(self, each: Happening, asked: dict[str, Any], action: str, body: dict[str, Any]) -> dict[str, Any]:
        """No rev: one dispatcher alone works here, and positions move requests on meanwhile."""
        told = await self._api.post(f"/api/v1/requests/{asked['id']}/{action}", body, self.key(each, action))
        found: dict[str, Any] = told["request"]
        return found

    def _tracker(self, vehicle: str) -> MqttDevice | None:
        return self._hardware.mqtt.devices.get(self._trackers.get(vehicle, ""))


def _spot(where: dict[str, Any] | None) -> Spot:
    if where is None or where["latitude"] is None or where["longitude"] is None:
        return sample_site.points("gate")["gate-north"]
    return Spot(where["latitude"], where["longitude"])
