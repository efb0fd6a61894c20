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
SECRETS_MAX = 16
CARD_KEY_HEX = 32
"""Digits of a card key: 128 bits, far more than cards will ever collide in."""


class CardKeys:
    """Keys card numbers with the site's secret: HMAC-SHA-256 over the canonical form, as lower-case hex.

    Gateways of one site share the secret, so that a card has one key at every door. ``later``: secrets that were added
    since. Each keys the key before it, so that keys on record are carried over without any card being read again.
    """

    def __init__(self, secret: bytes, *later: bytes) -> None:
        if min(map(len, (secret, *later))) < KEY_BYTES:
            raise ValueError(f"a card secret has at least {KEY_BYTES} bytes")
        self._secret, self._later = secret, later

    def key(self, number: str, form: str) -> str:
        """The key of a card number written in ``form``; raises BadPayload when the number is ambiguous."""
        made = hmac.new(self._secret, canonical_card(number, form), hashlib.sha256).hexdigest()[:CARD_KEY_HEX]
        for secret in self._later:
            made = carried_over(made, secret)
        return made

    def newest_of(self, old: str) -> str:
        """What a key of before the newest secret is with it. Raises ValueError when there is one secret only, or
        ``old`` is no card key."""
        if not self._later:
            raise ValueError("there is one secret only; add one first")
        if len(old) != CARD_KEY_HEX or set(old) - set("0123456789abcdef"):
            raise ValueError(f"{old[:40]!r} is no card key: {CARD_KEY_HEX} lower-case hexadecimal digits")
        return carried_over(old, self._later[-1])


def carried_over(old: str, secret: bytes) -> str:
    """A card key under one more secret."""
    return hmac.new(secret, b"card key:" + old.encode("ascii"), hashlib.sha256).hexdigest()[:CARD_KEY_HEX]


def open_card_keys(path: Path) -> CardKeys:
    """The keys with the secrets in ``path``: at least 64 hex digits a line, the oldest first. An absent file is made
    with one, mode 0600.

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
    found = []
    for line, each in enumerate(text.splitlines() or [""], 1):
        try:
            secret = bytes.fromhex(each)
        except ValueError:
            secret = b""
        if len(secret) < KEY_BYTES or line > SECRETS_MAX:
            allowed = f"at least {2 * KEY_BYTES} hexadecimal digits, on at most {SECRETS_MAX} lines"
            raise BadSettings("holds no card secret", file=str(path), line=line, allowed=allowed)
        found.append(secret)
    return CardKeys(*found)


def add_secret(path: Path) -> int:
    """One more secret at the end of the file, which is replaced at once; returns how many there are now.

    Who runs goes on with the earlier ones until it is started again. Raises BadSettings as `open_card_keys`.
    """
    open_card_keys(path)
    lines = path.read_text(encoding="ascii").split()
    if len(lines) >= SECRETS_MAX:
        raise BadSettings("holds as many secrets as it may", file=str(path), allowed=f"at most {SECRETS_MAX}")
    lines.append(secrets.token_hex(KEY_BYTES))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    was = path.stat()
    if os.geteuid() == 0:
        os.chown(name, was.st_uid, was.st_gid)
    os.replace(name, path)
    return len(lines)


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
