"""What a guard or technician is doing, from position, cards, the shift, orders and patrols. Pure."""

from typing import NamedTuple

from cloud.assets.contract import Asset, ResourceState
from cloud.geo.earth import Spot

AVAILABLE, BUSY, OFF_DUTY, NON_CONTACTABLE = "available", "busy", "off_duty", "non_contactable"
STALE_S = 900.0


class Seen(NamedTuple):
    """Where somebody was last known to be. by: ``position``, or the name of the reader at which the card was read."""

    at: int
    spot: Spot | None
    accuracy_m: float | None = None
    course_deg: float | None = None
    speed_kmh: float | None = None
    by: str = "position"


def stale_ms(person: Asset) -> int:
    """How long a position holds."""
    return int(person.number("stale_after_s", STALE_S) * 1000)


def state_of(person: Asset, seen: Seen | None, *, on_duty: bool, has_work: bool, now: int) -> str:
    """off_duty: outside of the shift and without work. non_contactable: on duty with a device for the position, which
    was silent for longer than its limit (who carries none is reached by other means). busy: has an order or is on a
    patrol."""
    if not on_duty and not has_work:
        return OFF_DUTY
    carries = any(binding.role == "position" for binding in person.bindings)
    if carries and (seen is None or now - seen.at > stale_ms(person)):
        return NON_CONTACTABLE
    return BUSY if has_work else AVAILABLE


def resource_of(person: Asset, seen: Seen | None, state: str) -> ResourceState:
    """As dispatch asks for it; somebody who was never seen is at the post."""
    spot = seen.spot if seen is not None else None
    return ResourceState(
        person.key, state, spot or person.spot, seen.at if seen else None, seen.accuracy_m if seen else None
    )
