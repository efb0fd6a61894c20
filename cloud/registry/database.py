"""Opening the registry's database: checked, migrated, and set aside when it cannot be read."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from cloud.registry.lost_log import keep_damaged_log, kept_log
from cloud.store.failpoint import fail_points
from protocols.clock import Clock
from protocols.errors import Permanent, StoreDamaged, StoreUnavailable

log = logging.getLogger(__name__)

FILE_NAME = "registry.sqlite"
MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MS = 5000


Witness = Callable[[AsyncSession], Awaitable[Callable[[], None] | None]]


class RegistryTooNew(Permanent):
    """The file was written by a newer version of this software."""


class Database:
    """The registry's connections. ``open`` first; ``reading`` and ``writing`` give a session for one unit of work.

    This one is a SQLite file; ``postgres.py`` has the one on a server.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.place = str(path)
        """How messages name it."""
        self.set_aside: Path | None = None
        """Where the damaged file of before now lies; None when nothing was wrong."""
        self.damaged_log: Path | None = None
        """A copy of a damaged log, of this start or a former one, until somebody takes it away."""
        self.witness: Witness | None = None
        """Asked before each commit; what it returns is called when the commit is done. The audit trail."""
        self._clock = clock
        self._engine: AsyncEngine | None = None
        self._sessions: async_sessionmaker[AsyncSession] | None = None
        self._writer = asyncio.Lock()
        self._reach = fail_points()

    async def open(self, *, replace_damaged: bool = True) -> None:
        """Check, create or migrate the file. A damaged one is renamed and a new one begun (see ``set_aside``).

        Raises RegistryTooNew, StoreUnavailable when the folder cannot be written, and without ``replace_damaged``
        StoreDamaged.
        """
        if self._engine is not None:
            return
        try:
            await asyncio.to_thread(self._prepare)
        except StoreDamaged as damage:
            if not replace_damaged:
                raise
            self.set_aside = self._move_aside()
            log.error("registry damaged (%s); set aside as %s, starting a new one", damage.detail, self.set_aside)
            await asyncio.to_thread(self._prepare)
        engine = create_async_engine(f"sqlite+aiosqlite:///{self.path}", pool_size=3, max_overflow=2)
        sa.event.listen(engine.sync_engine, "connect", _configure)
        self._use(engine)

    def _use(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def close(self) -> None:
        """Close all connections. May be called again, and after a failed ``open``."""
        engine, self._engine, self._sessions = self._engine, None, None
        if engine is not None:
            await engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for reading. Raises StoreUnavailable when the file cannot be read now."""
        if self._sessions is None:
            raise StoreUnavailable("the registry is not open")
        with self._failures():
            async with self._sessions() as session:
                yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A session that is committed at the end, or rolled back when an error leaves the block. One at a time.

        Raises StoreUnavailable when nothing can be written now (a full disk).
        """
        if self._sessions is None:
            raise StoreUnavailable("the registry is not open")
        with self._failures():
            async with self._writer:
                done: list[Callable[[], None] | None] = []
                async with self._sessions() as session, session.begin():
                    yield session
                    if self.witness is not None:
                        done.append(await self.witness(session))
                    self._reach("before_registry_commit")
                self._reach("after_registry_commit")
                for tell in filter(None, done):
                    tell()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.IntegrityError:
            raise
        except sa.exc.DBAPIError as error:
            raise StoreUnavailable(f"{self.place}: {error.orig}") from error

    def _prepare(self) -> None:
        """Synchronous: integrity check and migrations."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                self.path.touch(mode=0o600)
            lost = keep_damaged_log(self.path, self._clock.now_ms())
            self.damaged_log = kept_log(self.path)
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: {error.strerror}") from error
        if lost:
            log.error("the registry's log is damaged: %d changes or more are lost; kept as %s", lost, self.damaged_log)
        engine = sa.create_engine(f"sqlite:///{self.path}")
        sa.event.listen(engine, "connect", _configure)
        sa.event.listen(engine, "begin", _begin)
        sa.event.listen(engine, "after_cursor_execute", lambda *_: self._reach("mid_registry_migration"))
        try:
            with engine.begin() as connection:
                verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
                if verdict != "ok":
                    raise StoreDamaged(str(self.path), str(verdict))
                migrate(connection, self.place)
        except sa.exc.DatabaseError as error:
            if _is_damage(error.orig):
                raise StoreDamaged(str(self.path), str(error.orig)) from error
            raise StoreUnavailable(f"{self.path}: {error.orig}") from error
        finally:
            engine.dispose()

    def _move_aside(self) -> Path:
        target = self.path.with_name(f"{self.path.name}.damaged-{self._clock.now_ms()}")
        # The log first: alone it would be taken for the log of the new file.
        for ending in ("-wal", "-shm", ""):
            part = self.path.with_name(self.path.name + ending)
            if part.exists():
                part.rename(target.with_name(target.name + ending))
                self._reach("mid_registry_set_aside")
        return target


def _is_damage(error: BaseException | None) -> bool:
    """Only what sqlite itself calls damage: a full disk or a lock must never cost a good file its place."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _configure(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # What is deleted is overwritten: rows of people are gone from the file too.
    for pragma in (
        f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON",
    ):  # fmt: skip
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    """Python's sqlite3 begins no transaction for CREATE TABLE: a process killed between two would leave a half."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def migrate(connection: sa.Connection, place: str) -> None:
    """Bring the tables to this version, in the connection's transaction. Raises RegistryTooNew."""
    if _revision(connection) == max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py")):
        return
    # Half a second of imports that a file of this version does not need.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise RegistryTooNew(f"{place} was written by a newer version: {error}") from error


def _revision(connection: sa.Connection) -> str | None:
    """The last migration of the file; None before the first, or when it is not one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    known = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    return str(known[0]) if len(known) == 1 else None
