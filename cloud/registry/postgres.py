"""The registry on a PostgreSQL server, for those who have one: the same tables, by the same migrations."""

import asyncio
import logging
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from cloud.registry.database import Database, migrate
from cloud.registry.postgres_connect import connect_args, on_connect, url_of
from cloud.registry.postgres_url import PostgresPlace
from protocols.clock import Clock
from protocols.errors import Permanent, StoreUnavailable

log = logging.getLogger(__name__)

COLLECTOR_LOCK = 0x6461_7975_616E
"""The advisory lock a collector holds as long as it runs."""
MIGRATION_LOCK = COLLECTOR_LOCK + 1


class RegistryInUse(Permanent):
    """Another collector works on this registry."""


class PostgresDatabase(Database):
    """A ``Database`` on a server. What PostgreSQL itself looks after (damage, logs, full disks) it is left to."""

    def __init__(self, place: PostgresPlace, clock: Clock, *, exclusive: bool = False) -> None:
        """``exclusive``: only one at a time may open it so, as a collector keeps in memory what is in the tables."""
        super().__init__(Path("postgresql"), clock)
        self.place = str(place.url)
        self._server = place
        self._exclusive = exclusive
        self._held: sa.Connection | None = None
        """The connection whose session holds the collector's lock."""

    async def open(self, *, replace_damaged: bool = True) -> None:
        """Connect and migrate. Raises RegistryTooNew, RegistryInUse, StoreUnavailable, BadSettings."""
        del replace_damaged  # nothing is ever set aside on a server
        if self._engine is not None:
            return
        known = connect_args(self._server)
        await asyncio.to_thread(self._prepare_server, known)
        engine = create_async_engine(
            url_of(self._server), connect_args=known, pool_size=5, max_overflow=5, pool_pre_ping=True
        )
        on_connect(engine.sync_engine)
        self._use(engine)

    async def close(self) -> None:
        await super().close()
        held, self._held = self._held, None
        if held is not None:
            await asyncio.to_thread(held.close)

    def _prepare_server(self, known: dict[str, object]) -> None:
        engine = sa.create_engine(url_of(self._server), connect_args=known, pool_size=1)
        sa.event.listen(engine, "after_cursor_execute", lambda *_: self._reach("mid_registry_migration"))
        try:
            with engine.begin() as connection:
                # Two that start at once must not both make the tables; the lock ends with the transaction.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                migrate(connection, self.place)
            if self._exclusive:
                self._lock(engine)
        except sa.exc.DBAPIError as error:
            raise StoreUnavailable(f"{self.place}: {_first_line(error)}") from error
        finally:
            engine.dispose()

    def _lock(self, engine: sa.Engine) -> None:
        """Held by a session of its own: it ends with this process, however that ends."""
        connection = engine.connect()
        taken = connection.execute(sa.select(sa.func.pg_try_advisory_lock(COLLECTOR_LOCK))).scalar()
        connection.commit()
        if not taken:
            connection.close()
            raise RegistryInUse(
                f"{self.place}: another collector works on this registry; stop it first, or give this one a registry "
                "of its own"
            )
        connection.detach()
        self._held = connection


def _first_line(error: sa.exc.DBAPIError) -> str:
    return str(error.orig).strip().split("\n", 1)[0][:300]
