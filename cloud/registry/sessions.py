"""Logins: opaque ids of 256 bits, of which only the hash is stored."""

import contextlib
import hashlib
import secrets
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import Select, delete, select, update
from sqlalchemy.engine import CursorResult

from cloud.registry.database import Database
from cloud.registry.roles import Grant, Right, Role, may, sites_of
from cloud.registry.tables import SessionRow, UserRow
from cloud.registry.tables_people import SecondFactorRow
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
    grants: tuple[Grant, ...]
    credential: str
    must_change_password: bool = False
    user_id: int | None = None
    """None for a token."""
    scope: str = ""
    """Of a token that is for one thing only (``cloud.registry.tokens.Scope``)."""
    needs_second_factor: bool = False
    """The settings ask for a second factor of this role, and there is none yet."""

    def may(self, right: Right, site: str | None = None) -> bool:
        """Whether this is allowed at the site; without one, anywhere at all."""
        return may(self.grants, right, site)

    def sites(self, right: Right = Right.LOOK) -> frozenset[str] | None:
        """Where this is allowed; None for all sites."""
        return sites_of(self.grants, right)

    def at(self, site: str) -> "Principal":
        """The same, as far as it is of that site."""
        return replace(self, grants=tuple(grant for grant in self.grants if grant.site in ("", site)))

    def everywhere(self) -> "Principal":
        """The same, as far as it is of all sites."""
        return replace(self, grants=tuple(grant for grant in self.grants if not grant.site))

    @property
    def roles(self) -> list[Role]:
        """All roles, wherever they hold, the widest last."""
        held = {grant.role for grant in self.grants}
        return [role for role in Role if role in held]


class Sessions:
    """Sessions end after ``idle_s`` without a request, after ``absolute_s`` in any case, or when they are ended."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        idle_s: float,
        absolute_s: float,
        second_factor_for: Collection[Role] = (),
    ) -> None:
        self._database, self._clock = database, clock
        self._second_factor_for = frozenset(second_factor_for)
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
                await session.execute(
                    select(SessionRow, UserRow, SecondFactorRow.confirmed_at)
                    .join(UserRow, UserRow.id == SessionRow.user_id)
                    .outerjoin(SecondFactorRow, SecondFactorRow.user_id == UserRow.id)
                    .where(SessionRow.id_hash == id_hash)
                )
            ).one_or_none()
        if found is None:
            return None
        row, user, has_factor = found
        if user.disabled or row.expires_at <= now or row.seen_at <= now - self._idle_ms:
            return None
        if now - row.seen_at >= min(SEEN_EVERY_MS, self._idle_ms // 4):
            with contextlib.suppress(StoreUnavailable):  # a full disk logs nobody out
                async with self._database.writing() as session:
                    await session.execute(update(SessionRow).where(SessionRow.id_hash == id_hash).values(seen_at=now))
        return Principal(
            name=user.name,
            grants=user.grants,
            credential=f"session:{id_hash}",
            must_change_password=user.must_change_password,
            user_id=user.id,
            needs_second_factor=has_factor is None
            and any(grant.role in self._second_factor_for for grant in user.grants),
        )

    async def of(self, user_id: int) -> list[SessionRow]:
        """The sessions of a user that have not ended, the one used last first."""
        async with self._database.reading() as session:
            query = self._going_on().where(SessionRow.user_id == user_id).order_by(SessionRow.seen_at.desc())
            return list(await session.scalars(query))

    async def counts(self) -> dict[int, int]:
        """How many sessions each user has."""
        async with self._database.reading() as session:
            return dict(Counter(row.user_id for row in await session.scalars(self._going_on())))

    async def end_of(self, user_id: int, beginning: str) -> bool:
        """End the user's session whose fingerprint begins so; whether there was one."""
        async with self._database.writing() as session:
            done = await session.execute(
                delete(SessionRow).where(
                    SessionRow.user_id == user_id, SessionRow.id_hash.startswith(beginning, autoescape=True)
                )
            )
            assert isinstance(done, CursorResult)
            return done.rowcount > 0

    async def end_all(self, user_id: int) -> None:
        """End all sessions of a user."""
        async with self._database.writing() as session:
            await session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))

    def _going_on(self) -> Select[SessionRow]:
        now = self._clock.now_ms()
        return select(SessionRow).where(SessionRow.expires_at > now, SessionRow.seen_at > now - self._idle_ms)

    async def end(self, id_hash: str) -> None:
        """End one session. An unknown one is no error."""
        async with self._database.writing() as session:
            await session.execute(delete(SessionRow).where(SessionRow.id_hash == id_hash))
