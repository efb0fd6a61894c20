"""The second factor: six digits of the minute, made by an authenticator app from a shared secret (RFC 6238)."""

import base64
import hmac
import secrets
import struct
from hashlib import sha1
from urllib.parse import quote, urlencode

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.note import forget, tell
from cloud.registry.database import Database
from cloud.registry.sessions import fingerprint
from cloud.registry.tables import SessionRow, UserRow
from cloud.registry.tables_people import RecoveryCodeRow, SecondFactorRow
from protocols.clock import Clock
from protocols.errors import Permanent

STEP_S = 30
DIGITS = 6
STEPS_ASIDE = 1
"""A clock of the phone may be so many steps wrong, and who types slowly gets one more."""
SECRET_BYTES = 20
RECOVERY_CODES = 8
SETUP_MS = 15 * 60 * 1000
"""A secret that was shown and never confirmed is worth nothing after this."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class BadSecondFactor(Permanent):
    """A second factor that cannot be set up or taken away so; the message says why."""


class _WrongCode(Exception):
    """Inside only."""


def code_at(secret: bytes, step: int) -> str:
    """The code of a step, as RFC 4226 and RFC 6238 make it with SHA-1."""
    digest = hmac.new(secret, struct.pack(">Q", step), sha1).digest()
    place = digest[-1] & 15
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def address_of(secret: str, user: str, collector: str) -> str:
    """What authenticator apps read from a QR code."""
    query = urlencode({"secret": secret, "issuer": collector, "digits": DIGITS, "period": STEP_S}, quote_via=quote)
    return f"otpauth://totp/{quote(f'{collector}:{user}', safe='')}?{query}"


class SecondFactors:
    """Kept in the registry. Whoever can read its file can make codes; whoever only has a password cannot."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def has(self, user_id: int) -> bool:
        """Whether the user has one that works."""
        async with self._database.reading() as session:
            row = await session.get(SecondFactorRow, user_id)
        return row is not None and row.confirmed_at is not None

    async def held(self) -> set[int]:
        """The ids of all users who have one."""
        async with self._database.reading() as session:
            query = select(SecondFactorRow.user_id).where(SecondFactorRow.confirmed_at.is_not(None))
            return set(await session.scalars(query))

    async def begin(self, user_id: int) -> str:
        """A new secret in base32, shown once; of use when a code of it was confirmed. Raises BadSecondFactor."""
        secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
        tell(second_factor="shown")
        async with self._database.writing() as session:
            row = await session.get(SecondFactorRow, user_id)
            if row is not None and row.confirmed_at is not None:
                raise BadSecondFactor("there is a second factor already; take it away first")
            await session.execute(delete(SecondFactorRow).where(SecondFactorRow.user_id == user_id))
            session.add(SecondFactorRow(user_id=user_id, secret=secret, made_at=self._clock.now_ms(), last_step=0))
        return secret

    async def confirm(self, user_id: int, code: str) -> list[str]:
        """Take a first code; from now on logging in needs one. Returns recovery codes, kept nowhere.

        Raises BadSecondFactor when there is nothing to confirm, or the code is wrong.
        """
        now = self._clock.now_ms()
        codes = [
            "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2))
            for _ in range(RECOVERY_CODES)
        ]
        tell(second_factor="set up")
        async with self._database.writing() as session:
            row = await session.get(SecondFactorRow, user_id)
            if row is None or row.confirmed_at is not None or now - row.made_at > SETUP_MS:
                raise BadSecondFactor("there is no new secret to confirm; begin anew")
            step = _step_of(row.secret, code, now)
            if step is None:
                raise BadSecondFactor("the code is wrong; is the clock of the phone right?")
            row.confirmed_at, row.last_step = now, step
            await session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.user_id == user_id))
            session.add_all([RecoveryCodeRow(user_id=user_id, code_hash=_hashed(each)) for each in codes])
        return codes

    async def check(self, user_id: int, code: str) -> bool:
        """Whether it is a code of now, or a recovery code; whichever it is, it is taken once and never again."""
        try:
            async with self._database.writing() as session:
                await self._take(session, user_id, code)
        except _WrongCode:
            return False
        return True

    async def recovery_codes_left(self, user_id: int) -> int:
        """How many recovery codes were not used yet."""
        async with self._database.reading() as session:
            query = select(RecoveryCodeRow.code_hash).where(RecoveryCodeRow.user_id == user_id)
            return len(list(await session.scalars(query)))

    async def remove(self, name: str) -> None:
        """Take a user's second factor away and end all sessions. Raises BadSecondFactor when there is none."""
        name = name.strip().lower()
        tell(user=name, second_factor="removed")
        async with self._database.writing() as session:
            user = (await session.scalars(select(UserRow).where(UserRow.name == name))).one_or_none()
            row = await session.get(SecondFactorRow, user.id) if user is not None else None
            if user is None or row is None:
                raise BadSecondFactor(f"user {name!r} has no second factor")
            await session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.user_id == user.id))
            await session.delete(row)
            await session.execute(delete(SessionRow).where(SessionRow.user_id == user.id))

    async def _take(self, session: AsyncSession, user_id: int, code: str) -> None:
        """Raises _WrongCode, which takes the transaction back: nothing is written of a code that is none."""
        row = await session.get(SecondFactorRow, user_id)
        if row is None or row.confirmed_at is None:
            raise _WrongCode
        step = _step_of(row.secret, code, self._clock.now_ms())
        if step is not None:
            done = await session.execute(
                update(SecondFactorRow)
                .where(SecondFactorRow.user_id == user_id, SecondFactorRow.last_step < step)
                .values(last_step=step)
            )
        else:
            tell(recovery_code="used")
            done = await session.execute(
                delete(RecoveryCodeRow).where(
                    RecoveryCodeRow.user_id == user_id, RecoveryCodeRow.code_hash == _hashed(code)
                )
            )
        assert isinstance(done, CursorResult)
        if done.rowcount != 1:
            forget("recovery_code")
            raise _WrongCode


def _step_of(secret: str, code: str, now_ms: int) -> int | None:
    """The step of which this is the code."""
    typed = code.replace(" ", "").encode("utf-8", "replace")
    key, now = base64.b32decode(secret), now_ms // 1000 // STEP_S
    steps = range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1)
    right = [step for step in steps if hmac.compare_digest(code_at(key, step).encode(), typed)]
    return right[-1] if right else None


def _hashed(code: str) -> str:
    """About 50 random bits, tried at most a few thousand times a day: SHA-256 will do."""
    return fingerprint(code.strip().lower().replace(" ", ""))
