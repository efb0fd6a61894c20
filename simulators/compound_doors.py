"""Doors of a compound that its gateways decide for: gateways are enrolled as a person would do it, people brought in.

The order: the collector answers, each gateway is given a code and enrols with it, then it starts; people, cards and
rules come in beside that. A folder gets each of it once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime

from protocols.clock import Clock
from simulators.broker import write_private
from simulators.clerk_api import ClerkApi, Refused
from simulators.desk import CommandFailed, add_token, command
from simulators.devices.mqtt.fitting import zone_of
from simulators.door_people import as_toml
from simulators.layout import Layout
from simulators.processes import ProcessFailed
from simulators.scenario import Scenario
from simulators.told_matching import card_key
from simulators.world.people import make_people


class Administrator:
    """Somebody who may do everything, while a compound starts. The token is made when it is first needed; its secret
    is written nowhere."""

    def __init__(self, layout: Layout, url: str, clock: Clock) -> None:
        self._layout, self._url, self._clock = layout, url, clock
        self._made: asyncio.Task[ClerkApi] | None = None

    async def api(self) -> ClerkApi:
        """Raises CommandFailed."""
        if self._made is None:
            self._made = asyncio.create_task(self._make(), name="administrator")
        return await asyncio.shield(self._made)

    async def _make(self) -> ClerkApi:
        token = await add_token(self._layout.cloud_file, name="sample site", role="administrator")
        return ClerkApi(self._url, token, self._clock)

    def close(self) -> None:
        made = self._made
        if made is not None and made.done() and not made.cancelled() and made.exception() is None:
            made.result().close()


def decided_here(scenario: Scenario) -> bool:
    """Whether a gateway decides for any door."""
    return any(door.strike for door in scenario.door)


async def enrol(layout: Layout, site: str, gateway: str, url: str, administrator: Administrator) -> None:
    """A gateway's certificate, by a one-time code and the gateway's own command. Raises ProcessFailed."""
    if (layout.gateway(gateway) / "identity").exists():
        return
    try:
        code = (await (await administrator.api()).post(f"/api/v1/identities/{site}/{gateway}/code", None))["code"]
        await command("edge.cli", "enrol", url, "-", str(layout.site_file(gateway)), "--json", given=code)
    except (CommandFailed, Refused) as error:
        raise ProcessFailed(f"gateway {gateway} was not enrolled: {error}") from None


async def bring_in_people(
    layout: Layout, scenario: Scenario, clock: Clock, administrator: Administrator, say: Callable[[str], None]
) -> None:
    """People, cards, groups, schedules and permissions; the collector makes lists of them. Raises ProcessFailed."""
    if layout.doors_mark.exists():
        return
    people = make_people(random.Random(f"{scenario.seed}:people"), scenario.people)
    secret = layout.card_secret()
    today = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).astimezone(zone_of(scenario.time_zone)).date()
    text = as_toml(people, lambda card: card_key(secret, card), seed=scenario.seed, today=today)
    try:
        api = await administrator.api()
        told = await api.post(f"/api/v1/access/{scenario.site}/import?format=toml", text)
    except (CommandFailed, Refused) as error:
        raise ProcessFailed(f"people and cards were not brought in: {error}") from None
    write_private(layout.doors_mark, "brought in; without this file they are brought in again at the next start\n")
    say(f"doors      {told['created']} people, cards and rules; gateways decide by signed lists")
