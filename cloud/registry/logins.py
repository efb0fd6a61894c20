"""Holding up those who guess passwords, without shutting the owner out.

Failures are counted in three buckets: the account from this address, the address over all accounts, and the
account over all addresses. Each allows some failures at once, then waits twice as long after every further one, up
to a limit. The last bucket does not concern an address from which the account has logged in before: a stranger's
guesses cannot hold up the owner at the owner's own desk. A try while a bucket waits is refused unseen and does not
make the wait longer.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from sqlalchemy import delete, select

from cloud.registry.database import Database
from cloud.registry.sessions import fingerprint
from cloud.registry.tables import KnownClientRow, LoginAttemptRow
from cloud.registry.upsert import put
from protocols.clock import Clock
from protocols.errors import Retryable

FORGET_AFTER_MS = 24 * 3600 * 1000
KNOWN_FOR_MS = 90 * 24 * 3600 * 1000
ROWS_MAX = 20_000
WAITING_MAX = 32


class LoginsBusy(Retryable):
    """Too many logins are being checked at once."""


class Limit(NamedTuple):
    """How many failures are free, the first wait after that, and the longest."""

    free: int
    first_ms: int
    longest_ms: int


SAME_ADDRESS = Limit(5, 1_000, 300_000)
WHOLE_ADDRESS = Limit(20, 1_000, 300_000)
WHOLE_ACCOUNT = Limit(20, 1_000, 30_000)


class Logins:
    """Counts failed logins; kept in the registry, so that a restart forgives nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn: a hundred guesses sent at once must each see the failures before them."""
        if self._waiting >= WAITING_MAX:
            raise LoginsBusy("too many logins at once")
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                yield
        finally:
            self._waiting -= 1

    async def wait_s(self, account: str, client: str) -> int:
        """Whole seconds until a login may be tried; 0 for now."""
        now = self._clock.now_ms()
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(LoginAttemptRow.blocked_until).where(
                    LoginAttemptRow.bucket.in_(list(await self._buckets(account, client)))
                )
            )
            until = max(rows, default=0)
        return max(0, -((now - until) // 1000))

    async def failed(self, account: str, client: str) -> None:
        """Count a failure in every bucket that concerns it."""
        now = self._clock.now_ms()
        buckets = await self._buckets(account, client)
        async with self._database.writing() as session:
            await session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.last_at < now - FORGET_AFTER_MS))
            rows = await session.scalars(select(LoginAttemptRow).where(LoginAttemptRow.bucket.in_(list(buckets))))
            counts = {row.bucket: row.failures for row in rows}
            for bucket, limit in buckets.items():
                failures = counts.get(bucket, 0) + 1
                over = failures - limit.free
                wait = 0 if over < 0 else min(limit.longest_ms, limit.first_ms << min(over, 20))
                values = {"bucket": bucket, "failures": failures, "blocked_until": now + wait, "last_at": now}
                await put(session, LoginAttemptRow, [values], by=("bucket",))
            newest = select(LoginAttemptRow.bucket).order_by(LoginAttemptRow.last_at.desc()).limit(ROWS_MAX)
            await session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.bucket.not_in(newest)))

    async def succeeded(self, account: str, client: str) -> None:
        """Forget the failures of this account from this address, and remember the address."""
        now = self._clock.now_ms()
        account = fingerprint(account.lower())
        async with self._database.writing() as session:
            await session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.bucket == f"{account}@{client}"))
            await session.execute(delete(KnownClientRow).where(KnownClientRow.last_at < now - KNOWN_FOR_MS))
            values = {"account": account, "client": client, "last_at": now}
            await put(session, KnownClientRow, [values], by=("account", "client"))

    async def _buckets(self, account: str, client: str) -> dict[str, Limit]:
        """Names are hashed: people type passwords into the name field."""
        hashed = fingerprint(account.lower())
        async with self._database.reading() as session:
            known = await session.get(KnownClientRow, (hashed, client))
        buckets = {f"{hashed}@{client}": SAME_ADDRESS, f"@{client}": WHOLE_ADDRESS}
        if known is None or known.last_at < self._clock.now_ms() - KNOWN_FOR_MS:
            buckets[hashed] = WHOLE_ACCOUNT
        return buckets
