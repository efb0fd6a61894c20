"""How connections to PostgreSQL are made: verified where they leave the machine, durable, with numbers as numbers.

psycopg is imported here only, and only when a PostgreSQL URL is in the settings (``pip install dayuan[postgres]``).
"""

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cloud.registry.postgres_url import PostgresPlace
from protocols.errors import BadSettings

if TYPE_CHECKING:
    pass

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT = "30s"


def url_of(place: PostgresPlace) -> sa.URL:
    """What SQLAlchemy connects to. Without the password: it must not come into a text that somebody prints."""
    url = place.url
    return sa.URL.create("postgresql+psycopg", username=url.user, host=url.host, port=url.port, database=url.name)


def connect_args(place: PostgresPlace) -> dict[str, Any]:
    """What psycopg is told beside the URL. Raises BadSettings when the password file cannot be read."""
    _require_psycopg(place)
    wanted: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "dayuan-collector"}
    if place.password_file is not None:
        try:
            wanted["password"] = place.password_file.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(f"cannot be read: {error}", file=str(place.password_file)) from None
    if place.ca_file is not None or not place.url.local:
        wanted["sslmode"] = "verify-full"
        wanted["sslrootcert"] = str(place.ca_file) if place.ca_file is not None else "system"
    # Durable commits and fixed meaning of instants, whatever the server's own settings are.
    wanted["options"] = f"-c synchronous_commit=on -c lock_timeout={LOCK_TIMEOUT} -c timezone=UTC"
    return wanted


def on_connect(engine: sa.Engine) -> None:
    """Have every connection of ``engine`` give sums of whole numbers as whole numbers."""
    import psycopg
    from psycopg.types.numeric import FloatLoader

    class WholeLoader(FloatLoader):
        """PostgreSQL adds 64-bit numbers to a ``numeric``; no table of ours has one of its own."""

        def load(self, data: Any) -> Any:
            text = bytes(data)
            return int(text) if text.lstrip(b"-").isdigit() else float(text)

    def configure(connection: Any, _record: object) -> None:
        real: psycopg.Connection[Any] = getattr(connection, "driver_connection", connection)
        real.adapters.register_loader("numeric", WholeLoader)

    sa.event.listen(engine, "connect", configure)


def _require_psycopg(place: PostgresPlace) -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise BadSettings(
            "the library for PostgreSQL is not installed; install it with: pip install 'dayuan[postgres]'",
            file=str(place.url),
        ) from error
