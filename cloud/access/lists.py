"""Of what is known of a site, the list that each gateway decides by. Pure: the same in gives the same out."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from cloud.access.contract import ControlledDoor, Credential, Holder, Lent, Permission, SiteAccess
from cloud.access.hours import Days, Hours, hours_of

ALWAYS = ""
VISITOR = 0
"""The number of whoever carries a lent card."""
LENT_LEVEL = 1
DATES_AHEAD = 100
"""Days from today of which a list says what differs from the week: longer than any list lasts."""


class GrantLine(NamedTuple):
    """May open a door (by its id at the gateway) within a schedule, from and until (ms); 0 is no bound."""

    door: str
    schedule: str
    from_at: int
    until_at: int


class CardLine(NamedTuple):
    """What one card may. ``lines``: which of the list's sets."""

    person: int
    level: int
    lines: int
    exempt: bool
    lasting: bool = False


class ListContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a list says beside its number and times. ``schedules`` and ``cards`` are sorted by name."""

    doors: Mapping[str, ControlledDoor]
    schedules: Mapping[str, Hours]
    sets: tuple[tuple[GrantLine, ...], ...]
    cards: Mapping[str, CardLine]

    @property
    def digest(self) -> str:
        """Alike for lists that say the same."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]


class Period(NamedTuple):
    """When a list is made and when it ends (ms), and the site's day on which it is made."""

    now: int
    until: int
    today: date


def build(
    site: str, known: SiteAccess, doors: Sequence[ControlledDoor], lent: Iterable[Lent], days: Days, period: Period
) -> dict[str, ListContent]:
    """By gateway. What ended, is blocked or disabled, or begins only after the list ends, is not in it.

    A gateway whose doors nobody may open gets a list without cards. A lent card that is also somebody's own opens both,
    and neither when it is blocked or they are disabled.
    """
    granted = Granted(known, doors)
    by_card: dict[str, tuple[int, int, bool, bool, set[tuple[ControlledDoor, str, int, int]]]] = {}
    for credential in known.credentials.values():
        holder = known.holders.get(credential.holder)
        if holder is None or not opens(credential, holder):
            continue
        found = {
            line
            for permission in granted.of_holder(holder.id)
            if (line := _window(period, permission, credential, holder)) is not None
        }
        lines = {
            (door, schedule, since, until)
            for permission, since, until in found
            for door in granted.doors_of(permission)
            for schedule in (permission.schedule,)
        }
        by_card[credential.id] = (
            holder.number,
            credential.level,
            credential.exempt,
            credential.lasting,
            lines,
        )
    for each in lent:
        if each.until_at <= period.now or each.from_at >= period.until:
            continue
        if not lendable(known, each.card):
            continue
        mine = by_card.setdefault(each.card, (VISITOR, LENT_LEVEL, True, False, set()))
        mine[4].update((door, ALWAYS, each.from_at, each.until_at) for door in granted.gate(each.gate))
    return {
        gateway: _content(site, known, [door for door in doors if door.gateway == gateway], by_card, days, period)
        for gateway in sorted({door.gateway for door in doors})
    }


def opens(credential: Credential, holder: Holder) -> bool:
    """Whether a credential is good at all, whatever the time is."""
    return not credential.blocked and not holder.disabled


def lendable(known: SiteAccess, card: str) -> bool:
    """Whether a card may be lent: it is nobody's, or good."""
    credential = known.credentials.get(card)
    if credential is None:
        return True
    holder = known.holders.get(credential.holder)
    return holder is not None and opens(credential, holder)


class Granted:
    """Which permissions a holder has, and which doors they are about."""

    def __init__(self, known: SiteAccess, doors: Iterable[ControlledDoor]) -> None:
        self._known = known
        self._doors = {door.door: door for door in doors}
        self._groups: dict[str, list[str]] = {}
        for group in known.groups.values():
            for member in group.members:
                self._groups.setdefault(member, []).append(group.id)
        self._of_holder: dict[str, list[Permission]] = {}
        self._of_group: dict[str, list[Permission]] = {}
        self._doors_of: dict[str, list[ControlledDoor]] = {}
        for name in sorted(known.permissions):
            permission = known.permissions[name]
            where = self._of_holder if permission.holder else self._of_group
            where.setdefault(permission.holder or permission.group, []).append(permission)

    def of_holder(self, holder: str) -> Iterator[Permission]:
        """Their own and those of their groups."""
        yield from self._of_holder.get(holder, ())
        for group in self._groups.get(holder, ()):
            yield from self._of_group.get(group, ())

    def doors_of(self, permission: Permission) -> list[ControlledDoor]:
        """Those of its doors that a gateway decides for."""
        if permission.id in self._doors_of:
            return self._doors_of[permission.id]
        if permission.door:
            names: Sequence[str] = (permission.door,)
        else:
            group = self._known.door_groups.get(permission.door_group)
            names = group.doors if group is not None else ()
        found = self._doors_of[permission.id] = [self._doors[name] for name in names if name in self._doors]
        return found

    def gate(self, gate: str) -> list[ControlledDoor]:
        """The gate a pass names; of a pass that names none, every gate of the compound. No pass opens another door."""
        named = [self._doors[gate]] if gate in self._doors else []
        return [door for door in (named if gate else self._doors.values()) if door.gate]


def window(*spans: tuple[int | None, int | None]) -> tuple[int, int]:
    """What is common to all of them: from and until, 0 for no bound."""
    from_at = max(since or 0 for since, _ in spans)
    ends = [max(until, 1) for _, until in spans if until is not None]
    return from_at, min(ends, default=0)


def _window(
    period: Period, permission: Permission, credential: Credential, holder: Holder
) -> tuple[Permission, int, int] | None:
    since, until = window(
        (permission.from_at, permission.until_at),
        (credential.from_at, credential.until_at),
        (None, holder.until_at),
    )
    if since >= period.until or (until and until <= max(period.now, since)):
        return None
    return permission, since if since > period.now else 0, until


Cards = Mapping[str, tuple[int, int, bool, bool, set[tuple[ControlledDoor, str, int, int]]]]


def _content(
    site: str, known: SiteAccess, doors: Sequence[ControlledDoor], by_card: Cards, days: Days, period: Period
) -> ListContent:
    mine = {door.door: door for door in doors}
    sets: dict[tuple[GrantLine, ...], int] = {}
    cards: dict[str, CardLine] = {}
    for card in sorted(by_card):
        person, level, exempt, lasting, lines = by_card[card]
        here = tuple(
            sorted({GrantLine(mine[door.door].local, when, a, b) for door, when, a, b in lines if door.door in mine})
        )
        if here:
            cards[card] = CardLine(person, level, sets.setdefault(here, len(sets)), exempt, lasting)
    used = sorted({line.schedule for lines in sets for line in lines if line.schedule})
    hours = {name: hours_of(known.schedules[name], site, days, period.today, DATES_AHEAD) for name in used}
    local = {door.local: door for door in sorted(doors, key=lambda each: each.local)}
    return ListContent(doors=local, schedules=hours, sets=tuple(sets), cards=cards)
