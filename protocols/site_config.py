"""A site file on its way from the collector to a gateway: an offer, and the collector's signature over its very bytes.

On the wire JSON, ``{"v": 1, "offer": "<JSON text>", "signature": "<base64>"}``, retained: a gateway that is away finds
the newest when it is back. What is signed begins with words of its own, so that no signature of a command, nor of a
certificate, is ever good for a site file.

The text is packed with zlib: it opens to at most `TEXT_BYTES_MAX` bytes, whatever was put in.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable
from typing import Annotated

import msgspec

from protocols.enrolment import decoded
from protocols.errors import BadOffer
from protocols.signing import signed_by

TEXT_BYTES_MAX = 256 * 1024
PAYLOAD_BYTES_MAX = 512 * 1024
BASES_MAX = 64
CONFIRM_S_LEAST, CONFIRM_S, CONFIRM_S_MOST = 10, 300, 3600
_SIGNED = b"dayuan site file 1\0"

_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Instant = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Revision = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site file for one gateway.

    ``bases``: SHA-256 of the texts it may follow; a gateway that runs another one refuses it. ``packed``: the text, see
    `pack`. Not to be tried before ``not_before`` (ms); taken back when not confirmed within ``confirm_within_s``.
    """

    site: _Id
    gateway: _Id
    revision: _Revision
    bases: Annotated[tuple[_Sha256, ...], msgspec.Meta(max_length=BASES_MAX)]
    sha256: _Sha256
    packed: Annotated[str, msgspec.Meta(max_length=PAYLOAD_BYTES_MAX)]
    not_before: _Instant = 0
    confirm_within_s: Annotated[int, msgspec.Meta(ge=CONFIRM_S_LEAST, le=CONFIRM_S_MOST)] = CONFIRM_S


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    offer: str
    signature: Annotated[str, msgspec.Meta(max_length=128)]


def sha256_of(text: bytes) -> str:
    """How a text is named: 64 hexadecimal digits."""
    return hashlib.sha256(text).hexdigest()


def pack(text: bytes) -> str:
    """A text as it travels. Raises BadOffer ``too_large``."""
    if len(text) > TEXT_BYTES_MAX:
        raise BadOffer("too_large", f"{len(text)} bytes, at most {TEXT_BYTES_MAX}")
    return base64.b64encode(zlib.compress(text, 9)).decode()


def unpack(packed: str) -> bytes:
    """The text again; never more than `TEXT_BYTES_MAX` bytes. Raises BadOffer ``too_large`` or ``unreadable``."""
    opener = zlib.decompressobj()
    try:
        text = opener.decompress(base64.b64decode(packed, validate=True), TEXT_BYTES_MAX + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise BadOffer("unreadable", f"the text cannot be unpacked: {error}") from None
    if len(text) > TEXT_BYTES_MAX:
        raise BadOffer("too_large", f"the text is longer than {TEXT_BYTES_MAX} bytes")
    if not opener.eof or opener.unused_data:
        raise BadOffer("unreadable", "the text ends too early, or something follows it")
    return text


def seal_offer(offer: Offer, sign: Callable[[bytes], bytes]) -> bytes:
    """The offer as published; ``sign`` is of the collector's command key."""
    text = msgspec.json.encode(offer)
    signature = base64.b64encode(sign(_SIGNED + text)).decode()
    return msgspec.json.encode(_Envelope(1, text.decode(), signature))


def open_offer(payload: bytes, public_key: bytes, *, site: str, gateway: str) -> tuple[Offer, bytes]:
    """The offer in a message and its text, if our collector made it for this gateway; raises BadOffer.

    Looks at no time, and not at what the text says.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise BadOffer("too_large", f"{len(payload)} bytes, at most {PAYLOAD_BYTES_MAX}")
    try:
        envelope = msgspec.json.decode(payload, type=_Envelope)
        text = envelope.offer.encode()
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadOffer("unreadable", str(error)) from None
    if envelope.v != 1:
        raise BadOffer("version", f"v is {envelope.v}; this gateway reads 1")
    if not signed_by(public_key, decoded(envelope.signature), _SIGNED + text):
        raise BadOffer("signature", "not signed by our collector")
    try:
        offer = msgspec.json.decode(text, type=Offer)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadOffer("unreadable", str(error)) from None
    if (offer.site, offer.gateway) != (site, gateway):
        raise BadOffer("target", f"it is for {offer.site}/{offer.gateway}")
    found = unpack(offer.packed)
    if sha256_of(found) != offer.sha256:
        raise BadOffer("unreadable", "the text is not the one that was named")
    return offer, found
