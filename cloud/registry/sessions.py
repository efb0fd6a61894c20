"""Logins: opaque ids of 256 bits, of which only the hash is stored."""

import contextlib
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select, update

from cloud.registry.database import Database
from cloud.registry.roles import Role
from cloud.registry.tables import SessionRow, UserRow
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

SEEN_EVERY_MS = 60_000
PER_USER_MAX = 50


def fingerprint(secret: str) -> str:
    """SHA-256 in hex: enough for secrets of 256 random bits, unlike for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. ``credential`` names the session or token (never its secret)."""

    name: str
    role: Role
    credential: str
    must_change_password: bool = False
    user_id: int | None = None
    """None for a token."""
    scope: str = ""
    """Of a token that is for one thing only (``cloud.registry.tokens.Scope``)."""


class Sessions:
    """Sessions end after ``idle_s`` without a request, after ``absolute_s`` in any case, or when they are ended."""

    def __init__(self, database: Database, clock: Clock, *, idle_s: float, absolute_s: float) -> None:
        self._database, self._clock = database, clock
        self._idle_ms, self._absolute_ms = int(idle_s * 1000), int(absolute_s * 1000)

    @property
    def absolute_s(self) -> int:
        """The longest a session lasts."""
        return self._absolute_ms // 1000

    async def begin(self, user: UserRow, client: str) -> str:
        """A new session; returns the secret for the cookie."""
        secret = secrets.token_urlsafe(32)
        now = self._clock.now_ms()
        async with self._database.writing() as session:
            await session.execute(
                delete(SessionRow).where((SessionRow.expires_at <= now) | (SessionRow.seen_at <= now - self._idle_ms))
            )
            kept = (
                select(SessionRow.id_hash)
                .where(SessionRow.user_id == user.id)
                .order_by(SessionRow.seen_at.desc())
                .limit(PER_USER_MAX - 1)
            )
            await session.execute(
                delete(SessionRow).where(SessionRow.user_id == user.id, SessionRow.id_hash.not_in(kept))
            )
            session.add(
                SessionRow(
                    id_hash=fingerprint(secret),
                    user_id=user.id,
                    created_at=now,
                    seen_at=now,
                    expires_at=now + self._absolute_ms,
                    client=client,
                )
            )
        return secret

    async def check(self, id_hash: str) -> Principal | None:
        """Who holds the session of that fingerprint, or None when it has ended or its user is disabled."""
        now = self._clock.now_ms()
        async with self._database.reading() as session:
            found = (
                await session.execute(select(SessionRow, UserRow).join(UserRow).where(SessionRow.id_hash == id_hash))
            ).one_or_none()
        if found is None:
            return None
        row, user = found
        if user.disabled or row.expires_at <= now or row.seen_at <= now - self._idle_ms:
            return None
        if now - row.seen_at >= min(SEEN_EVERY_MS, self._idle_ms // 4):
            with contextlib.suppress(StoreUnavailable):  # a full disk logs nobody out
                async with self._database.writing() as session:
                    await session.execute(update(SessionRow).where(SessionRow.id_hash == id_hash).values(seen_at=now))
        return Principal(
            name=user.name,
            role=Role(user.role),
            credential=f"session:{id_hash}",
            must_change_password=user.must_change_password,
            user_id=user.id,
        )

    async def end(self, id_hash: str) -> None:
        """End one session. An unknown one is no error."""
        async with self._database.writing() as session:
            await session.execute(delete(SessionRow).where(SessionRow.id_hash == id_hash))
