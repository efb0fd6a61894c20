"""What is known of who may open which door. All of it is of one site; ids are unique by site and kind.

Order of calls: ``AccessRegister.open`` once; ``apply`` writes a change whole or not at all and then tells the
watchers; ``lists.build`` makes of a ``SiteAccess`` what each gateway holds; ``rulings.rule`` says of one tap what a
gateway would.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from protocols.errors import Permanent

Kind = Literal["holder", "credential", "group", "door_group", "schedule", "permission"]
CREDENTIAL_KINDS = ("card", "phone", "tag", "plate")
LEVEL_MIN, LEVEL_MAX = 1, 3
"""How sure one can be of a credential: see ``protocols.grants``."""
PASSBACK = ("off", "soft", "hard")


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who carries credentials; no user who logs in. ``number``: what lists call them, never a name.
    ``until_at``: from then (ms) nothing opens."""

    id: str
    number: int
    name: str
    unit: str = ""
    until_at: int | None = None
    disabled: bool = False


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """``id`` is the card key (32 hex digits). ``blocked``: why it opens nothing, as in ``lost``; empty for a good one.
    ``exempt``: not held to anti-passback. ``lasting``: opens also where the gateway's list has ended."""

    id: str
    holder: str
    kind: str = "card"
    label: str = ""
    level: int = 1
    from_at: int | None = None
    until_at: int | None = None
    blocked: str = ""
    exempt: bool = False
    lasting: bool = False


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Holders that share permissions."""

    id: str
    name: str
    members: tuple[str, ...] = ()


class DoorGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Doors (ids of assets) that are opened by the same people."""

    id: str
    name: str
    doors: tuple[str, ...] = ()


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When doors open. ``parts``: as in ``mon-fri 08:00-18:00``, ``workday 07:30-19:00``, ``daily``, by the site's
    calendar. ``dates``: on that day (ISO) these hours, ``08:00-12:00``, in place of the parts; empty for not at all."""

    id: str
    name: str
    parts: tuple[str, ...] = ()
    dates: Mapping[str, tuple[str, ...]] = {}


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """Who may open what, when. Exactly one of ``holder`` and ``group``, and one of ``door`` and ``door_group``.
    An empty ``schedule``: at any time."""

    id: str
    holder: str = ""
    group: str = ""
    door: str = ""
    door_group: str = ""
    schedule: str = ""
    from_at: int | None = None
    until_at: int | None = None


Record = Holder | Credential | Group | DoorGroup | Schedule | Permission
TYPES: dict[str, type[Record]] = {
    "holder": Holder,
    "credential": Credential,
    "group": Group,
    "door_group": DoorGroup,
    "schedule": Schedule,
    "permission": Permission,
}


class RecordKey(NamedTuple):
    """Names a record of a site."""

    kind: str
    id: str


def key_of(record: Record) -> RecordKey:
    """The key of a record."""
    return RecordKey(next(kind for kind, each in TYPES.items() if isinstance(record, each)), record.id)


class SiteAccess(NamedTuple):
    """All that is known of a site, by id. Never changed in place: a change makes a new one."""

    holders: Mapping[str, Holder] = {}
    credentials: Mapping[str, Credential] = {}
    groups: Mapping[str, Group] = {}
    door_groups: Mapping[str, DoorGroup] = {}
    schedules: Mapping[str, Schedule] = {}
    permissions: Mapping[str, Permission] = {}

    def of(self, kind: str) -> Mapping[str, Record]:
        """Records of a kind."""
        found: Mapping[str, Record] = getattr(self, f"{kind}s")
        return found


class Lent(NamedTuple):
    """A card lent with a visitor's pass: opens ``gate``, or every gate when empty, from ``from_at`` until ``until_at``
    (ms)."""

    visit: str
    card: str
    gate: str
    from_at: int
    until_at: int


class ControlledDoor(NamedTuple):
    """A door asset that a gateway decides for. ``local``: the id of its ``[[door]]`` there. ``least``: the level a
    credential must have. ``forgiven_min``: after so long anti-passback forgets where somebody is."""

    door: str
    name: str
    gateway: str
    local: str
    gate: bool = False
    least: int = LEVEL_MIN
    passback: str = "off"
    forgiven_min: int = 0


class AccessFault(NamedTuple):
    """What is wrong with a record: which, at which of its fields, and what would be right."""

    kind: str
    id: str
    field: str
    message: str


class BadRecord(Permanent):
    """A change that is not taken; ``faults`` has everything that is wrong with it."""

    def __init__(self, faults: list[AccessFault]) -> None:
        self.faults = faults
        first = faults[0]
        super().__init__(f"{first.kind} {first.id}: {first.field}: {first.message}")


class ChangedMeanwhile(Permanent):
    """The record is not at the revision that was looked at; ``rev`` is the one it is at, 0 when there is none."""

    def __init__(self, key: RecordKey, rev: int) -> None:
        self.key, self.rev = key, rev
        super().__init__(f"{key.kind} {key.id} is at revision {rev} now")


class PlannedOnOld(Permanent):
    """The site is not any more as it was when the change was planned."""


class AccessChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction writes. ``expect``: revisions that were looked at; 0 for what must not be there yet."""

    site: str
    put: tuple[Record, ...] = ()
    removed: tuple[RecordKey, ...] = ()
    expect: Mapping[RecordKey, int] = {}
    by: str = ""
