"""Everything on one person is found, given out and deleted; what is too old goes; nothing else does."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from cloud.audit.note import Note, about
from cloud.dispatch.contract import Written
from cloud.dispatch.request import History, Request, Requester, Where, Window
from cloud.privacy.archive import archive
from cloud.privacy.contract import BadSubject, subject_of
from cloud.privacy.desk import Changed, Held, PrivacyDesk
from cloud.privacy.keeper import DAY_MS, Keeper
from cloud.privacy.tombstones import Tombstones
from cloud.privacy.wiring import asked_of, sources_of
from cloud.registry.audit_trail import Trail
from cloud.registry.bookings_book import BookingsBook
from cloud.registry.database import Database
from cloud.registry.journal_book import JournalBook
from cloud.registry.passes_book import PassesBook
from cloud.registry.passwords import Passwords
from cloud.registry.people_lent import LentCards
from cloud.registry.people_retention import PeopleRetention
from cloud.registry.postgres import PostgresDatabase
from cloud.registry.privacy_book import PrivacyBook
from cloud.registry.request_book import RequestBook
from cloud.registry.roles import Role
from cloud.registry.state_book import LogEntry, StateBook
from cloud.registry.trip_book import StoredDay, StoredTrip, TripBook
from cloud.registry.users import Users
from cloud.rooms.booking import Booking
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_store import LedgerStore
from cloud.visitors.visit import Pass
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.store.test_influx_engine import engine as influx_engine
from tests.cloud.store.works import NAMES, work
from tests.influx_stand_in import InfluxStandIn

WHO = ["user:li", "name:李伟", "phone:13912345678", "card:ck-li", "plate:浙A12345"]
DAYS = {"access": 90, "tracks": 60, "visitors": 90, "requests": 365}
WORDS = ("李伟", "13912345678", "ck-li", "浙A12345", "to the hospital")


class World:
    """A registry and a store in which two people did the same."""

    def __init__(self, database: Database, folder: Path, clock: ManualClock, store: LedgerStore | None = None) -> None:
        self.database, self.folder, self.clock = database, folder, clock
        self.passwords = Passwords()
        self.users = Users(database, self.passwords, clock)
        self.store = store or DuckdbStore(folder, clock, memory_limit_mb=256, threads=1, roll_up_every_s=0)
        self.store.open()
        self.store.commit(NAMES)
        self.book = PrivacyBook(database, clock)
        self.keeper = Keeper(DAYS, self.book, PeopleRetention(database), self.store, clock)
        self.desk = self.new_desk()
        self.batch = 0

    def new_desk(self) -> PrivacyDesk:
        sources = sources_of(self.database, self.store, self.clock)
        asked = asked_of(self.database, self.clock)
        cards = LentCards(self.database)
        tombstones = Tombstones(self.folder)
        return PrivacyDesk(sources, self.book, tombstones, self.keeper, self.clock, cards=cards, asked=asked)

    async def live(self, at: int, name: str, phone: str, card: str, plate: str, user: str) -> None:
        """Somebody's day."""
        number = f"{user}-{at}"
        request = Request(
            site="east", number=number, kind="vehicle", tier="4h", title="Car to the hospital", created_at=at,
            created_by=user, requester=Requester(name, "Finance", phone), origin=Where("Gate"), window=Window(at, at),
            duration_min=30, purpose="to the hospital", status="done", ended_at=at,
        )  # fmt: skip
        line = History(at=at, by=user, action="file", after={"status": "new", "note": name})
        await RequestBook(self.database).write([Written(request, (line,), None, None)])
        booking = Booking(
            id=f"b-{number}", site="east", room=f"r-{user}", unit="Finance", subject=name, organiser=name, phone=phone,
            from_at=at, until_at=at + 1, created_at=at, created_by=user,
        )  # fmt: skip
        await BookingsBook(self.database).add([booking], once=None)
        given = Pass(
            id=f"p-{number}", site="east", name=name, phone=phone, host="Zhang", unit="Finance", plate=plate,
            card_key=card, from_at=at, until_at=at + 1, created_at=at, created_by="guard",
        )  # fmt: skip
        await PassesBook(self.database).add(given, once=None)
        facts = msgspec.json.encode({"driver": card, "driver_name": name, "km": 3.0}).decode()
        trip = StoredTrip("east", f"car-{user}", at, at + 1, facts)
        await TripBook(self.database).write([StoredDay("east", f"car-{user}", at, '{"km":3}', "{}", "[]", (trip,))])
        journal = JournalBook(self.database, self.clock)
        journal.note("east", "east/room:r1", "booked", at, {"by": name})
        await journal.flush()
        body = json.dumps({"kind": "room", "attributes": {"organiser": name}}, ensure_ascii=False)
        await StateBook(self.database).write([LogEntry("east", f"east/room:{user}", at, True, body)])
        self.batch += 1
        events = [
            Event("r-1", "card_read", at, {"card_key": card, "door": "d1"}),
            Event("r-1", "plate_read", at, {"plate": plate}),
            Event("d-1", "door_opened", at, {"door": "d1"}),
        ]
        self.store.commit(work(self.batch, [(0, at, 1.0)], events, received_at=at))

    async def both(self, at: int) -> None:
        await self.live(at, "李伟", "13912345678", "ck-li", "浙A12345", "li")
        await self.live(at, "王芳", "13800000000", "ck-wang", "浙B99999", "wang")

    def anywhere(self, word: str) -> list[str]:
        """Files that hold a word, as it is or as JSON escapes it."""
        forms = {word.encode(), json.dumps(word)[1:-1].encode()}
        return [path.name for path in self.folder.rglob("*") if path.is_file()
                and any(form in path.read_bytes() for form in forms)]  # fmt: skip


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["files", "servers"])
async def world(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """In files, or the registry and the ledger on a real PostgreSQL beside a stand-in for an engine."""
    if request.param == "files":
        database, store, influx = Database(tmp_path / "registry.sqlite", clock), None, None
    else:
        place = request.getfixturevalue("postgres").place()
        influx = InfluxStandIn()
        influx.start()
        database = PostgresDatabase(place, clock)
        store = LedgerStore(LedgerFile(place), influx_engine(tmp_path, influx), clock)
    await database.open()
    made = World(database, tmp_path, clock, store)
    yield made
    made.passwords.close()
    made.store.close()
    await database.close()
    if influx is not None:
        influx.stop()


ON_FILES = pytest.mark.parametrize("world", ["files"], indirect=True)
"""What is about the bytes of files."""


async def settle(clock: ManualClock, work_: object) -> object:
    """Let it sleep as often as it wants to."""
    import asyncio

    running = asyncio.ensure_future(work_)  # type: ignore[call-overload]
    while not running.done():
        await clock.advance(0.3)
        await asyncio.wait([running], timeout=0.002)
    return await running


def test_a_person_is_what_they_are_known_by() -> None:
    found = subject_of(WHO)
    assert (found.user, found.card) == ({"li"}, {"ck-li"})
    for wrong in ([], ["li"], ["user:"], ["uid:4"], ["name:" + "x" * 300], ["user:a\nb"], ["user:x"] * 30):
        with pytest.raises(BadSubject):
            subject_of(wrong)


async def test_everything_on_one_person_is_found_and_nothing_of_another(world: World, clock: ManualClock) -> None:
    await world.users.add("li", Role.VIEWER)
    await world.both(clock.now_ms() - DAY_MS)
    found = await world.desk.find(subject_of(WHO))
    counts = {name: len(records) for name, records in found.items()}
    assert counts == {
        "account": 1, "requests": 1, "bookings": 1, "visits": 1, "access": 2, "trips": 1, "timeline": 1, "states": 1,
        "alarms": 0, "patrols": 0, "deeds": 0, "holders": 0, "things": 0, "audit": 0, "texts": 1, "tokens": 0,
    }  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(archive(found, clock.now_ms()))) as file:
        text = "".join(file.read(name).decode() for name in file.namelist())
        assert sorted(file.namelist())[:2] == ["access.csv", "access.json"]
        assert json.loads(file.read("requests.json"))[0]["requester"]["name"] == "李伟"
        assert "门禁通行记录" in file.read("index.html").decode()
    for mine, other in (("李伟", "王芳"), ("ck-li", "ck-wang"), ("浙A12345", "浙B99999")):
        assert mine in text
        assert other not in text
    assert "password_hash" not in text


