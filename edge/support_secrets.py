"""What must not leave a box in a support bundle: found in the places where secrets live, and taken out of every text.

Secrets are known by where they stand, not guessed: whatever a file named for secrets holds is taken out wherever it
appears, in any of the forms in which programs print things. Beside that, keys in PEM, passwords in addresses and
values under names of secrets are taken out although nobody named them.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

OUT = b"[taken out]"
SECRET_LEAST = 4
"""A shorter text would be found in every second line, and protects nothing."""
SECRET_FILE_MAX = 64 * 1024

_PEM = re.compile(
    rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----|\Z)",
    re.DOTALL,
)
_IN_ADDRESS = re.compile(rb"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s/@\"'<>]*@", re.IGNORECASE)
_NAMED = re.compile(
    rb"(?P<name>[\"']?[\w.-]*(?:password|passwd|passwort|secret|token|api_?key|private_?key|credential|authorization|cookie)"
    rb"[\w.-]*[\"']?\s*[:=]\s*)(?P<value>\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|(?:bearer|basic)?\s*[^\s,;}\]\"']+)",
    re.IGNORECASE,
)
_FILE_NAMES = re.compile(rb"_?file[\"']?\s*[:=]", re.IGNORECASE)


class Secrets:
    """Takes out what it was told of. ``learn`` everything first, then ``clean`` each text."""

    def __init__(self) -> None:
        self._forms: set[bytes] = set()
        self.taken_out = 0

    def learn_file(self, path: Path) -> None:
        """Whatever this file holds, as a whole and line by line. Unreadable, it tells us nothing."""
        try:
            with path.open("rb") as file:
                content = file.read(SECRET_FILE_MAX)
        except OSError:
            return
        self.learn(content)
        for line in content.splitlines():
            self.learn(line)
            if b":" in line:
                self.learn(line.partition(b":")[2])  # name:password

    def learn(self, secret: bytes) -> None:
        """One secret, and how it looks when programs print it: in hex, base64, an address, JSON, Python."""
        for plain in {secret, secret.strip(), secret.rstrip(b"\r\n")}:
            if len(plain) < SECRET_LEAST:
                continue
            self._forms |= {plain, plain.hex().encode(), plain.hex().upper().encode(), repr(plain)[2:-1].encode()}
            # Inside a longer base64 text the first and last characters depend on what stands beside.
            for shift in range(3):
                turned = base64.b64encode(b"\0" * shift + plain)
                core = turned[4 if shift else 0 : -4].strip(b"=")
                if len(core) >= 2 * SECRET_LEAST:
                    self._forms |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
            self._forms.add(base64.b64encode(plain))
            self._forms.add(urllib.parse.quote(plain, safe="").encode())
            try:
                text = plain.decode("utf-8")
            except UnicodeDecodeError:
                continue
            self._forms |= {json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}

    def clean(self, content: bytes) -> bytes:
        """``content`` without them."""
        for form in sorted(self._forms, key=len, reverse=True):
            if form in content:
                self.taken_out += content.count(form)
                content = content.replace(form, OUT)
        content = _PEM.sub(self._out, content)
        content = _IN_ADDRESS.sub(lambda found: self._noted(found["scheme"] + OUT + b"@"), content)
        return _NAMED.sub(self._value, content)

    def _value(self, found: re.Match[bytes]) -> bytes:
        if _FILE_NAMES.search(found["name"]) or found["value"].strip(b"\"' ") in (b"", OUT):
            return found[0]  # where a secret lies is no secret, and helps
        return self._noted(found["name"] + b'"' + OUT + b'"')

    def _out(self, _found: re.Match[bytes]) -> bytes:
        return self._noted(OUT)

    def _noted(self, content: bytes) -> bytes:
        self.taken_out += 1
        return content


def secret_files(folders: Iterable[Path], named: Iterable[Path | None]) -> list[Path]:
    """Files that hold secrets: those that settings name, and those that lie where secrets lie. Bounded."""
    found = {path for path in named if path is not None}
    for folder in folders:
        if folder.is_dir():
            for path in sorted(folder.rglob("*"))[:200]:
                if path.is_file():
                    found.add(path)
    return sorted(found)
