"""Who may see the status page from elsewhere: whoever has the token in a file that only its owner reads."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from collections import deque
from pathlib import Path

from protocols.clock import Clock
from protocols.errors import BadSettings

TOKEN_LEAST = 16
VISITS_MAX = 64
VISIT_S = 12 * 3600.0
WRONG_MAX, WRONG_WITHIN_S = 10, 60.0


def read_token(path: Path) -> str:
    """The token in ``path``, which is made when it is not there. Raises BadSettings when others could read it."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as made:
            if os.geteuid() == 0:
                folder = path.parent.stat()  # in a service's folder it is the service that is to read it
                os.fchown(made.fileno(), folder.st_uid, folder.st_gid)
            made.write(secrets.token_urlsafe(24) + "\n")
    except FileExistsError:
        pass
    except OSError as error:
        raise BadSettings(f"cannot be made: {error.strerror}", file=str(path)) from None
    try:
        with open(path, encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            token = file.readline(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"cannot be read: {error}", file=str(path)) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadSettings("others than its owner may read this token", file=str(path), allowed="chmod 600")
    if len(token) < TOKEN_LEAST:
        raise BadSettings(f"a token of {len(token)} characters can be guessed", file=str(path), allowed="16 and more")
    return token


class Gate:
    """Lets in who shows the token, and remembers it by a cookie for half a day. All of it is bounded."""

    def __init__(self, token: str | None, clock: Clock) -> None:
        self._token = token
        self._clock = clock
        self._visits: dict[str, float] = {}
        self._wrong: deque[float] = deque(maxlen=WRONG_MAX)

    @property
    def is_open(self) -> bool:
        """True when nobody needs a token."""
        return self._token is None

    def knows(self, cookie: str) -> bool:
        """True for a visit that began not too long ago."""
        began_at = self._visits.get(cookie)
        return began_at is not None and self._clock.monotonic() - began_at < VISIT_S

    def is_busy(self) -> bool:
        """True when so many wrong tokens came that further ones are not even looked at."""
        now = self._clock.monotonic()
        return len(self._wrong) == WRONG_MAX and now - self._wrong[0] < WRONG_WITHIN_S

    def takes(self, token: str) -> bool:
        """True for the right token; takes the same time for every wrong one."""
        if self._token is None:
            return True
        if self.is_busy():
            return False
        right = hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode())
        if not right:
            self._wrong.append(self._clock.monotonic())
        return right

    def begin(self) -> str:
        """A new visit; the name that its cookie carries."""
        while len(self._visits) >= VISITS_MAX:
            del self._visits[next(iter(self._visits))]
        name = secrets.token_urlsafe(24)
        self._visits[name] = self._clock.monotonic()
        return name
