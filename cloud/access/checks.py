"""What is wrong with records of access: each alone, and what they name that is not there."""

import re
from collections.abc import Callable, Iterator
from datetime import date

from cloud.access.contract import (
    CREDENTIAL_KINDS,
    LEVEL_MAX,
    LEVEL_MIN,
    AccessFault,
    Credential,
    DoorGroup,
    Group,
    Holder,
    Permission,
    Record,
    RecordKey,
    Schedule,
    SiteAccess,
    key_of,
)
from cloud.access.hours import most_of_a_day
from cloud.assets.calendar import schedule_fault
from protocols.reading import ID_RULE, is_id
from protocols.schedules import INTERVALS_MAX

CARD_KEY = re.compile(r"[0-9a-f]{32}")
HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)")
INSTANT_MAX = 253_402_300_800_000
NAME_MAX, LABEL_MAX = 100, 60
MEMBERS_MAX, DOORS_MAX, PARTS_MAX, DATES_MAX = 50_000, 256, 16, 400
MAX: dict[str, int] = {
    "holder": 50_000,
    "credential": 50_000,
    "group": 2_000,
    "door_group": 500,
    "schedule": 400,
    "permission": 20_000,
}
"""Of each kind at a site: what fits a gateway's list."""

Known = Callable[[str], bool]
"""Whether the site has a door of that id."""


def faults_of(record: Record, there: SiteAccess, has_door: Known) -> Iterator[AccessFault]:
    """Everything that is wrong with a record, were it put there; ``there`` is the site with all of the change in it."""
    kind, name = key_of(record)

    def fault(field: str, message: str) -> AccessFault:
        return AccessFault(kind, name[:64], field, message)

    if not isinstance(record, Credential) and not is_id(name):
        yield fault("id", f"{name[:40]!r} is no id; {ID_RULE}")
    for field, message in _fields(record, there, has_door):
        yield fault(field, message)


def used_by(key: RecordKey, there: SiteAccess) -> RecordKey | None:
    """What still names a record, so that it cannot go. What hangs on a holder goes along with it."""
    if key.kind in ("group", "door_group", "schedule"):
        for each in there.permissions.values():
            if getattr(each, key.kind) == key.id:
                return key_of(each)
    return None


def _fields(record: Record, there: SiteAccess, has_door: Known) -> Iterator[tuple[str, str]]:
    match record:
        case Holder():
            yield from _text("name", record.name, least=1)
            yield from _text("unit", record.unit)
            yield from _instants(None, record.until_at)
        case Credential():
            yield from _credential(record, there)
        case Group():
            yield from _text("name", record.name, least=1)
            yield from _listed("members", record.members, MEMBERS_MAX, there.holders.__contains__, "holder")
        case DoorGroup():
            yield from _text("name", record.name, least=1)
            yield from _listed("doors", record.doors, DOORS_MAX, has_door, "door")
        case Schedule():
            yield from _text("name", record.name, least=1)
            yield from _hours(record)
        case Permission():
            yield from _permission(record, there, has_door)


def _credential(record: Credential, there: SiteAccess) -> Iterator[tuple[str, str]]:
    if not CARD_KEY.fullmatch(record.id):
        yield "id", "no card key: 32 digits of 0-9 a-f, as readers' events say it; never the number on the card"
    if record.holder not in there.holders:
        yield "holder", f"there is no holder {record.holder[:40]!r}"
    if record.kind not in CREDENTIAL_KINDS:
        yield "kind", f"{record.kind[:40]!r} is none of {', '.join(CREDENTIAL_KINDS)}"
    if not LEVEL_MIN <= record.level <= LEVEL_MAX:
        yield "level", f"{record.level} is not from {LEVEL_MIN} to {LEVEL_MAX}"
    yield from _text("label", record.label, most=LABEL_MAX)
    yield from _text("blocked", record.blocked, most=LABEL_MAX)
    yield from _instants(record.from_at, record.until_at)


def _permission(record: Permission, there: SiteAccess, has_door: Known) -> Iterator[tuple[str, str]]:
    if bool(record.holder) == bool(record.group):
        yield "holder", "either a holder or a group may; name one of them"
    elif record.holder and record.holder not in there.holders:
        yield "holder", f"there is no holder {record.holder[:40]!r}"
    elif record.group and record.group not in there.groups:
        yield "group", f"there is no group {record.group[:40]!r}"
    if bool(record.door) == bool(record.door_group):
        yield "door", "either a door or a group of doors is opened; name one of them"
    elif record.door and not has_door(record.door):
        yield "door", f"there is no door {record.door[:40]!r}"
    elif record.door_group and record.door_group not in there.door_groups:
        yield "door_group", f"there is no group of doors {record.door_group[:40]!r}"
    if record.schedule and record.schedule not in there.schedules:
        yield "schedule", f"there is no schedule {record.schedule[:40]!r}; empty for any time"
    yield from _instants(record.from_at, record.until_at)


def _hours(record: Schedule) -> Iterator[tuple[str, str]]:
    if len(record.parts) > PARTS_MAX:
        yield "parts", f"{len(record.parts)} parts, at most {PARTS_MAX}"
    for part in record.parts[:PARTS_MAX]:
        if (wrong := schedule_fault(part)) is not None:
            yield "parts", wrong
    if len(record.parts) <= PARTS_MAX and (most := most_of_a_day(record)) > INTERVALS_MAX:
        yield "parts", f"{most} times on one day, with what is left of the evening before; at most {INTERVALS_MAX}"
    if len(record.dates) > DATES_MAX:
        yield "dates", f"{len(record.dates)} dates, at most {DATES_MAX}"
    for day, hours in record.dates.items():
        if not _is_day(day):
            yield "dates", f"{day[:40]!r} is no day; write it like 2026-10-01"
        if len(hours) > INTERVALS_MAX:
            yield "dates", f"{day[:10]}: {len(hours)} times on one day, at most {INTERVALS_MAX}"
        for each in hours[:INTERVALS_MAX]:
            if not HOURS.fullmatch(each) or each[:5] >= each[6:]:
                yield "dates", f"{day[:10]}: {each[:40]!r} are no hours of one day; write them like 08:00-12:00"


def _is_day(text: str) -> bool:
    """Other spellings of a day, as in 20261001, are found by nobody who looks for it."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _text(field: str, text: str, *, least: int = 0, most: int = NAME_MAX) -> Iterator[tuple[str, str]]:
    if not least <= len(text) <= most:
        yield field, f"a text of {least} to {most} characters"
    elif not text.isprintable():
        yield field, "has characters that cannot be shown"


def _instants(from_at: int | None, until_at: int | None) -> Iterator[tuple[str, str]]:
    for field, at in (("from_at", from_at), ("until_at", until_at)):
        if at is not None and not 0 <= at <= INSTANT_MAX:
            yield field, f"{at} is no instant; milliseconds since 1970 UTC"
    if until_at == 0:
        yield "until_at", "0 is no end; leave it out where there is none"
    if from_at is not None and until_at is not None and from_at >= until_at:
        yield "until_at", "is not after from_at"


def _listed(field: str, names: tuple[str, ...], most: int, has: Known, what: str) -> Iterator[tuple[str, str]]:
    if len(names) > most:
        yield field, f"{len(names)} of them, at most {most}"
        return
    if len(set(names)) < len(names):
        yield field, "one stands there twice"
    missing = [name for name in names if not has(name)]
    for name in missing[:5]:
        yield field, f"there is no {what} {name[:40]!r}"
