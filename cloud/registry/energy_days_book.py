"""Days of meters at rest: what was worked out, and where to go on from."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, func, or_, select, tuple_

from cloud.energy.contract import BASE_MS, RegisterEvent, Source, State
from cloud.energy.pages import SLOTS_MAX, Total
from cloud.energy.strand import Mark
from cloud.registry.database import Database
from cloud.registry.tables_energy import EnergyDayRow
from cloud.registry.upsert import put

ROWS_AT_ONCE = 200
"""Others write to this file too; none of them should wait long."""
DAYS_MAX = 40_000
LONGEST_MS = SLOTS_MAX * BASE_MS

_COLUMNS = (
    "site", "meter", "day", "until", "state", "page", "events", "micro", "covered_ms", "measured_ms", "measured",
    "source", "flags", "estimated", "worked_at",
)  # fmt: skip


_TOTAL = _COLUMNS[7:13]


class Day(NamedTuple):
    """A meter's day [day, until). ``state``: what the counter rule knew when it began. ``events``: noted on it."""

    site: str
    meter: str
    day: int
    until: int
    state: State
    page: bytes
    events: tuple[RegisterEvent, ...]
    total: Total
    estimated: bool
    worked_at: int

    @property
    def mark(self) -> Mark:
        return Mark(self.day, self.state)


class DayTotal(NamedTuple):
    """What a day came to, without its intervals."""

    meter: str
    day: int
    until: int
    total: Total