@ON_FILES
async def test_who_is_deleted_is_in_no_file_any_more_and_others_are(world: World, clock: ManualClock) -> None:
    await world.users.add("boss", Role.ADMINISTRATOR)
    await world.users.add("li", Role.VIEWER)
    await world.both(clock.now_ms() - DAY_MS)
    subject = subject_of(WHO)
    plan = await world.desk.plan(subject)
    assert plan.goes["requests"] == 1
    with pytest.raises(Changed):
        await world.desk.delete(subject, "0" * 32)
    await settle(clock, world.desk.delete(subject, plan.confirm))
    assert sum((await world.desk.plan(subject)).goes.values()) == 0
    await world.database.close()
    world.store.close()
    for word in ("李伟", "13912345678", "ck-li", "浙A12345"):
        assert world.anywhere(word) == [], word
    assert world.anywhere("王芳") == ["registry.sqlite"]
    assert world.anywhere("ck-wang")


async def test_what_is_not_over_and_who_is_held_stays(world: World, clock: ManualClock) -> None:
    await world.users.add("boss", Role.ADMINISTRATOR)
    await world.both(clock.now_ms() + DAY_MS)
    plan = await world.desk.plan(subject_of(["user:boss", *WHO]))
    assert (plan.goes["account"], plan.goes["bookings"], plan.goes["visits"]) == (0, 0, 0)
    assert "last administrator" in next(iter(plan.stays["account"]))
    hold = await world.book.hold("", "", "name:李伟", "case 7", "boss")
    with pytest.raises(Held, match="case 7"):
        await world.desk.delete(subject_of(WHO), plan.confirm)
    await world.book.lift(hold.id)
    assert await world.book.holds() == []


