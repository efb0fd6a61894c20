"""A site with two doors at two gateways, some people, and a calendar, for tests of access."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from cloud.access.contract import (
    ControlledDoor,
    Credential,
    DoorGroup,
    Group,
    Holder,
    Lent,
    Permission,
    Schedule,
    SiteAccess,
)
from cloud.access.lists import Period
from cloud.access.rulings import Situation
from cloud.assets.calendar import SiteCalendar
from cloud.registry.asset_book import CalendarDay

ZONE = ZoneInfo("Asia/Shanghai")
DAY_MS, HOUR_MS = 86_400_000, 3_600_000


class Shanghai:
    """The zone of every site."""

    def time_zone(self, site: str) -> str:
        del site
        return "Asia/Shanghai"


def at(text: str) -> int:
    """An instant of the site's clock, as in ``2026-11-23 09:00`` (a Monday)."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def card(number: int) -> str:
    """A card key."""
    return f"{number:032x}"


LI, WANG, LENT_CARD = card(1), card(2), card(9)
NOW = at("2026-11-23 09:00")

FRONT = ControlledDoor("front", "Front door", "b3", "main-entrance", gate=True)
LAB = ControlledDoor("lab", "Laboratory", "b5", "lab", least=2, passback="hard", forgiven_min=30)
DOORS = (FRONT, LAB)


def calendar() -> SiteCalendar:
    """With a holiday on a Wednesday, and a Saturday that is worked."""
    made = SiteCalendar(Shanghai())
    made.take(
        [
            CalendarDay("east", "2026-11-25", "holiday", "Founders' day"),
            CalendarDay("east", "2026-11-28", "workday", ""),
        ]
    )
    return made


def known() -> SiteAccess:
    """Li works in the building and enters the laboratory; Wang cleans at night."""
    holders = (Holder(id="li", number=11, name="Li Na", unit="Finance"), Holder(id="wang", number=12, name="Wang Wei"))
    credentials = (
        Credential(id=LI, holder="li", level=2),
        Credential(id=WANG, holder="wang"),
    )
    groups = (Group(id="staff", name="Staff", members=("li",)), Group(id="night", name="Night", members=("wang",)))
    hours = (
        Schedule(id="work", name="Work", parts=("workday 08:00-18:00",), dates={"2026-11-24": ("08:00-12:00",)}),
        Schedule(id="night", name="Night", parts=("daily 22:00-06:00",)),
    )
    rules = (
        Permission(id="staff-in", group="staff", door_group="house", schedule="work"),
        Permission(id="night-in", group="night", door="front", schedule="night"),
    )
    return SiteAccess(
        {each.id: each for each in holders},
        {each.id: each for each in credentials},
        {each.id: each for each in groups},
        {"house": DoorGroup(id="house", name="House", doors=("front", "lab"))},
        {each.id: each for each in hours},
        {each.id: each for each in rules},
    )


LENT = (Lent("v-1", LENT_CARD, "front", at("2026-11-23 10:00"), at("2026-11-23 12:00")),)


def period(now: int = NOW, days: int = 7) -> Period:
    """A list made now."""
    return Period(now, now + days * DAY_MS, date.fromisoformat("2026-11-23"))


def situation(access: SiteAccess | None = None, lent: tuple[Lent, ...] = LENT) -> Situation:
    """The site as somebody asks about it."""
    return Situation("east", known() if access is None else access, DOORS, lent, calendar())
