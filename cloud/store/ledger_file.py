"""Opening the ledger's database: a SQLite file with full syncs, or the registry's PostgreSQL server."""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from cloud.registry.postgres_url import PostgresPlace
from cloud.store.ledger_tables import DESK, HEAD, METADATA, VERSION, VERSIONS
from protocols.errors import Permanent, StoreDamaged, StoreUnavailable

FILE_NAME = "ledger.sqlite"
BUSY_MS = 10_000
LEDGER_LOCK = 0x6461_7975_616E + 2
"""The advisory lock of the collector that works on a ledger."""


class LedgerInUse(Permanent):
    """Another collector works on this ledger."""


class LedgerFile:
    """Connections to the ledger. Blocking; ``open`` first."""

    def __init__(self, place: Path | PostgresPlace, *, shared: bool = False) -> None:
        """``shared``: beside the other collectors of a group; then ``ledger_shared.py`` says who may commit."""
        if shared and isinstance(place, Path):
            raise Permanent(f"{place}: a file cannot be shared by a group of collectors; it takes PostgreSQL")
        self._shared = shared
        self.name = str(place) if isinstance(place, Path) else str(place.url)
        self._place = place
        self._engine: sa.Engine | None = None
        self._held: sa.Connection | None = None
        self._lock: IO[bytes] | None = None

    @property
    def path(self) -> Path | None:
        """The file; None on a server."""
        return self._place if isinstance(self._place, Path) else None

    def open(self) -> None:
        """Make or find the tables. Raises StoreUnavailable, StoreDamaged, LedgerInUse; Permanent for a newer one."""
        if self._engine is not None:
            return
        if isinstance(self._place, Path):
            self._lock = _alone_in(self._place)
        engine = self._made()
        try:
            with engine.begin() as connection:
                if isinstance(self._place, PostgresPlace):
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LEDGER_LOCK + 1)))
                elif (verdict := connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()) != "ok":
                    raise StoreDamaged(self.name, str(verdict))
                METADATA.create_all(connection)
                version = connection.execute(sa.select(sa.func.max(VERSIONS.c.version))).scalar()
                if version is None:
                    connection.execute(VERSIONS.insert().values(version=VERSION))
                elif version > VERSION:
                    raise Permanent(f"{self.name}: written by a newer version; this collector knows version {VERSION}")
            if isinstance(self._place, PostgresPlace):
                self._held = _alone(engine, self.name, shared=self._shared)
                if not self._shared:
                    with engine.begin() as connection:
                        connection.execute(HEAD.delete())  # what it says is not kept up by a collector that is alone
                        connection.execute(DESK.delete())
        except sa.exc.DatabaseError as error:
            engine.dispose()
            self.close()
            if getattr(error.orig, "sqlite_errorname", "") in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
                raise StoreDamaged(self.name, str(error.orig)) from error
            raise StoreUnavailable(f"{self.name}: {error.orig}") from error
        except Permanent:
            engine.dispose()
            self.close()
            raise
        self._engine = engine

    def close(self) -> None:
        """Let go. May be called again."""
        engine, self._engine = self._engine, None
        held, self._held = self._held, None
        lock, self._lock = self._lock, None
        if held is not None:
            held.close()
        if engine is not None:
            engine.dispose()
        if lock is not None:
            lock.close()

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A connection whose questions see one state. Raises StoreUnavailable."""
        return self._connected(write=False)

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """A transaction, durable at the end or not there. IntegrityError and DataError pass; else StoreUnavailable."""
        return self._connected(write=True)

    def empty_log(self) -> None:
        """Bring the write-ahead log of a file into it: it still holds pages of before. A server has its own ways."""
        if self._engine is None or self._engine.dialect.name != "sqlite":
            return
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        except sa.exc.DBAPIError as error:
            raise StoreUnavailable(f"{self.name}: {str(error.orig).splitlines()[0][:300]}") from error

    @contextmanager
    def _connected(self, *, write: bool) -> Iterator[sa.Connection]:
        if self._engine is None:
            raise StoreUnavailable("the store is not open")
        try:
            with self._engine.connect() as connection:
                if not write and connection.dialect.name == "postgresql":
                    connection = connection.execution_options(isolation_level="REPEATABLE READ")
                with connection.begin():
                    yield connection
        except (sa.exc.IntegrityError, sa.exc.DataError):
            raise
        except sa.exc.DBAPIError as error:
            raise StoreUnavailable(f"{self.name}: {str(error.orig).splitlines()[0][:300]}") from error

    def _made(self) -> sa.Engine:
        if isinstance(self._place, PostgresPlace):
            from cloud.registry.postgres_connect import connect_args, on_connect, url_of

            known = connect_args(self._place)
            engine = sa.create_engine(url_of(self._place), connect_args=known, pool_size=4, pool_pre_ping=True)
            on_connect(engine)
            return engine
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            if not self._place.exists():
                self._place.touch(mode=0o600)
        except OSError as error:
            raise StoreUnavailable(f"{self._place}: {error.strerror}") from error
        engine = sa.create_engine(f"sqlite:///{self._place}", pool_size=4)
        sa.event.listen(engine, "connect", _configure)
        return engine


def _alone_in(path: Path) -> IO[bytes]:
    """The same for a file: a lock beside it, which ends with this process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("ab")
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise LedgerInUse(f"{path}: another collector works on this ledger; stop it first") from None
    return lock


def _alone(engine: sa.Engine, name: str, *, shared: bool) -> sa.Connection:
    """One collector at a time, which keeps in memory which batches are there, or one group; it ends with us."""
    connection = engine.connect()
    take = sa.func.pg_try_advisory_lock_shared if shared else sa.func.pg_try_advisory_lock
    taken = connection.execute(sa.select(take(LEDGER_LOCK))).scalar()
    connection.commit()
    if not taken:
        connection.close()
        if shared:
            raise LedgerInUse(f"{name}: a collector that is in no group works on this ledger; stop it first")
        raise LedgerInUse(f"{name}: another collector works on this ledger; stop it first")
    connection.detach()
    return connection


def _configure(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute("PRAGMA synchronous")
    (level,) = cursor.fetchone()
    cursor.close()
    if level != 2:
        raise StoreUnavailable("this SQLite cannot be told to wait for the disk")
