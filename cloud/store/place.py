"""Where a store on a server is. Opens nothing."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from protocols.errors import BadSettings

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlace:
    """A server and how to come in. The secret is read from its file at each start, and is in no text of ours."""

    kind: str
    """``victoria`` or ``influx``."""
    url: str
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    organisation: str = ""
    bucket: str = ""

    @property
    def safe(self) -> bool:
        """True when nobody on a network can read along."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or parts.hostname in LOOPBACK

    def secret(self) -> str | None:
        """The first line of the password file. Raises BadSettings."""
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(f"cannot be read: {error}", file=str(self.password_file)) from None


def parse_server_url(text: str) -> str:
    """Check ``http://host:port``; raises ValueError that says how to write it, and never repeats a password."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("this is no URL; write http://127.0.0.1:8428") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("a name or password has no place in the URL; use username and password_file")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise ValueError(f"{text!r} is no URL of a server; write http://127.0.0.1:8428")
    return text.rstrip("/")
