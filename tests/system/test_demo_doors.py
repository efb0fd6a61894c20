"""The demo's doors live: gateways enrol, lists arrive, people are let in and refused, visitors have lent cards."""

import asyncio
from typing import Any

from protocols.clock import SystemClock
from simulators.clerk_api import ClerkApi
from simulators.compound import Compound
from simulators.desk import add_token
from simulators.east_compound import east_compound
from simulators.free_port import free_port
from simulators.lent_cards import LentCards
from simulators.sample_site import SITE
from simulators.world.people import Person
from tests.waiting import until

WITHIN_S = 120.0


async def test_the_demo_s_doors_are_decided_by_signed_lists(tmp_path):
    clock = SystemClock()
    compound = Compound(
        tmp_path / "demo", east_compound(3, people=True), clock, say=print, http_port=free_port(), sample=True
    )
    try:
        await compound.start()
        token = await add_token(compound.layout.cloud_file, name="officer", role="administrator")
        api = ClerkApi(compound.url, token, clock)
        access = f"/api/v1/access/{SITE}"

        async def held() -> bool | None:
            told = await api.get(f"{access}/doors")
            lists = [
                (each["doors"], each["held"] is not None and each["held"] == each["wanted"]) for each in told["lists"]
            ]
            return True if sorted(lists) == [(4, True), (8, True)] and len(told["doors"]) == 12 else None

        await until(held, within_s=WITHIN_S, what="both gateways hold their lists")
        lent = LentCards(api, compound.hardware, clock, secret=compound.layout.card_secret(), seed=3)
        visits = asyncio.create_task(lent.run())
        stranger = Person("Unknown", "DEADBEEF", "Denied")
        device = compound.hardware.mqtt.devices["b3-plant-door"]
        await device.tap(stranger, known=False)

        async def decided() -> set[str] | None:
            found = (await api.get(f"{access}/decisions", limit=500))["decisions"]
            reasons = {each["reason"] for each in found}
            return reasons if {"list", "unknown_card"} <= reasons else None

        await until(decided, within_s=WITHIN_S, what="somebody let in, somebody refused")

        async def passes() -> list[Any] | None:
            found = (await api.get("/api/v1/passes", site=SITE))["passes"]
            return found if len(found) >= 3 else None

        await until(passes, within_s=WITHIN_S, what="the passes of the visitors with lent cards")

        def pushed() -> bool:
            kinds = [e.kind for m in compound.ledger.published() for e in m.expected.events]
            return "door_opened" in kinds

        await until(pushed, within_s=WITHIN_S, what="somebody goes through a door whose strike was pulsed")
        visits.cancel()
        await asyncio.gather(visits, return_exceptions=True)
        api.close()
        assert await compound.drain(120)
        verdict = await compound.verify()
        print("\n".join(verdict.lines()))
        wrong = (verdict.missing, verdict.duplicated, verdict.altered, verdict.holes)
        assert (wrong, verdict.produced > 0) == ((0, 0, 0, []), True)
    finally:
        await compound.stop()
