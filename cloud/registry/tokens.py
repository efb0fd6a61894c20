"""API tokens: for programs that read the API. Shown once, stored hashed."""

import contextlib
import secrets
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult

from cloud.audit.note import tell
from cloud.registry.database import Database
from cloud.registry.roles import Grant, Role
from cloud.registry.sessions import SEEN_EVERY_MS, Principal, fingerprint
from cloud.registry.tables import TokenRow
from protocols.clock import Clock
from protocols.errors import Permanent, StoreUnavailable

PREFIX = "dayuan_"
"""Lets scanners that look for leaked secrets recognise one."""


class Scope(StrEnum):
    """What a token may be used for."""

    ALL = ""
    """Whatever its role may do."""
    ENERGY = "energy"
    """Reading what energy has, and nothing else; such a token may stand in an address (``?token=``)."""
    TRACKER = "tracker"
    """Sending positions of one device (``tracker:site/device``), and nothing else."""
    CALENDAR = "calendar"
    """Reading one calendar (``calendar:site``, ``:site/room``, ``:site/room/unit``): the address is the secret."""


def scope_of(text: str) -> tuple[Scope, str]:
    """A token's scope as it is stored, and what it is about: ``tracker:east/phone-1``, about ``east/phone-1``."""
    word, _, about = text.partition(":")
    return Scope(word), about


class BadToken(Permanent):
    """A token that cannot be made or found; the message says why."""


class Tokens:
    """API tokens with a role and, if wanted, an end."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def add(
        self,
        name: str,
        role: Role,
        *,
        lasts_s: float | None = None,
        scope: Scope = Scope.ALL,
        about: str = "",
        site: str = "",
    ) -> tuple[str, str]:
        """Make a token; returns its id and its secret, which is kept nowhere. One of a scope is a viewer's."""
        if not name.strip() or len(name) > 100:
            raise BadToken("a token needs a name that says what it is for (up to 100 characters)")
        if scope is not Scope.ALL and role is not Role.VIEWER:
            raise BadToken(f"a token for {scope.value} only reads; its role is {Role.VIEWER.value}")
        now = self._clock.now_ms()
        secret = PREFIX + secrets.token_urlsafe(32)
        token_id = secrets.token_hex(4)
        tell(token=token_id, name=name.strip(), role=role.value, scope=scope.value, site=site)
        async with self._database.writing() as session:
            session.add(
                TokenRow(
                    id=token_id,
                    name=name.strip(),
                    secret_hash=fingerprint(secret),
                    role=role.value,
                    scope=f"{scope.value}:{about}" if about else scope.value,
                    site=site,
                    created_at=now,
                    expires_at=None if lasts_s is None else now + int(lasts_s * 1000),
                )
            )
        return token_id, secret

    async def all(self) -> list[TokenRow]:
        """Every token, the oldest first."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(TokenRow).order_by(TokenRow.created_at, TokenRow.id)))

    async def revoke(self, token_id: str) -> None:
        """End a token. Raises BadToken when there is none of that id."""
        tell(token=token_id)
        async with self._database.writing() as session:
            done = await session.execute(
                update(TokenRow)
                .where(TokenRow.id == token_id, TokenRow.revoked_at.is_(None))
                .values(revoked_at=self._clock.now_ms())
            )
            assert isinstance(done, CursorResult)
            if done.rowcount == 0:
                raise BadToken(f"there is no token {token_id!r} that could be revoked (see: dayuan-cloud token list)")

    async def check(self, secret_hash: str) -> Principal | None:
        """Who holds the token of that fingerprint, or None when it is unknown, revoked or over."""
        now = self._clock.now_ms()
        async with self._database.reading() as session:
            row = (await session.scalars(select(TokenRow).where(TokenRow.secret_hash == secret_hash))).one_or_none()
        if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
            return None
        if row.last_used_at is None or now - row.last_used_at >= SEEN_EVERY_MS:
            with contextlib.suppress(StoreUnavailable):  # a full disk shuts nobody out
                async with self._database.writing() as session:
                    await session.execute(update(TokenRow).where(TokenRow.id == row.id).values(last_used_at=now))
        return Principal(
            name=f"token {row.name}",
            grants=(Grant(Role(row.role), row.site),),
            credential=f"token:{secret_hash}",
            scope=row.scope,
        )
