"""A list as gateways read it: the content of ``lists`` in the shape of ``protocols.grants``."""

from collections.abc import Callable

from cloud.access.lists import CardLine, ListContent
from cloud.store.contract import GatewayKey
from protocols.grants import EXEMPT, LASTING, Card, Grant, GrantDoor, GrantList, columns, seal_grants
from protocols.schedules import Schedule

Sign = Callable[[bytes], bytes]


def listed(
    key: GatewayKey, content: ListContent, *, number: int, issued_at: int, expires_at: int, zone: str
) -> GrantList:
    """The content with its number and times (ms)."""
    return GrantList(
        site=key.site,
        gateway=key.gateway,
        number=number,
        issued_at=issued_at,
        expires_at=expires_at,
        time_zone=zone,
        doors=[
            GrantDoor(id=name, level=door.least, passback=door.passback, forgiven_min=door.forgiven_min)  # type: ignore[arg-type]
            for name, door in content.doors.items()
        ],
        schedules=[
            Schedule(
                id=name,
                week=[list(day) for day in hours.weekly],
                dates={day: list(spans) for day, spans in hours.dates.items()},
            )
            for name, hours in content.schedules.items()
        ],
        sets=[
            [Grant(line.door, line.schedule or None, line.from_at or None, line.until_at or None) for line in lines]
            for lines in content.sets
        ],
        cards=columns([_card(key, line) for key, line in content.cards.items()]),
    )


def sealed(grants: GrantList, sign: Sign) -> bytes:
    """The list as published. Raises BadGrants for one that no gateway would take: too large."""
    return seal_grants(grants, sign)


def _card(key: str, line: CardLine) -> Card:
    flags = (EXEMPT if line.exempt else 0) | (LASTING if line.lasting else 0)
    return Card(key, line.person, line.lines, flags, line.level)
