"""One card has one form, whatever reader it is held to; a number that could be two cards is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import BadPayload
from protocols.mqtt.card_uid import FORMS, canonical_card

CARD = b"uid:\x94\xd8\xfc\x5f"


@pytest.mark.parametrize(
    ("number", "form"),
    [
        ("94D8FC5F", "hex"),
        ("94-D8-FC-5F", "hex"),
        ("94:d8:fc:5f", "hex"),
        ("94 D8 FC 5F", "hex"),
        (" 94d8fc5f ", "hex"),
        ("5FFCD894", "hex-reversed"),
        ("2497248351", "decimal"),
        ("1610406036", "decimal-reversed"),
    ],
)
def test_every_spelling_of_one_card_is_one_card(number: str, form: str) -> None:
    assert canonical_card(number, form) == CARD


@pytest.mark.parametrize(
    ("number", "form", "wanted"),
    [
        ("14220383", "wiegand26", b"w26:\xd8\xfc\x5f"),
        ("D8FC5F", "wiegand26-hex", b"w26:\xd8\xfc\x5f"),
        ("216,64607", "facility-card", b"w26:\xd8\xfc\x5f"),
        ("118,15080", "facility-card", b"w26:\x76\x3a\xe8"),
        ("7748328", "wiegand26", b"w26:\x76\x3a\xe8"),
        ("7749736", "wiegand34", b"w34:\x00\x76\x40\x68"),
        ("764068", "wiegand34-hex", b"w34:\x00\x76\x40\x68"),
        ("14008EC793", "em-hex10", b"em:\x00\x8e\xc7\x93"),
        ("008EC793", "em-hex8", b"em:\x00\x8e\xc7\x93"),
        ("0009357203", "em-decimal", b"em:\x00\x8e\xc7\x93"),
        ("53BB1F05110001", "hex", b"uid:\x53\xbb\x1f\x05\x11\x00\x01"),
        ("1179346217664513", "decimal", b"uid:" + (1179346217664513).to_bytes(7, "big")),
    ],
)
def test_other_families(number: str, form: str, wanted: bytes) -> None:
    assert canonical_card(number, form) == wanted


@pytest.mark.parametrize(
    ("number", "form"),
    [
        ("a1bc0d", "hex"),
        ("94D8FC5", "hex"),
        ("94D8FC5F0", "hex"),
        ("94D8FC5F01", "hex"),
        ("94-D8FC-5F", "hex"),
        ("00000000", "hex"),
        ("", "hex"),
        ("token UID", "hex"),
        ("9" * 5000, "hex"),
        ("4294967296", "decimal"),
        ("-1", "decimal"),
        ("1e5", "decimal"),
        ("٣٤٥٦٧٨٩٠", "decimal"),
        ("0", "wiegand26"),
        ("16777216", "wiegand26"),
        ("4302741608", "wiegand34"),
        ("256,1", "facility-card"),
        ("1,65536", "facility-card"),
        ("0,0", "facility-card"),
        ("8EC793", "em-hex8"),
    ],
)
def test_what_could_be_two_cards_or_none_is_refused_without_being_shown(number: str, form: str) -> None:
    with pytest.raises(BadPayload) as refused:
        canonical_card(number, form)
    assert refused.value.reason == "card"
    assert not number or number not in str(refused.value)


def test_a_number_that_is_not_whole_is_keyed_once_the_reader_is_known_to_leave_out_zeros() -> None:
    for number in ("94D8FC5F", "53BB1F05110001"):
        assert canonical_card(number, "hex-unpadded") == canonical_card(number, "hex")
    assert canonical_card("A1BC0D", "hex-unpadded") == canonical_card("a1bc0d", "hex-unpadded") == b"odd:a1bc0d"
    assert canonical_card("a1bc0", "hex-unpadded") == b"odd:a1bc0"


@pytest.mark.parametrize("number", ["abc", "0000", "a1-bc-0d", "token UID", "9" * 21, "A1BC0G"])
def test_what_no_such_reader_prints_is_refused(number: str) -> None:
    with pytest.raises(BadPayload) as refused:
        canonical_card(number, "hex-unpadded")
    assert number not in str(refused.value)


@pytest.mark.parametrize(
    ("number", "form"), [("D8FC5F", "wiegand26-hex"), ("14008EC793", "em-hex10"), ("a1bc0", "hex-unpadded")]
)
def test_an_ambiguous_number_is_refused_with_the_form_that_would_key_it(number: str, form: str) -> None:
    with pytest.raises(BadPayload, match=f'card = "{form}"'):
        canonical_card(number, "hex")
    assert canonical_card(number, form)


def test_an_unknown_form_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="no form of card number"):
        canonical_card("94D8FC5F", "base64")


@given(number=st.text(max_size=40), form=st.sampled_from(FORMS))
def test_any_text_is_a_card_or_refused(number: str, form: str) -> None:
    with suppress(BadPayload):
        assert canonical_card(number, form).split(b":")[0] in (b"uid", b"w26", b"w34", b"em", b"odd")


@given(raw=st.binary(min_size=4, max_size=4).filter(any))
def test_hex_and_decimal_of_a_card_agree(raw: bytes) -> None:
    number = int.from_bytes(raw, "big")
    assert canonical_card(raw.hex(), "hex") == canonical_card(str(number), "decimal")
    assert canonical_card(raw[::-1].hex(), "hex-reversed") == canonical_card(str(number), "decimal")