class EnergyDaysBook:
    """Reads and writes days."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, days: Sequence[Day]) -> None:
        """Write days in place of what stood there, some hundred in each transaction."""
        for start in range(0, len(days), ROWS_AT_ONCE):
            rows = [_row_of(day) for day in days[start : start + ROWS_AT_ONCE]]
            async with self._database.writing() as session:
                await put(session, EnergyDayRow, rows, by=("site", "meter", "day"), change=_COLUMNS[3:])

    async def forget_before(self, at: int, *, at_most: int = 2_000) -> int:
        """Take days away that ended before an instant, but never a meter's last; how many went."""
        row = EnergyDayRow
        last = select(row.site, row.meter, func.max(row.day).label("day")).group_by(row.site, row.meter).subquery()
        old = (
            select(row.site, row.meter, row.day)
            .join(last, (last.c.site == row.site) & (last.c.meter == row.meter))
            .where(row.until <= at, row.day < last.c.day)
            .limit(at_most)
        )
        async with self._database.writing() as session:
            keys = [tuple(each) for each in await session.execute(old)]
            for start in range(0, len(keys), ROWS_AT_ONCE):
                part = keys[start : start + ROWS_AT_ONCE]
                await session.execute(delete(row).where(tuple_(row.site, row.meter, row.day).in_(part)))
        return len(keys)

    async def mark_before(self, site: str, meter: str, at: int) -> Mark | None:
        """The last day's beginning at or before an instant, with what was known then."""
        query = (
            select(EnergyDayRow.day, EnergyDayRow.state)
            .where(EnergyDayRow.site == site, EnergyDayRow.meter == meter, EnergyDayRow.day <= at)
            .order_by(EnergyDayRow.day.desc())
            .limit(1)
        )
        async with self._database.reading() as session:
            row = (await session.execute(query)).first()
        return None if row is None else Mark(row.day, msgspec.json.decode(row.state, type=State))

    async def mark_after(self, site: str, meter: str, at: int) -> Mark | None:
        """The first day's beginning at or after an instant."""
        query = (
            select(EnergyDayRow.day, EnergyDayRow.state)
            .where(EnergyDayRow.site == site, EnergyDayRow.meter == meter, EnergyDayRow.day >= at)
            .order_by(EnergyDayRow.day)
            .limit(1)
        )
        async with self._database.reading() as session:
            row = (await session.execute(query)).first()
        return None if row is None else Mark(row.day, msgspec.json.decode(row.state, type=State))

    async def reach(self, site: str, meter: str) -> tuple[int, int, int] | None:
        """Of a meter's days the first instant, the end of the last, and the end of the last that holds estimates."""
        row = EnergyDayRow
        mine = (row.site == site) & (row.meter == meter)
        async with self._database.reading() as session:
            first = await session.scalar(select(func.min(row.day)).where(mine))
            until = await session.scalar(select(func.max(row.until)).where(mine))
            estimated = await session.scalar(select(func.max(row.until)).where(mine, row.estimated))
        return None if first is None or until is None else (first, until, estimated or 0)

    async def days(self, site: str, meter: str, since: int, until: int) -> list[Day]:
        """Days that begin in [since, until), in order."""
        query = (
            select(EnergyDayRow.__table__)
            .where(EnergyDayRow.site == site, EnergyDayRow.meter == meter)
            .where(EnergyDayRow.day >= since, EnergyDayRow.day < until)
            .order_by(EnergyDayRow.day)
            .limit(DAYS_MAX)
        )
        async with self._database.reading() as session:
            return [_day_of(dict(row._mapping)) for row in await session.execute(query)]

    async def first_of(self, site: str) -> int | None:
        """When the first day at rest of a site begins."""
        async with self._database.reading() as session:
            first: int | None = await session.scalar(
                select(func.min(EnergyDayRow.day)).where(EnergyDayRow.site == site)
            )
            return first

    async def day_at(self, site: str, meter: str, at: int) -> Day | None:
        """The day that holds an instant."""
        mark = await self.mark_before(site, meter, at)
        found = await self.days(site, meter, mark.at, mark.at + 1) if mark is not None else []
        return found[0] if found and at < found[0].until else None

    async def pages(self, site: str, meter: str, since: int, until: int) -> list[bytes]:
        """The packed intervals of days that overlap [since, until)."""
        return (await self.pages_of(site, [meter], since, until))[meter]

    async def pages_of(self, site: str, meters: Sequence[str], since: int, until: int) -> dict[str, list[bytes]]:
        """The same of several meters at once, by meter."""
        row = EnergyDayRow
        # The lower bound on ``day`` is for the index: without it every earlier day is read to see when it ended.
        query = (
            select(row.meter, row.page)
            .where(row.site == site, row.meter.in_(list(meters)))
            .where(row.day > since - LONGEST_MS, row.until > since, row.day < until)
            .order_by(row.meter, row.day)
            .limit(DAYS_MAX)
        )
        found: dict[str, list[bytes]] = {meter: [] for meter in meters}
        async with self._database.reading() as session:
            for meter, page in await session.execute(query):
                found[meter].append(page)
        return found

    async def estimated_days(self, site: str, meter: str, after: int) -> list[tuple[int, int]]:
        """(first instant, next midnight) of days after an instant that have the shape of others, in order."""
        query = (
            select(EnergyDayRow.day, EnergyDayRow.until)
            .where(EnergyDayRow.site == site, EnergyDayRow.meter == meter)
            .where(EnergyDayRow.day > after, EnergyDayRow.estimated)
            .order_by(EnergyDayRow.day)
            .limit(DAYS_MAX)
        )
        async with self._database.reading() as session:
            return [(row.day, row.until) for row in await session.execute(query)]

    async def events(self, site: str, kinds: Sequence[str], since: int) -> list[tuple[str, tuple[RegisterEvent, ...]]]:
        """(meter, events) of days from an instant on, on which one of these kinds was noted."""
        row = EnergyDayRow
        noted = or_(*(row.events.contains(f'"{kind}"', autoescape=True) for kind in kinds))
        query = select(row.meter, row.events).where(row.site == site, row.day >= since, row.events != "[]", noted)
        async with self._database.reading() as session:
            found = (await session.execute(query.limit(DAYS_MAX))).all()
        return [(meter, msgspec.json.decode(body, type=tuple[RegisterEvent, ...])) for meter, body in found]

    async def totals(self, site: str, meters: Sequence[str], since: int, until: int) -> dict[str, list[DayTotal]]:
        """What the days that begin in [since, until) came to, by meter, in order."""
        row = EnergyDayRow
        query = select(
            row.meter,
            row.day,
            row.until,
            row.micro,
            row.covered_ms,
            row.measured_ms,
            row.measured,
            row.source,
            row.flags,
        ).where(row.site == site, row.meter.in_(list(meters)), row.day >= since, row.day < until)
        found: dict[str, list[DayTotal]] = {meter: [] for meter in meters}
        async with self._database.reading() as session:
            for meter, day, end, *parts in await session.execute(query):
                found[meter].append(DayTotal(meter, day, end, _total(end - day, parts)))
        for days in found.values():
            days.sort(key=lambda each: each.day)
        return found

    async def sums(self, site: str, meters: Sequence[str], since: int, until: int) -> Mapping[str, Total]:
        """What whole stretches came to, by meter; meters of which nothing is at rest are left out.

        ``length_ms`` counts the days that are at rest, not those that are missing altogether.
        """
        row = EnergyDayRow
        query = (
            select(
                row.meter,
                func.sum(row.until - row.day),
                func.sum(row.micro),
                func.sum(row.covered_ms),
                func.sum(row.measured_ms),
                func.sum(row.measured),
                func.max(func.nullif(row.source, int(Source.MISSING))),
            )
            .where(row.site == site, row.meter.in_(list(meters)), row.day >= since, row.day < until)
            .group_by(row.meter)
        )
        async with self._database.reading() as session:
            return {meter: _total(length, (*parts, 0)) for meter, length, *parts in await session.execute(query)}


def _total(length: int, parts: Sequence[Any]) -> Total:
    micro, covered_ms, measured_ms, measured, source, flags = parts
    return Total(
        micro, length, covered_ms, measured_ms, measured, Source.MISSING if source is None else Source(source), flags
    )


def _row_of(day: Day) -> dict[str, object]:
    total = day.total
    return dict(
        zip(
            _COLUMNS,
            (
                day.site, day.meter, day.day, day.until, msgspec.json.encode(day.state).decode(), day.page,
                msgspec.json.encode(day.events).decode(), total.micro, total.covered_ms, total.measured_ms,
                total.measured, int(total.source), total.flags, day.estimated, day.worked_at,
            ),
            strict=True,
        )
    )  # fmt: skip


def _day_of(known: Mapping[str, Any]) -> Day:
    return Day(
        known["site"],
        known["meter"],
        known["day"],
        known["until"],
        msgspec.json.decode(known["state"], type=State),
        known["page"],
        msgspec.json.decode(known["events"], type=tuple[RegisterEvent, ...]),
        _total(known["until"] - known["day"], [known[name] for name in _TOTAL]),
        bool(known["estimated"]),
        known["worked_at"],
    )
