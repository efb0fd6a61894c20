"""How a gateway gets its certificate: the one-time code, what is asked for with it, and what is answered.

The code holds a secret of 128 bits and the beginning of the fingerprint of the collector's authority. The secret never
travels and the collector does not have it: it stands for a signing key, of which the collector keeps the public half.
So the exchange is safe over any wire. A listener cannot ask for another certificate, a forger cannot give one, and what
lies in the collector's registry is of no use to a thief.
"""

import base64
import binascii
import hashlib
import secrets
from typing import Annotated, NamedTuple

import msgspec

from protocols.errors import Permanent
from protocols.signing import public_of, seed_of, sign, signed_by

SECRET_BYTES = 16
FINGERPRINT_BYTES = 16
_CHECK_BYTES = 2
_PURPOSE = "dayuan enrolment 1"
_GROUP = 5

PATH = "/api/v1/enrolment"
"""Where a collector answers: GET says who it is, POST gives a certificate."""
ANSWER_BYTES_MAX = 65_536

_Pem = Annotated[str, msgspec.Meta(max_length=16_384)]


class BadCode(Permanent):
    """A text that is no enrolment code; the message says what is wrong with it."""


class EnrolmentCode(NamedTuple):
    """What is in a code. ``authority``: the first bytes of the SHA-256 of the authority's certificate."""

    secret: bytes
    authority: bytes

    @property
    def seed(self) -> bytes:
        return seed_of(_PURPOSE, self.secret)

    @property
    def public(self) -> bytes:
        """What the collector keeps."""
        return public_of(self.seed)

    def names(self, fingerprint: bytes) -> bool:
        """True when the certificate with this fingerprint is the one the code speaks of."""
        return fingerprint[:FINGERPRINT_BYTES] == self.authority


class Greeting(msgspec.Struct, frozen=True):
    """Who answers: the certificate of its authority, and its time in ms."""

    ca: _Pem
    at: int


class EnrolmentRequest(msgspec.Struct, frozen=True):
    """What a gateway asks with. ``signature``: base64, by the key of the code, of `signed_part`."""

    site: str
    gateway: str
    csr: _Pem
    signature: Annotated[str, msgspec.Meta(max_length=128)]

    def is_signed_by(self, public: bytes) -> bool:
        """True when whoever holds the code asked for exactly this."""
        return signed_by(public, decoded(self.signature), signed_part(self.site, self.gateway, self.csr))


class Enrolled(msgspec.Struct, frozen=True):
    """What a gateway is given: its certificate, the authority's, and the one of the key that signs commands."""

    certificate: _Pem
    ca: _Pem
    commands: _Pem
    at: int


class RenewalRequest(msgspec.Struct, frozen=True):
    """On the channel ``renew``: a request for the next certificate; ``signature``: by the key of the present one."""

    csr: _Pem
    signature: Annotated[str, msgspec.Meta(max_length=128)]


class Renewed(msgspec.Struct, frozen=True):
    """On the channel ``cert``: the next certificate, or why there is none."""

    certificate: _Pem = ""
    commands: _Pem = ""
    refused: Annotated[str, msgspec.Meta(max_length=512)] = ""


def new_code(authority_fingerprint: bytes) -> EnrolmentCode:
    """A code that nobody has."""
    return EnrolmentCode(secrets.token_bytes(SECRET_BYTES), authority_fingerprint[:FINGERPRINT_BYTES])


def spell_code(code: EnrolmentCode) -> str:
    """As a person types it: groups of five capital letters and digits."""
    content = code.secret + code.authority
    text = base64.b32encode(content + _check(content)).decode().rstrip("=")
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def read_code(text: str) -> EnrolmentCode:
    """Read what was typed, in capitals or not, with or without the dashes; raises BadCode."""
    plain = "".join(text.split()).replace("-", "").upper()
    length = SECRET_BYTES + FINGERPRINT_BYTES + _CHECK_BYTES
    characters = (length * 8 + 4) // 5
    if len(plain) != characters:
        raise BadCode(
            f"an enrolment code has {characters} letters and digits, this has {len(plain)}; is a part missing?"
        )
    try:
        raw = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except binascii.Error:
        raise BadCode("an enrolment code has only the letters A to Z and the digits 2 to 7") from None
    content, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if check != _check(content):
        raise BadCode("this enrolment code has a typing mistake")
    return EnrolmentCode(content[:SECRET_BYTES], content[SECRET_BYTES:])


def signed_part(site: str, gateway: str, csr: str) -> bytes:
    """What is signed with the code's key."""
    return f"{_PURPOSE}\n{site}/{gateway}\n{csr}".encode()


def ask(code: EnrolmentCode, site: str, gateway: str, csr: str) -> EnrolmentRequest:
    """The request of whoever holds ``code``."""
    signature = sign(code.seed, signed_part(site, gateway, csr))
    return EnrolmentRequest(site, gateway, csr, base64.b64encode(signature).decode())


def renewal_part(site: str, gateway: str, csr: str) -> bytes:
    """What is signed with the key of the present certificate."""
    return f"dayuan renewal 1\n{site}/{gateway}\n{csr}".encode()


def decoded(text: str) -> bytes:
    """Base64 as bytes; empty, which no signature is, when it is none or not written as everybody writes it."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if base64.b64encode(found).decode() == text else b""


def _check(content: bytes) -> bytes:
    return hashlib.sha256(b"dayuan code\0" + content).digest()[:_CHECK_BYTES]