@ON_FILES
async def test_a_restored_backup_is_gone_through_again(world: World, clock: ManualClock, tmp_path: Path) -> None:
    await world.users.add("boss", Role.ADMINISTRATOR)
    await world.both(clock.now_ms() - DAY_MS)
    saved = tmp_path / "backup"
    await world.book.clean()
    saved.write_bytes((tmp_path / "registry.sqlite").read_bytes())
    subject = subject_of(WHO)
    await settle(clock, world.desk.delete(subject, (await world.desk.plan(subject)).confirm))
    assert await world.desk.again() == 0
    await world.database.close()
    for part in tmp_path.glob("registry.sqlite*"):
        part.unlink()
    saved.rename(tmp_path / "registry.sqlite")
    await world.database.open()
    assert sum((await world.desk.plan(subject)).goes.values()) > 0
    assert await settle(clock, world.new_desk().again()) == 1
    assert sum((await world.desk.plan(subject)).goes.values()) == 0
    assert sum((await world.desk.plan(subject_of(["name:王芳"]))).goes.values()) > 0
    assert "李伟" not in (tmp_path / "deletions.jsonl").read_text("utf-8")


async def test_what_is_too_old_goes_and_figures_stay(world: World, clock: ManualClock) -> None:
    now = clock.now_ms()
    for days in (10, 70, 100, 400):
        await world.both(now - days * DAY_MS)
    due = {each.kept: each.due for each in await world.keeper.outlook()}
    assert due == {"access": 8, "tracks": 6, "visitors": 8, "requests": 2}
    ranges = world.store.remembered().ranges
    await settle(clock, world.keeper.round())
    assert {each.due for each in await world.keeper.outlook()} == {0}
    assert world.store.remembered().ranges == ranges
    trips = TripBook(world.database)
    assert len(await trips.trips("east", 0, now)) == 2
    assert {day.done for day in await trips.days("east", 0, now)} == {'{"km":3}'}
    requests = await RequestBook(world.database).filed("east", 0, now, owner=None, limit=100)
    assert [bool(each.requester.name) for each in requests].count(False) == 2
    assert {each.requester.unit for each in requests} == {"Finance"}
    runs = await world.keeper.runs()
    assert (runs["access"].rows, runs["tracks"].total) == (8, 6)
    await settle(clock, world.keeper.round())
    assert (await world.keeper.runs())["access"].total == 8


async def test_a_legal_hold_keeps_a_class_a_site_or_a_person(world: World, clock: ManualClock) -> None:
    await world.both(clock.now_ms() - 500 * DAY_MS)
    one = await world.book.hold("access", "", "", "case 1", "boss")
    assert {each.kept: each.due for each in await world.keeper.outlook()}["access"] == 0
    await world.book.lift(one.id)
    two = await world.book.hold("", "east", "", "case 2", "boss")
    assert {each.due for each in await world.keeper.outlook()} == {0}
    await world.book.lift(two.id)
    await world.book.hold("", "", "card:ck-li", "case 3", "boss")
    assert {each.kept: each.due for each in await world.keeper.outlook()}["access"] == 3
    assert await settle(clock, world.keeper.round()) > 0
    assert [each.kind for each in await world.store.find_events(["ck-li"])] == ["card_read"]
    assert await world.store.find_events(["ck-wang"]) == []


async def test_a_deletion_is_in_the_trail_without_the_person(world: World, clock: ManualClock) -> None:
    trail = Trail(world.database, clock, folder=world.folder)
    await trail.open()
    await world.both(clock.now_ms() - DAY_MS)
    subject = subject_of(WHO)
    plan = await world.desk.plan(subject)
    with about(Note("privacy_delete", actor="boss", via="desk")):
        await settle(clock, world.desk.delete(subject, plan.confirm))
    from cloud.registry.audit_book import Search

    (record, *_) = await trail.book.search(Search(action="privacy"), 10)
    assert record.actor == "boss"
    assert not any(word in record.facts for word in WORDS)
    await trail.sign()
    assert (await trail.verify()).bad is None
    await trail.close()
