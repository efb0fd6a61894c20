"""Places at which a test can kill this process exactly there: ``DAYUAN_FAILPOINT=name[:n]``, at the n-th passage."""

import os
from collections.abc import Callable

EXIT_CODE = 86

NAMES = (
    "mid_migration",
    "mid_registry_migration",
    "mid_set_aside",
    "mid_registry_set_aside",
    "before_commit",
    "after_commit",
    "before_ack",
    "after_ack",
    "mid_roll_up",
    "before_energy_days",
    "after_energy_days",
    "after_energy_done",
    "before_feed_noted",
    "after_feed_forgotten",
    "before_registry_commit",
    "after_registry_commit",
    "mid_expire",
    "mid_move_out",
    "mid_scrub",
    "after_scrub",
)
"""Every name that some part of the collector passes."""

Reach = Callable[[str], None]


def never(_place: str) -> None:
    """Nothing is armed."""


def fail_points(setting: str | None = None) -> Reach:
    """A function to call at each named place. Without a setting it does nothing. Raises ValueError for a wrong name."""
    name, _, count = (setting if setting is not None else os.environ.get("DAYUAN_FAILPOINT", "")).partition(":")
    if not name:
        return never
    if name not in NAMES or (count and not count.isdigit()):
        raise ValueError(f"DAYUAN_FAILPOINT={name}:{count}: write one of {', '.join(NAMES)}, then perhaps ':number'")
    left = int(count or 1)

    def reach(place: str) -> None:
        nonlocal left
        if place != name:
            return
        left -= 1
        if left <= 0:
            os._exit(EXIT_CODE)

    return reach
