"""Settings files: TOML into frozen structs, with errors that name file, line, key and what is allowed.

A settings struct is a ``msgspec.Struct`` with ``forbid_unknown_fields=True``. Durations ("10 s") and sizes
("512 MiB") are written as text and read with :func:`duration` and :func:`size`.
"""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from protocols.errors import BadSettings
from protocols.toml_lines import key_lines

S = TypeVar("S")

FILE_MAX = 1024 * 1024
KEY_PARTS_MAX = 100

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)\s*")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|KB|MB|GB)\s*")
_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<key>[^`]*)`")
_PATH = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class Document:
    """A settings file that was read: ``values`` as tomllib gives them, and where each key stands."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        _refuse_long_keys(path, text)
        try:
            self.values: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            reason = re.sub(r" \(at .*\)$", "", str(error))
            last = text.count("\n") + 1
            raise BadSettings(f"not TOML: {reason}", file=path, line=int(line.group(1)) if line else last) from None
        except RecursionError:
            raise BadSettings("nested too deeply", file=path) from None
        except ValueError as error:  # a number of thousands of digits
            raise BadSettings(f"not TOML: {error}", file=path) from None
        self._lines = key_lines(text)

    def line(self, *path: str | int) -> int:
        """The line of a key, or of the nearest table around it; 0 when nothing is known."""
        while path:
            found = self._lines.get(path)
            if found:
                return found
            path = path[:-1]
        return 0

    def fail(self, path: tuple[str | int, ...], message: str, allowed: str = "") -> BadSettings:
        """An error at a key: ``raise document.fail(("bus", 0, "port"), "...", allowed="...")``."""
        return BadSettings(message, file=self.path, line=self.line(*path), key=spell(path), allowed=allowed)


def _refuse_long_keys(path: str, text: str) -> None:
    """tomllib takes minutes for a key of a hundred thousand parts."""
    for number, row in enumerate(text.split("\n"), 1):
        if row.count(".") > KEY_PARTS_MAX:
            key = row.partition("=")[0]
            if key.count(".") > KEY_PARTS_MAX and not key.lstrip().startswith("#"):
                raise BadSettings(f"a key of more than {KEY_PARTS_MAX} parts", file=path, line=number)


def spell(path: tuple[str | int, ...]) -> str:
    """A key path as a person writes it: ``bus[0].port``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def load_toml(path: str | Path) -> Document:
    """Read a TOML file; raises BadSettings when it is absent, unreadable, too large or not TOML."""
    name = str(path)
    try:
        with open(path, "rb") as file:
            raw = file.read(FILE_MAX + 1)
    except OSError as error:
        raise BadSettings(f"cannot be read: {error.strerror}", file=name) from None
    if len(raw) > FILE_MAX:
        raise BadSettings(f"larger than {FILE_MAX} bytes: no settings file of ours", file=name)
    try:
        return Document(name, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadSettings("not UTF-8", file=name, line=line) from None


def decode(document: Document, kind: type[S]) -> S:
    """The document as a struct. Raises BadSettings at the first key that does not fit."""
    try:
        return msgspec.convert(document.values, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _explain(document, kind, str(error)) from None


def _explain(document: Document, kind: Any, text: str, around: tuple[str | int, ...] = ()) -> BadSettings:
    """The error for a message of msgspec about what stands at ``around``."""
    found = _PATH.search(text)
    spelled = found.group("path") if found else ""
    path = (*around, *_resolve(spelled))
    if "[...]" in spelled:
        for key, value, entry in _entries(document, kind, path):
            try:
                msgspec.convert(value, entry)
            except (msgspec.ValidationError, RecursionError) as error:
                return _explain(document, kind, str(error), (*path, key))
    message = text[: found.start()] if found else text
    unknown = _UNKNOWN_FIELD.search(message)
    if unknown:
        key = unknown.group("key")
        allowed = sorted(_keys(kind, path))
        path = (*path, key)
        near = difflib.get_close_matches(key, allowed, 1)
        hint = f"unknown key; did you mean {near[0]!r}?" if near else "unknown key"
        return document.fail(path, hint, ", ".join(allowed))
    missing = _MISSING_FIELD.search(message)
    if missing:
        return document.fail((*path, missing.group("key")), "missing")
    enum = re.search(r"Invalid enum value (.*)", message)
    if enum:
        return document.fail(path, f"{enum.group(1)} is not allowed", ", ".join(_choices(kind, path)))
    return document.fail(path, message[0].lower() + message[1:])


def _resolve(spelled: str) -> tuple[str | int, ...]:
    """The key path in a message of msgspec, up to where it does not say which key of a table it means."""
    path: list[str | int] = []
    for name, index in _STEP.findall(spelled):
        if index == "...":
            break
        path.append(name if name else int(index))
    return tuple(path)


def _entries(document: Document, kind: Any, path: tuple[str | int, ...]) -> list[tuple[str, Any, Any]]:
    """Key, value and wanted type of each entry of the table at ``path``, when any key may stand there."""
    table: Any = document.values
    for step in path:
        table = table[step]
    wanted = _struct_at(kind, path)
    if get_origin(wanted) is not dict or not isinstance(table, dict):
        return []
    return [(key, value, get_args(wanted)[1]) for key, value in table.items()]


def _struct_at(kind: Any, path: tuple[str | int, ...]) -> Any:
    """The type a path leads to; only structs, lists, dicts and optional ones are followed."""
    for step in path:
        kind = _not_none(kind)
        origin, args = get_origin(kind), get_args(kind)
        if isinstance(step, int):
            kind = args[0] if args else Any
        elif origin is dict:
            kind = args[1]
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
            kind = fields.get(step, Any)
        else:
            return Any
    return _not_none(kind)


def _not_none(kind: Any) -> Any:
    rest = [part for part in get_args(kind) if part is not type(None)]
    is_union = type(None) in get_args(kind)
    return rest[0] if is_union and len(rest) == 1 else kind


def _keys(kind: Any, path: tuple[str | int, ...]) -> list[str]:
    found = _struct_at(kind, path)
    if isinstance(found, type) and issubclass(found, msgspec.Struct):
        return [field.encode_name for field in msgspec.structs.fields(found)]
    return []


def _choices(kind: Any, path: tuple[str | int, ...]) -> list[str]:
    found = _struct_at(kind, path)
    if isinstance(found, type) and hasattr(found, "__members__"):
        return [str(member.value) for member in found]  # type: ignore[attr-defined]
    return [str(choice) for choice in get_args(found)]


def duration(text: str) -> float:
    """Seconds of "500 ms", "10 s", "5 min", "1.5 h", "7 d". Raises ValueError that says how to write it."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a duration; write a number and ms, s, min, h or d, like '10 s'")
    return float(found.group(1)) * _SECONDS[found.group(2)]


def size(text: str) -> int:
    """Bytes of "512 MiB", "2 GB". Raises ValueError that says how to write it."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a size; write a number and B, KiB, MiB, GiB, KB, MB or GB, like '512 MiB'")
    return int(float(found.group(1)) * _BYTES[found.group(2)])
