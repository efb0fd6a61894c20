"""Card numbers become card keys here, before anything is stored or sent. The number itself goes no further."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from protocols.errors import BadSettings
from protocols.mqtt.card_uid import canonical_card

KEY_BYTES = 32
CARD_KEY_HEX = 32
"""Digits of a card key: 128 bits, far more than cards will ever collide in."""


class CardKeys:
    """Keys card numbers with the site's secret: HMAC-SHA-256 over the canonical form, as lower-case hex.

    Gateways of one site share the secret, so that a card has one key at every door.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < KEY_BYTES:
            raise ValueError(f"a card secret has at least {KEY_BYTES} bytes")
        self._secret = secret

    def key(self, number: str, form: str) -> str:
        """The key of a card number written in ``form``; raises BadPayload when the number is ambiguous."""
        return hmac.new(self._secret, canonical_card(number, form), hashlib.sha256).hexdigest()[:CARD_KEY_HEX]


def open_card_keys(path: Path) -> CardKeys:
    """The keys with the secret in ``path``: at least 64 hex digits. An absent file is made, mode 0600.

    Raises BadSettings when the file cannot be read or made, holds no secret, or others may read it.
    """
    try:
        if not path.exists():
            _create(path)
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"card secret: {error}", file=str(path), key="gateway.card_key_file") from None
    if mode & 0o077:
        raise BadSettings("others than its owner may read the card secret", file=str(path), allowed="chmod 600")
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) < KEY_BYTES:
        allowed = f"at least {2 * KEY_BYTES} hexadecimal digits"
        raise BadSettings("holds no card secret", file=str(path), line=1, allowed=allowed)
    return CardKeys(secret)


def _create(path: Path) -> None:
    """Make the file whole or not at all: a half-written secret would change every key after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces: of two processes starting at once, one makes the secret and both read it.
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        os.unlink(name)
