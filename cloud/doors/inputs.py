"""What readings and events say about a door, as inputs of its rule."""

from collections.abc import Iterator, Mapping

from cloud.places.daybook import Input
from protocols.reading import Event

GRANTED, ALLOWED, READ, DENIED = "granted", "allowed", "read", "denied"
OPENED, FORCED, HELD, CLOSED = "opened", "forced", "held", "closed"
LOCK, TAMPER, TAMPERED, LOST, UNREADABLE = "lock", "tamper", "tampered", "lost", "unreadable"

RANKS = {
    kind: rank
    for rank, kind in enumerate(
        (GRANTED, ALLOWED, READ, DENIED, OPENED, FORCED, HELD, LOCK, TAMPER, TAMPERED, CLOSED, UNREADABLE, LOST)
    )
}
"""Of one instant the decision counts before the opening, and the opening before the closing."""

OF_EVENTS = {
    "access_granted": GRANTED,
    "access_denied": DENIED,
    "card_read": READ,
    "button": ALLOWED,
    "door_opened": OPENED,
    "door_closed": CLOSED,
    "door_forced": FORCED,
    "door_held": HELD,
    "tamper": TAMPERED,
    "device_lost": LOST,
}
UNLOCKING = frozenset({"unlock", "unlatch", "open", "unlocked"})
CONTACT_ROLES = frozenset({"contact", "lock"})


def of_event(event: Event, role: str) -> Iterator[Input]:
    """What an event of a device that tells about the door in this role says; nothing for what does not matter.

    A contact that does not answer any more makes the door unknown, a reader that does not does not.
    """
    kind = OF_EVENTS.get(event.kind)
    if event.kind == "lock_operated" and str(event.data.get("action", "")).lower() in UNLOCKING:
        kind = ALLOWED
    if kind is None or (kind == LOST and role not in CONTACT_ROLES):
        return
    card = str(event.data.get("card_key") or "")
    detail = str(event.data.get("reason") or event.data.get("detail") or event.data.get("source") or "")[:120]
    yield Input(event.at, RANKS[kind], kind, 0.0, card, detail, event.device)


def of_readings(device: str, at: int, points: Mapping[str, float | None]) -> Iterator[Input]:
    """What readings of one instant say. A contact whose reading is bad has said nothing: the door is unknown."""
    if "door_open" in points:
        value = points["door_open"]
        kind = UNREADABLE if value is None else OPENED if value >= 0.5 else CLOSED
        yield Input(at, RANKS[kind], kind, device=device)
    for point, kind in (("lock_state", LOCK), ("tamper", TAMPER)):
        known = points.get(point)
        if known is not None:
            yield Input(at, RANKS[kind], kind, known, device=device)
