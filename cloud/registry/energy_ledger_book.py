"""The ledger of energy at rest. Lines are added, never altered; one deed is one transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import msgspec
from sqlalchemy import Select, func, insert, select

from cloud.energy.ledger import DayKey, Deed, Entry, EntryKind, standing
from cloud.registry.database import Database
from cloud.registry.tables_energy import EnergyDeedRow, EnergyEntryRow
from cloud.registry.tables_energy_desk import EnergyPeriodRow

Work = Callable[[Mapping[DayKey, Entry], Deed, int], Sequence[Entry]]
"""What stands, the deed with its version, and the number of the next entry -> the entries to add."""


class Period(NamedTuple):
    """What was closed together: local days [first_day, next_day) of meters, which are [since, until) in ms.

    ``snapshot``: by which prices, factors and balances it was said. It is never altered.
    """

    first_day: str
    next_day: str
    since: int
    until: int
    meters: tuple[str, ...]
    snapshot: Mapping[str, Any]


class ClosedPeriod(NamedTuple):
    """A period with the deed that closed it; its ``version`` names it."""

    period: Period
    deed: Deed

    @property
    def version(self) -> int:
        return self.deed.version


class EnergyLedgerBook:
    """Reads and adds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def entries(self, site: str, meters: Sequence[str], since: int, until: int) -> list[Entry]:
        """Lines of days that begin in [since, until), by number."""
        async with self._database.reading() as session:
            return [_entry_of(row) for row in await session.scalars(_of(site, meters, since, until))]

    async def deeds(self, site: str, *, limit: int = 200) -> list[Deed]:
        """Who did what, the newest first."""
        query = (
            select(EnergyDeedRow).where(EnergyDeedRow.site == site).order_by(EnergyDeedRow.version.desc()).limit(limit)
        )
        async with self._database.reading() as session:
            return [_deed_of(row) for row in await session.scalars(query)]

    async def periods(self, site: str, *, version: int | None = None, limit: int = 500) -> list[ClosedPeriod]:
        """What was closed, the newest first; or the one of a version."""
        row = EnergyPeriodRow
        query = (
            select(row, EnergyDeedRow)
            .join(EnergyDeedRow, (EnergyDeedRow.site == row.site) & (EnergyDeedRow.version == row.version))
            .where(row.site == site)
            .order_by(row.version.desc())
            .limit(limit)
        )
        if version is not None:
            query = query.where(row.version == version)
        async with self._database.reading() as session:
            return [ClosedPeriod(_period_of(known), _deed_of(deed)) for known, deed in await session.execute(query)]

    async def sites(self) -> list[str]:
        """Sites of which a period was closed."""
        async with self._database.reading() as session:
            return sorted(await session.scalars(select(EnergyPeriodRow.site).distinct()))

    async def write(
        self, site: str, keys: Sequence[DayKey], deed: Deed, work: Work, period: Period | None = None
    ) -> Sequence[Entry]:
        """Do a deed (its version is given here) on days; nothing is written when it leads to no entry.

        ``period``: what it closes, kept under its version.
        """
        meters = sorted({key.meter for key in keys})
        since, until = min(key.day for key in keys), max(key.day for key in keys) + 1
        async with self._database.writing() as session:
            stood = standing([_entry_of(row) for row in await session.scalars(_of(site, meters, since, until))])
            number = await session.scalar(select(func.max(EnergyEntryRow.number)).where(EnergyEntryRow.site == site))
            version = await session.scalar(select(func.max(EnergyDeedRow.version)).where(EnergyDeedRow.site == site))
            deed = deed._replace(version=(version or 0) + 1)
            entries = work(stood, deed, (number or 0) + 1)
            if entries:
                session.add(EnergyDeedRow(site=site, **deed._asdict()))
                await session.execute(insert(EnergyEntryRow), [{"site": site, **each._asdict()} for each in entries])
                if period is not None:
                    body = {"meters": list(period.meters), "snapshot": period.snapshot}
                    known = {name: msgspec.json.encode(value).decode() for name, value in body.items()}
                    session.add(EnergyPeriodRow(site=site, version=deed.version, **{**period._asdict(), **known}))
        return entries


def _of(site: str, meters: Sequence[str], since: int, until: int) -> Select[EnergyEntryRow]:
    row = EnergyEntryRow
    return (
        select(row)
        .where(row.site == site, row.meter.in_(list(meters)), row.day >= since, row.day < until)
        .order_by(row.number)
    )


def _entry_of(row: EnergyEntryRow) -> Entry:
    kind = cast(EntryKind, row.kind)
    return Entry(row.number, row.version, kind, row.meter, row.day, row.micro, row.covered_ms, row.page)


def _deed_of(row: EnergyDeedRow) -> Deed:
    return Deed(row.version, row.at, row.by, row.why, cast(Literal["close", "amend"], row.kind), row.note)


def _period_of(row: EnergyPeriodRow) -> Period:
    return Period(
        row.first_day,
        row.next_day,
        row.since,
        row.until,
        tuple(msgspec.json.decode(row.meters, type=list[str])),
        msgspec.json.decode(row.snapshot, type=dict[str, Any]),
    )
