"""Records of access: whole or not at all, on the revision that was seen, and the same after a restart."""

import msgspec
import pytest

from cloud.access.contract import (
    AccessChange,
    BadRecord,
    ChangedMeanwhile,
    Credential,
    Group,
    Holder,
    Permission,
    Record,
    RecordKey,
    Schedule,
)
from cloud.access.importing import import_access
from cloud.access.register import AccessRegister
from cloud.registry.access_book import AccessBook
from cloud.registry.database import Database
from protocols.clock import ManualClock
from tests.cloud.access.site import LI, WANG, ZONE, at, known

HALF_HOURS = tuple(f"daily {hour:02}:00-{hour:02}:30" for hour in range(6, 21))
DOORS = {("east", "front"), ("east", "lab")}


def everything() -> tuple[Record, ...]:
    """All records of the site."""
    return tuple(record for kind in known() for record in kind.values())  # type: ignore[attr-defined]


@pytest.fixture
async def register(database: Database, clock: ManualClock) -> AccessRegister:
    made = _register(database, clock)
    await made.open()
    await made.apply(AccessChange(site="east", put=everything()))
    return made


def _register(database: Database, clock: ManualClock) -> AccessRegister:
    return AccessRegister(AccessBook(database, clock), lambda *door: door in DOORS, clock)


async def test_what_was_written_is_there_after_a_start(
    register: AccessRegister, database: Database, clock: ManualClock
) -> None:
    again = _register(database, clock)
    await again.open()
    assert again.site("east") == register.site("east") == known()
    assert again.rev("east", RecordKey("holder", "li")) == 1


async def test_another_process_is_noticed(register: AccessRegister, database: Database, clock: ManualClock) -> None:
    told: list[str] = []
    register.watch(told.append)
    other = _register(database, clock)
    await other.open()
    await other.apply(AccessChange(site="east", put=(Holder(id="wu", number=9, name="Wu"),)))
    assert await register.reload()
    assert told == ["east"]
    assert "wu" in register.site("east").holders


async def test_a_card_that_another_process_blocked_stays_blocked_when_somebody_saves_at_once(
    register: AccessRegister, database: Database, clock: ManualClock
) -> None:
    told: list[str] = []
    register.watch(told.append)
    other = _register(database, clock)
    await other.open()
    lost = msgspec.structs.replace(known().credentials[LI], blocked="lost")
    await other.apply(AccessChange(site="east", put=(lost,)))
    await register.apply(AccessChange(site="east", put=(Holder(id="wu", number=9, name="Wu"),)))
    there = register.site("east")
    assert (there.credentials[LI].blocked, "wu" in there.holders) == ("lost", True)
    assert told == ["east"]
    assert not await register.reload()
    again = _register(database, clock)
    await again.open()
    assert again.site("east") == there


async def test_a_change_is_planned_on_what_another_process_left(
    register: AccessRegister, database: Database, clock: ManualClock
) -> None:
    other = _register(database, clock)
    await other.open()
    await other.apply(AccessChange(site="east", removed=(RecordKey("holder", "li"),)))
    with pytest.raises(BadRecord, match="no holder 'li'"):
        await register.apply(AccessChange(site="east", put=(Credential(id="a" * 32, holder="li"),)))
    assert "li" not in register.site("east").holders


async def test_who_goes_takes_along_cards_permissions_and_memberships(register: AccessRegister) -> None:
    own = Permission(id="own", holder="li", door="front")
    await register.apply(AccessChange(site="east", put=(own,)))
    await register.apply(AccessChange(site="east", removed=(RecordKey("holder", "li"),)))
    there = register.site("east")
    assert LI not in there.credentials
    assert "own" not in there.permissions
    assert there.groups["staff"].members == ()
    assert WANG in there.credentials


async def test_what_is_in_use_stays(register: AccessRegister) -> None:
    with pytest.raises(BadRecord, match="still used by permission staff-in"):
        await register.apply(AccessChange(site="east", removed=(RecordKey("group", "staff"),)))
    assert "staff" in register.site("east").groups


