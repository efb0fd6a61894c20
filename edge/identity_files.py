"""The gateway's identity on its disk: one folder, mode 0700, beside the buffer.

``gateway.pem`` holds the private key and its certificate together, so that one rename changes both or neither. While a
renewed pair has not connected yet, the one before lies beside it as ``previous.pem`` and is tried in turns with it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from protocols.certificates import (
    BadCertificate,
    Certificate,
    check_issued,
    command_key,
    gateway_name,
    new_key,
    public_key,
    read_certificate,
)

CA, PAIR, PREVIOUS, COMMANDS, NEXT_KEY = "ca.pem", "gateway.pem", "previous.pem", "commands.pem", "next.key"
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_BYTES_MAX = 65_536


class Held(NamedTuple):
    """What a gateway is: its private key (PEM), its certificate, the authority's."""

    key: bytes
    certificate: Certificate
    authority: Certificate


class IdentityFiles:
    """Reads and writes the folder. Raises BadCertificate for what cannot be used, OSError for the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def enrolled(self) -> bool:
        """True when there is a certificate, good or not; also when we may not look."""
        try:
            os.stat(self.folder / PAIR)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError:
            return True
        return True

    @property
    def ca_path(self) -> Path:
        return self.folder / CA

    @property
    def pair_path(self) -> Path:
        return self.folder / PAIR

    @property
    def previous_path(self) -> Path:
        return self.folder / PREVIOUS

    @property
    def has_previous(self) -> bool:
        """True when the pair before the one in use lies there."""
        return os.access(self.previous_path, os.F_OK)

    def held(self) -> Held:
        """The pair in use."""
        try:
            content, ca = self._read(PAIR), self._read(CA)
        except FileNotFoundError as error:
            raise BadCertificate(f"{error.filename} is missing; enrol the gateway again") from None
        except PermissionError as error:
            give = f"chown -R --reference={self.folder.parent} {self.folder}"
            raise BadCertificate(f"{error.filename} cannot be read by the gateway's user; as root: {give}") from None
        key, begin, certificate = content.partition(_BEGIN)
        if not begin:
            raise BadCertificate(f"{self.folder / PAIR} holds no certificate; enrol the gateway again")
        return Held(key, read_certificate(begin + certificate), read_certificate(ca))

    def command_key(self) -> bytes:
        """The key by which commands are verified."""
        return command_key(read_certificate(self._read(COMMANDS)), read_certificate(self._read(CA)))

    def next_key(self) -> bytes:
        """The key of a certificate that is asked for: made once and kept until it came: asking again is the same."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            return self._read(NEXT_KEY)
        except FileNotFoundError:
            key = new_key()
            self._put(NEXT_KEY, key)
            return key

    def take(self, key: bytes, certificate: bytes, ca: bytes, commands: bytes, *, name: str) -> Certificate:
        """Keep what was given for ``key``, after looking at all of it; the certificate. Raises BadCertificate."""
        authority, found = read_certificate(ca), read_certificate(certificate)
        check_issued(found, authority)
        if found.name != name:
            raise BadCertificate(f"the certificate is of {found.name!r}, not of {name!r}")
        if found.public_key != public_key(key):
            raise BadCertificate("the certificate is for another key than ours")
        command_key(read_certificate(commands), authority)
        if self.enrolled and self._read(CA) == authority.pem:
            self._put(PREVIOUS, self._read(PAIR))
        else:
            self.forget_previous()
        self._put(CA, authority.pem)
        self._put(COMMANDS, commands)
        self._put(PAIR, key + found.pem)
        (self.folder / NEXT_KEY).unlink(missing_ok=True)
        return found

    def forget_previous(self) -> None:
        """The pair in use has connected."""
        self.previous_path.unlink(missing_ok=True)

    def _read(self, name: str) -> bytes:
        with open(self.folder / name, "rb") as file:
            return file.read(_BYTES_MAX)

    def _put(self, name: str, content: bytes) -> None:
        """Whole or not at all, also when the power goes: a half key would cost a visit."""
        path, part = self.folder / name, self.folder / f".{name}.part"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def own_name(site: str, gateway: str) -> str:
    """The name in this gateway's certificate; raises BadCertificate."""
    return gateway_name(site, gateway)
