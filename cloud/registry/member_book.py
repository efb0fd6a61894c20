"""What the registry knows of a group's members. Everything here is one transaction; nothing decides about keys."""

import secrets
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.note import tell
from cloud.registry.database import Database
from cloud.registry.tables_members import MemberCertificateRow, MemberRow
from protocols.certificates import Certificate, read_certificate
from protocols.clock import Clock

SHARE_BYTES = 12


class MemberBook:
    """Members, what they ask for, their certificates."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def invite(self, name: str, *, group: str, until: int) -> None:
        """Let a member ask for its first certificate, or for one with a new key; what it had holds no more."""
        tell(member=name)
        now = self._clock.now_ms()
        async with self._database.writing() as session:
            share = (await session.scalars(select(MemberRow.share).limit(1))).first()
            await _revoke_certificates(session, name, now)
            row = await session.get(MemberRow, name)
            if row is None:
                row = MemberRow(name=name, added_at=now)
                session.add(row)
            row.share = share or f"{group}-{secrets.token_hex(SHARE_BYTES)}"
            row.invited_until, row.revoked_at, row.reason = until, None, ""
            row.request = row.signature = row.answered = row.certificate = row.refused = ""

    async def all(self) -> Sequence[MemberRow]:
        """All that were ever added, by name."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(MemberRow).order_by(MemberRow.name)))

    async def find(self, name: str) -> MemberRow | None:
        """One by its name."""
        async with self._database.reading() as session:
            return await session.get(MemberRow, name)

    async def ask(self, name: str, request: str, signature: str) -> bool:
        """A member asks; False when there is none of that name."""
        async with self._database.writing() as session:
            values = {"request": request, "signature": signature}
            done = await session.execute(update(MemberRow).where(MemberRow.name == name).values(**values))
            assert isinstance(done, CursorResult)
            return done.rowcount > 0

    async def answer(self, name: str, request: str, certificate: Certificate, authority: bytes) -> bool:
        """Give a certificate for a request, which uses up an invitation; False when it was revoked meanwhile."""
        tell(member=name, certificate=f"{certificate.serial:x}")
        pem = certificate.pem.decode("ascii")
        async with self._database.writing() as session:
            values = {"answered": request, "certificate": pem, "authority": authority.decode("ascii"), "refused": ""}
            still = (MemberRow.name == name, MemberRow.revoked_at.is_(None))
            done = await session.execute(update(MemberRow).where(*still).values(invited_until=0, **values))
            assert isinstance(done, CursorResult)
            if done.rowcount == 0:
                return False
            session.add(
                MemberCertificateRow(
                    serial=f"{certificate.serial:x}",
                    member=name,
                    pem=pem,
                    issued_at=self._clock.now_ms(),
                    not_after=certificate.not_after,
                )
            )
        return True

    async def refuse(self, name: str, request: str, why: str) -> None:
        """Say why a request gets no certificate."""
        async with self._database.writing() as session:
            values = {"answered": request, "refused": why}
            await session.execute(update(MemberRow).where(MemberRow.name == name).values(**values))

    async def revoke(self, name: str, reason: str) -> bool:
        """Take everything back from a member; False when there is nothing to take."""
        tell(member=name, why=reason)
        now = self._clock.now_ms()
        async with self._database.writing() as session:
            still = (MemberRow.name == name, MemberRow.revoked_at.is_(None))
            done = await session.execute(
                update(MemberRow).where(*still).values(revoked_at=now, invited_until=0, reason=reason)
            )
            assert isinstance(done, CursorResult)
            await _revoke_certificates(session, name, now)
            return done.rowcount > 0

    async def valid_certificates(self, name: str) -> list[Certificate]:
        """Those of a member that are neither revoked nor over, the newest first."""
        row = MemberCertificateRow
        holds = (row.member == name, row.revoked_at.is_(None), row.not_after > self._clock.now_ms())
        async with self._database.reading() as session:
            found = await session.scalars(select(row).where(*holds).order_by(row.not_after.desc()))
            return [read_certificate(each.pem.encode()) for each in found]


async def _revoke_certificates(session: AsyncSession, name: str, now: int) -> None:
    held = (MemberCertificateRow.member == name, MemberCertificateRow.revoked_at.is_(None))
    await session.execute(update(MemberCertificateRow).where(*held).values(revoked_at=now))
