"""Events of people that were deleted and that a gateway still had: after a restore they come again, and are left out.

Of a store on this machine the list of deletions says when, at what device and of which kind each event was, and nothing
of what it said. That is enough to know it again. It is read once, at the start: without a restore nothing comes twice.
"""

from pathlib import Path

from cloud.privacy.tombstones import Tombstones

SOURCE = "access"
KEPT_MS_MAX = 31 * 86_400_000
"""Longer no gateway keeps what was acked; deletions that are older stand for nothing that can come."""

EventName = tuple[int, str, str]
"""(at, device, kind)."""


def deleted_events(folder: Path, now_ms: int) -> frozenset[EventName]:
    """Names of what was deleted lately. Raises StoreUnavailable."""
    found: set[EventName] = set()
    for deletion in Tombstones(folder).all():
        if now_ms - deletion.at > KEPT_MS_MAX:
            continue
        for name in deletion.ids.get(SOURCE, ()):
            parts = name.split(":")  # as in cloud/store/duckdb_personal.py
            if len(parts) == 4 and parts[1].lstrip("-").isdigit():
                found.add((int(parts[1]), parts[2], parts[3]))
    return frozenset(found)