async def test_only_the_revision_that_was_seen_is_changed(register: AccessRegister) -> None:
    key = RecordKey("holder", "li")
    changed = Holder(id="li", number=11, name="Li Na-Wang")
    await register.apply(AccessChange(site="east", put=(changed,), expect={key: 1}))
    with pytest.raises(ChangedMeanwhile, match="revision 2"):
        await register.apply(AccessChange(site="east", put=(Holder(id="li", number=11, name="x"),), expect={key: 1}))
    assert register.site("east").holders["li"].name == "Li Na-Wang"


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (Credential(id="04a1b2c3d4e5f6", holder="li"), "id"),  # a card's number
        (Credential(id=LI.upper().replace("0", "A"), holder="li"), "id"),
        (Credential(id="a" * 32, holder="nobody"), "holder"),
        (Credential(id="a" * 32, holder="li", level=4), "level"),
        (Credential(id="a" * 32, holder="li", kind="hand"), "kind"),
        (Credential(id="a" * 32, holder="li", from_at=5, until_at=5), "until_at"),
        (Holder(id="x", number=1, name=""), "name"),
        (Holder(id="X y", number=1, name="x"), "id"),
        (Credential(id="a" * 32, holder="li", until_at=0), "until_at"),
        (Holder(id="x", number=1, name="x", until_at=0), "until_at"),
        (Group(id="g", name="G", members=("li", "li")), "members"),
        (Group(id="g", name="G", members=("nobody",)), "members"),
        (Schedule(id="s", name="S", parts=("whenever",)), "parts"),
        (Schedule(id="s", name="S", dates={"2026-13-01": ()}), "dates"),
        (Schedule(id="s", name="S", dates={"2026-12-01": ("22:00-06:00",)}), "dates"),
        (Schedule(id="s", name="S", dates={"2026-12-01": ("08:00-12:00",) * 16 + ("noon",)}), "dates"),
        (Schedule(id="s", name="S", dates={"20261201": ()}), "dates"),
        (Schedule(id="s", name="S", dates={"2026-W49-2": ()}), "dates"),
        (Schedule(id="s", name="S", parts=(*HALF_HOURS, "daily 22:00-05:00")), "parts"),
        (Schedule(id="s", name="S", parts=(*HALF_HOURS, "workday 22:00-05:00")), "parts"),
        (Permission(id="p", door="front"), "holder"),
        (Permission(id="p", holder="li", group="staff", door="front"), "holder"),
        (Permission(id="p", holder="li", door="nowhere"), "door"),
        (Permission(id="p", holder="li", door="front", schedule="never"), "schedule"),
    ],
)
async def test_a_record_that_is_wrong_is_named_with_its_field_and_nothing_is_written(
    register: AccessRegister, record: Record, field: str
) -> None:
    good = Holder(id="wu", number=9, name="Wu")
    with pytest.raises(BadRecord) as caught:
        await register.apply(AccessChange(site="east", put=(good, record)))
    assert field in {each.field for each in caught.value.faults}
    assert register.site("east") == known()


async def test_a_table_of_people_is_brought_in_whole(register: AccessRegister) -> None:
    text = f"id,name,unit,until,card,groups\nwu,吴,后勤,2026-12-31,{'b' * 32},staff; late\nli,Li Na,Finance,,,\n"
    told = await import_access(register, "east", text, form="csv", zone=ZONE, by="test")
    assert not told.errors
    there = register.site("east")
    assert there.holders["wu"].until_at == at("2027-01-01 00:00")  # the last day is his to the end
    assert there.credentials["b" * 32].holder == "wu"
    assert there.groups["staff"].members == ("li", "wu")
    assert there.groups["late"].members == ("wu",)
    again = await import_access(register, "east", text, form="csv", zone=ZONE, by="test")
    assert (again.created, again.changed, again.written) == (0, 0, False)


@pytest.mark.parametrize(
    ("form", "text", "line", "says"),
    [
        ("csv", "id,name,card\nwu,Wu,04A1B2C3\n", 2, "no card key"),
        ("csv", "id,name,until\nwu,Wu,31.12.2026\n", 2, "2026-12-31"),
        ("csv", "id,name,until\nwu,Wu,9999-12-31\n", 2, "too far ahead"),
        ("toml", '[[holder]]\nid = "wu"\nname = "Wu"\nuntil = 9999-12-31\n', 1, "too far ahead"),
        ("csv", "id,name,colour\nwu,Wu,red\n", 1, "unknown column"),
        ("toml", '[[holder]]\nid = "wu"\nname = "Wu"\n\n[[credential]]\nid = "x"\nholder = "wu"\n', 5, "no card key"),
        ("toml", '[[holder]]\nid = "wu"\nname = 5\n', 1, "str"),
        ("toml", '[[person]]\nid = "wu"\n', 1, "unknown table"),
        ("toml", '[[permission]]\nid = "p"\ngroup = "staff"\ndoor = "nowhere"\n', 1, "no door 'nowhere'"),
        ("toml", "[[holder", 1, "TOML"),
    ],
)
async def test_a_file_with_a_fault_changes_nothing_and_says_where(
    register: AccessRegister, form: str, text: str, line: int, says: str
) -> None:
    good = '[[holder]]\nid = "good"\nname = "Good"\n' if form == "toml" else ""
    told = await import_access(register, "east", text + good, form=form, zone=ZONE, by="test")
    assert any(says in each.message and each.line == line for each in told.errors), told.errors
    assert not told.written
    assert register.site("east") == known()


async def test_a_dry_run_says_what_would_change_and_changes_nothing(register: AccessRegister) -> None:
    text = '[[holder]]\nid = "wu"\nname = "Wu"\n'
    told = await import_access(register, "east", text, form="toml", zone=ZONE, by="test", dry_run=True)
    assert (told.names, told.written) == (["holder:wu"], False)
    assert "wu" not in register.site("east").holders


async def test_records_are_values(register: AccessRegister) -> None:
    for record in everything():
        assert msgspec.json.decode(msgspec.json.encode(record), type=type(record)) == record
    assert register.sites() == {"east"}
