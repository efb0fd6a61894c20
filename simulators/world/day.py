"""How much goes on at which time of a working day. Pure functions."""

from __future__ import annotations

from datetime import datetime, tzinfo

_BY_HOUR = (
    0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 1.2, 3.0, 1.6, 1.0, 1.6,
    2.4, 1.4, 1.2, 1.0, 1.0, 2.2, 1.4, 0.6, 0.4, 0.3, 0.2, 0.1,
)  # fmt: skip
"""Morning rush, lunch, and the way home; 1 is an ordinary hour of the day."""
QUIETEST = 0.4
"""Nights are told busier than they are, so that somebody who starts the demo then sees anything."""


def busy(at_ms: int, zone: tzinfo) -> float:
    """How often people do things at this instant, against an ordinary hour."""
    local = datetime.fromtimestamp(at_ms / 1000, zone)
    here, following = _BY_HOUR[local.hour], _BY_HOUR[(local.hour + 1) % 24]
    return max(QUIETEST, here + (following - here) * local.minute / 60)
