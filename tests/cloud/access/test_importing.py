"""Files of people, cards and rules over what is there: what they do not name stays."""

import msgspec
import pytest

from cloud.access.contract import AccessChange, Credential, Holder, Permission, SiteAccess
from cloud.access.importing import import_access
from cloud.access.register import AccessRegister
from cloud.registry.access_book import AccessBook
from cloud.registry.database import Database
from protocols.clock import ManualClock
from tests.cloud.access.site import LI, NOW, ZONE
from tests.cloud.access.test_register import everything

LOST = Credential(
    id=LI, holder="li", label="blue", level=2, from_at=NOW, until_at=NOW + 1, blocked="lost", exempt=True, lasting=True
)
GONE = Holder(id="li", number=11, name="Li Na", unit="Finance", disabled=True, until_at=NOW - 1)


@pytest.fixture
async def register(database: Database, clock: ManualClock) -> AccessRegister:
    """Li is disabled, and her card is lost."""
    made = AccessRegister(AccessBook(database, clock), lambda *_: True, clock)
    await made.open()
    await made.apply(AccessChange(site="east", put=everything()))
    await made.apply(AccessChange(site="east", put=(LOST, GONE)))
    return made


async def bring_in(register: AccessRegister, text: str, form: str = "csv") -> SiteAccess:
    told = await import_access(register, "east", text, form=form, zone=ZONE, by="test")
    assert not told.errors
    return register.site("east")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", f"id,name,card,groups\nli,Li Na,{LI},staff\n"),
        ("csv", f"id,name,unit,until,disabled,card,blocked,level,card_from,card_until\nli,Li Na,,,,{LI},,,,\n"),
        ("csv", "id,name\nli,Li Na\n"),
        ("toml", f'[[holder]]\nid = "li"\nname = "Li Na"\n[[credential]]\nid = "{LI}"\nholder = "li"\n'),
        ("toml", '[[group]]\nid = "staff"\nname = "Staff"\n[[schedule]]\nid = "work"\nname = "Work"\n'),
    ],
)
async def test_what_a_file_does_not_name_stays(register: AccessRegister, form: str, text: str) -> None:
    before = register.site("east")
    assert await bring_in(register, text, form) == before


async def test_what_a_file_names_is_changed_and_nothing_else(register: AccessRegister) -> None:
    there = await bring_in(register, f"id,name,disabled,card,level\nli,Li Na-Wang,no,{LI},3\n")
    assert there.holders["li"] == msgspec.structs.replace(GONE, name="Li Na-Wang", disabled=False)
    assert there.credentials[LI] == msgspec.structs.replace(LOST, level=3)


async def test_toml_takes_away_what_it_names_as_empty(register: AccessRegister) -> None:
    text = f'[[holder]]\nid = "li"\nuntil = ""\n[[credential]]\nid = "{LI}"\nblocked = ""\nfrom = ""\n'
    there = await bring_in(register, text, "toml")
    assert there.holders["li"] == msgspec.structs.replace(GONE, until_at=None)
    assert there.credentials[LI] == msgspec.structs.replace(LOST, blocked="", from_at=None)


async def test_a_group_in_a_file_takes_the_place_of_the_person_a_permission_had(register: AccessRegister) -> None:
    await register.apply(AccessChange(site="east", put=(Permission(id="own", holder="li", door="front"),)))
    there = await bring_in(register, '[[permission]]\nid = "own"\ngroup = "staff"\n', "toml")
    assert there.permissions["own"] == Permission(id="own", group="staff", door="front")


async def test_what_is_changed_while_a_file_is_read_is_not_undone(register: AccessRegister) -> None:
    await register.apply(AccessChange(site="east", put=(msgspec.structs.replace(LOST, blocked=""),)))
    whole, once = register.apply, [AccessChange(site="east", put=(LOST,))]

    async def late(change: AccessChange, *, on: SiteAccess | None = None) -> None:
        while once:
            await whole(once.pop())
        await whole(change, on=on)

    register.apply = late  # type: ignore[method-assign]
    there = await bring_in(register, f"id,name,card,level\nli,Li Na,{LI},3\n")
    assert there.credentials[LI] == msgspec.structs.replace(LOST, level=3)
