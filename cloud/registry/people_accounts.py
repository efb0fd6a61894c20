"""What is held on a person as one who logs in and asks: the account, requests, bookings of rooms, visitors' passes.

Sources of ``cloud.privacy.contract``. What is not over yet stays: it is worked on, and ends before it is deleted.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, or_, select, update

from cloud.dispatch.request import Request, Requester
from cloud.privacy.contract import RECORDS_MAX, Found, Subject
from cloud.privacy.plates import is_plate, rough_plate
from cloud.registry.database import Database
from cloud.registry.roles import Grant, Role
from cloud.registry.tables import SessionRow, UserRow
from cloud.registry.tables_places import BookingRow, PassRow
from cloud.registry.tables_requests import RequestHistoryRow, RequestKeyRow, RequestRow
from protocols.clock import Clock

OPEN = "not over yet: end it first"
LAST_ADMINISTRATOR = "the last administrator: make another one first"
NOBODY = ""
"""Stands where somebody was named."""
NO_PASS = {"name": "", "phone": "", "plate": "", "card_key": "", "host": "", "purpose": "", "created_by": ""}
NO_BOOKING = {"organiser": "", "phone": "", "subject": "", "created_by": ""}

_decode = msgspec.json.Decoder(Request).decode
_encode = msgspec.json.Encoder().encode


class Accounts:
    """The user: when made, what they may do, where they are logged in. Passwords and secrets are not given out."""

    name = "account"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, subject: Subject) -> list[Found]:
        async with self._database.reading() as session:
            users = list(await session.scalars(select(UserRow).order_by(UserRow.id)))
            found = []
            for user in users:
                if user.name not in subject.user:
                    continue
                logins = await session.scalars(select(SessionRow).where(SessionRow.user_id == user.id))
                facts: dict[str, object] = {
                    "name": user.name,
                    "roles": [f"{role.value}@{site}" if site else role.value for role, site in user.grants],
                    "created_at": user.created_at,
                    "last_login_at": user.last_login_at,
                    "logins": [{"from": row.client, "since": row.created_at, "seen_at": row.seen_at} for row in logins],
                }
                stays = LAST_ADMINISTRATOR if _is_last(user, users) else ""
                found.append(Found(f"{user.id}:{user.created_at}", user.created_at, facts, stays))
        return found

    async def erase(self, ids: Sequence[str]) -> int:
        gone = 0
        async with self._database.writing() as session:
            for name in ids:
                number, _, made = name.partition(":")
                user = await session.get(UserRow, int(number))
                if user is not None and user.created_at == int(made):
                    await session.delete(user)
                    gone += 1
        return gone


def _is_last(user: UserRow, users: Sequence[UserRow]) -> bool:
    administrators = [each for each in users if Grant(Role.ADMINISTRATOR) in each.grants and not each.disabled]
    return administrators == [user]


class Requests:
    """Requests they filed, or that name them. What was needed when and how it went stays, without anybody's name."""

    name = "requests"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, subject: Subject) -> list[Found]:
        found = []
        query = select(RequestRow.created_by, RequestRow.body).order_by(RequestRow.created_at)
        async with self._database.reading() as session:
            async for row in await session.stream(query.execution_options(yield_per=500)):
                request = _decode(row.body)
                if row.created_by in subject.people or _names(request, subject):
                    facts = msgspec.to_builtins(request)
                    found.append(Found(request.id, request.created_at, facts, OPEN if request.open else ""))
                    if len(found) >= RECORDS_MAX:
                        break
        return found

    async def erase(self, ids: Sequence[str]) -> int:
        gone = 0
        async with self._database.writing() as session:
            for name in ids:
                site, _, number = name.partition(".")
                row = await session.get(RequestRow, (site, number))
                if row is not None:
                    await empty_request(session, row)
                    gone += 1
        return gone


async def empty_request(session: Any, row: RequestRow) -> None:
    """Take everybody's name out of a request and its history."""
    row.body = _encode(without_people(_decode(row.body))).decode()
    row.created_by, row.suggestion = NOBODY, None
    history = RequestHistoryRow.site == row.site, RequestHistoryRow.number == row.number
    for line in await session.scalars(select(RequestHistoryRow).where(*history)):
        line.by, line.reason = NOBODY, ""
        line.before, line.after = _only_status(line.before), _only_status(line.after)
    await session.execute(delete(RequestKeyRow).where(RequestKeyRow.request == f"{row.site}.{row.number}"))


