"""Which registry the settings name: a file in the data folder, or a database on a PostgreSQL server."""

from cloud.registry.database import Database
from cloud.settings import CloudSettings
from protocols.clock import Clock


def registry_of(settings: CloudSettings, clock: Clock, *, exclusive: bool = False) -> Database:
    """The registry, not open yet. ``exclusive`` is for a collector, of which there is one for each registry."""
    if settings.registry_server is None:
        return Database(settings.registry_path, clock)
    from cloud.registry.postgres import PostgresDatabase  # only who has a server needs its library

    return PostgresDatabase(settings.registry_server, clock, exclusive=exclusive)
