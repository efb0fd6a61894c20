"""Copies of all that a collector keeps, which fit together: the registry as of an instant, the store as of a later one.

That is what a collector finds after a kill, too: readings are committed before anything is made of them, so a store
that knows more than the registry is caught up with at the next start. The other way round something would be missing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from cloud.registry.database import FILE_NAME as REGISTRY_FILE
from cloud.registry.database_copy import copy_registry
from cloud.store.duckdb_copy import copy_file
from cloud.store.duckdb_store import FILE_NAME as STORE_FILE
from protocols.clock import Clock

REGISTRY, STORE = REGISTRY_FILE, STORE_FILE


@runtime_checkable
class CopyableStore(Protocol):
    """A store that can be copied while it is written."""

    async def copy_to(self, target: Path) -> None: ...


class Copies(msgspec.Struct, frozen=True, kw_only=True):
    """Where they are; ``at``: ms, when the store's copy was begun."""

    folder: str
    at: int


async def make_copies(registry: Path, store: CopyableStore, folder: Path, clock: Clock) -> Copies:
    """Beside a running collector, by itself. Raises StoreUnavailable."""
    await asyncio.to_thread(copy_registry, registry, folder / REGISTRY)
    at = clock.now_ms()
    await store.copy_to(folder / STORE)
    return Copies(folder=str(folder), at=at)


def copy_at_rest(data: Path, folder: Path, clock: Clock) -> Copies:
    """Of a collector that does not run. Raises StoreUnavailable, StoreDamaged."""
    copy_registry(data / REGISTRY, folder / REGISTRY)
    at = clock.now_ms()
    copy_file(data / STORE, folder / STORE)
    return Copies(folder=str(folder), at=at)
