"""What is said of one tap by what is known now, and why: the page explains a refusal with it.

The gateway decides by the list it holds; the two differ while a newer list is on its way, or when a gateway's own
state matters (its clock, where somebody is).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from cloud.access.contract import ControlledDoor, Credential, Holder, Lent, Permission, SiteAccess
from cloud.access.hours import of_date, within
from cloud.access.lists import Granted, window

GRANTED = "granted"
UNKNOWN_CARD, BLOCKED, DISABLED, NOT_HERE, NOT_NOW = "unknown_card", "blocked", "disabled", "not_here", "not_now"
NOT_YET, NO_LONGER, ASSURANCE, NOT_CONTROLLED = "not_yet_valid", "no_longer_valid", "assurance", "not_controlled"
REASONS = (
    *(GRANTED, UNKNOWN_CARD, BLOCKED, DISABLED, NOT_HERE, NOT_NOW, NOT_YET, NO_LONGER, ASSURANCE, NOT_CONTROLLED),
    *("no_list", "list_expired", "passback", "clock_unknown"),
)
"""All that a page can put into words; the last ones only a gateway says."""


class Calendar(Protocol):
    """The site's days and zone."""

    def workday(self, site: str, day: date) -> bool: ...

    def zone(self, site: str) -> ZoneInfo: ...


class Ruling(NamedTuple):
    """``permissions``: those that open it, or that would at another time. ``since``, ``until``: of what is not valid
    at the moment (ms); None for no bound."""

    reason: str
    holder: str = ""
    permissions: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    detail: str = ""


class Situation(NamedTuple):
    """What is known of a site when somebody asks."""

    site: str
    known: SiteAccess
    doors: Sequence[ControlledDoor]
    lent: Sequence[Lent]
    calendar: Calendar


def rule(situation: Situation, door: str, card: str, at: int) -> Ruling:
    """What a gateway with today's list would say of this card at this door at the instant (ms)."""
    return _Question(situation, at).rule(door, card)


class _Question:
    """What all rulings of one question need is looked up once: a door may be that of 50,000 people."""

    def __init__(self, situation: Situation, at: int) -> None:
        self.known, self.granted = situation.known, Granted(situation.known, situation.doors)
        self._situation, self._at = situation, at
        self._doors = {each.door: each for each in situation.doors}
        self._lent: dict[str, list[Lent]] = {}
        for each in situation.lent:
            self._lent.setdefault(each.card, []).append(each)
        self._holding: dict[str, bool] = {}

    def rule(self, door: str, card: str) -> Ruling:
        """Of one card at one door."""
        found = self._doors.get(door)
        if found is None:
            return Ruling(NOT_CONTROLLED)
        by_pass = self._of_pass(found, card)
        credential = self.known.credentials.get(card)
        if credential is None:
            return by_pass or Ruling(UNKNOWN_CARD)
        holder = self.known.holders[credential.holder]
        if credential.blocked:
            return Ruling(BLOCKED, holder.id, detail=credential.blocked)
        if holder.disabled:
            return Ruling(DISABLED, holder.id)
        if by_pass is not None and by_pass.reason == GRANTED:
            return by_pass
        mine = [each for each in self.granted.of_holder(holder.id) if found in self.granted.doors_of(each)]
        if not mine:
            return Ruling(NOT_HERE, holder.id)
        if credential.level < found.least:
            return Ruling(ASSURANCE, holder.id, detail=f"{credential.level} < {found.least}")
        return self._of_permissions(mine, credential, holder)

    def _of_permissions(self, mine: Sequence[Permission], credential: Credential, holder: Holder) -> Ruling:
        at, of_card, of_holder = self._at, (credential.from_at, credential.until_at), (None, holder.until_at)
        spans = {each.id: window((each.from_at, each.until_at), of_card, of_holder) for each in mine}
        valid = [each for each in mine if spans[each.id][0] <= at and (not spans[each.id][1] or at < spans[each.id][1])]
        names = tuple(each.id for each in mine)
        if not valid:
            ahead = [spans[each.id] for each in mine if at < spans[each.id][0]]
            if ahead:
                return Ruling(NOT_YET, holder.id, names, since=min(since for since, _ in ahead))
            return Ruling(NO_LONGER, holder.id, names, until=max(until for _, until in spans.values()))
        now = [each for each in valid if self._holds(each.schedule)]
        if not now:
            return Ruling(NOT_NOW, holder.id, tuple(each.id for each in valid))
        return Ruling(GRANTED, holder.id, tuple(each.id for each in now))

    def _holds(self, name: str) -> bool:
        """Whether a schedule holds at the instant; without one, always."""
        if not name:
            return True
        if name not in self._holding:
            site, calendar = self._situation.site, self._situation.calendar
            local = datetime.fromtimestamp(self._at / 1000, UTC).astimezone(calendar.zone(site))
            spans = of_date(self.known.schedules[name], site, calendar, local.date())
            self._holding[name] = within(spans, local.hour * 60 + local.minute)
        return self._holding[name]

    def _of_pass(self, door: ControlledDoor, card: str) -> Ruling | None:
        """What a visitor's pass says; None where the card is lent to nobody."""
        mine = self._lent.get(card, [])
        if not mine:
            return None
        here = [each for each in mine if door in self.granted.gate(each.gate)]
        if not here:
            return Ruling(NOT_HERE, detail=mine[0].visit)
        for each in here:
            if each.from_at <= self._at < each.until_at:
                return Ruling(GRANTED, detail=each.visit, since=each.from_at, until=each.until_at)
        ahead = [each for each in here if self._at < each.from_at]
        if ahead:
            return Ruling(NOT_YET, detail=ahead[0].visit, since=ahead[0].from_at)
        return Ruling(NO_LONGER, detail=here[-1].visit, until=here[-1].until_at)


class Allowed(NamedTuple):
    """One permission by which somebody may open a door; ``now``: at the instant that was asked about."""

    holder: str
    door: str
    permission: str
    schedule: str
    now: bool


def who_may(situation: Situation, door: str, at: int) -> list[Allowed]:
    """Everybody who may open a door at some time, by holder; those without a good credential are left out."""
    return sorted(_allowed(situation, at, situation.known.holders, {door}))


def may_what(situation: Situation, holder: str, at: int) -> list[Allowed]:
    """Every door that somebody may open at some time."""
    return sorted(_allowed(situation, at, [holder], None), key=lambda each: each.door)


def _allowed(situation: Situation, at: int, holders: Iterable[str], doors: set[str] | None) -> Iterable[Allowed]:
    question = _Question(situation, at)
    known, granted = situation.known, question.granted
    cards: dict[str, list[str]] = {}
    for credential in known.credentials.values():
        cards.setdefault(credential.holder, []).append(credential.id)
    for holder in holders:
        if known.holders[holder].disabled or holder not in cards:
            continue
        ruled: dict[str, list[Ruling]] = {}
        for permission in granted.of_holder(holder):
            for door in granted.doors_of(permission):
                if doors is not None and door.door not in doors:
                    continue
                if door.door not in ruled:
                    ruled[door.door] = [question.rule(door.door, card) for card in cards[holder]]
                now = any(each.reason == GRANTED and permission.id in each.permissions for each in ruled[door.door])
                yield Allowed(holder, door.door, permission.id, permission.schedule, now)
