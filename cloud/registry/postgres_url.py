"""Where a PostgreSQL server is, as one line: ``postgresql://user@host:port/name``. Opens nothing."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

HOW = "postgresql://user@host:5432/name, or postgresql://user@/name?host=/run/postgresql for a socket"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
PORT = 5432


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresUrl:
    """A database on a server, without the password. ``host`` is a folder when it begins with ``/``: a socket."""

    host: str
    port: int
    user: str
    name: str

    @property
    def local(self) -> bool:
        """True when nothing of it goes over a network."""
        return self.host.startswith("/") or self.host in LOOPBACK

    def __str__(self) -> str:
        if self.host.startswith("/"):
            return f"postgresql://{self.user}@/{self.name}?host={self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{self.user}@{host}:{self.port}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPlace:
    """The server and how to come in. The password is read from its file at each start, and is in no text of ours."""

    url: PostgresUrl
    password_file: Path | None = None
    ca_file: Path | None = None


def parse_postgres_url(text: str) -> PostgresUrl:
    """Read a URL; raises ValueError that says how to write it, and never repeats a password."""
    try:
        parts = urlsplit(text)
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError(f"this is no PostgreSQL URL; write {HOW}") from None
    if parts.password is not None:
        raise ValueError("a password has no place in the URL; put it into a file and name it as password_file")
    name, user = unquote(parts.path.removeprefix("/")), unquote(parts.username or "")
    host = options.pop("host", None) or parts.hostname or ""
    if parts.scheme != "postgresql" or options or not (name and user and host) or "/" in name:
        raise ValueError(f"{text!r} is no PostgreSQL URL; write {HOW}")
    if parts.hostname and host.startswith("/"):
        raise ValueError(f"{text!r} names a host and a socket; write one of both: {HOW}")
    return PostgresUrl(host=host, port=port or PORT, user=user, name=name)
