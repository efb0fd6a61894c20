"""Legal holds, deletions that were done, and rounds of retention, at rest."""

from typing import NamedTuple

from sqlalchemy import select, text, update

from cloud.audit.note import tell
from cloud.privacy.contract import subject_of, written
from cloud.privacy.holding import Holding
from cloud.privacy.tombstones import Deletion
from cloud.registry.database import Database
from cloud.registry.people_holds import holding_of
from cloud.registry.tables_privacy import DeletionRow, LegalHoldRow, RetentionRunRow
from protocols.clock import Clock
from protocols.errors import Permanent

HOLDS_MAX = 200


class BadHold(Permanent):
    """A legal hold that cannot be made or found; the message says why."""


class Hold(NamedTuple):
    """Nothing of this class, at this site, of this person is deleted. An empty text stands for all."""

    id: int
    kept: str
    site: str
    person: str
    reason: str
    made_at: int
    made_by: str
    lifted_at: int | None


class Run(NamedTuple):
    """The last round of a class. ``longest_ms``: of one slice; ``total``: rows since there is a list."""

    kept: str
    run_at: int
    kept_since: int
    rows: int
    total: int
    longest_ms: int


class PrivacyBook:
    """Reads and writes them. Raises StoreUnavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    # --- legal holds ---

    async def holds(self, *, all_of_them: bool = False) -> list[Hold]:
        """Holds that hold, or with those that were lifted, the oldest first."""
        query = select(LegalHoldRow).order_by(LegalHoldRow.id)
        if not all_of_them:
            query = query.where(LegalHoldRow.lifted_at.is_(None))
        async with self._database.reading() as session:
            return [_hold(row) for row in await session.scalars(query)]

    async def hold(self, kept: str, site: str, person: str, reason: str, by: str) -> Hold:
        """Let nothing of it be deleted. Raises BadHold, BadSubject."""
        person = written(subject_of([person])) if person else ""
        if not reason.strip():
            raise BadHold("a legal hold needs its reason: which case, who asked for it")
        if len(await self.holds()) >= HOLDS_MAX:
            raise BadHold(f"there are {HOLDS_MAX} legal holds; lift those that are over")
        tell(hold=kept or "all", site=site, of_a_person=bool(person), reason=reason)
        row = LegalHoldRow(
            kept=kept, site=site, person=person, reason=reason.strip(), made_at=self._clock.now_ms(), made_by=by
        )
        async with self._database.writing() as session:
            session.add(row)
            await session.flush()
            return _hold(row)

    async def lift(self, number: int) -> None:
        """It holds no longer; it stays in the list. Raises BadHold."""
        tell(lifted=number)
        async with self._database.writing() as session:
            done = await session.execute(
                update(LegalHoldRow)
                .where(LegalHoldRow.id == number, LegalHoldRow.lifted_at.is_(None))
                .values(lifted_at=self._clock.now_ms())
            )
            if not getattr(done, "rowcount", 0):
                raise BadHold(f"there is no legal hold {number} that could be lifted")

    async def holding(self) -> Holding:
        """The holds there are, with what the people in them are known by."""
        return await holding_of(self._database)

    # --- deletions ---

    async def done(self) -> set[str]:
        async with self._database.reading() as session:
            return set(await session.scalars(select(DeletionRow.id)))

    async def note_done(self, deletion: Deletion, rows: int) -> None:
        async with self._database.writing() as session:
            await session.merge(DeletionRow(id=deletion.id, at=self._clock.now_ms(), rows=rows))

    async def clean(self) -> None:
        """Bring the write-ahead log of a file into it: it still holds what was deleted. A server has its own ways."""
        async with self._database.reading() as session:
            if session.get_bind().dialect.name == "sqlite":
                await session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    # --- rounds of retention ---

    async def runs(self) -> dict[str, Run]:
        """The last round of each class."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(RetentionRunRow))
            return {row.kept: Run(*(getattr(row, name) for name in Run._fields)) for row in rows}

    async def note_run(self, kept: str, kept_since: int, rows: int, longest_ms: int) -> None:
        """A round is over."""
        async with self._database.writing() as session:
            before = await session.get(RetentionRunRow, kept)
            total = rows + (before.total if before is not None else 0)
            run = Run(kept, self._clock.now_ms(), kept_since, rows, total, longest_ms)
            await session.merge(RetentionRunRow(**run._asdict()))


def _hold(row: LegalHoldRow) -> Hold:
    return Hold(*(getattr(row, name) for name in Hold._fields))
