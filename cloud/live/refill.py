"""Live state after a start: what is stored, with its true ages; as far as it can be read, for the start must go on."""

import asyncio
import contextlib
import logging

from cloud.ingest.path import Ingest
from cloud.live.state import LiveState
from cloud.registry.inventory import Inventory
from cloud.store.contract import EventsQuery, SeriesStore
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
VALUES_MS = 30 * DAY_MS
EVENTS_MS = 2 * DAY_MS
EVENTS = 5_000
MEND_S = 10
"""A damaged part of a large store takes longer to cut out; the collector then starts without the newest values."""


async def refill(live: LiveState, store: SeriesStore, ingest: Ingest, inventory: Inventory, clock: Clock) -> None:
    """Fill the live state. Survives a store of which a part cannot be read."""
    live.load()
    for birth in inventory.births():
        ingest.announce(*birth)
    try:
        await _from_store(live, store, clock)
    except StoreUnavailable as error:
        log.error("the newest values cannot be read: %s", error)
        with contextlib.suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(MEND_S):
                await ingest.maintain()
                await _from_store(live, store, clock)


async def _from_store(live: LiveState, store: SeriesStore, clock: Clock) -> None:
    now = clock.now_ms()
    newest = await store.newest_values(since_at=now - VALUES_MS)
    page = await store.events(EventsQuery(from_at=now - EVENTS_MS, to_at=now + DAY_MS, limit=EVENTS, newest_first=True))
    live.refill(newest, page)
