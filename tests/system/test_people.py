"""The demo with people: what they ask for is dispatched, driven, used and walked, and the collector shows it."""

import asyncio
from collections.abc import Callable
from typing import Any

from protocols.clock import SystemClock
from simulators.clerk_api import ClerkApi
from simulators.compound import Compound
from simulators.east_compound import east_compound
from simulators.free_port import free_port
from simulators.people_desk import PeopleDesk
from simulators.sample_site import SITE

SEED, TIMES, HAPPENINGS = 3, 20.0, 14
WITHIN_S, ASK_EVERY_S = 420.0, 2.0


async def shown(compound: Compound, clock: SystemClock, what: str, is_so: Callable[[list[Any]], bool]) -> list[Any]:
    """The entities of live state, as soon as something is so."""
    api = compound.api()
    deadline = clock.monotonic() + WITHIN_S
    try:
        while True:
            entities = (await asyncio.to_thread(api.get, "/api/v1/state", site=SITE))["entities"]
            if is_so(entities):
                return entities
            assert clock.monotonic() < deadline, what
            await clock.sleep(ASK_EVERY_S)
    finally:
        api.close()


def of(entities: list[Any], kind: str) -> list[dict[str, Any]]:
    return [each["attributes"] for each in entities if f"/{kind}:" in each["id"]]


async def test_the_demo_s_people_are_served_by_themselves(tmp_path):
    clock = SystemClock()
    compound = Compound(
        tmp_path / "demo", east_compound(SEED, people=True), clock, say=print, http_port=free_port(), sample=True
    )
    try:
        await compound.start()
        token = compound.layout.token_file.read_text().strip()
        api = ClerkApi(compound.url, token, clock)
        desk = PeopleDesk(api, compound.hardware, clock, seed=SEED, run=1, times=TIMES, limit=HAPPENINGS)
        living = asyncio.create_task(desk.run())

        def is_known(entities: list[Any]) -> bool:
            return any(car.get("place") and car.get("latitude") for car in of(entities, "vehicle"))

        def is_served(entities: list[Any]) -> bool:
            assert not living.done() or living.exception() is None, living.exception()
            return any(asked["status"] == "done" and asked["assigned"] for asked in of(entities, "request"))

        def is_used(entities: list[Any]) -> bool:
            return any(room["state"] == "in_use" and room["occupied"] for room in of(entities, "room"))

        def is_walked(entities: list[Any]) -> bool:
            points = [point for run in of(entities, "patrol") for point in run["checkpoints"]]
            return any(point["state"] == "done" for point in points)

        def is_driven(entities: list[Any]) -> bool:
            sent = [asked for asked in of(entities, "request") if asked["kind"] == "vehicle"]
            return any(asked["status"] in ("under_way", "arrived", "done") for asked in sent)

        await shown(compound, clock, "a vehicle with a place", is_known)
        await shown(compound, clock, "a room in use", is_used)
        await shown(compound, clock, "a request done", is_served)
        await shown(compound, clock, "a vehicle on its way to somebody", is_driven)
        await shown(compound, clock, "a checkpoint reached", is_walked)
        print(desk.line(), dict(desk.done))
        assert desk.done["filed"] >= 2
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        api.close()
    finally:
        await compound.stop()
