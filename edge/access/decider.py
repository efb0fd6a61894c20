"""May this card open this door now? Pure: everything it goes by is handed to it.

Reasons of a refusal, in the order they are looked at: ``no_list``, ``clock_unknown``, ``list_expired``,
``unknown_card``, ``not_here``, then of the card's grants for this door the one that came nearest (``not_now``,
``not_yet_valid``, ``no_longer_valid``), ``assurance``, ``passback``. Of a grant: ``list``; ``lasting``: the list has
expired and the card opens all the same; ``times_ignored``: the clock is not set and the door says that this does not
matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from protocols.clock import MS_PER_S
from protocols.grants import EXEMPT, LASTING, MADE_AHEAD_MS_MAX, Card, Grant, GrantDoor, GrantList
from protocols.schedules import zone_of

BACK_MS_MAX = 60 * MS_PER_S
"""A passage further in the future than this was noted by another clock, and counts no more."""

_NEARNESS = {"not_now": 3, "not_yet_valid": 2, "no_longer_valid": 1}


class Held:
    """A list, with its doors and schedules by their ids."""

    def __init__(self, grants: GrantList) -> None:
        self.grants = grants
        self.doors: dict[str, GrantDoor] = {door.id: door for door in grants.doors}
        self.schedules = {schedule.id: schedule for schedule in grants.schedules}
        zone = zone_of(grants.time_zone)
        assert zone is not None  # the list was checked
        self.zone = zone


class Asked(NamedTuple):
    """A card before a reader. ``level``: how sure the reader can be at best. ``here``: the zone it stands in, "" when
    it is in none. ``now_ms``: the wall clock, a lower bound of it while ``clock_known`` is False."""

    card: str
    door: str
    now_ms: int
    clock_known: bool = True
    level: int = 1
    here: str = ""
    ignores_times: bool = False


class Place(NamedTuple):
    """Where a person went last, and when (ms)."""

    zone: str
    at: int


class Decision(NamedTuple):
    """``level``: the assurance that was had. ``passback``: "soft" when somebody was let in against it."""

    granted: bool
    reason: str
    person: int | None = None
    level: int = 0
    passback: str = ""
    number: int = 0


def decide(asked: Asked, held: Held | None, place_of: Callable[[int], Place | None]) -> Decision:
    """See the module. ``place_of``: where a person is known to be."""
    if held is None:
        return Decision(False, "no_list")
    grants = held.grants
    number = grants.number
    is_timed = asked.clock_known and asked.now_ms >= grants.issued_at - MADE_AHEAD_MS_MAX
    if not is_timed and not asked.ignores_times:
        return Decision(False, "clock_unknown", number=number)
    expired = asked.now_ms >= grants.expires_at
    card = grants.cards.find(asked.card)
    if expired and (card is None or not card.flags & LASTING):
        return Decision(False, "list_expired", None if card is None else card.person, number=number)
    if card is None:
        return Decision(False, "unknown_card", number=number)
    level = min(card.level, asked.level)
    refused = _refusal(asked, held, card, level, is_timed, place_of)
    if refused not in ("", "soft"):
        return Decision(False, refused, card.person, level, number=number)
    reason = "times_ignored" if not is_timed else "lasting" if expired else "list"
    return Decision(True, reason, card.person, level, refused, number)


def _refusal(
    asked: Asked, held: Held, card: Card, level: int, is_timed: bool, place_of: Callable[[int], Place | None]
) -> str:
    """Why not; empty when nothing stands against it, ``soft`` when only a soft anti-passback does."""
    door = held.doors.get(asked.door)
    here = [grant for grant in held.grants.sets[card.set] if grant.door == asked.door]
    if door is None or not here:
        return "not_here"
    found = [_untimely(grant, held, asked.now_ms, is_timed) for grant in here]
    if "" not in found:
        return max(found, key=_NEARNESS.__getitem__)
    if level < door.level:
        return "assurance"
    if door.passback == "off" or card.flags & EXEMPT or not asked.here or not is_timed:
        return ""
    place = place_of(card.person)
    if place is None or place.zone == asked.here or _is_forgiven(place.at, asked.now_ms, door.forgiven_min):
        return ""
    return "soft" if door.passback == "soft" else "passback"


def _untimely(grant: Grant, held: Held, now_ms: int, is_timed: bool) -> str:
    """A time that is only a lower bound can still be too late, never too early."""
    if grant.valid_until is not None and now_ms >= grant.valid_until:
        return "no_longer_valid"
    if not is_timed:
        return ""
    if grant.valid_from is not None and now_ms < grant.valid_from:
        return "not_yet_valid"
    if grant.schedule is not None and not held.schedules[grant.schedule].holds_at(now_ms, held.zone):
        return "not_now"
    return ""


def _is_forgiven(at_ms: int, now_ms: int, minutes: int) -> bool:
    age_ms = now_ms - at_ms
    return age_ms < -BACK_MS_MAX or (minutes > 0 and age_ms >= minutes * 60 * MS_PER_S)
