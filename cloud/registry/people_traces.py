"""What the collector wrote down of a person by itself: trips, the timeline, the time machine, alarms, the audit trail.

Sources of ``cloud.privacy.contract``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, delete, or_, select

from cloud.privacy.contract import RECORDS_MAX, Found, Subject
from cloud.privacy.plates import is_plate, rough_plate
from cloud.registry.database import Database
from cloud.registry.table_root import Table
from cloud.registry.tables import AlarmRow
from cloud.registry.tables_assets import AssetRow
from cloud.registry.tables_console import EntityLogRow, JournalRow
from cloud.registry.tables_fleet import TripRow
from cloud.registry.tables_people import AuditRow

BY_LAW = "the audit trail is kept by law, and is forgotten by its age"
IN_THE_LIST = "still in the list of things: take it out under Settings"


class _Written:
    """Rows whose JSON names the person; they are emptied or go as a whole. ``text`` is the column of the JSON."""

    name = ""
    table: type[Table]
    at = "at"
    text = "facts"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, subject: Subject) -> list[Found]:
        table: Any = self.table
        query = select(table).where(self._holds(subject)).order_by(getattr(table, self.at))
        found: list[Found] = []
        async with self._database.reading() as session:
            async for row in await session.stream_scalars(query.execution_options(yield_per=500)):
                if self._is_about(row, subject):
                    found.append(Found(self._id(row), getattr(row, self.at), self._facts(row), self._stays()))
                    if len(found) >= RECORDS_MAX:
                        break
        return found

    async def erase(self, ids: Sequence[str]) -> int:
        gone = 0
        async with self._database.writing() as session:
            for name in ids:
                row = await self._row(session, name)
                if row is not None:
                    await self._empty(session, row)
                    gone += 1
        return gone

    def _holds(self, subject: Subject) -> ColumnElement[bool]:
        """A quick look: JSON that holds a word as such, in either way of writing it."""
        column: Any = getattr(self.table, self.text)
        texts = {form for word in subject.words | subject.lent.cards for form in _written(word)}
        written = [column.contains(text, autoescape=True) for text in sorted(texts)]
        return or_(*written, *(column.ilike(rough_plate(plain)) for plain in sorted(subject.plain_plates)))

    def _is_about(self, row: Any, subject: Subject) -> bool:
        text = getattr(row, self.text)
        if not text:
            return False
        said, lent, at = msgspec.json.decode(text), subject.lent, getattr(row, self.at)
        carried = frozenset(card for card in lent.cards if lent.was_mine(self._site(row), card, at))
        return mentions(said, subject.words | carried, subject.plain_plates)

    def _site(self, row: Any) -> str:
        return str(row.site)

    def _id(self, row: Any) -> str:
        return f"{row.id}:{getattr(row, self.at)}"

    async def _row(self, session: Any, name: str) -> Any:
        number, _, at = name.partition(":")
        row = await session.get(self.table, int(number))
        return row if row is not None and getattr(row, self.at) == int(at) else None

    def _facts(self, row: Any) -> Mapping[str, object]:
        return {column.key: getattr(row, column.key) for column in row.__table__.columns}

    def _stays(self) -> str:
        return ""

    async def _empty(self, session: Any, row: Any) -> None:
        setattr(row, self.text, "{}")


class Trips(_Written):
    """Trips they drove, by the card at the vehicle's reader. Mileage of the day stays."""

    name, table, at = "trips", TripRow, "started_at"

    def _id(self, row: Any) -> str:
        return f"{row.site}:{row.vehicle}:{row.started_at}"

    async def _row(self, session: Any, name: str) -> Any:
        site, vehicle, started_at = name.split(":")
        return await session.get(TripRow, (site, vehicle, int(started_at)))

    async def _empty(self, session: Any, row: Any) -> None:
        await session.delete(row)


class Timeline(_Written):
    """Lines of the timeline that name them. That something happened stays; what it says is emptied."""

    name, table = "timeline", JournalRow


class TimeMachine(_Written):
    """What things showed at some time, with their names in it. A state that named them is forgotten."""

    name, table, text = "states", EntityLogRow, "body"

    async def _empty(self, session: Any, row: Any) -> None:
        await session.execute(delete(EntityLogRow).where(EntityLogRow.id == row.id))


class Alarms(_Written):
    """Alarms that named them. Kind, source and times stay."""

    name, table, at, text = "alarms", AlarmRow, "since", "args"

    def _site(self, row: Any) -> str:
        return str(row.source).partition("/")[0]


class AssetsOfPeople(_Written):
    """Guards, technicians and vehicles that are listed with their name, phone or card."""

    name, table, at = "things", AssetRow, "changed_at"

    def _holds(self, subject: Subject) -> ColumnElement[bool]:
        return or_(super()._holds(subject), AssetRow.name.in_(sorted(subject.people)))

    def _is_about(self, row: Any, subject: Subject) -> bool:
        return row.name in subject.people or super()._is_about(row, subject)

    def _id(self, row: Any) -> str:
        return f"{row.site}:{row.kind}:{row.id}"

    def _stays(self) -> str:
        return IN_THE_LIST

    async def erase(self, ids: Sequence[str]) -> int:
        return 0


class AuditRecords(_Written):
    """Records of what they did and of what was done about them."""

    name, table = "audit", AuditRow

    def _holds(self, subject: Subject) -> ColumnElement[bool]:
        return or_(super()._holds(subject), AuditRow.actor.in_(sorted(subject.user)))

    def _is_about(self, row: Any, subject: Subject) -> bool:
        return row.actor in subject.user or super()._is_about(row, subject)

    def _id(self, row: Any) -> str:
        return str(row.number)

    def _stays(self) -> str:
        return BY_LAW

    async def erase(self, ids: Sequence[str]) -> int:
        return 0


def mentions(value: object, words: frozenset[str], plates: frozenset[str] = frozenset()) -> bool:
    """Whether any text in it is one of the words, or one of the plain plates however it is written."""
    if isinstance(value, str):
        return value in words or is_plate(value, plates)
    if isinstance(value, Mapping):
        return any(mentions(each, words, plates) for each in value.values())
    return isinstance(value, list) and any(mentions(each, words, plates) for each in value)


def _written(word: str) -> set[str]:
    """A word as it stands in JSON: as it is, or with what is not ASCII escaped."""
    plain = msgspec.json.encode(word).decode()
    escaped = "".join(sign if sign.isascii() else f"\\u{ord(sign):04x}" for sign in plain)
    return {plain, escaped}
