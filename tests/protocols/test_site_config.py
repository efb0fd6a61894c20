"""A site file on its way: only what our collector signed for this gateway opens, and it opens to so much, no more."""

from __future__ import annotations

import base64
import zlib

import msgspec
import pytest

from protocols.errors import BadOffer
from protocols.signing import public_of, sign
from protocols.site_config import PAYLOAD_BYTES_MAX, TEXT_BYTES_MAX, Offer, open_offer, pack, seal_offer, sha256_of

SEED = bytes(range(32))
TEXT = b'[gateway]\nsite = "east"\n# \xe5\x8d\x97\xe9\x97\xa8\n'


def offer(text: bytes = TEXT, **changes: object) -> Offer:
    whole = Offer(site="east", gateway="b3", revision=7, bases=("0" * 64,), sha256=sha256_of(text), packed=pack(text))
    return msgspec.structs.replace(whole, **changes)


def sealed(found: Offer, seed: bytes = SEED) -> bytes:
    return seal_offer(found, lambda message: sign(seed, message))


def opened(payload: bytes) -> tuple[Offer, bytes]:
    return open_offer(payload, public_of(SEED), site="east", gateway="b3")


def reason(payload: bytes) -> str:
    with pytest.raises(BadOffer) as found:
        opened(payload)
    return found.value.reason


def test_what_was_sealed_opens_to_the_same() -> None:
    assert opened(sealed(offer())) == (offer(), TEXT)


def test_one_bit_changed_anywhere_opens_nothing() -> None:
    payload = sealed(offer())
    for place in range(len(payload)):
        broken = bytearray(payload)
        broken[place] ^= 1
        try:
            found = opened(bytes(broken))
        except BadOffer:
            continue
        assert found == (offer(), TEXT), "a bit of the envelope that means nothing, as in a name that is not read"


def test_another_key_another_gateway_and_another_purpose_are_refused() -> None:
    assert reason(sealed(offer(), bytes(32))) == "signature"
    assert reason(sealed(offer(gateway="b4"))) == "target"
    assert reason(seal_offer(offer(), lambda message: sign(SEED, b"dayuan command 1\0" + message))) == "signature"


def test_a_text_that_opens_to_too_much_is_not_opened() -> None:
    bomb = base64.b64encode(zlib.compress(b"\0" * (64 * TEXT_BYTES_MAX), 9)).decode()
    assert reason(sealed(offer(packed=bomb))) == "too_large"
    assert reason(b" " * (PAYLOAD_BYTES_MAX + 1)) == "too_large"
    with pytest.raises(BadOffer, match="too_large"):
        pack(b"#" * (TEXT_BYTES_MAX + 1))
    pack(b"#" * TEXT_BYTES_MAX)


@pytest.mark.parametrize("packed", ["", "%%%", "AAAA", pack(TEXT) + "AAAA", pack(TEXT)[:-8]])
def test_a_text_that_is_damaged_is_refused(packed: str) -> None:
    assert reason(sealed(offer(packed=packed))) == "unreadable"


def test_a_text_that_was_not_named_is_refused() -> None:
    assert reason(sealed(offer(packed=pack(TEXT + b"#")))) == "unreadable"


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b'{"v":1,"offer":"{}","signature":""}', b"\xff" * 9, b"[" * 9999]
)
def test_what_is_no_offer_is_refused(payload: bytes) -> None:
    assert reason(payload) in ("unreadable", "signature")


@pytest.mark.parametrize("changes", [{"revision": 0}, {"confirm_within_s": 1}, {"bases": ("0" * 64,) * 65}])
def test_figures_out_of_range_are_refused(changes: dict[str, object]) -> None:
    assert reason(sealed(offer(**changes))) == "unreadable"
