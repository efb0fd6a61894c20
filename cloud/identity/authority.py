"""The collector's own certificate authority: a key on the curve P-256 in the data folder, made at its first use.

It vouches for gateways, for the broker, for the collector towards the broker, and for the key that signs commands. It
keeps no book: which certificates there are and which were revoked is in the registry.
"""

import fcntl
import ipaddress
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.identity.private_files import PUBLIC, put
from protocols.certificates import COMMANDS, NAME_MAX, Certificate, Request, new_key, read_certificate
from protocols.clock import MS_PER_S, Clock
from protocols.errors import Permanent

CA_DAYS = 30 * 365
SERVER_DAYS = 825
CLIENT_DAYS = 365
"""Of gateways and of the collector; renewed when two thirds of it are over."""
CRL_DAYS = 10 * 365
"""A broker refuses everybody when its list is out of date, so a list does not run out: it is replaced."""
EARLIER = timedelta(hours=1)
"""Certificates hold from so long ago: clocks differ."""
NAMES_MAX = 50

_Key = ec.EllipticCurvePrivateKey
_PublicKey = ec.EllipticCurvePublicKey | Ed25519PublicKey


class BadAuthority(Permanent):
    """The authority's files cannot be used, or what is asked of it cannot be issued; the message says why."""


class Pair(NamedTuple):
    """A new private key and the certificate for it."""

    key: bytes
    certificate: Certificate


