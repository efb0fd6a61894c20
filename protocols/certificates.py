"""Certificates (X.509) as gateway and collector read them, and keys and requests as a gateway makes them.

One certificate names one party. A gateway is ``site/gateway``, which is also its user name at the broker and the middle
of its topics; the collector is ``collector``, one of a group of them ``collector-c1``. Ids hold no ``/``, ``+`` or
``#``, so none can be taken for another.
"""

import hashlib
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from protocols.clock import MS_PER_S
from protocols.errors import Permanent
from protocols.reading import ID_RULE, is_id

COLLECTOR = "collector"
COMMANDS = "commands"
"""The name in the certificate of the key that signs commands."""
PEM_BYTES_MAX = 16_384
NAME_MAX = 64
"""Of a common name, by X.520: one less than the longest two ids with the stroke between them."""


class BadCertificate(Permanent):
    """A certificate, a request for one or a key that is not what it must be; the message says how."""


class Certificate(NamedTuple):
    """One certificate, read. Instants in ms since 1970 UTC. ``public_key``: SubjectPublicKeyInfo, DER."""

    pem: bytes
    name: str
    serial: int
    not_before: int
    not_after: int
    public_key: bytes
    fingerprint: bytes
    """SHA-256 of the whole certificate."""


class Request(NamedTuple):
    """A request for a certificate whose signature holds. Only its key counts, never what it says of itself."""

    pem: bytes
    public_key: bytes


def gateway_name(site: str, gateway: str) -> str:
    """The name of a gateway in its certificate. Raises BadCertificate for ids that are none, or too long together."""
    if not is_id(site) or not is_id(gateway):
        raise BadCertificate(f"no gateway {site[:40]!r}/{gateway[:40]!r}; ids are {ID_RULE}")
    name = f"{site}/{gateway}"
    if len(name) > NAME_MAX:
        raise BadCertificate(f"{name} is too long for a certificate: {len(name)} characters, {NAME_MAX} at most")
    return name


def member_name(member: str) -> str:
    """The name of one of a group of collectors in its certificate. Raises BadCertificate for an id that is none."""
    if not is_id(member):
        raise BadCertificate(f"no member {member[:40]!r}; {ID_RULE}")
    return f"{COLLECTOR}-{member}"


def read_certificate(pem: bytes) -> Certificate:
    """Read one certificate; raises BadCertificate."""
    found = _load(pem)
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise BadCertificate("a certificate must have one common name")
    der = found.public_bytes(Encoding.DER)
    return Certificate(
        pem=found.public_bytes(Encoding.PEM),
        name=str(names[0].value),
        serial=found.serial_number,
        not_before=int(found.not_valid_before_utc.timestamp()) * MS_PER_S,
        not_after=int(found.not_valid_after_utc.timestamp()) * MS_PER_S,
        public_key=_spki(found),
        fingerprint=hashlib.sha256(der).digest(),
    )


def check_issued(certificate: Certificate, authority: Certificate) -> None:
    """Raise BadCertificate unless ``authority`` itself issued ``certificate``. Looks at no times."""
    try:
        _load(certificate.pem).verify_directly_issued_by(_load(authority.pem))
    except (InvalidSignature, ValueError, TypeError):
        raise BadCertificate(f"the certificate of {certificate.name!r} is not of this authority") from None


def command_key(certificate: Certificate, authority: Certificate) -> bytes:
    """The Ed25519 key by which commands are verified; raises BadCertificate unless the authority named it so."""
    check_issued(certificate, authority)
    key = _load(certificate.pem).public_key()
    if certificate.name != COMMANDS or not isinstance(key, ed25519.Ed25519PublicKey):
        raise BadCertificate(f"{certificate.name!r} is no certificate for commands")
    return key.public_bytes_raw()


def new_key() -> bytes:
    """A new private key on the curve P-256, as PEM (PKCS 8)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_key(key_pem: bytes) -> bytes:
    """The public half of a private key, as in `Certificate.public_key`; raises BadCertificate."""
    return _private(key_pem).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def make_request(key_pem: bytes, name: str) -> bytes:
    """A request (PKCS 10, PEM) for a certificate of ``name`` for that key."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return request.sign(_private(key_pem), hashes.SHA256()).public_bytes(Encoding.PEM)


def read_request(pem: bytes) -> Request:
    """Read a request and check that its sender holds the key (P-256); raises BadCertificate."""
    if len(pem) > PEM_BYTES_MAX:
        raise BadCertificate(f"a request of {len(pem)} bytes; at most {PEM_BYTES_MAX} are read")
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        holds = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise BadCertificate(f"no request for a certificate: {error}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadCertificate("the key of a request must be on the curve P-256")
    if not holds:
        raise BadCertificate("the request is not signed by its own key")
    return Request(pem, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def sign_with(key_pem: bytes, message: bytes) -> bytes:
    """ECDSA with SHA-256, by the holder of a P-256 key."""
    return _private(key_pem).sign(message, ec.ECDSA(hashes.SHA256()))


def was_signed_by(certificate: Certificate, signature: bytes, message: bytes) -> bool:
    """True when the holder of ``certificate`` signed exactly these bytes with `sign_with`."""
    key = _load(certificate.pem).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadCertificate(f"no private key: {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadCertificate("the private key must be on the curve P-256")
    return key


def _load(pem: bytes) -> x509.Certificate:
    if len(pem) > PEM_BYTES_MAX:
        raise BadCertificate(f"a certificate of {len(pem)} bytes; at most {PEM_BYTES_MAX} are read")
    try:
        return x509.load_pem_x509_certificate(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadCertificate(f"no certificate: {error}") from None


def _spki(certificate: x509.Certificate) -> bytes:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadCertificate(f"a certificate with an unknown kind of key: {error}") from None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
