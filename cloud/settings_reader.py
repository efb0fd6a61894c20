"""Single values of the collector's settings file, each named in errors by its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from protocols.errors import BadSettings
from protocols.settings import Document, duration


class SettingsReader:
    """Reads single values; what the command line gave wins, and is named in errors as such."""

    def __init__(self, document: Document, home: Path, given: dict[tuple[str, str], str]) -> None:
        self._document, self._home, self._given = document, home, given

    def parsed(self, key: tuple[str, str], text: str, parse: Any) -> Any:
        try:
            return parse(self._given.get(key, text))
        except ValueError as error:
            if key in self._given:
                raise BadSettings(str(error), file="command line", key=f"--{key[0]}") from None
            raise self._document.fail(key, str(error)) from None

    def fail(self, key: tuple[str, str], message: str, allowed: str = "") -> BadSettings:
        return self._document.fail(key, message, allowed)

    def positive(self, key: tuple[str, str], value: int) -> int:
        if value < 1:
            raise self._document.fail(key, f"{value} is too small", "1 and more")
        return value

    def file(self, key: tuple[str, str], text: str | None) -> Path | None:
        if text is None:
            return None
        found = self._home / text
        try:
            with open(found, "rb"):
                pass
        except OSError as error:
            raise self._document.fail(key, f"{found} cannot be read: {error.strerror}") from None
        return found

    def folder(self, key: tuple[str, str], text: str | None) -> Path | None:
        if text is None:
            return None
        found = self._home / text
        if not found.is_dir():
            raise self._document.fail(key, f"{found} is no folder")
        return found


def session_length(text: str) -> float:
    """In seconds. Raises ValueError."""
    seconds = duration(text)
    if not 60 <= seconds <= 366 * 86400:
        raise ValueError(f"{text!r} is not between 1 min and 366 d")
    return seconds