class Authority:
    """Opened on a folder of the collector's data. ``open`` makes what is missing; everything else needs it open."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock
        self._key: _Key | None = None
        self._command_key: Ed25519PrivateKey | None = None

    @property
    def exists(self) -> bool:
        """True when it was made before."""
        return (self.folder / "ca.pem").exists()

    def open(self) -> None:
        """Read the keys, or make them. Raises BadAuthority when they cannot be read or do not belong together."""
        if self._key is not None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._alone():
                self._make_missing()
            key = load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
            commands = load_pem_private_key((self.folder / "commands.key").read_bytes(), None)
            self.certificate = read_certificate((self.folder / "ca.pem").read_bytes())
            self.commands = read_certificate((self.folder / "commands.pem").read_bytes())
        except OSError as error:
            raise BadAuthority(f"{self.folder}: {error.strerror}: {error.filename}") from None
        except (ValueError, TypeError, Permanent) as error:
            raise BadAuthority(
                f"{self.folder}: the authority cannot be read; restore it from a backup: {error}"
            ) from None
        if not isinstance(key, _Key) or not isinstance(commands, Ed25519PrivateKey):
            raise BadAuthority(f"{self.folder}: ca.key or commands.key is another kind of key than was made here")
        self._key, self._command_key = key, commands
        self._ca = x509.load_pem_x509_certificate(self.certificate.pem)
        if self._ca.public_key() != key.public_key():
            self._key = None
            raise BadAuthority(f"{self.folder}: ca.key and ca.pem do not belong together; restore both from one backup")

    def issue_gateway(self, request: Request, name: str) -> Certificate:
        """A certificate of the gateway ``name`` for the key of a request, for a year."""
        key = x509.load_pem_x509_csr(request.pem).public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise BadAuthority("the key of a request must be on the curve P-256")
        return self._issue(name, key, days=CLIENT_DAYS, use=ExtendedKeyUsageOID.CLIENT_AUTH)

    def issue_client(self, name: str, *, days: int = CLIENT_DAYS) -> Pair:
        """A key and certificate towards the broker: of the collector, or for an instant in a gateway's name."""
        key = new_key()
        public = _loaded(key).public_key()
        return Pair(key, self._issue(name, public, days=days, use=ExtendedKeyUsageOID.CLIENT_AUTH))

    def issue_server(self, names: Sequence[str], *, days: float = SERVER_DAYS) -> Pair:
        """A key and certificate for a server that is reached by these host names and addresses."""
        if not names or len(names) > NAMES_MAX:
            raise BadAuthority(f"a server certificate needs 1 to {NAMES_MAX} names or addresses")
        key = new_key()
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        public = _loaded(key).public_key()
        use = ExtendedKeyUsageOID.SERVER_AUTH
        return Pair(key, self._issue(names[0][:NAME_MAX], public, days=days, use=use, alternatives=alternatives))

    def renew_server(self, pem: bytes, *, days: float = SERVER_DAYS) -> Certificate:
        """The next certificate of a server for the key and the names that it has. Raises BadAuthority.

        One file changes, by one rename: a server never finds a key and a certificate that do not belong together.
        """
        try:
            before = x509.load_pem_x509_certificate(pem)
            before.verify_directly_issued_by(self._ca)
            names = before.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            key = before.public_key()
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound) as error:
            raise BadAuthority(f"no certificate of a server by this authority: {error}") from None
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise BadAuthority("the key of the server must be on the curve P-256")
        name = read_certificate(pem).name
        use = ExtendedKeyUsageOID.SERVER_AUTH
        return self._issue(name, key, days=days, use=use, alternatives=names)

    def revocation_list(self, revoked: Iterable[tuple[int, int]]) -> bytes:
        """The list (PEM) of revoked certificates: (serial, when in ms)."""
        now = self._now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._ca.subject)
            .last_update(now)
            .next_update(now + timedelta(days=CRL_DAYS))
            .add_extension(x509.CRLNumber(self._clock.now_ms()), critical=False)
        )
        for serial, at in sorted(revoked):
            entry = x509.RevokedCertificateBuilder().serial_number(serial)
            builder = builder.add_revoked_certificate(entry.revocation_date(_instant(at)).build())
        assert self._key is not None
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def sign_command(self, payload: bytes) -> bytes:
        """The signature of a command (Ed25519)."""
        assert self._command_key is not None
        return self._command_key.sign(payload)

    # --- making ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A command and a collector may open a new folder at the same instant."""
        handle = os.open(self.folder / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _make_missing(self) -> None:
        """Keys before certificates: a key without its certificate vouched for nobody yet."""
        ca, commands = self.folder / "ca.pem", self.folder / "commands.pem"
        if not ca.exists():
            key = self._own_key("ca.key")
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Dayuan collector {os.urandom(4).hex()}")])
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            made = (
                self._builder(name, name, key.public_key(), CA_DAYS)
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(usage, critical=True)
                .sign(key, hashes.SHA256())
            )
            put(ca, made.public_bytes(Encoding.PEM), PUBLIC)
        if not commands.exists():
            secret = Ed25519PrivateKey.generate()
            content = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            put(self.folder / "commands.key", content)
            self._key = self._own_key("ca.key")
            self._ca = x509.load_pem_x509_certificate(ca.read_bytes())
            issued = self._issue(COMMANDS, secret.public_key(), days=CA_DAYS, use=ExtendedKeyUsageOID.CODE_SIGNING)
            put(commands, issued.pem, PUBLIC)

    def _own_key(self, name: str) -> _Key:
        path = self.folder / name
        if not path.exists():
            put(path, new_key())
        return _loaded(path.read_bytes())

    def _issue(
        self,
        name: str,
        key: _PublicKey,
        *,
        days: float,
        use: x509.ObjectIdentifier,
        alternatives: x509.SubjectAlternativeName | None = None,
    ) -> Certificate:
        assert self._key is not None
        try:
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        except ValueError as error:
            raise BadAuthority(f"no name for a certificate: {error}") from None
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            self._builder(subject, self._ca.subject, key, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(authority, critical=False)
        )
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        return read_certificate(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def _builder(self, subject: x509.Name, issuer: x509.Name, key: _PublicKey, days: float) -> x509.CertificateBuilder:
        now = self._now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - EARLIER)
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def _now(self) -> datetime:
        return _instant(self._clock.now_ms())


def _instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // MS_PER_S, UTC)


def _loaded(pem: bytes) -> _Key:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, _Key)
    return key


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError:
        raise BadAuthority(f"{name!r} is no host name and no address") from None
