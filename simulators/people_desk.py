"""The people of the demo: they ask for vehicles, repairs, rooms and passes, and one of them dispatches.

    desk = PeopleDesk(api, hardware, clock, seed=1, run=1)
    await desk.run()          # until it is cancelled

What people want is seeded; who is sent is what the collector suggests. Devices keep real time whatever ``times`` is:
a vehicle that was sent drives there, a room that was booked gets people.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from protocols.clock import Clock
from simulators.clerk_api import ClerkApi, Refused
from simulators.devices.mqtt.fitting import zone_of
from simulators.errands import Errands
from simulators.hardware import Hardware
from simulators.lent_cards import LentCards
from simulators.sample_site import SITE
from simulators.world.day import busy
from simulators.world.happenings import (
    MEETING,
    NO_SHOW,
    OPENING,
    VISITOR,
    Happening,
    happenings,
    meeting,
    person,
    phone,
    plate,
)
from simulators.world.people import Person
from simulators.world.rounds import card_taps, guard_card, patrol_routes

MINUTE_MS = 60_000
AT_ONCE_MAX = 30
"""Happenings that are under way at once; more wait."""
KNOWS_AFTER_S = 1.0
PATROLS_EVERY_S = 3600.0


class PeopleDesk:
    """All people at once. ``done`` counts what happened, by words for `line`."""

    def __init__(
        self,
        api: ClerkApi,
        hardware: Hardware,
        clock: Clock,
        *,
        seed: int,
        run: int,
        times: float = 1.0,
        limit: int | None = None,
        lent: LentCards | None = None,
    ) -> None:
        self._api, self._hardware, self._clock = api, hardware, clock
        self._seed, self._run, self._times, self._limit = seed, run, times, limit
        self._zone = zone_of(hardware.scenario.time_zone)
        self._lent = lent
        self.done: Counter[str] = Counter()
        self._room = asyncio.Semaphore(AT_ONCE_MAX)
        self._errands = Errands(api, hardware, clock, self.done, f"{seed}-{run}", times=times)

    def line(self) -> str:
        """What is going on, in one line."""
        done, here = self.done, self._errands
        return (
            f"people     requests: {done['filed']} filed, {here.under_way} under way, {done['finished']} done, "
            f"{done['cancelled']} cancelled; rooms: {done['booked']} booked, {done['met']} used, "
            f"{done['no_show']} not; visitors: {done['came']} came, {done['left']} left"
        )

    async def run(self) -> None:
        """Live until cancelled; Refused for something nobody expected ends it."""
        await self._site_is_known()
        await self._errands.give_up_open()
        patrols_due = 0.0
        async with asyncio.TaskGroup() as group:
            group.create_task(self._guards_tap(), name="guards")
            if self._lent is not None:
                group.create_task(self._lent.run(), name="lent cards")
            for each in happenings(self._seed, self._run, times=self._times, limit=self._limit):
                if self._clock.monotonic() >= patrols_due:
                    patrols_due = self._clock.monotonic() + PATROLS_EVERY_S
                    routes = patrol_routes(self._clock.now_ms(), self._zone)
                    await self._api.put(f"/api/v1/patrols/routes?site={SITE}", {"routes": routes})
                pace = 1.0 if each.number < len(OPENING) else busy(self._clock.now_ms(), self._zone)
                await self._clock.sleep(each.after_s / pace)
                await self._room.acquire()
                group.create_task(self._live(each), name=f"happening[{each.number}]")

    async def go_home(self) -> None:
        """When ``run`` was cancelled: nobody waits for what was asked, so that no clock of it runs on."""
        await self._errands.give_up_open()

    async def _guards_tap(self) -> None:
        """At checkpoints with a reader; the door stays shut."""
        for tap in card_taps(self._clock.now_ms(), self._zone):
            await self._clock.sleep(max(0.0, (tap.at_ms - self._clock.now_ms()) / 1000))
            guard = Person(tap.guard, guard_card(tap.guard), "Always")
            # A tap that was begun is finished, whoever ends us: the ledger has it already.
            await asyncio.shield(asyncio.ensure_future(self._hardware.mqtt.devices[tap.door].tap(guard)))

    async def _site_is_known(self) -> None:
        """The collector takes over what was brought in beside it within seconds."""
        while not (await self._api.get("/api/v1/assets", site=SITE, kind="vehicle"))["assets"]:
            await self._clock.sleep(KNOWS_AFTER_S)

    async def _live(self, each: Happening) -> None:
        rng = random.Random(each.dice)
        try:
            if each.kind == MEETING:
                await self._meeting(each, rng)
            elif each.kind == VISITOR:
                await self._visitor(each, rng)
            else:
                await self._errands.request(each, rng)
        except Refused as error:
            if error.status not in (404, 409, 422):
                raise
            # Somebody else was faster, or the hour does not allow it: people shrug and go.
            self.done[f"refused {error.code}"] += 1
        finally:
            self._room.release()

    async def _meeting(self, each: Happening, rng: random.Random) -> None:
        name, subject, people = meeting(rng)
        lasts_ms, comes = rng.randint(6, 20) * MINUTE_MS, rng.random() >= NO_SHOW
        late_ms = rng.randint(2_000, 15_000)
        now = self._clock.now_ms()
        body = {
            "site": SITE,
            "room": name,
            "unit": self._errands.unit(rng),
            "subject": subject,
            "organiser": person(rng),
            "people": people,
            "from": now,
            "until": now + lasts_ms,
            "started_at": now - rng.randint(15_000, 70_000),
        }
        try:
            await self._api.post("/api/v1/bookings", body, self._errands.key(each, "book"))
        except Refused as error:
            if error.code != "closed":
                raise
            # At night and at weekends who is on duty takes a room that is open then.
            name, subject, people = meeting(rng, at_any_hour=True)
            body |= {"room": name, "subject": subject, "people": people}
            await self._api.post("/api/v1/bookings", body, self._errands.key(each, "book again"))
        self.done["booked"] += 1
        self.done["no_show"] += not comes
        room = self._hardware.mqtt.devices[name].room
        if room is None or not comes:
            return
        room.meet(now + late_ms, now + lasts_ms - rng.randint(0, 90_000))
        self.done["met"] += 1

    async def _visitor(self, each: Happening, rng: random.Random) -> None:
        now = self._clock.now_ms()
        body = {
            "site": SITE,
            "name": person(rng),
            "phone": phone(rng),
            "host": person(rng),
            "unit": self._errands.unit(rng),
            "plate": plate(rng) if rng.random() < 0.75 else "",
            "people": rng.choice((1, 1, 1, 2, 3)),
            "purpose": "办事",
            "gate": rng.choice(("gate-north", "gate-south", "gate-east")),
            "from": now,
            "until": now + 3 * 3_600_000,
            "started_at": now - rng.randint(20_000, 90_000),
        }
        made = await self._api.post("/api/v1/passes", body, self._errands.key(each, "pass"))
        name = made["pass"]["id"]
        if rng.random() < NO_SHOW:
            await self._errands.later(rng.uniform(20, 60))
            await self._api.post(f"/api/v1/passes/{name}/cancel", {})
            self.done["not_coming"] += 1
            return
        await self._errands.later(rng.uniform(5, 40))
        await self._api.post(f"/api/v1/passes/{name}/arrive", {"gate": body["gate"]})
        self.done["came"] += 1
        await self._errands.later(rng.uniform(120, 900))
        await self._api.post(f"/api/v1/passes/{name}/leave", {"gate": body["gate"]})
        self.done["left"] += 1
