"""What holds for a door, from the facts of its asset, its bindings and its readers."""

from collections.abc import Callable
from typing import NamedTuple

from cloud.assets.contract import Asset, Calendar, Roster
from cloud.doors.rule import Limits


class DoorDefaults(NamedTuple):
    """What holds at a site for doors that say nothing of their own."""

    held_s: float = 30.0
    burst: int = 3
    card_kmh: float = 30.0


StaleLimit = Callable[[str, str, str], float]
"""Site, device, point -> seconds (what was announced, or the default)."""


def limits_of(
    door: Asset, roster: Roster, calendar: Calendar, stale_limit: StaleLimit, defaults: DoorDefaults = DoorDefaults()
) -> Limits:
    """``held_after_s``, ``may_stand_open``, ``denied_burst`` and ``free_exit`` of the door.

    A door decides who comes in when a device is bound to it as a reader, or a reader asset names it (fact ``door``).
    """
    site = door.key.site
    schedule = door.texts("may_stand_open")
    contacts = [binding.device for binding in door.bindings if binding.role == "contact"]
    stale_s = min((stale_limit(site, device, "door_open") for device in contacts), default=None)
    return Limits(
        held_ms=int(door.number("held_after_s", defaults.held_s) * 1000),
        decides=bool(readers_of(door, roster)) and door.facts.get("free_exit") is not True,
        contact=bool(contacts),
        stale_ms=int(stale_s * 1000) if stale_s is not None else None,
        burst=max(2, int(door.number("denied_burst", defaults.burst))),
        standing=lambda at: calendar.within(site, at, schedule),
    )


def readers_of(door: Asset, roster: Roster) -> list[str]:
    """Devices at which cards are held for this door."""
    own = [binding.device for binding in door.bindings if binding.role == "reader"]
    readers = (reader for reader in roster.all("reader", door.key.site) if reader.text("door") == door.key.id)
    return own + [binding.device for reader in readers for binding in reader.bindings]