def without_people(request: Request) -> Request:
    """The request as figures need it: who, why and what was said of it are empty."""
    assigned = request.assigned
    if assigned is not None:
        assigned = msgspec.structs.replace(assigned, driver="", phone="", by=NOBODY, reason="")
    rating = request.rating
    return msgspec.structs.replace(
        request,
        title=request.kind,
        created_by=NOBODY,
        requester=Requester(name=NOBODY, unit=request.requester.unit),
        passenger_names=(),
        purpose="",
        note="",
        assigned=assigned,
        approval=msgspec.structs.replace(request.approval, by=NOBODY, opinion=""),
        rating=None if rating is None else msgspec.structs.replace(rating, text=""),
    )


def _only_status(text: str) -> str:
    facts = msgspec.json.decode(text)
    return _encode({name: facts[name] for name in ("status", "ended_at") if name in facts}).decode()


def _names(request: Request, subject: Subject) -> bool:
    people = {request.created_by, request.requester.name, *request.passenger_names}
    phones = {request.requester.phone}
    if request.assigned is not None:
        people |= {request.assigned.driver, request.assigned.by}
        phones.add(request.assigned.phone)
    return bool(people & subject.people or phones & subject.phone)


class Bookings:
    """Rooms they booked. Rooms, times and units stay for the figures."""

    name = "bookings"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def find(self, subject: Subject) -> list[Found]:
        people, phones = sorted(subject.people), sorted(subject.phone)
        named = or_(BookingRow.organiser.in_(people), BookingRow.created_by.in_(people), BookingRow.phone.in_(phones))
        query = select(BookingRow).where(named).order_by(BookingRow.from_at).limit(RECORDS_MAX)
        now = self._clock.now_ms()
        async with self._database.reading() as session:
            return [_planned(row, now) for row in await session.scalars(query)]

    async def erase(self, ids: Sequence[str]) -> int:
        return await _empty(self._database, BookingRow, ids, NO_BOOKING)


class Passes:
    """Visits announced of them or by them. Times, gates and counts stay for the figures.

    A card is lent to many: nobody is known by it here.
    """

    name = "visits"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def find(self, subject: Subject) -> list[Found]:
        people = sorted(subject.people)
        named = or_(
            PassRow.name.in_(people), PassRow.host.in_(people), PassRow.created_by.in_(people),
            PassRow.phone.in_(sorted(subject.phone)),
            *(PassRow.plate.ilike(rough_plate(plain)) for plain in sorted(subject.plain_plates)),
        )  # fmt: skip
        query = select(PassRow).where(named).order_by(PassRow.from_at)
        now = self._clock.now_ms()
        async with self._database.reading() as session:
            rows = [row for row in await session.scalars(query) if _is_visit_of(row, subject)]
        return [_planned(row, now) for row in rows[:RECORDS_MAX]]

    async def erase(self, ids: Sequence[str]) -> int:
        return await _empty(self._database, PassRow, ids, NO_PASS)


def is_visitor(row: PassRow, subject: Subject) -> bool:
    """Whether the pass was given to this person, by what it says but the card."""
    named = row.name in subject.people or row.phone in subject.phone
    return named or is_plate(row.plate, subject.plain_plates)


def _is_visit_of(row: PassRow, subject: Subject) -> bool:
    return bool({row.host, row.created_by} & subject.people) or is_visitor(row, subject)


def _planned(row: BookingRow | PassRow, now: int) -> Found:
    """What is still to come, or goes on, stays until it is over."""
    is_open = row.until_at > now and not row.cancelled_at
    return Found(row.id, row.created_at, _columns(row), OPEN if is_open else "")


async def _empty(database: Database, table: Any, ids: Sequence[str], empty: dict[str, str]) -> int:
    gone = 0
    async with database.writing() as session:
        for start in range(0, len(ids), 500):
            these = update(table).where(table.id.in_(list(ids[start : start + 500])))
            done = await session.execute(these.values(**empty, once=None))
            gone += int(getattr(done, "rowcount", 0) or 0)
    return gone


def _columns(row: Any) -> dict[str, object]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key != "once"}
