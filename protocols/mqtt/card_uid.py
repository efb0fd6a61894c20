"""Card numbers as readers print them, brought to one form, so that one card has one key at every reader.

The canonical form is a word for the family and the bytes in the order in which they stand on the card. Lengths that
could mean two different cards are refused. No error message ever holds the number itself.
"""

import re

from protocols.errors import BadPayload

FORMS = (
    "hex",
    "hex-reversed",
    "hex-unpadded",
    "decimal",
    "decimal-reversed",
    "wiegand26",
    "wiegand26-hex",
    "wiegand34",
    "wiegand34-hex",
    "facility-card",
    "em-hex10",
    "em-hex8",
    "em-decimal",
)
"""How a reader writes card numbers. ``hex``: the bytes of an ISO 14443 UID, with or without '-' or ':' between them;
``-unpadded``: bytes below 0x10 may have one digit: a card whose number is not whole has a key of its own, at these
readers only, and two such cards may share it. ``decimal``: one number; ``-reversed``: last byte first. ``wiegand26``,
``wiegand34``: the number of a Wiegand frame without its parity bits; ``-hex``: the same in hex digits.
``facility-card``: 118,15080. ``em-*``: 125 kHz tags, whose version byte some readers drop."""

UID_BYTES = (4, 7, 10)
_SEPARATED = re.compile(r"[0-9A-Fa-f]{2}(?:([-: ])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2})*")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_DECIMAL = re.compile(r"[0-9]+")
_FACILITY_CARD = re.compile(r"([0-9]{1,3})[,:/]([0-9]{1,5})")
SEVEN_BYTES_MIN = 1 << 48
_HINTS = {6: "wiegand26-hex", 10: "em-hex10"}
"""What a number of so many hex digits usually is."""
DIGITS_MAX = 20


def canonical_card(text: str, form: str) -> bytes:
    """The canonical form of a card number written in ``form``; raises BadPayload ``card`` when it cannot be sure."""
    text = text.strip()
    if form in ("hex", "hex-reversed"):
        return b"uid:" + _ordered(_hex_bytes(text, UID_BYTES), form)
    if form == "hex-unpadded":
        return _unpadded(text)
    if form in ("decimal", "decimal-reversed"):
        return b"uid:" + _ordered(_decimal_uid(text), form)
    if form in ("wiegand26", "wiegand26-hex"):
        return b"w26:" + _number(text, 3, hexadecimal=form.endswith("-hex")).to_bytes(3, "big")
    if form in ("wiegand34", "wiegand34-hex"):
        return b"w34:" + _number(text, 4, hexadecimal=form.endswith("-hex")).to_bytes(4, "big")
    if form == "facility-card":
        return b"w26:" + _facility_card(text)
    if form == "em-hex10":
        return b"em:" + _hex_bytes(text, (5,))[1:]
    if form == "em-hex8":
        return b"em:" + _hex_bytes(text, (4,))
    if form == "em-decimal":
        return b"em:" + _number(text, 4).to_bytes(4, "big")
    raise ValueError(f"{form!r} is no form of card number; known: {', '.join(FORMS)}")


def _ordered(raw: bytes, form: str) -> bytes:
    return raw[::-1] if form.endswith("-reversed") else raw


def _hex_bytes(text: str, lengths: tuple[int, ...]) -> bytes:
    if _SEPARATED.fullmatch(text):
        text = re.sub(r"[-: ]", "", text)
    if not _HEX.fullmatch(text):
        raise BadPayload("card", f"a card number of {len(text)} characters that is not hexadecimal")
    # Some readers drop leading zeros of each byte, so that an unusual length may stand for several cards.
    if len(text) % 2 or len(text) // 2 not in lengths:
        wanted = ", ".join(str(2 * length) for length in lengths)
        hint = _HINTS.get(len(text), "hex-unpadded")
        raise BadPayload(
            "card",
            f'{len(text)} hex digits are ambiguous, known: {wanted}; for a reader that writes so: card = "{hint}"',
        )
    raw = bytes.fromhex(text)
    _not_zero(int.from_bytes(raw, "big"))
    return raw


def _unpadded(text: str) -> bytes:
    if len(text) % 2 == 0 and len(text) // 2 in UID_BYTES:
        return b"uid:" + _hex_bytes(text, UID_BYTES)
    if not _HEX.fullmatch(text) or not min(UID_BYTES) <= len(text) < 2 * max(UID_BYTES):
        raise BadPayload("card", f"a card number of {len(text)} characters that is not hexadecimal")
    _not_zero(int(text, 16))
    return b"odd:" + text.lower().encode()


def _decimal_uid(text: str) -> bytes:
    number = _number(text, 7)
    if number < 1 << 32:
        return number.to_bytes(4, "big")
    if number < SEVEN_BYTES_MIN:
        raise BadPayload("card", "a decimal card number between 4 and 7 bytes is ambiguous")
    return number.to_bytes(7, "big")


def _facility_card(text: str) -> bytes:
    found = _FACILITY_CARD.fullmatch(text)
    if not found or int(found.group(1)) > 0xFF or int(found.group(2)) > 0xFFFF:
        raise BadPayload("card", "not a facility and card number like 118,15080")
    return _not_zero(int(found.group(1)) << 16 | int(found.group(2))).to_bytes(3, "big")


def _number(text: str, width: int, *, hexadecimal: bool = False) -> int:
    if len(text) > DIGITS_MAX or not (_HEX if hexadecimal else _DECIMAL).fullmatch(text):
        base = "hexadecimal" if hexadecimal else "decimal"
        raise BadPayload("card", f"a card number of {len(text)} characters that is not {base}")
    number = _not_zero(int(text, 16 if hexadecimal else 10))
    if number >> (8 * width):
        raise BadPayload("card", f"a card number wider than {width} bytes")
    return number


def _not_zero(number: int) -> int:
    # Readers publish 0 for a frame with wrong parity: everybody's broken card would be one person.
    if number == 0:
        raise BadPayload("card", "card number zero: the reader could not read the card")
    return number
