"""Two doors with readers and strikes on one gateway, its list and its disk, for tests of what happens at a tap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edge.access.access import Access
from edge.access.grant_store import GrantStore
from edge.access.lists import Lists
from edge.access.records import Records
from edge.access.zones import Zones
from edge.commands import Command, CommandOutcome
from edge.contract import LinkMessage
from edge.settings import DoorSettings, StrikeSettings
from protocols.clock import ManualClock
from protocols.events import check_event
from protocols.grants import Card, Grant, GrantDoor, columns
from protocols.reading import Event
from tests.edge.collecting_sink import CollectingSink
from tests.protocols.test_grants import KEYS, NOW, PUBLIC, grant_list, sealed
from tests.waiting import until

NORTH = DoorSettings(
    id="north",
    name="north",
    lock="fail-secure",
    strike=StrikeSettings("relays", "relay_1", 3.0),
    reader_in=("r-in",),
    reader_out=("r-out",),
    zone_in="inside",
    zone_out="yard",
)
SOUTH = DoorSettings(
    id="south",
    name="south",
    lock="fail-safe",
    strike=StrikeSettings("relays", "relay_2"),
    reader_in=("r-south",),
    zone_in="inside",
    zone_out="yard",
)
OWNER, OTHER = KEYS[0], KEYS[1]


def a_list(number: int = 7, **given: Any) -> bytes:
    doors = [GrantDoor(id="north", passback="hard"), GrantDoor(id="south", passback="hard")]
    cards = columns([Card(OWNER, 30, 0)])
    wanted = {"number": number, "doors": doors, "sets": [[Grant("north"), Grant("south")]], "cards": cards}
    return sealed(grant_list(**{**wanted, **given}))


class Site:
    """The doors of a gateway in one folder, through any number of lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock, self.sink = ManualClock(NOW), CollectingSink()
        self.pulsed: list[Command] = []
        self.clock_known = True
        self.outcome: Callable[[], CommandOutcome] = lambda: CommandOutcome(True, "done")
        self.answers = asyncio.Event()
        self.answers.set()
        self.access: Access

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Access]:
        records = Records(self.sink, self.clock)
        store = GrantStore(self.folder / "grants", site="east", gateway="b3", key=lambda: PUBLIC)
        zones = Zones(self.folder / "zones")
        self.access = Access(
            (NORTH, SOUTH),
            lists=Lists(store, records, self.clock, lambda: self.clock_known),
            zones=zones,
            records=records,
            obey=self.obey,
            clock=self.clock,
            clock_known=lambda: self.clock_known,
            now_ms=self.clock.now_ms,
        )
        running = asyncio.create_task(self.access.run(), name="doors")
        try:
            yield self.access
        finally:
            running.cancel()
            await asyncio.wait([running])
            self.access.close()

    async def obey(self, command: Command) -> CommandOutcome:
        self.pulsed.append(command)
        await self.answers.wait()
        return self.outcome()

    async def give(self, payload: bytes) -> None:
        """A list arrives and holds."""
        before = self.access.lists.held
        await self.access.lists.hear(LinkMessage("t", payload, 1, True, False, 1))
        await until(lambda: self.access.lists.held is not before)

    def tap(self, card: str = OWNER, reader: str = "r-in", *, fresh: bool = True, age_ms: int = 0) -> None:
        event = Event(reader, "card_read", self.clock.now_ms() - age_ms, {"card_key": card})
        assert self.access.hear((event,), fresh) == (event,)

    async def decided(self, many: int) -> list[Event]:
        """So many decisions are on record, and no more."""
        await until(lambda: len(self.decisions()) >= many)
        await self.access.drained()
        found = self.decisions()
        assert len(found) == many, found
        for event in self.sink.events:
            assert check_event(event) is None
        return found

    def decisions(self) -> list[Event]:
        return [event for event in self.sink.events if event.kind.startswith("access_")]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.sink.events if not event.kind.startswith("access_")]
