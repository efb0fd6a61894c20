"""What people said of findings of energy, at rest; nothing is ever changed or taken out."""

from typing import NamedTuple

from sqlalchemy import func, select

from cloud.registry.database import Database
from cloud.registry.tables_energy_desk import EnergyJudgementRow
from cloud.registry.tariff_book import Changed

HISTORY_MAX = 200


class Judgement(NamedTuple):
    """Of the finding ``kind`` of a meter: ``shelved`` until an instant, ``accepted`` as normal, ``open`` again.

    week_kwh: what it took a week then. back: ``worse`` where it came back by itself.
    """

    rev: int
    site: str
    meter: str
    kind: str
    state: str
    until: int | None
    reason: str
    by: str
    at: int
    week_kwh: float | None
    back: str = ""


class EnergyJudgementsBook:
    """Reads and writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self) -> list[Judgement]:
        """The last of each finding."""
        row = EnergyJudgementRow
        last = select(func.max(row.id)).group_by(row.site, row.meter, row.kind)
        async with self._database.reading() as session:
            return [_of(each) for each in await session.scalars(select(row).where(row.id.in_(last)))]

    async def history(self, site: str, meter: str, kind: str) -> list[Judgement]:
        """Of one finding, the newest first."""
        row = EnergyJudgementRow
        query = select(row).where(row.site == site, row.meter == meter, row.kind == kind)
        async with self._database.reading() as session:
            return [_of(each) for each in await session.scalars(query.order_by(row.id.desc()).limit(HISTORY_MAX))]

    async def add(self, new: Judgement, expected: int | None = None) -> Judgement:
        """Write one; with its number. Raises Changed when the last one of the finding is not ``expected``."""
        row = EnergyJudgementRow
        async with self._database.writing() as session:
            mine = (row.site == new.site) & (row.meter == new.meter) & (row.kind == new.kind)
            last = await session.scalar(select(func.max(row.id)).where(mine)) or 0
            if expected is not None and expected != last:
                raise Changed("the finding", last)
            written = row(**{name: value for name, value in new._asdict().items() if name != "rev"})
            session.add(written)
            await session.flush()
            return new._replace(rev=written.id)


def _of(row: EnergyJudgementRow) -> Judgement:
    return Judgement(row.id, *(getattr(row, name) for name in Judgement._fields[1:]))
