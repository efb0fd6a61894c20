"""What the registry knows of gateways' identities. Everything here is one transaction; nothing decides about keys."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.note import tell
from cloud.registry.database import Database
from cloud.registry.tables_identity import CertificateRow, EnrolledRow, EnrolmentCodeRow
from cloud.registry.tables_members import MemberCertificateRow
from cloud.store.contract import GatewayKey
from protocols.certificates import Certificate, read_certificate
from protocols.clock import Clock


class Enrolled(NamedTuple):
    """One gateway as the list shows it. ``expires_at``: of its newest certificate that is not revoked."""

    key: GatewayKey
    enrolled_at: int
    revoked_at: int | None
    reason: str
    expires_at: int | None
    issued_at: int | None
    """Of that one."""
    certificates: int
    """How many of its certificates hold now; two while one follows the other."""


class IdentityBook:
    """Codes, certificates, enrolled gateways."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    # --- codes -------------------------------------------------------------------------------------------------------

    async def put_code(self, key: GatewayKey, public_key: str, *, expires_at: int) -> None:
        """A new code for a gateway, in the place of the one it had."""
        tell(gateway=f"{key.site}/{key.gateway}")
        async with self._database.writing() as session:
            await session.execute(delete(EnrolmentCodeRow).where(_of_code(key)))
            now = self._clock.now_ms()
            row = EnrolmentCodeRow(
                site=key.site, gateway=key.gateway, public_key=public_key, made_at=now, expires_at=expires_at
            )
            session.add(row)

    async def code(self, key: GatewayKey) -> EnrolmentCodeRow | None:
        """The code of a gateway, used up or not."""
        async with self._database.reading() as session:
            return (await session.scalars(select(EnrolmentCodeRow).where(_of_code(key)))).one_or_none()

    async def codes(self) -> Sequence[EnrolmentCodeRow]:
        """Codes that were not used and are not over."""
        now = self._clock.now_ms()
        fresh = (EnrolmentCodeRow.used_at.is_(None), EnrolmentCodeRow.expires_at > now)
        async with self._database.reading() as session:
            return list(await session.scalars(select(EnrolmentCodeRow).where(*fresh)))

    async def count_attempt(self, key: GatewayKey) -> None:
        """Somebody asked with a code that is not the right one."""
        async with self._database.writing() as session:
            more = EnrolmentCodeRow.attempts + 1
            await session.execute(update(EnrolmentCodeRow).where(_of_code(key)).values(attempts=more))

    # --- certificates ------------------------------------------------------------------------------------------------

    async def enrol(self, key: GatewayKey, public_key: str, certificate: Certificate) -> bool:
        """Use up the code of that public key for ``certificate``: the gateway is enrolled with it and with no other.

        False, and nothing is changed, when the code was used up, taken back or replaced meanwhile.
        """
        tell(gateway=f"{key.site}/{key.gateway}", certificate=_serial(certificate.serial))
        now = self._clock.now_ms()
        async with self._database.writing() as session:
            unused = (EnrolmentCodeRow.public_key == public_key, EnrolmentCodeRow.used_at.is_(None))
            done = await session.execute(
                update(EnrolmentCodeRow)
                .where(_of_code(key), *unused)
                .values(used_at=now, serial=_serial(certificate.serial))
            )
            assert isinstance(done, CursorResult)
            if done.rowcount == 0:
                return False
            await _revoke_certificates(session, key, now)
            await session.execute(delete(EnrolledRow).where(_of_enrolled(key)))
            session.add(EnrolledRow(site=key.site, gateway=key.gateway, enrolled_at=now))
            session.add(_row(key, certificate, now))
        return True

    async def add_certificate(self, key: GatewayKey, certificate: Certificate) -> bool:
        """One more certificate of an enrolled gateway, beside those it has; False when it was revoked meanwhile."""
        now = self._clock.now_ms()
        async with self._database.writing() as session:
            row = (await session.scalars(select(EnrolledRow).where(_of_enrolled(key)))).one_or_none()
            if row is None or row.revoked_at is not None:
                return False
            session.add(_row(key, certificate, now))
        return True

    async def revoke(self, key: GatewayKey, reason: str) -> bool:
        """Take everything back from a gateway; False when there is nothing to take."""
        tell(gateway=f"{key.site}/{key.gateway}", why=reason)
        now = self._clock.now_ms()
        async with self._database.writing() as session:
            await session.execute(delete(EnrolmentCodeRow).where(_of_code(key), EnrolmentCodeRow.used_at.is_(None)))
            still = (_of_enrolled(key), EnrolledRow.revoked_at.is_(None))
            done = await session.execute(update(EnrolledRow).where(*still).values(revoked_at=now, reason=reason))
            assert isinstance(done, CursorResult)
            await _revoke_certificates(session, key, now)
            return done.rowcount > 0

    async def valid_certificates(self, key: GatewayKey) -> list[Certificate]:
        """Those of a gateway that are neither revoked nor over, the newest first."""
        held = (CertificateRow.site == key.site, CertificateRow.gateway == key.gateway)
        now = self._clock.now_ms()
        holds = (CertificateRow.revoked_at.is_(None), CertificateRow.not_after > now)
        order = (CertificateRow.issued_at.desc(), CertificateRow.not_after.desc())
        async with self._database.reading() as session:
            rows = await session.scalars(select(CertificateRow).where(*held, *holds).order_by(*order))
            return [read_certificate(row.pem.encode()) for row in rows]

    async def certificate(self, serial: str) -> Certificate | None:
        """One by its serial number."""
        async with self._database.reading() as session:
            row = await session.get(CertificateRow, serial)
        return None if row is None else read_certificate(row.pem.encode())

    async def revoked_serials(self) -> list[tuple[int, int]]:
        """(serial, when) of all revoked certificates, of gateways and of members, that are not over by now."""
        now = self._clock.now_ms()
        found = []
        async with self._database.reading() as session:
            for row in (CertificateRow, MemberCertificateRow):
                chosen = select(row.serial, row.revoked_at).where(row.revoked_at.is_not(None), row.not_after > now)
                found += [(int(serial, 16), at or 0) for serial, at in await session.execute(chosen)]
        return sorted(found)

    async def enrolled(self) -> list[Enrolled]:
        """All gateways that were ever enrolled, by name."""
        now = self._clock.now_ms()
        async with self._database.reading() as session:
            rows = list(await session.scalars(select(EnrolledRow).order_by(EnrolledRow.site, EnrolledRow.gateway)))
            holds = (CertificateRow.revoked_at.is_(None), CertificateRow.not_after > now)
            row = CertificateRow
            chosen = select(row.site, row.gateway, row.not_after, row.issued_at).where(*holds)
            ends: dict[GatewayKey, list[tuple[int, int]]] = {}
            for site, gateway, not_after, at in await session.execute(chosen):
                ends.setdefault(GatewayKey(site, gateway), []).append((not_after, at))
        found = []
        for each in rows:
            key = GatewayKey(each.site, each.gateway)
            held = ends.get(key, [])
            expires_at: int | None = None
            issued_at: int | None = None
            if held:
                expires_at, issued_at = max(held)
            found.append(
                Enrolled(key, each.enrolled_at, each.revoked_at, each.reason, expires_at, issued_at, len(held))
            )
        return found


async def _revoke_certificates(session: AsyncSession, key: GatewayKey, now: int) -> None:
    held = (CertificateRow.site == key.site, CertificateRow.gateway == key.gateway)
    await session.execute(
        update(CertificateRow).where(*held, CertificateRow.revoked_at.is_(None)).values(revoked_at=now)
    )


def _row(key: GatewayKey, certificate: Certificate, now: int) -> CertificateRow:
    return CertificateRow(
        serial=_serial(certificate.serial),
        site=key.site,
        gateway=key.gateway,
        pem=certificate.pem.decode("ascii"),
        issued_at=now,
        not_after=certificate.not_after,
    )


def _serial(number: int) -> str:
    return f"{number:x}"


def _of_code(key: GatewayKey) -> ColumnElement[bool]:
    return (EnrolmentCodeRow.site == key.site) & (EnrolmentCodeRow.gateway == key.gateway)


def _of_enrolled(key: GatewayKey) -> ColumnElement[bool]:
    return (EnrolledRow.site == key.site) & (EnrolledRow.gateway == key.gateway)
