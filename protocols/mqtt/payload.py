"""Payloads as documents, and paths into them. Nothing here knows what a value means."""

import json
import re
from typing import Any, Literal

import msgspec

from protocols.errors import BadPayload
from protocols.mqtt.nmea import read_nmea

PayloadKind = Literal["json", "text", "any-text", "csv", "nmea"]
Path = tuple[str, ...]

_QUOTED = re.compile(r"'([^']+)'|([^.'\[\]]+)|\[(\d+)\]")
_decoder = msgspec.json.Decoder()


class _Missing:
    """What a path leads to when nothing is there; different from null."""

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


def parse_path(text: str) -> Path:
    """``a.b``, ``meters[0].power``, ``'a.b'.c`` as steps; raises ValueError."""
    steps: list[str] = []
    at = 0
    while at < len(text):
        found = _QUOTED.match(text, at)
        if found is None:
            raise ValueError(f"{text!r} is no path")
        steps.append(next(part for part in found.groups() if part is not None))
        at = found.end()
        if at < len(text) and text[at] == ".":
            at += 1
            if at == len(text):
                raise ValueError(f"{text!r} ends with a dot")
    return tuple(steps)


def read_payload(payload: bytes, kind: PayloadKind) -> Any:
    """The payload as a document. Raises BadPayload: ``not_utf8``, ``empty``, and by kind ``not_json``, ``too_deep``,
    ``not_nmea``, ``checksum``.

    Text is the stripped string; any text, also an empty one. CSV is a list of stripped strings.
    """
    if kind == "json":
        return _read_json(payload)
    try:
        text = payload.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise BadPayload("not_utf8", f"byte {error.start}") from None
    if not text and kind != "any-text":
        raise BadPayload("empty")
    if kind == "nmea":
        return read_nmea(text)
    return [part.strip() for part in text.split(",")] if kind == "csv" else text


def _read_json(payload: bytes) -> Any:
    if not payload.strip():
        raise BadPayload("empty")
    try:
        return _decoder.decode(payload)
    except UnicodeDecodeError as error:
        raise BadPayload("not_utf8", f"byte {error.start}") from None
    except RecursionError:
        raise BadPayload("too_deep") from None
    except msgspec.DecodeError as error:
        return _read_loose_json(payload, error)


def _read_loose_json(payload: bytes, strict: msgspec.DecodeError) -> Any:
    """JSON with the words NaN and Infinity, which many devices print: they become null, their neighbours stay.

    So does half of a surrogate pair, which a device that cuts its texts may leave: it becomes a question mark.
    """
    try:
        found = json.loads(payload.decode("utf-8"), parse_constant=lambda _: None)
        whole = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")
        return json.loads(whole) if b"?" in whole else found
    except UnicodeDecodeError as error:
        raise BadPayload("not_utf8", f"byte {error.start}") from None
    except RecursionError:
        raise BadPayload("too_deep") from None
    except ValueError:
        raise BadPayload("not_json", str(strict)[:120]) from None


def value_at(document: Any, path: Path) -> Any:
    """What stands at ``path``, or MISSING. The empty path is the document itself."""
    for step in path:
        if isinstance(document, dict):
            document = document.get(step, MISSING)
        elif isinstance(document, list):
            document = document[int(step)] if step.isdecimal() and int(step) < len(document) else MISSING
        else:
            return MISSING
        if document is MISSING:
            return MISSING
    return document


def first_at(document: Any, paths: tuple[Path, ...]) -> Any:
    """What stands at the first of ``paths`` that leads to something, or MISSING."""
    for path in paths:
        found = value_at(document, path)
        if found is not MISSING:
            return found
    return MISSING


def as_text(value: Any) -> str | None:
    """A scalar as the text a profile compares with: ``true``, ``1``, ``open``; None for anything else.

    Numbers that hold an identity keep their digits: 12345678 does not become 1.2e7.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**40 else None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return "null" if value is None else None
