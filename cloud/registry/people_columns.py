"""People in columns of tables that are not about people: who did something, and words that somebody wrote.

Which columns there are is read from the tables themselves: a table that is new is in, or says here why not. Sources of
``cloud.privacy.contract``. An id is a table, a column, an instant and a key: nothing of what stood there.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.dispatch.request import Request
from cloud.privacy.contract import GONE, RECORDS_MAX, Found, Subject
from cloud.privacy.plates import plate_in_text, rough_plate
from cloud.registry.database import Database
from cloud.registry.people_accounts import OPEN
from cloud.registry.schema import METADATA
from protocols.clock import Clock

BOOKS = "in the books of energy, tariffs and legal holds, which stay as they were written"
IN_BOOKS = ("energy_", "tariffs", "outdoor_", "legal_holds")
"""How the names of tables begin whose rows say who answers for a figure."""
SOURCES_OF_THEIR_OWN = frozenset({"requests", "request_history", "bookings", "passes", "access_records"})
"""Tables whose people are found by a source that knows more of them."""
TEXT_COLUMNS = frozenset({"text", "note", "reason", "why", "opinion", "purpose", "subject", "revoked_why", "back"})
NOT_WRITTEN = frozenset({("site_file_revisions", "text"), ("audit_records", "reason")})
"""A file of settings, which the gateway runs; the audit trail, which is a source of its own."""
OBJECTS = (("requests", "body"), ("journal", "facts"), ("alarms", "args"))
"""Columns of JSON in which words stand."""
_INSTANTS = ("at", "acknowledged_at", "changed_at", "issued_at", "asked_at", "made_at", "entered_at", "created_at",
             "enrolled_at", "since")  # fmt: skip
_LETTER = "[0-9A-Za-z\u00c0-\u024f]"
_TOLD = ("action", "kind", "site", "gateway", "device", "point", "source", "alarm", "number", "meter", "room")
_request = msgspec.json.Decoder(Request).decode


class Place(NamedTuple):
    """Where somebody may be named."""

    table: sa.Table
    column: str


def deed_places() -> list[Place]:
    """Every column that says who did it, but of tables that have a source of their own."""
    return [
        Place(table, column.name)
        for table in METADATA.sorted_tables
        if table.name not in SOURCES_OF_THEIR_OWN
        for column in table.columns
        if column.name == "by" or column.name.endswith("_by")
    ]


def text_places() -> list[Place]:
    """Every column of words that somebody wrote."""
    return [
        Place(table, column.name)
        for table in METADATA.sorted_tables
        for column in table.columns
        if column.name in TEXT_COLUMNS
        and isinstance(column.type, sa.String)
        and (table.name, column.name) not in NOT_WRITTEN
    ] + [Place(METADATA.tables[table], column) for table, column in OBJECTS]


def whole(words: Iterable[str], plates: Iterable[str] = ()) -> re.Pattern[str] | None:
    """Finds a word that stands for itself: ``Li`` is not in ``Lima``. Chinese has no room between words: there it is
    found inside longer ones too, and somebody decides. ``plates`` are plain. None: no word is long enough to be
    looked for."""
    parts = [
        (f"(?<!{_LETTER})" if re.match(_LETTER, word) else "")
        + re.escape(word)
        + (f"(?!{_LETTER})" if re.match(_LETTER, word[-1]) else "")
        for word in sorted(words, key=len, reverse=True)
        if len(word) > 1
    ] + [f"{plate_in_text(plain)}(?!{_LETTER})" for plain in sorted(plates)]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


class _Columns:
    """Rows of many tables, by their key."""

    name = ""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def _found(self, place: Place, row: Mapping[str, Any], stays: str) -> Found:
        at = _instant(place.table, row)
        table, column = str(place.table.name), str(place.column)
        facts = {"table": table, column: row[column]}
        facts |= {name: row[name] for name in _TOLD if name in row and row[name] is not None}
        key = [row[each.name] for each in place.table.primary_key]
        return Found(msgspec.json.encode([table, column, at, key]).decode(), at, facts, stays)

    async def _stays(self, session: AsyncSession, table: sa.Table, row: Mapping[str, Any]) -> str:
        """Why a row stays as it is; empty when it may change."""
        if table.name.startswith(IN_BOOKS):
            return BOOKS
        if table.name == "alarm_shelves" or row.get("state") == "waiting":
            return OPEN
        if table.name in ("bookings", "passes"):
            return OPEN if row["until_at"] > self._clock.now_ms() and not row["cancelled_at"] else ""
        if table.name in ("requests", "request_history"):
            return OPEN if await _is_open_request(session, row) else ""
        if table.name == "alarms":
            return OPEN if row["ended_at"] is None else ""
        if table.name in ("alarm_marks", "alarm_deeds"):
            return OPEN if await _is_open_alarm(session, row["alarm"]) else ""
        return ""

    async def erase(self, ids: Sequence[str]) -> int:
        """Take out what stands there; a row that is another one by now stays."""
        gone = 0
        async with self._database.writing() as session:
            for name in ids:
                of, column, at, key = msgspec.json.decode(name, type=tuple[str, str, int, list[Any]])
                table = METADATA.tables[of]
                here = [mine == value for mine, value in zip(table.primary_key, key, strict=True)]
                rows = await _rows(session, sa.select(table).where(*here))
                if rows and _instant(table, rows[0]) == at:
                    changed = sa.update(table).where(*here).values({column: _without(of, column, rows[0][column])})
                    await session.execute(changed)
                    gone += 1
        return gone


class Deeds(_Columns):
    """What they did: alarms acknowledged, commands given and approved, settings changed. That it was done stays."""

    name = "deeds"

    async def find(self, subject: Subject) -> list[Found]:
        found: list[Found] = []
        people = sorted(subject.people)
        async with self._database.reading() as session:
            for place in deed_places():
                asked = sa.select(place.table).where(place.table.c[place.column].in_(people)).limit(RECORDS_MAX)
                for row in await _rows(session, asked):
                    found.append(self._found(place, row, await self._stays(session, place.table, row)))
        return sorted(found, key=lambda each: each.at)[:RECORDS_MAX]


class Texts(_Columns):
    """Words that name them: comments, notes, reasons. Somebody decides which go; those are replaced as a whole."""

    name = "texts"

    async def find(self, subject: Subject) -> list[Found]:
        pattern = whole(subject.words, subject.plain_plates)
        found: list[Found] = []
        if pattern is None:
            return found
        async with self._database.reading() as session:
            for place in text_places():
                column: Any = place.table.c[place.column]
                forms = {form for word in subject.words if len(word) > 1 for form in (word, _escaped(word))}
                holds = sa.or_(
                    *(column.icontains(form, autoescape=True) for form in sorted(forms)),
                    *(column.ilike(rough_plate(plain)) for plain in sorted(subject.plain_plates)),
                )
                asked = sa.select(place.table).where(holds).limit(RECORDS_MAX)
                for row in await _rows(session, asked):
                    said = [text for text in _texts(place, row[place.column]) if pattern.search(text)]
                    if said:
                        one = self._found(place, row, await self._stays(session, place.table, row))
                        found.append(one._replace(facts={**one.facts, place.column: "\n".join(said)}))
        return sorted(found, key=lambda each: each.at)[:RECORDS_MAX]


def _texts(place: Place, value: str | None) -> list[str]:
    """The words in a column. A text that is a name and nothing else is no free text: other sources find it."""
    if not value:
        return []
    if (place.table.name, place.column) == ("requests", "body"):
        return [text for text in _words_of(_request(value)) if text]
    if (place.table.name, place.column) in OBJECTS:
        return [text for text in _strings(msgspec.json.decode(value)) if len(text.split()) > 1 or len(text) > 12]
    return [value]


def _words_of(request: Request) -> list[str]:
    assigned, rating = request.assigned, request.rating
    return [request.title, request.purpose, request.note, request.approval.opinion,
            "" if assigned is None else assigned.reason, "" if rating is None else rating.text]  # fmt: skip


def _without(table: str, column: str, value: str) -> str:
    if (table, column) == ("requests", "body"):
        return msgspec.json.encode(_wordless(_request(value))).decode()
    return "{}" if (table, column) in OBJECTS else GONE


def _wordless(request: Request) -> Request:
    """The request without anybody's words."""

    def gone(text: str) -> str:
        return GONE if text else ""

    assigned, rating, replace = request.assigned, request.rating, msgspec.structs.replace
    return replace(
        request,
        title=gone(request.title),
        purpose=gone(request.purpose),
        note=gone(request.note),
        approval=replace(request.approval, opinion=gone(request.approval.opinion)),
        assigned=None if assigned is None else replace(assigned, reason=gone(assigned.reason)),
        rating=None if rating is None else replace(rating, text=gone(rating.text)),
    )


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _escaped(word: str) -> str:
    return "".join(sign if sign.isascii() else f"\\u{ord(sign):04x}" for sign in word)


async def _rows(session: AsyncSession, asked: "sa.Select[Any]") -> list[dict[str, Any]]:
    return [dict(row) for row in (await session.execute(asked)).mappings().all()]


def _instant(table: sa.Table, row: Mapping[str, Any]) -> int:
    return next((row[name] for name in _INSTANTS if name in table.c and row[name] is not None), 0)


async def _is_open_request(session: AsyncSession, row: Mapping[str, Any]) -> bool:
    requests = METADATA.tables["requests"]
    asked = sa.select(requests.c.body).where(requests.c.site == row["site"], requests.c.number == row["number"])
    body = await session.scalar(asked)
    return body is not None and _request(body).open


async def _is_open_alarm(session: AsyncSession, alarm: int) -> bool:
    alarms, marks = METADATA.tables["alarms"], METADATA.tables["alarm_marks"]
    goes_on = sa.select(alarms.c.id).where(alarms.c.id == alarm, alarms.c.ended_at.is_(None))
    waits = sa.select(marks.c.alarm).where(marks.c.alarm == alarm, marks.c.waiting)
    return await session.scalar(goes_on) is not None or await session.scalar(waits) is not None
